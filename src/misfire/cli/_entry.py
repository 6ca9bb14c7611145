"""Finds the verb and turns errors into one sentence and an exit code; imports nothing heavy itself."""

import difflib
import gc
import importlib
import pkgutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path

import misfire
from misfire.cli._output import work_outlives_its_readers
from misfire.core.errors import MisfireError, UsageError, name_some
from misfire.core.pulse import alive
from misfire.core.stopping import Stopped, stopped_by_signals

_ORDER = (
    "demo",
    "doctor",
    "embed",
    "evaluate",
    "verify",
    "mine",
    "annotate",
    "agree",
    "ensemble",
    "attribute",
    "gap",
    "sweep",
    "search",
    "report",
    "ui",
)
_FLAGS = ("-m", "--multirun")


def verbs() -> list[str]:
    """Names of the verbs: the primary configurations."""
    from misfire.config.groups import primaries

    return sorted(primaries(), key=lambda name: (_ORDER.index(name) if name in _ORDER else len(_ORDER), name))


def _modules() -> list[str]:
    return [module.name for module in pkgutil.iter_modules([str(Path(__file__).parent)])]


def summary(verb: str) -> str:
    """One line on what a verb does: the first of its configuration's."""
    from misfire.config import groups

    return groups.summary(groups.primaries()[verb])


def usage() -> str:
    """The help text."""
    width = max(map(len, verbs()))
    lines = [f"  {verb:<{width}}  {summary(verb)}" for verb in verbs()]
    return "\n".join(
        [
            "misfire VERB [group=choice] [key=value] [-m]",
            "",
            "Find where a vision-language model misfires, name why, mend it, and prove that the mend is real.",
            "",
            *lines,
            "",
            "`misfire VERB --help` shows its groups and keys; -m runs one job for each value of a comma list.",
            "Exit codes: 0 done, 1 some cells failed, 2 wrong usage or input, 3 stored data failed its check.",
        ]
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; returns its exit code.

    Args:
        arguments: The words after ``misfire``; by default the process's own.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    with work_outlives_its_readers():
        try:
            is_waited_for = arguments is None and bool(words)
            with (
                stopped_by_signals(),
                alive(f"Loading what misfire {words[0]} needs") if is_waited_for else nullcontext(),
            ):
                return _run(words)
        except MisfireError as error:
            print(f"misfire: {error}", file=sys.stderr)
            return error.exit_code
        except KeyboardInterrupt as error:
            print("misfire: stopped; issue the same command again to go on.", file=sys.stderr)
            return error.exit_code if isinstance(error, Stopped) else 130


def _run(words: list[str]) -> int:
    if not words or words[0] in ("-h", "--help", "help"):
        print(usage())
        return 0
    if words[0] == "--version":
        print(f"misfire {misfire.__version__}")
        return 0
    return _run_verb(words[0], words[1:])


def _run_verb(verb: str, words: list[str]) -> int:
    if verb not in verbs():
        near = difflib.get_close_matches(verb, verbs(), n=1)
        hint = f"did you mean {near[0]}?" if near else "see `misfire --help`."
        raise UsageError(f"the verb must be one of {', '.join(verbs())}, got {verb}; {hint}")
    if {"-h", "--help"} & set(words):
        from misfire.cli._help import explanation

        print(explanation(verb, summary(verb), [word for word in words if "=" in word and not word.startswith("-")]))
        return 0
    strange = [word for word in words if word.startswith("-") and word.partition("=")[0] not in _FLAGS]
    if strange:
        raise UsageError(f"a flag must be -m or --help, got {name_some(strange)}; settings are written key=value.")
    with _rare_collections():
        if verb not in _modules():
            from misfire.cli._cell_verb import run_cell_verb

            return run_cell_verb(verb, words)
        return int(importlib.import_module(f"misfire.cli.{verb}").run(words))


@contextmanager
def _rare_collections() -> Iterator[None]:
    """Look for garbage cycles seldom: modules and configurations are many objects that live as long as the command.

    Going over them after every 700 new ones took a twelfth of a sweep.
    """
    before = gc.get_threshold()
    gc.set_threshold(50_000, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)
