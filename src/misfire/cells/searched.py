"""What a search found: its trials, and the winner where it was chosen and where it was not."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, final

from misfire.cells.axis import Setting
from misfire.cells.logged import Logged
from misfire.cells.objective import Objective


@final
@dataclass(frozen=True)
class TrialRow:
    """One trial of a search, finished or cut short.

    Args:
        number: Its number, from 0.
        label: Its setting, in short.
        setting: Its setting: a value for each axis that applied.
        values: One number an objective, on dev; of a trial that was cut short the best that they may be.
        is_on_front: Whether no other trial beats it in all objectives.
        is_winner: Whether it was chosen.
        cell_id: The cell that its values were read from; trials of equal settings share one.
        is_pruned: Whether it was cut short, since another trial beats the best that it may be.
        is_allowed: Whether it keeps to the search's constraints.
    """

    number: int
    label: str
    setting: Setting
    values: tuple[float, ...]
    is_on_front: bool
    is_winner: bool
    cell_id: str
    is_pruned: bool = False
    is_allowed: bool = True


@final
@dataclass(frozen=True, eq=False)
class Searched:
    """A search as far as it has come.

    Args:
        trials: Its settled trials by number, at least one of them finished.
        objectives: What their values are.
        k: The cut-off at which it decides.
        num_to_do: How many trials there are to be.
        tried: What the ledger holds of each different setting, by cell id, in the trials' order; of one that was cut
            short what was asked of it.
        dev: The winner where it was chosen.
        test: The winner on the units that were held back; None while trials are missing.
        num_looks: How many different winners were read there, this one included.
        seed: Of the search, from which a report draws its own.
        num_replicates: How many resamples a report draws.
        units: What the kind's units are called.
    """

    trials: tuple[TrialRow, ...]
    objectives: tuple[Objective, ...]
    k: int | None
    num_to_do: int
    tried: Mapping[str, Logged]
    dev: Logged
    test: Logged | None
    num_looks: int
    seed: int
    num_replicates: int = 2000
    units: str = "units"

    @property
    def winner(self) -> TrialRow:
        """The trial that was chosen."""
        return next(trial for trial in self.trials if trial.is_winner)

    @property
    def num_pruned(self) -> int:
        """How many trials were cut short."""
        return sum(trial.is_pruned for trial in self.trials)

    def sentence(self) -> str:
        """How far the search has come and who leads, in words; what the winner is worth is the kind's to say."""
        cut = (
            f" {self.num_pruned} of {len(self.trials)} trials were cut short by a bound that others beat."
            if self.num_pruned
            else ""
        )
        name = f"{self.winner.label} (trial {self.winner.number})"
        if self.test is None:
            return (
                f"No answer yet: {len(self.trials)} of {self.num_to_do} trials are finished, and the winner is read on "
                f"test when all are. So far {name} leads on dev.{cut}"
            )
        equal = len({trial.cell_id for trial in self.trials if not trial.is_pruned and self._is_equal(trial)})
        ties = f" {equal} settings are equal on dev, of which it came first." if equal > 1 else ""
        values = "; ".join(
            f"{objective.title_at(self.k)}: {objective.of(self.dev.estimates, k=self.k):z.2f} on dev, "
            f"{objective.of(self.test.estimates, k=self.k):z.2f} on test"
            for objective in self.objectives
        )
        return f"{name} wins. {values}.{ties}{cut}"

    def _is_equal(self, trial: TrialRow) -> bool:
        return trial.values == self.winner.values and trial.is_allowed == self.winner.is_allowed


def values_in_words(objectives: Sequence[Objective], values: Sequence[Any]) -> str:
    """Values under their objectives' names: ``gain 5.00, broken 0.25``."""
    return ", ".join(f"{objective.name} {value:z.2f}" for objective, value in zip(objectives, values, strict=True))
