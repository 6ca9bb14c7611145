"""Jobs by one of Hydra's launchers: other processes of this machine, or a cluster's."""

import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, final

from misfire.config.folders import conf_folder
from misfire.config.words import of_hydra, quoted, word
from misfire.core.errors import UsageError

Launch = Callable[[Sequence[Mapping[str, Any]], int], list[Any]]
"""Runs jobs, each of which is told JSON values, numbered from a first; gives what they returned, in their order."""

_LAUNCHER = "hydra/launcher"
_TOLD = "misfire_job"
# The extras of this package that bring a launcher.
_EXTRA_OF_LAUNCHER = {"joblib": "joblib", "submitit_local": "slurm", "submitit_slurm": "slurm"}
_at_hand: list[Callable[[Launch], None]] = []


def has_launcher(words: Sequence[str]) -> bool:
    """Whether words name a launcher; without one, cells run in this process."""
    return any(word.partition("=")[0] == _LAUNCHER for word in words)


def with_launcher(
    verb: str,
    job: Callable[[Mapping[str, Any]], Any],
    words: Sequence[str],
    *,
    root: Path,
    work: Callable[[Launch], None],
) -> None:
    """Do some work with the launcher that words name.

    Args:
        verb: Whose jobs they are.
        job: Runs in another process, with what it is told; it catches what goes wrong and returns what came out.
        words: Of the command line; Hydra's own are read.
        root: Folder under which launchers leave their logs.
        work: Is given the function that launches.

    Raises:
        UsageError: If there is no such launcher, or a word of Hydra's isn't known; nothing was run then.
    """
    import hydra
    from hydra.errors import HydraException
    from omegaconf.errors import OmegaConfBaseException

    stamp = datetime.now(UTC).strftime("%Y-%m-%dT%H-%M-%S.%f")
    own = [
        "hydra/sweeper=misfire",
        "hydra/job_logging=none",
        "hydra/hydra_logging=none",
        "hydra.output_subdir=null",
        "hydra.job.chdir=false",
        word("hydra.sweep.dir", str((root / "hydra" / f"{stamp}-{os.getpid()}").resolve())),
    ]
    argv, previous = sys.argv, os.environ.get("HYDRA_FULL_ERROR")
    sys.argv = [f"misfire {verb}", "-m", *own, *_checked(of_hydra(words))]
    # Hydra exits instead of raising unless this is set.
    os.environ["HYDRA_FULL_ERROR"] = "1"
    _at_hand.append(work)
    try:
        hydra.main(config_path=str(conf_folder()), config_name=verb, version_base="1.3")(_Task(job))()
    except (HydraException, OmegaConfBaseException) as error:
        raise UsageError(_explained(error, words)) from error
    finally:
        _at_hand.pop()
        sys.argv = argv
        os.environ.pop("HYDRA_FULL_ERROR")
        if previous is not None:
            os.environ["HYDRA_FULL_ERROR"] = previous


def work_at_hand(launch: Launch) -> None:
    """What the sweeper is to do in this process."""
    _at_hand[-1](launch)


def told_as_word(told: Mapping[str, Any]) -> str:
    """What a job is told, as a word that Hydra carries to it."""
    return f"+{_TOLD}={quoted(json.dumps(told))}"


@final
@dataclass(frozen=True)
class _Task:
    """A job as Hydra calls it.

    Args:
        job: What it does.
    """

    job: Callable[[Mapping[str, Any]], Any]

    @property
    def __name__(self) -> str:
        return "misfire"

    def __call__(self, config: Any) -> Any:
        return self.job(json.loads(config[_TOLD]))


def _checked(words: Sequence[str]) -> list[str]:
    others = [word for word in words if not word.startswith(("hydra.launcher.", f"{_LAUNCHER}="))]
    if others:
        raise UsageError(
            f"Hydra's words must choose a launcher or set it up, got {others[0]}; what else Hydra does here misfire "
            "decides, so leave it away."
        )
    return list(words)


def check_unlaunched(words: Sequence[str]) -> None:
    """Refuse Hydra's words where there is no launcher to heed them.

    Raises:
        UsageError: If there is one.
    """
    said = of_hydra(words)
    if said:
        raise UsageError(
            f"a launcher must have several cells to launch, got {said[0]} without; add -m and {_LAUNCHER}=NAME, or "
            "leave it away."
        )


def _explained(error: Exception, words: Sequence[str]) -> str:
    named = next((one.partition("=")[2] for one in reversed(words) if one.partition("=")[0] == _LAUNCHER), "")
    if named in _EXTRA_OF_LAUNCHER and f"{_LAUNCHER}/{named}" in f"{error} {error.__cause__}":
        return (
            f"{_LAUNCHER} must be installed, got {named}, which isn't; pip install "
            f'"misfire[{_EXTRA_OF_LAUNCHER[named]}]", or leave the word away and work in one process.'
        )
    messages = dict.fromkeys(" ".join(str(part).split()) for part in (error, error.__cause__) if part is not None)
    said = " ".join(messages).partition(" Config search path:")[0]
    return f"a launcher's words must compose, got: {said}; see hydra.cc for what it can be told."
