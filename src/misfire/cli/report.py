"""Write tables and figures out of the tracking store: Markdown, LaTeX, CSV and an HTML page."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from misfire.cli._audit import is_audit, run_audit
from misfire.core.errors import UsageError, name_some

if TYPE_CHECKING:
    from misfire.config.settings import Settings


def run(words: Sequence[str]) -> int:
    """Report on an experiment: by the name of its sweep, or by ``tracking.experiment=``; or audit published counts."""
    if is_audit(words):
        return run_audit(words)
    from misfire.cli._experiment import report_on
    from misfire.cli._sweeping import question_of
    from misfire.config.sweep import load
    from misfire.config.sweep_names import sweep_names
    from misfire.config.words import word

    is_named = bool(words) and not words[0].startswith("-") and (words[0] in sweep_names() or "=" not in words[0])
    # A sweep's file may have any name, also one that looks like a setting.
    is_named = is_named or (bool(words) and words[0].endswith((".yaml", ".yml")) and Path(words[0]).is_file())
    name, rest = (words[0], list(words[1:])) if is_named else (None, list(words))
    sweep = load(name) if name is not None and (name in sweep_names() or name.endswith((".yaml", ".yml"))) else None
    if sweep is not None and sweep.walk is not None:
        from misfire.cli._searching import report_search

        return report_search(sweep, rest)  # its words are those of the search's verb, not of ours
    if sweep is not None:
        rest.append(word("tracking.experiment", sweep.name))
    elif name is not None:
        rest.append(word("tracking.experiment", name))
    settings = _settled(rest)
    if sweep is None and settings["tracking.experiment"] in sweep_names():
        sweep = load(settings["tracking.experiment"])
    if sweep is not None and sweep.walk is not None:
        from misfire.cli._searching import report_search

        return report_search(sweep, list(words[1:] if is_named else words))
    folder = report_on(settings, settings["tracking"], question_of(sweep, settings) if sweep else None)
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        print(f"  {path}")
    return 0


def _settled(words: Sequence[str]) -> "Settings":
    """The settings with an experiment: the one that is named, by its beginning if only one has it, or the only one.

    Raises:
        UsageError: If there is none, or there are several to choose from.
    """
    from misfire.config.experiment import EXPERIMENT
    from misfire.config.settings import Settings
    from misfire.config.words import own_words, parsed, word

    named = next((one.values[0][0] for one in parsed(own_words(words)) if one.key == EXPERIMENT), None)
    there = list(Settings.of_words("report", words)["tracking"].experiments())
    found = [name for name in there if named is None or name.startswith(f"{named}-")]
    if named in there or (named is not None and not found):
        return Settings.of_words("report", words)
    if len(found) != 1:
        remedy = f"name one: `misfire report {found[0]}`" if found else "run `misfire demo`"
        said = name_some(found, most=20) if found else "none with a finished cell"
        raise UsageError(f"a report needs one experiment, got {said}; {remedy}.")
    return Settings.of_words("report", [*words, word(EXPERIMENT, found[0])])
