"""What a search makes large or small: numbers of one cell on dev queries."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar, Literal, final

from typing_extensions import override

from misfire.core.errors import UsageError
from misfire.evaluation.flips import Flips
from misfire.evaluation.outcome import CellOutcome

Direction = Literal["maximize", "minimize"]


@dataclass(frozen=True)
class Objective(ABC):
    """A number of a finished cell at one cut-off.

    Args:
        k: The cut-off.
    """

    k: int
    name: ClassVar[str]
    is_maximised: ClassVar[bool]

    @property
    def direction(self) -> Direction:
        """``maximize`` or ``minimize``."""
        return "maximize" if self.is_maximised else "minimize"

    @property
    @abstractmethod
    def title(self) -> str:
        """What it is, with its unit, for tables and axes."""

    @abstractmethod
    def __call__(self, outcome: CellOutcome) -> float:
        """The number."""


@final
@dataclass(frozen=True)
class GainObjective(Objective):
    """Gain in hit@k on the subset, in percentage points."""

    name: ClassVar[str] = "gain"
    is_maximised: ClassVar[bool] = True

    @property
    @override
    def title(self) -> str:
        return f"gain in hit@{self.k} (pp)"

    @override
    def __call__(self, outcome: CellOutcome) -> float:
        return 100 * outcome.at(self.k).delta


@final
@dataclass(frozen=True)
class HitsObjective(Objective):
    """Share of the subset's queries hit by the pooled prompts, in percent; comparable where backbones differ."""

    name: ClassVar[str] = "hits"
    is_maximised: ClassVar[bool] = True

    @property
    @override
    def title(self) -> str:
        return f"hit@{self.k} (%)"

    @override
    def __call__(self, outcome: CellOutcome) -> float:
        return 100 * outcome.at(self.k).ensembled_hits / outcome.num_queries


@final
@dataclass(frozen=True)
class BrokenObjective(Objective):
    """Queries outside the subset that the plain caption hits and the pooled prompts miss, per 100 of those asked."""

    name: ClassVar[str] = "broken"
    is_maximised: ClassVar[bool] = False

    @property
    @override
    def title(self) -> str:
        return f"broken elsewhere at {self.k} (per 100)"

    @override
    def __call__(self, outcome: CellOutcome) -> float:
        return 100 * _others(outcome, self).broken / _others(outcome, self).num_queries


@final
@dataclass(frozen=True)
class NetObjective(Objective):
    """Estimated net change of hit@k over all queries of the side, in percentage points."""

    name: ClassVar[str] = "net"
    is_maximised: ClassVar[bool] = True

    @property
    @override
    def title(self) -> str:
        return f"net change of hit@{self.k} over all queries (pp)"

    @override
    def __call__(self, outcome: CellOutcome) -> float:
        if outcome.num_others:
            _others(outcome, self)
        return 100 * outcome.at(self.k).net_of_all(outcome.num_others)


_KINDS: dict[str, type[Objective]] = {
    kind.name: kind for kind in (GainObjective, HitsObjective, BrokenObjective, NetObjective)
}


def objective_named(name: str, *, k: int) -> Objective:
    """The objective of a name.

    Raises:
        UsageError: If there is none.

    Example:
        >>> objective_named("broken", k=10).direction
        'minimize'
    """
    if name not in _KINDS:
        raise UsageError(f"an objective must be one of {', '.join(_KINDS)}, got {name}; choose one.")
    return _KINDS[name](k)


def _others(outcome: CellOutcome, objective: Objective) -> Flips:
    complement = outcome.at(objective.k).complement
    if not complement.num_queries:
        raise UsageError(
            f"objective {objective.name} needs other queries than the subset's, got 0; raise complement.num_queries, "
            "or choose a smaller subset."
        )
    return complement
