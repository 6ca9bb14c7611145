"""A search from the command line: its words, the checks before anything is written, the work, and what was found."""

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, final

from misfire.cli._sweeping import check_cut_off, check_words, introduce, question_of
from misfire.core.errors import IntegrityError, MisfireError, UsageError
from misfire.core.hashing import sha256_json
from misfire.core.progress import say, track

if TYPE_CHECKING:
    from misfire.cells import Cell, Lab, Ledger, Logged, Objective
    from misfire.cells.axis import Setting
    from misfire.cells.searched import Searched
    from misfire.config.settings import Settings
    from misfire.config.sweep import Sweep, Walk
    from misfire.tracking import Study, Trial, TrialResult

Rivals = Sequence[tuple[float, ...]]
"""Values of finished trials that may beat another one."""

DEV, TEST = "dev", "test"
# Words that `misfire search` takes besides the configuration's: all say how it is worked off, none what is searched.
_OWN = ("num_trials", "storage", "take_over", "at_once")
_SIDES = ("side", "dev_share", "split_seed")


@final
@dataclass(frozen=True)
class PreparedSearch:
    """A search that composes.

    Args:
        sweep: The description.
        walk: How it is searched.
        words: The words that all its cells share, without the side that they ask.
        settings: Their configuration on dev, before a setting is chosen.
        objectives: What is made large or small.
        digest: Names all that its trials' values depend on.
        own: How it is worked off: where the study lies, how many trials at once.
    """

    sweep: "Sweep"
    walk: "Walk"
    words: tuple[str, ...]
    settings: "Settings"
    objectives: "tuple[Objective, ...]"
    digest: str
    own: dict[str, Any]

    @property
    def study(self) -> str:
        """Name of the study: the experiment's."""
        return str(self.settings["tracking.experiment"])

    @property
    def lab(self) -> "Lab":
        """Where its cells run."""
        return self.settings.lab

    @property
    def ledger(self) -> "Ledger":
        """Where they are kept."""
        found: Ledger = self.settings["tracking"]
        return found

    def words_of(self, setting: "Setting", side: str) -> tuple[str, ...]:
        """The words that ask for the cell of a setting on one side."""
        from misfire.config.words import word

        (space,) = self.sweep.spaces
        own = {key: word(key, value) for key, value in space.assigned(setting).items()}
        kept = [one for one in self.words if one.partition("=")[0] not in own]
        return (*kept, *own.values(), word("side", side))

    def settings_of(self, setting: "Setting", side: str) -> "Settings":
        """Their configuration."""
        from misfire.config.settings import Settings

        return Settings.of_words(self.sweep.verb, self.words_of(setting, side))


def run_search(sweep: "Sweep", words: Sequence[str]) -> int:
    """Work off the study, together with whoever else does, then sum it up. Returns the exit code."""
    prepared = prepare(sweep, words)
    introduce(prepared.sweep)
    study = open_study(prepared)
    work_off(prepared, study, words)
    if any(trial.is_finished for trial in study.trials()):
        summarise(prepared, study, is_made_anew=False)
    return tell(study)


def report_search(sweep: "Sweep", words: Sequence[str]) -> int:
    """Write the report of a search again, from what its study and the store hold. Returns the exit code.

    Raises:
        UsageError: If no trial is finished.
    """
    from misfire.tracking import journal_file

    prepared = prepare(sweep, words)
    is_begun = prepared.own.get("storage") or journal_file(_folder(prepared), prepared.study).is_file()
    study = open_study(prepared) if is_begun else None
    if study is None or not any(trial.is_finished for trial in study.trials()):
        raise UsageError(f"a report needs finished trials, study {prepared.study} has none; run `misfire search`.")
    folder = summarise(prepared, study, is_made_anew=True)
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        print(f"  {path}")
    return 0


def prepare(sweep: "Sweep", words: Sequence[str]) -> PreparedSearch:
    """Compose and build every choice of a search, on dev.

    Raises:
        UsageError: If a part is refused; nothing has been written then.
    """
    from misfire.cells.space import settings_with_every_value
    from misfire.config.composing import keys
    from misfire.config.settings import Settings
    from misfire.config.words import own_words, word
    from misfire.tracking import SAMPLERS

    own, rest = _own_words(words)
    sweep = sweep.lasting(own.pop("num_trials")) if "num_trials" in own else sweep
    walk = sweep.walk
    assert walk is not None
    _check_own(sweep, rest)
    missing = [key for key in _SIDES if key not in keys(sweep.verb)]
    if missing:
        raise UsageError(
            f"a search must be of a verb whose cells can keep to one side of the data, got {sweep.verb}, which has no "
            f"{missing[0]}; search another verb, or drop the objectives."
        )
    fixed = {key: word(key, value) for key, value in sweep.fixed.items()}
    split = {"dev_share": walk.dev_share, "split_seed": walk.seed}
    own_keys = {key: word(key, value) for key, value in {"tracking.experiment": sweep.name, **split}.items()}
    shared = {**fixed, **own_keys, **{one.partition("=")[0]: one for one in own_words(rest)}}
    settings = Settings.of_words(sweep.verb, [*shared.values(), word("side", DEV)])
    check_cut_off(sweep, settings)
    prepared = PreparedSearch(
        sweep, walk, tuple(shared.values()), settings, _objectives(sweep, walk, settings), digest="", own=own
    )
    (space,) = sweep.spaces
    cells = [prepared.settings_of(setting, DEV).cell() for setting in settings_with_every_value(space)]
    if {cell.kind for cell in cells} != {settings.kind.kind}:
        raise UsageError("a search must compare cells of one kind, got several; drop what makes another kind of them.")
    settings.kind.check_comparable(cells)
    content = {
        "space": repr(space),
        "sampler": SAMPLERS[walk.sampler].describe(),
        "walk": {**asdict(walk), "num_trials": None},
        "k": sweep.k,
        "cells": sorted({cell.id for cell in cells}),
        "fixed": dict(sweep.fixed),
    }
    return replace(prepared, digest=sha256_json(content))


def open_study(prepared: PreparedSearch) -> "Study":
    """The study, begun if it is new."""
    from misfire.tracking import SAMPLERS, Study, StudyPlan

    (space,) = prepared.sweep.spaces
    walk = prepared.walk
    plan = StudyPlan(
        space=space,
        sampler=SAMPLERS[walk.sampler],
        seed=walk.seed,
        directions=tuple(objective.direction for objective in prepared.objectives),
        num_trials=walk.num_trials,
        batch=walk.batch,
        digest=prepared.digest,
    )
    if plan.num_to_do < 1:
        raise UsageError(f"search {prepared.sweep.name} must have a trial to do, got none; enlarge its space.")
    return Study(
        prepared.study,
        _folder(prepared),
        plan,
        storage=prepared.own.get("storage"),
        take_over=prepared.own.get("take_over"),
    )


def work_off(prepared: PreparedSearch, study: "Study", words: Sequence[str]) -> None:
    """Do what is left of the study, here or by the launcher that the words name."""
    from misfire.config.launching import Launch, check_unlaunched, has_launcher, with_launcher

    job, at_once = TrialJob(prepared), prepared.own.get("at_once", 1)
    if not has_launcher(words):
        check_unlaunched(words)
        _take_trials(study, job.here, at_once=at_once)
        return

    def elsewhere(launch: Launch) -> None:
        def run(trials: "Sequence[tuple[Trial, Rivals]]") -> "Iterator[tuple[Trial, TrialResult]]":
            told = [{"number": one.number, "setting": dict(one.setting), "rivals": rivals} for one, rivals in trials]
            results = launch(told, trials[0][0].number)
            return zip((trial for trial, _ in trials), results, strict=True)

        _take_trials(study, run, at_once=at_once)

    with_launcher(prepared.sweep.verb, job, words, root=prepared.settings.root, work=elsewhere)


def _take_trials(
    study: "Study",
    run: "Callable[[Sequence[tuple[Trial, Rivals]]], Iterator[tuple[Trial, TrialResult]]]",
    *,
    at_once: int,
) -> None:
    done: list[TrialResult] = []

    def results() -> "Iterator[TrialResult]":
        while True:
            with study.taken(at_once) as held:
                told = run([(trial, study.rivals(trial.number)) for trial in held]) if held else []
                for trial, result in told:
                    study.tell(trial.number, result)
                    yield result
            if not held:
                return

    for result in track(results(), total=lambda: len(done) + study.num_left(), what=f"Trials of {study.name}"):
        done.append(result)


@final
@dataclass(frozen=True)
class TrialJob:
    """Runs a trial's cell on dev, and nothing else."""

    prepared: PreparedSearch

    def __call__(self, told: Mapping[str, Any]) -> "TrialResult":
        """The same in another process, by what that is told."""
        return self.run(told["number"], told["setting"], [tuple(values) for values in told["rivals"]])

    def here(self, trials: "Sequence[tuple[Trial, Rivals]]") -> "Iterator[tuple[Trial, TrialResult]]":
        """Trials with their rivals, one after the other, each with what came out."""
        for trial, rivals in trials:
            yield trial, self.run(trial.number, trial.setting, rivals)

    def run(self, number: int, setting: "Setting", rivals: "Rivals") -> "TrialResult":
        """What came out of a trial, said in a line."""
        from misfire.tracking import TrialResult

        try:
            result = self._result(setting, rivals)
        except MisfireError as error:
            result = TrialResult(None, None, str(error), error.exit_code)
        except Exception as error:
            # One setting must not take the search with it; it is listed by its type.
            result = TrialResult(None, None, f"{type(error).__name__}: {' '.join(str(error).split())}", 1)
        say(f"{number:>6}  {f'failed: {result.text}' if result.has_failed else result.text}")
        return result

    def _result(self, setting: "Setting", rivals: "Rivals") -> "TrialResult":
        from misfire.cells import run_cell
        from misfire.cells.beaten_cell import BeatenCell
        from misfire.cells.pareto import beats
        from misfire.cells.searched import values_in_words
        from misfire.tracking import TrialResult

        prepared, k, objectives = self.prepared, self.prepared.sweep.k, self.prepared.objectives
        settings = prepared.settings_of(setting, DEV)
        cell, words = settings.cell(), (prepared.sweep.verb, *prepared.words_of(setting, DEV))
        # Asked for also where it cuts nothing short: proposals learn of a beaten trial the same bound either way.
        # What keeps to the constraints isn't known of a part of the units, so nothing is cut short where there are any.
        is_bounded = bool(rivals) and not prepared.walk.constraints
        part = cell.bound(prepared.lab, objectives, rivals, k=k) if is_bounded else None
        bound = None if part is None else tuple(one.of(part.estimates, k=k) for one in objectives)
        is_maximised = [one.is_maximised for one in objectives]
        rival = next((one for one in rivals if bound and beats(one, bound, is_maximised=is_maximised)), None)
        if part is not None and bound and rival and prepared.walk.prune and not prepared.ledger.finished([cell.id]):
            run_cell(BeatenCell(cell, part), prepared.lab, prepared.ledger, config=settings.to_yaml, words=words)
            text = f"pruned: {cell.name} · {_bound_in_words(objectives, bound, rival)}"
            return TrialResult(None, cell.id, text, bound=bound, rival=tuple(rival))
        logged, is_new = run_cell(cell, prepared.lab, prepared.ledger, config=settings.to_yaml, words=words)
        values = tuple(one.of(logged.estimates, k=k) for one in objectives)
        known = "" if is_new else "  (finished before)"
        return TrialResult(
            values,
            cell.id,
            f"{cell.name} · {values_in_words(objectives, values)}{known}",
            bound=bound if rival else None,
            rival=None if rival is None else tuple(rival),
            excess=_excess(prepared, logged),
        )


def summarise(prepared: PreparedSearch, study: "Study", *, is_made_anew: bool) -> Path:
    """Read the winner on test once all trials are done, and write the report. Returns its folder.

    Args:
        prepared: The search.
        study: Its trials.
        is_made_anew: Whether to write the report although there is one of the same trials.
    """
    from misfire.cli._experiment import write_report

    if not _missing(study):
        _test_cell(prepared, _winner(_finished(study), prepared))
    _print_front(found_so_far(prepared, study, prepared.ledger.load()))
    question = question_of(prepared.sweep, prepared.settings)
    return write_report(
        prepared.settings,
        prepared.ledger,
        question,
        lambda cells: {"search": prepared.settings.kind.searched(found_so_far(prepared, study, cells), question)},
        is_made_anew=is_made_anew,
        besides=[str(trial) for trial in study.trials()],
    )


def _print_front(found: "Searched") -> None:
    if len(found.objectives) > 1:
        print("\nOn dev no other trial is better in both than:")
        print(f"  {'trial':>5}  " + "  ".join(f"{objective.name:>8}" for objective in found.objectives) + "  setting")
        first = {trial.values: trial for trial in reversed(found.trials) if trial.is_on_front}
        for trial in sorted(first.values(), key=lambda trial: trial.values, reverse=True):
            numbers = "  ".join(f"{value:8.2f}" for value in trial.values)
            print(f"  {trial.number:>5}  {numbers}  {trial.label}")


def found_so_far(prepared: PreparedSearch, study: "Study", cells: "Sequence[Logged]") -> "Searched":
    """What the study and the ledger hold of a search.

    Raises:
        IntegrityError: If the ledger lost a trial's cell.
    """
    import yaml

    from misfire.cells.beaten_cell import beaten_id
    from misfire.cells.pareto import pareto_front
    from misfire.cells.searched import Searched, TrialRow
    from misfire.cells.space import setting_label

    settled, finished = [trial for trial in study.trials() if trial.is_settled], _finished(study)
    best = _winner(finished, prepared)
    allowed = [trial for trial in finished if trial.is_allowed] or finished
    is_maximised = [one.is_maximised for one in prepared.objectives]
    front = {
        allowed[place].number
        for place in pareto_front([trial.values or () for trial in allowed], is_maximised=is_maximised)
    }
    held = {cell.id: cell for cell in cells}
    tried = {}
    for cell_id in dict.fromkeys(str(trial.cell_id) for trial in settled):
        known = held.get(cell_id) or held.get(beaten_id(cell_id))
        if known is None:
            raise IntegrityError(
                f"a trial's cell must stand in the tracking store, got none for {cell_id[:12]} of study {study.name}; "
                "restore the store, or move the study's journal away to try its settings again."
            )
        tried[cell_id] = known
    test = None if _missing(study) else held.get(prepared.settings_of(best.setting, TEST).cell().id)
    looks = [one for one in cells if yaml.safe_load(one.config).get("side") == TEST]
    return Searched(
        trials=tuple(
            TrialRow(
                number=trial.number,
                label=setting_label(trial.setting),
                setting=trial.setting,
                values=trial.values or trial.bound or (),
                is_on_front=trial.number in front,
                is_winner=trial.number == best.number,
                cell_id=str(trial.cell_id),
                is_pruned=trial.is_pruned,
                is_allowed=trial.is_allowed,
            )
            for trial in settled
        ),
        objectives=prepared.objectives,
        k=prepared.sweep.k,
        num_to_do=study.plan.num_to_do,
        tried=tried,
        dev=tried[str(best.cell_id)],
        test=test,
        num_looks=len(looks),
        seed=prepared.walk.seed,
        units=prepared.settings.kind.units,
        num_replicates=prepared.settings.get("statistics.num_replicates", 2000),
    )


def tell(study: "Study") -> int:
    """Print how many trials ended how, and each failing one with its error. Returns the exit code."""
    trials = study.trials()[: study.plan.num_to_do]
    failed = [trial for trial in trials if trial.error]
    missing = [number for number in range(study.plan.num_to_do) if number not in {trial.number for trial in trials}]
    elsewhere = [trial for trial in trials if not trial.is_settled and not trial.error]
    counts = {
        "finished": sum(trial.is_finished for trial in trials),
        "pruned": sum(trial.is_pruned for trial in trials),
        "failed": len(failed),
        "at work elsewhere": len(elsewhere),
        "not begun": len(missing),
    }
    print(
        f"{study.plan.num_to_do} trials of {study.name}: "
        + ", ".join(f"{count} {how}" for how, count in counts.items() if count)
    )
    for trial in failed:
        print(f"\nfailed: trial {trial.number}: {trial.error}", file=sys.stderr)
    for trial in elsewhere:
        print(f"\nunfinished: trial {trial.number} on {trial.host}; if it is dead there, add take_over={trial.host}")
    if any(trial.error_code == IntegrityError.exit_code for trial in failed):
        return IntegrityError.exit_code
    return 1 if failed or elsewhere or missing else 0


def _finished(study: "Study") -> "list[Trial]":
    return [trial for trial in study.trials() if trial.is_finished]


def _missing(study: "Study") -> bool:
    settled = {trial.number for trial in study.trials() if trial.is_settled}
    return not set(range(study.plan.num_to_do)) <= settled


def _winner(finished: "Sequence[Trial]", prepared: PreparedSearch) -> "Trial":
    """The best of those that keep to the constraints; where none does, the best of all."""
    from misfire.cells.pareto import winner

    allowed = [trial for trial in finished if trial.is_allowed] or list(finished)
    is_maximised = [one.is_maximised for one in prepared.objectives]
    return allowed[winner([trial.values or () for trial in allowed], is_maximised=is_maximised)]


def _test_cell(prepared: PreparedSearch, best: "Trial") -> "Logged":
    from misfire.cells import run_cell

    settings = prepared.settings_of(best.setting, TEST)
    cell: Cell = settings.cell()
    words = (prepared.sweep.verb, *prepared.words_of(best.setting, TEST))
    logged, _ = run_cell(cell, prepared.lab, prepared.ledger, config=settings.to_yaml, words=words)
    return logged


def _folder(prepared: PreparedSearch) -> Path:
    return prepared.settings.root.resolve() / "studies"


def _own_words(words: Sequence[str]) -> tuple[dict[str, Any], list[str]]:
    own: dict[str, Any] = {}
    rest = []
    for word in words:
        key, _, value = word.partition("=")
        if key in _OWN:
            own[key] = value
        else:
            rest.append(word)
    for key in ("num_trials", "at_once"):
        if key in own:
            if not own[key].isdigit() or int(own[key]) < 1:
                raise UsageError(f"{key} must be a whole number from 1, got {own[key]}; write {key}=4.")
            own[key] = int(own[key])
    return own, rest


def _check_own(sweep: "Sweep", words: Sequence[str]) -> None:
    """Refuse words that would take a choice from the search, or change what works it off."""
    sweepers = [word for word in words if word.startswith(("hydra.sweeper", "hydra/sweeper"))]
    if sweepers:
        raise UsageError(f"a search has a sweeper of its own, got {sweepers[0]}; its words are {', '.join(_OWN)}.")
    sides = [word for word in words if word.partition("=")[0] in _SIDES]
    if sides:
        raise UsageError(f"a search splits the data itself, got {sides[0]}; set dev_share and seed in its file.")
    check_words(sweep, words)


def _objectives(sweep: "Sweep", walk: "Walk", settings: "Settings") -> "tuple[Objective, ...]":
    known = settings.kind.objectives
    strangers = [name for name in (*walk.objectives, *(one.objective for one in walk.constraints)) if name not in known]
    if strangers:
        raise UsageError(
            f"an objective of misfire {sweep.verb} must be one of {', '.join(known) or 'none'}, got {strangers[0]}; "
            "choose one."
        )
    return tuple(known[name] for name in walk.objectives)


def _excess(prepared: PreparedSearch, logged: "Logged") -> tuple[float, ...]:
    known = prepared.settings.kind.objectives
    return tuple(
        bound.excess(known[bound.objective].of(logged.estimates, k=prepared.sweep.k))
        for bound in prepared.walk.constraints
    )


def _bound_in_words(objectives: "Sequence[Objective]", bound: "Sequence[float]", rival: "Sequence[float]") -> str:
    """Why a cell was cut short: ``gain at most 0.00, broken at least 0.35, beaten by gain 1.03, broken 0.25``."""
    from misfire.cells.searched import values_in_words

    limits = ("at most" if objective.is_maximised else "at least" for objective in objectives)
    told = [f"{one.name} {limit} {value:z.2f}" for one, limit, value in zip(objectives, limits, bound, strict=True)]
    return f"{', '.join(told)}, beaten by {values_in_words(objectives, rival)}"
