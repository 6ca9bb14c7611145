"""Take trials, launch their jobs, tell what came out; again until nothing is left to do."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from hydra.plugins.launcher import Launcher

from hydra_plugins.misfire_search.config import MisfireSearchConf
from misfire.cells.axis import Setting
from misfire.cells.space import SearchSpace
from misfire.config.search import load_search, study_plan
from misfire.config.words import word
from misfire.core.progress import track
from misfire.tracking import Study, Trial, TrialResult


def work_off(settings: MisfireSearchConf, launcher: Launcher, words: Sequence[str]) -> list[TrialResult]:
    """Do what is left of the study. Returns what the jobs returned.

    Args:
        settings: Which study, and how many trials at a time.
        launcher: Runs jobs: here, in other processes or on a cluster.
        words: The overrides that all jobs share.
    """
    search = load_search(settings.search).lasting(settings.num_trials)
    study = Study(
        settings.study,
        Path(settings.folder),
        study_plan(search, settings.digest),
        storage=settings.storage,
        take_over=settings.take_over,
    )
    done: list[TrialResult] = []
    results = _results(study, search.space, launcher, words, at_once=settings.at_once)
    for result in track(results, total=lambda: len(done) + study.num_left(), what=f"Trials of {study.name}"):
        done.append(result)
    return done


def _results(
    study: Study, space: SearchSpace, launcher: Launcher, words: Sequence[str], *, at_once: int
) -> Iterator[TrialResult]:
    while True:
        with study.taken(at_once) as held:
            for trials in _consecutive(held):
                jobs = [
                    _job(words, [*_words(space, trial.setting), _rivals_word(study.rivals(trial.number))])
                    for trial in trials
                ]
                # The job's number is the trial's, by which the job knows it.
                returns = launcher.launch(jobs, initial_job_idx=trials[0].number)
                results: list[TrialResult] = [job.return_value for job in returns]
                for trial, result in zip(trials, results, strict=True):
                    study.tell(trial.number, result)
                    yield result
        if not held:
            return


def _words(space: SearchSpace, setting: Setting) -> list[str]:
    return [word(key, value) for key, value in space.assigned(setting).items()]


def _job(words: Sequence[str], own: Sequence[str]) -> list[str]:
    """The words of a job: a trial's own stand in the place of those that all share."""
    keys = {word.partition("=")[0] for word in own}
    return [*(word for word in words if word.partition("=")[0] not in keys), *own]


def _rivals_word(rivals: Sequence[Sequence[float]]) -> str:
    """Tells a job whom its trial may be beaten by; every digit counts."""
    rows = ("[" + ",".join(map(repr, rival)) + "]" for rival in rivals)
    return f"hydra.sweeper.rivals=[{','.join(rows)}]"


def _consecutive(trials: Sequence[Trial]) -> Iterator[list[Trial]]:
    block: list[Trial] = []
    for trial in trials:
        if block and trial.number != block[-1].number + 1:
            yield block
            block = []
        block.append(trial)
    if block:
        yield block
