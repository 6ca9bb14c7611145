"""A trial of a study: what is known of it, what its job returned, and how Optuna stores both."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from misfire.cells.axis import Setting

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial

NUMBER, HOST, CELL = (f"misfire.{name}" for name in ("number", "host", "cell_id"))
ERROR, ERROR_CODE, ERROR_TIME = (f"misfire.{name}" for name in ("error", "error_code", "error_time"))
BOUND, RIVAL, EXCESS = (f"misfire.{name}" for name in ("bound", "rival", "excess"))


@dataclass(frozen=True)
class Trial:
    """A numbered trial: its setting, its values where it is finished, its error where it failed.

    ``bound`` is the best that it could have been when the values ``rival`` of an earlier batch beat it, if one did;
    it has values beside them only where it was run to its end nevertheless.
    """

    number: int
    setting: Setting
    values: tuple[float, ...] | None
    error: str | None
    error_code: int
    cell_id: str | None
    host: str
    bound: tuple[float, ...] | None = None
    rival: tuple[float, ...] | None = None
    excess: tuple[float, ...] = ()

    @property
    def is_allowed(self) -> bool:
        """Whether it keeps to every constraint."""
        return all(value <= 0 for value in self.excess)

    @property
    def is_finished(self) -> bool:
        """Whether it has its values."""
        return self.values is not None

    @property
    def is_pruned(self) -> bool:
        """Whether it was cut short: beaten, and without values."""
        return self.values is None and self.bound is not None

    @property
    def is_settled(self) -> bool:
        """Whether it is finished or was cut short: it won't be run again."""
        return self.is_finished or self.is_pruned


@dataclass(frozen=True)
class TrialResult:
    """What came out of a trial's job: the objectives' values of its cell, or a bound on them, or an error.

    Args:
        values: One an objective; ``None`` if the trial was cut short or failed.
        cell_id: Of the cell that they were read from, or that was cut short.
        text: One line for the user, or the error.
        code: The exit code that the error ends with.
        bound: The best values that it could have had when it was beaten; ``None`` where it was not.
        rival: The values that beat it.
        excess: By how much it breaks each constraint; 0 or less where it keeps it.
    """

    values: tuple[float, ...] | None
    cell_id: str | None
    text: str
    code: int = 0
    bound: tuple[float, ...] | None = None
    rival: tuple[float, ...] | None = None
    excess: tuple[float, ...] = ()

    @property
    def has_failed(self) -> bool:
        """Whether there is an error instead of an outcome."""
        return self.values is None and self.bound is None


def read_trial(frozen: "FrozenTrial") -> Trial:
    """What Optuna stored of a trial."""
    attributes: Mapping[str, Any] = frozen.user_attrs
    is_finished = frozen.state.is_finished()
    return Trial(
        number=int(attributes[NUMBER]),
        setting=dict(frozen.params),
        values=None if frozen.values is None else tuple(frozen.values),
        error=None if is_finished else attributes.get(ERROR),
        error_code=0 if is_finished else int(attributes.get(ERROR_CODE, 0)),
        cell_id=attributes.get(CELL),
        host=str(attributes.get(HOST)),
        bound=_numbers(attributes.get(BOUND)) if is_finished else None,
        rival=_numbers(attributes.get(RIVAL)) if is_finished else None,
        excess=_numbers(attributes.get(EXCESS)) or () if is_finished else (),
    )


def _numbers(stored: Sequence[float] | None) -> tuple[float, ...] | None:
    return None if stored is None else tuple(map(float, stored))


def learnt_from(frozen: "FrozenTrial") -> "FrozenTrial":
    """A settled trial as proposals learn of it: one that was beaten with the bound that was, cut short or not.

    Optuna's TPE takes a pruned trial without intermediate values, which several objectives don't have, for worse than
    any other, and so all of them for the same. The bound orders them, and since it stands in the place of the values
    also where the trial was run to its end, pruning changes no proposal.
    """
    from optuna.trial import create_trial

    bound, excess = _numbers(frozen.user_attrs.get(BOUND)), _numbers(frozen.user_attrs.get(EXCESS))
    if bound is None and not excess:
        return frozen
    return create_trial(
        params=frozen.params,
        distributions=frozen.distributions,
        values=list(bound or frozen.values),
        constraints={str(place): value for place, value in enumerate(excess)} if excess else None,
    )
