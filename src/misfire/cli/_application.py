"""Runs a verb's task under Hydra: composition, multiruns, and errors that say what was meant."""

import difflib
import os
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from misfire.core.errors import MisfireError, UsageError

if TYPE_CHECKING:
    from omegaconf import DictConfig

_MULTIRUN = ("-m", "--multirun")
_LAUNCHER = "hydra/launcher"
# The extras of this package that bring a launcher.
_EXTRA_OF_LAUNCHER = {"joblib": "joblib", "submitit_local": "slurm", "submitit_slurm": "slurm"}

Task = Callable[["DictConfig"], Any]


def run_task(verb: str, task: Task, words: Sequence[str]) -> None:
    """Compose the configuration from ``words`` and call ``task`` with it; with ``-m``, once a job.

    Raises:
        UsageError: If the words don't compose; nothing has been written then.
        MisfireError: Whatever a single job raises.
    """
    import hydra

    from misfire.config import conf_folder, register_schema

    register_schema()
    refused: list[MisfireError] = []

    def guarded(config: "DictConfig") -> None:
        # Hydra would print an error of its own beside ours.
        try:
            task(config)
        except MisfireError as error:
            refused.append(error)

    job = task if is_multirun(words) else guarded
    with _hydra_process(verb, words):
        try:
            hydra.main(config_path=str(conf_folder()), config_name="config", version_base="1.3")(job)()
        except _composition_errors() as error:
            raise UsageError(_explain(error, words)) from error
    if refused:
        raise refused[0]


def is_multirun(words: Sequence[str]) -> bool:
    """Whether the words ask for one job a value of their comma lists."""
    return bool(set(_MULTIRUN) & set(words))


def run_jobs(verb: str, task: Task, words: Sequence[str], *, root: Path) -> Path:
    """Run a multirun in a folder of its own, so that no two sweeps mix; returns that folder.

    Raises:
        UsageError: If the words don't compose; the folder is gone then.
    """
    stamp = datetime.now(UTC).strftime("%Y-%m-%dT%H-%M-%S.%f")
    folder = (root / "hydra" / f"{stamp}-{os.getpid()}").resolve()
    multirun = [] if is_multirun(words) else ["-m"]
    try:
        run_task(verb, task, [*multirun, *words, f"hydra.sweep.dir={folder}"])
    except UsageError:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return folder


def compose(words: Sequence[str]) -> "DictConfig":
    """The configuration that ``words`` compose, without running anything.

    Raises:
        UsageError: If they don't.
    """
    import hydra

    from misfire.config import conf_folder, register_schema

    register_schema()
    try:
        with hydra.initialize_config_dir(str(conf_folder()), version_base="1.3"):
            return hydra.compose("config", overrides=list(words))
    except _composition_errors() as error:
        raise UsageError(_explain(error, words)) from error


@contextmanager
def _hydra_process(verb: str, words: Sequence[str]) -> Iterator[None]:
    """Hydra reads ``sys.argv``, and raises instead of exiting only where this variable is set."""
    argv, previous = sys.argv, os.environ.get("HYDRA_FULL_ERROR")
    # Hydra refuses words on both sides of the flag, which may stand anywhere for us.
    sys.argv = [f"misfire {verb}", *sorted(words, key=lambda word: word not in _MULTIRUN)]
    os.environ["HYDRA_FULL_ERROR"] = "1"
    try:
        yield
    finally:
        sys.argv = argv
        if previous is None:
            del os.environ["HYDRA_FULL_ERROR"]
        else:
            os.environ["HYDRA_FULL_ERROR"] = previous


def _composition_errors() -> tuple[type[Exception], ...]:
    from hydra.errors import HydraException
    from omegaconf.errors import OmegaConfBaseException

    return (HydraException, OmegaConfBaseException)


def _explain(error: Exception, words: Sequence[str]) -> str:
    """One sentence: the unknown keys with the nearest known ones, or else Hydra's own words without its search path."""
    unknown = _unknown_keys(words)
    if unknown:
        return f"a key must be one of the configuration's, got {'; '.join(unknown)}"
    launcher = _last_value(words, _LAUNCHER)
    if launcher in _EXTRA_OF_LAUNCHER and f"{_LAUNCHER}/{launcher}" in f"{error} {error.__cause__}":
        return (
            f"{_LAUNCHER} must be installed, got {launcher}, which isn't; pip install "
            f'"misfire[{_EXTRA_OF_LAUNCHER[launcher]}]", or leave the word away and work in one process.'
        )
    messages = dict.fromkeys(" ".join(str(part).split()) for part in (error, error.__cause__) if part is not None)
    said = " ".join(messages).partition(" Config search path:")[0]
    return f"the configuration must compose, got: {said}; `misfire VERB --help` shows what there is."


def _last_value(words: Sequence[str], key: str) -> str:
    values = [word.partition("=")[2] for word in words if word.partition("=")[0] == key]
    return values[-1] if values else ""


def _unknown_keys(words: Sequence[str]) -> list[str]:
    known = list(_known_names())
    chosen = {word.partition("=")[0] for word in words}
    found = []
    for word in words:
        key = word.partition("=")[0].lstrip("+~")
        group, dot, _ = key.partition(".")
        is_of_a_choice = dot and (group == "hydra" or group in chosen)  # a choice that isn't the default has its own
        is_known = key in known or key.startswith("hydra/") or is_of_a_choice
        if "=" in word and not is_known:
            near = difflib.get_close_matches(key, known, n=1)
            found.append(f"{key}; did you mean {near[0]}?" if near else f"{key}; see `misfire VERB --help`.")
    return found


def _known_names() -> Iterator[str]:
    def names(node: Any, prefix: str) -> Iterator[str]:
        for key, value in node.items_ex(resolve=False) if hasattr(node, "items_ex") else ():
            yield f"{prefix}{key}"
            if hasattr(value, "items_ex"):
                yield from names(value, f"{prefix}{key}.")

    return names(compose([]), "")
