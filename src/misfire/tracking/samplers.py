"""Who proposes the next setting of a search: a grid, chance, or Optuna's TPE."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, final

import numpy as np
from typing_extensions import override

from misfire.cells.axis import Setting
from misfire.cells.objective import Direction
from misfire.cells.space import SearchSpace
from misfire.core.seeding import generator

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial

_STREAM = "search"

Proposals = Callable[[int, int], Setting]
"""The setting that is proposed for a trial's number at an attempt."""


@dataclass(frozen=True)
class StudyPlan:
    """All that a study's trials depend on.

    Args:
        space: What varies.
        sampler: Who proposes.
        seed: Of the proposals.
        directions: ``maximize`` or ``minimize`` for each objective.
        num_trials: How many trials there will be; the only part that may change once a study has begun.
        batch: How many trials are proposed from the same history.
        digest: Names everything that a trial's values depend on: data, queries, objectives, and the parts above.
    """

    space: SearchSpace
    sampler: "Sampler"
    seed: int
    directions: tuple[Direction, ...]
    num_trials: int
    batch: int
    digest: str

    @property
    def num_to_do(self) -> int:
        """How many trials there are to do: those asked for, or as many as the sampler has."""
        available = self.sampler.num_settings(self)
        return self.num_trials if available is None else min(self.num_trials, available)


class Sampler(ABC):
    """Proposes a setting a trial: a function of the seed, the trial's number and the trials it may learn from."""

    @abstractmethod
    def proposals(self, plan: StudyPlan, history: "Sequence[FrozenTrial]") -> Proposals:
        """Proposes the setting of a trial by its number, from 0, and attempt.

        Attempts count from 0; a higher one asks for another proposal, since the last had been tried before.

        Args:
            plan: Space, seed and directions.
            history: The finished trials that the proposals may learn from.
        """

    def num_settings(self, plan: StudyPlan) -> int | None:
        """How many settings it has to propose; ``None`` where there is no end of them."""
        return None

    def describe(self) -> dict[str, Any]:
        """All that its proposals depend on besides the plan, as JSON values: it is kept with the study."""
        return {"sampler": type(self).__name__, **asdict(self)}  # type: ignore[call-overload]


@final
@dataclass(frozen=True)
class GridSampler(Sampler):
    """Every setting of the grid once, in a seeded order, so that a part of a grid is a fair sample of it.

    Optuna's own fails under ask-and-tell once it is exhausted.
    """

    @override
    def proposals(self, plan: StudyPlan, history: "Sequence[FrozenTrial]") -> Proposals:
        settings = plan.space.grid()
        order = generator(plan.seed, _STREAM, "grid").permutation(len(settings))
        return lambda number, attempt: settings[int(order[number])]

    @override
    def num_settings(self, plan: StudyPlan) -> int | None:
        return len(plan.space.grid())


@final
@dataclass(frozen=True)
class RandomSampler(Sampler):
    """Independent draws, uniform along each axis."""

    @override
    def proposals(self, plan: StudyPlan, history: "Sequence[FrozenTrial]") -> Proposals:
        return lambda number, attempt: plan.space.suggest(_Draws(generator(plan.seed, _STREAM, number, attempt)))


@final
@dataclass(frozen=True)
class TpeSampler(Sampler):
    """Optuna's tree-structured Parzen estimator, made anew for each trial.

    Args:
        num_random: How many finished trials it waits for, drawing at random.
        num_own_attempts: How often it may propose what was tried before. Then chance chooses all that is finite, of
            which everything good may have been tried, and as often the estimator chooses the rest; then chance alone.

    Reference:
        Bergstra, Bardenet, Bengio and Kegl, "Algorithms for hyper-parameter optimization", NeurIPS 2011; for several
        objectives Ozaki, Tanigaki, Watanabe and Onishi, "Multiobjective tree-structured Parzen estimator for
        computationally expensive optimization problems", GECCO 2020.
    """

    num_random: int = 10
    num_own_attempts: int = 4

    @override
    def describe(self) -> dict[str, Any]:
        import optuna

        return {**super().describe(), "optuna": optuna.__version__, "multivariate": False}

    @override
    def proposals(self, plan: StudyPlan, history: "Sequence[FrozenTrial]") -> Proposals:
        import optuna

        at_random = RandomSampler().proposals(plan, history)
        # A study in memory that holds what a trial may learn from and nothing else, and for each proposal a generator
        # that nothing was drawn from: a resumed search proposes what an uninterrupted one does.
        study = optuna.create_study(directions=list(plan.directions))
        study.add_trials(history)

        def propose(number: int, attempt: int) -> Setting:
            drawn = at_random(number, attempt)
            if attempt >= 2 * self.num_own_attempts:
                return drawn
            own_seed = int(generator(plan.seed, _STREAM, number, attempt).integers(2**31))
            study.sampler = optuna.samplers.TPESampler(
                seed=own_seed, n_startup_trials=self.num_random, multivariate=False
            )
            if attempt >= self.num_own_attempts:
                study.enqueue_trial({name: value for name, value in drawn.items() if not isinstance(value, float)})
            asked = study.ask()
            setting = plan.space.suggest(asked)
            study.tell(asked, state=optuna.trial.TrialState.FAIL)  # from which the estimator learns nothing
            return setting

        return propose


@dataclass(frozen=True)
class _Draws:
    rng: np.random.Generator

    def suggest_categorical(self, name: str, choices: Sequence[Any]) -> Any:
        return choices[int(self.rng.integers(len(choices)))]

    def suggest_float(self, name: str, low: float, high: float, *, log: bool = False) -> float:
        if log:
            # The logarithm's exponential may stand a rounding outside of the range.
            return float(np.clip(np.exp(self.rng.uniform(np.log(low), np.log(high))), low, high))
        return float(self.rng.uniform(low, high))


SAMPLERS: Mapping[str, Sampler] = {"grid": GridSampler(), "tpe": TpeSampler(), "random": RandomSampler()}
