"""Sweeps of the command line: the file, the words beside it, and a grid of cells that answers its question."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from misfire.core.errors import UsageError

if TYPE_CHECKING:
    from misfire.cells import Question
    from misfire.config.settings import Settings
    from misfire.config.sweep import Sweep


def named(verb: str, words: Sequence[str]) -> "tuple[Sweep, list[str]]":
    """The sweep that the first word names, and the other words.

    Raises:
        UsageError: If there is no such word, or no such sweep.
    """
    from misfire.config.sweep import load
    from misfire.config.sweep_names import sweep_names

    if not words or ("=" in words[0] and not words[0].endswith((".yaml", ".yml"))) or words[0].startswith("-"):
        raise UsageError(
            f"{verb} needs a name, got none; try `misfire {verb} {sweep_names(searches=verb == 'search')[0]}`."
        )
    return load(words[0]), list(words[1:])


def run_sweep(sweep: "Sweep", words: Sequence[str]) -> int:
    """Run a sweep's grids into an experiment of its name, then sum it up. Returns the exit code."""
    from misfire.cli._cell_verb import tell_endings
    from misfire.cli._experiment import report_on
    from misfire.cli._running import run_work
    from misfire.config.jobs import work
    from misfire.config.words import own_words, word

    own = word("tracking.experiment", sweep.name)
    check_words(sweep, own_words(words))
    asked = work(sweep.verb, sweep.points([own, *own_words(words)]))
    check_cut_off(sweep, asked.settings)
    introduce(sweep)
    ended = run_work(sweep.verb, asked, words)
    ids = {one.id for one in ended if one.id}
    if ids:
        question = question_of(sweep, asked.settings)
        report_on(asked.settings, asked.ledger, question, ids=ids, is_made_anew=False)
    return tell_endings(ended)


def introduce(sweep: "Sweep") -> None:
    """Print what is asked, before anything is run."""
    print(f"{sweep.title}\nQuestion: {sweep.question}\nDecision rule: {sweep.decision_rule}\n", flush=True)


def question_of(sweep: "Sweep", settings: "Settings") -> "Question":
    """The sweep's question as reports know it."""
    from misfire.cells import Question

    return Question(
        name=sweep.name,
        title=sweep.title,
        question=sweep.question,
        decision_rule=sweep.decision_rule,
        k=sweep.k,
        seed=settings.get("seed", 0),
        settings=settings,
    )


def check_words(sweep: "Sweep", words: Sequence[str]) -> None:
    """Refuse words that would take a choice from the sweep.

    Raises:
        UsageError: If one sets what the sweep varies.
    """
    taken = [word for word in words if word.partition("=")[0] in sweep.keys]
    if taken:
        raise UsageError(
            f"what a sweep varies can't be fixed beside it, got {taken[0]}; change the space of {sweep.name} instead."
        )


def check_cut_off(sweep: "Sweep", settings: "Settings") -> None:
    """Refuse a sweep that decides at a cut-off which its cells don't measure.

    Raises:
        UsageError: If it does.
    """
    ks = settings.get("ks")
    if ks is not None and sweep.k not in ks:
        raise UsageError(
            f"ks must hold {sweep.k}, by which sweep {sweep.name} decides, got {list(ks)}; "
            f"{'add it' if sweep.k is not None else 'give the sweep a k'}."
        )
