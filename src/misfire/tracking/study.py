"""A study: numbered trials, each with a setting that follows from the search, that several processes work off."""

import os
import platform
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, final

from filelock import FileLock, Timeout

from misfire.cells.axis import Setting
from misfire.cells.pareto import pareto_front
from misfire.cells.space import SearchSpace
from misfire.core.errors import UsageError
from misfire.core.progress import say
from misfire.tracking.samplers import StudyPlan
from misfire.tracking.study_storage import open_storage
from misfire.tracking.trial import (
    BOUND,
    CELL,
    ERROR,
    ERROR_CODE,
    ERROR_TIME,
    EXCESS,
    HOST,
    NUMBER,
    RIVAL,
    Trial,
    TrialResult,
    learnt_from,
    read_trial,
)

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution
    from optuna.study import Study as OptunaStudy
    from optuna.trial import FrozenTrial

_PLAN, _MARK, _SAMPLER = "misfire.plan", "misfire.mark", "misfire.sampler"
_SECONDS_BETWEEN_LOOKS = 0.1
_SECONDS_BEFORE_SAYING_SO = 5.0
_MOST_ATTEMPTS = 32  # nearly all of them chance, which finds what is untried if anything is


@final
class Study:
    """A study that any number of processes may work on at once, killed and begun again as they please.

    Which setting a trial has follows from the search's seed, the trial's number and the finished trials of earlier
    batches, and from nothing else: not from who runs it, when, or how often it was begun. A trial is held by a lock
    that the kernel frees when its process dies; whoever finds the lock free and no values goes on with the same trial.

    Args:
        name: Of the study.
        folder: Where journals and locks lie.
        plan: What the trials depend on.
        storage: URL of a database; the journal file ``folder/NAME.log`` where it's ``None``.
        take_over: Host whose trials in a database are taken to be dead.

    Raises:
        UsageError: If the study was begun with another plan, or its database can't be reached.
        IntegrityError: If its journal is damaged.
    """

    def __init__(
        self, name: str, folder: Path, plan: StudyPlan, *, storage: str | None = None, take_over: str | None = None
    ) -> None:
        self.name = name
        self.plan = plan
        self.journal = journal_file(folder, name)
        self._locks = folder / "locks"
        self._url = storage
        self._own_hosts = {platform.node(), take_over}
        self._started = time.time()
        _ = self._optuna

    @cached_property
    def _optuna(self) -> "OptunaStudy":
        import optuna

        storage = open_storage(self._url, self.journal)
        study = optuna.create_study(
            storage=storage, study_name=self.name, directions=list(self.plan.directions), load_if_exists=True
        )
        begun = study.user_attrs.get(_PLAN)
        if begun is None:
            study.set_user_attr(_PLAN, self.plan.digest)
            study.set_user_attr(_SAMPLER, self.plan.sampler.describe())
        elif begun != self.plan.digest:
            place = self._url or self.journal
            raise UsageError(
                f"study {self.name} must go on as it was begun, got another space, sampler, seed, split, objective, "
                f"data or fixed setting than in {place}; call it tracking.experiment=ANOTHER_NAME, or move that away."
            )
        return study

    def trials(self) -> list[Trial]:
        """All trials that were begun, by number."""
        return [read_trial(frozen) for _, frozen in sorted(self._frozen().items())]

    def _frozen(self) -> "dict[int, FrozenTrial]":
        """Optuna's trials by our number. Where two machines began one at once, the first that was stored counts."""
        found: dict[int, FrozenTrial] = {}
        for frozen in self._optuna.get_trials(deepcopy=False):
            found.setdefault(int(frozen.user_attrs.get(NUMBER, -1)), frozen)
        found.pop(-1, None)
        return found

    @contextmanager
    def taken(self, most: int = 1) -> Iterator[list[Trial]]:
        """Hold up to ``most`` trials to be done against other processes; none where nothing is left to do.

        Waits where the next trials' settings need the values of trials that other processes are at work on.
        """
        locks: dict[int, FileLock] = {}
        try:
            held = self._wait_for(most, locks)
            yield held
        finally:
            for lock in locks.values():
                lock.release()

    def _wait_for(self, most: int, locks: dict[int, FileLock]) -> list[Trial]:
        since, has_said = time.monotonic(), False
        while True:
            held, busy = self._take(most, locks)
            if held or not busy:
                return held
            if not has_said and time.monotonic() - since > _SECONDS_BEFORE_SAYING_SO:
                say(f"Waiting for other processes' trials: {', '.join(map(str, busy))}.")
                has_said = True
            time.sleep(_SECONDS_BETWEEN_LOOKS)

    def _take(self, most: int, locks: dict[int, FileLock]) -> tuple[list[Trial], list[int]]:
        """Trials that are now ours, and numbers of those that others are at work on."""
        held: list[Trial] = []
        busy: list[int] = []
        known = self._frozen()
        for number in range(self.plan.num_to_do):
            if len(held) == most:
                break
            if number not in known and not self._is_ready(number, known):
                break
            if number in known and self._is_settled(known[number]):
                continue
            lock = self._try(number)
            trial = self._begin(number) if lock else None
            if lock and trial:
                locks[number] = lock
                held.append(trial)
            else:
                if lock:
                    lock.release()
                if not self._is_done(number):
                    busy.append(number)
        return held, busy

    def _is_ready(self, number: int, known: "Mapping[int, FrozenTrial]") -> bool:
        """Whether every trial that the proposal may learn from is settled."""
        earlier = range(self._first_of_batch(number))
        return all(before in known and self._is_settled(known[before]) for before in earlier)

    def _is_settled(self, frozen: "FrozenTrial") -> bool:
        """Whether there is nothing to do: it has values, or failed since we began."""
        return frozen.state.is_finished() or float(frozen.user_attrs.get(ERROR_TIME, 0)) >= self._started

    def _is_done(self, number: int) -> bool:
        frozen = self._frozen().get(number)
        return frozen is not None and self._is_settled(frozen)

    def _try(self, number: int) -> FileLock | None:
        self._locks.mkdir(parents=True, exist_ok=True)
        lock = FileLock(self._locks / f"{self.journal.stem}-{number}.lock")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            return None
        return lock

    def _begin(self, number: int) -> Trial | None:
        """The trial of a number whose lock we hold: begun now, or left by a dead process; ``None`` if it isn't ours."""
        frozen = self._frozen().get(number)
        if frozen is None:
            frozen = self._add(number)
            return read_trial(frozen) if frozen else None
        # A lock of this machine says nothing about another machine's process.
        is_elsewhere = self._url is not None and frozen.user_attrs.get(HOST) not in self._own_hosts
        return None if self._is_settled(frozen) or is_elsewhere else read_trial(frozen)

    def _add(self, number: int) -> "FrozenTrial | None":
        from optuna.trial import TrialState, create_trial

        setting = self._proposed(number)
        mark = f"{platform.node()}-{os.getpid()}-{time.time_ns()}"
        self._optuna.add_trial(
            create_trial(
                state=TrialState.RUNNING,
                params=dict(setting),
                distributions=_distributions(self.plan.space, setting),
                user_attrs={NUMBER: number, HOST: platform.node(), _MARK: mark},
            )
        )
        frozen = self._frozen()[number]
        return frozen if frozen.user_attrs.get(_MARK) == mark else None

    def _proposed(self, number: int) -> Setting:
        """The setting of a trial: one that no trial of an earlier batch has, nor an earlier one of its own."""
        plan, known, first = self.plan, self._frozen(), self._first_of_batch(number)
        earlier = [known[before] for before in range(first)]
        history = [learnt_from(frozen) for frozen in earlier if frozen.state.is_finished()]
        tried: list[Setting] = [frozen.params for frozen in earlier]
        propose = plan.sampler.proposals(plan, history)
        # The batch's earlier proposals are made again rather than read: another process may be about to store them.
        for one in range(first, number + 1):
            for attempt in range(_MOST_ATTEMPTS):
                setting = propose(one, attempt)
                if setting not in tried:
                    break
            tried.append(setting)
        return tried[-1]

    def rivals(self, number: int) -> list[tuple[float, ...]]:
        """Values of finished trials of earlier batches: those that no other one beats, by number."""
        known = self._frozen()
        before = (known[one] for one in range(self._first_of_batch(number)) if one in known)
        earlier = [frozen for frozen in before if all(value <= 0 for value in frozen.user_attrs.get(EXCESS, ()))]
        # A trial that was cut short has no values; whoever beat it has.
        values = list(dict.fromkeys(tuple(frozen.values) for frozen in earlier if frozen.values is not None))
        is_maximised = [direction == "maximize" for direction in self.plan.directions]
        return [values[place] for place in pareto_front(values, is_maximised=is_maximised)]

    def _first_of_batch(self, number: int) -> int:
        return number // self.plan.batch * self.plan.batch

    def num_left(self) -> int:
        """How many trials still need doing, here or elsewhere."""
        known = self._frozen()
        settled = (number in known and self._is_settled(known[number]) for number in range(self.plan.num_to_do))
        return self.plan.num_to_do - sum(settled)

    def tell(self, number: int, result: TrialResult) -> None:
        """Store what came out of a trial that we hold; a failed one is tried again when the search is issued again."""
        from optuna.trial import TrialState

        frozen = self._frozen()[number]
        if result.has_failed:
            self._note(frozen, **{ERROR: result.text, ERROR_CODE: result.code, ERROR_TIME: time.time()})
            return
        self._note(frozen, **{CELL: result.cell_id})
        if result.excess:
            self._note(frozen, **{EXCESS: list(result.excess)})
        if result.bound is not None and result.rival is not None:
            self._note(frozen, **{BOUND: list(result.bound), RIVAL: list(result.rival)})
        if result.values is None:
            self._optuna.tell(frozen.number, state=TrialState.PRUNED)
        else:
            self._optuna.tell(frozen.number, list(result.values))

    def _note(self, frozen: "FrozenTrial", **attributes: Any) -> None:
        for key, value in attributes.items():
            self._optuna._storage.set_trial_user_attr(frozen._trial_id, key, value)


def _distributions(space: SearchSpace, setting: Setting) -> "dict[str, BaseDistribution]":
    recorder = _Recorder(setting, {})
    space.suggest(recorder)
    return recorder.found


@dataclass(frozen=True)
class _Recorder:
    """Answers with a known setting, and notes what each value was one of."""

    setting: Setting
    found: "dict[str, BaseDistribution]"

    def suggest_categorical(self, name: str, choices: Sequence[Any]) -> Any:
        from optuna.distributions import CategoricalDistribution

        self.found[name] = CategoricalDistribution(list(choices))
        return self.setting[name]

    def suggest_float(self, name: str, low: float, high: float, *, log: bool = False) -> float:
        from optuna.distributions import FloatDistribution

        self.found[name] = FloatDistribution(low, high, log=log)
        return float(self.setting[name])


def journal_file(folder: Path, name: str) -> Path:
    """The journal of a study that is in no database."""
    return folder / f"{_as_file_name(name)}.log"


def _as_file_name(name: str) -> str:
    return "".join(letter if letter.isalnum() or letter in "-_." else "-" for letter in name)
