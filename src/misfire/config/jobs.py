"""Jobs out of words: one cell, or the cells of a grid, each composed when it is built."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, final

from misfire.config.composing import CELL, keys
from misfire.config.experiment import EXPERIMENT, ad_hoc_name
from misfire.config.groups import content, primaries
from misfire.config.settings import Settings
from misfire.config.words import grid, own_words, parsed, word
from misfire.core.errors import UsageError

if TYPE_CHECKING:
    from misfire.cells import Job, Lab, Ledger

# What all cells of one command share: where they run and where they are kept.
_SHARED = ("tracking", "paths", "trainer")


@final
@dataclass(frozen=True)
class Work:
    """Jobs that run in one lab and are kept in one ledger.

    Args:
        jobs: One a cell, in order.
        lab: Where they run.
        ledger: Where they are kept.
        settings: The first one's configuration.
    """

    jobs: "tuple[Job, ...]"
    lab: "Lab"
    ledger: "Ledger"
    settings: Settings


def is_cell_verb(verb: str) -> bool:
    """Whether a verb makes cells: its primary configuration names a kind."""
    return verb in primaries() and CELL in content(primaries()[verb])


def grid_work(verb: str, words: Sequence[str]) -> Work:
    """The jobs of a multirun.

    Raises:
        UsageError: If the words don't compose; nothing has been built then.
    """
    return work(verb, grid(own_words(words)))


def work(verb: str, points: Sequence[Sequence[str]]) -> Work:
    """The jobs of several cells.

    Args:
        verb: Whose cells they are.
        points: The words of each, at least one.

    Raises:
        UsageError: If the words of one don't compose, or they don't share where they run; nothing has been built then.
    """
    if not is_cell_verb(verb):
        raise UsageError(f"only verbs that make cells run over a grid, got {verb}; leave -m away.")
    if not points:
        raise UsageError(f"a grid must have a cell, got none for misfire {verb}; name values that there are.")
    _check_shared(verb, points)
    points = _kept_together(verb, points)
    first = _checked(verb, points)
    return Work(tuple(job(verb, point) for point in points), first.lab, first["tracking"], first)


def _kept_together(verb: str, points: Sequence[Sequence[str]]) -> Sequence[Sequence[str]]:
    """The points, each with the experiment's name where it wouldn't find the same one by itself."""
    said = [parsed(point) for point in points]
    if EXPERIMENT not in keys(verb) or any(one.key == EXPERIMENT for one in said[0]):
        return points
    name = ad_hoc_name(verb, said)
    own = word(EXPERIMENT, name)
    return points if all(ad_hoc_name(verb, [one]) == name for one in said) else [(*point, own) for point in points]


def job(verb: str, words: Sequence[str]) -> "Job":
    """One cell that is asked for; its configuration is composed when it is built."""
    from misfire.cells import Job

    return Job(
        words=(verb, *words),
        build=lambda: Settings.of_words(verb, words).cell(),
        config=lambda: Settings.of_words(verb, words).to_yaml(),
    )


def _checked(verb: str, points: Sequence[Sequence[str]]) -> Settings:
    """The first cell's settings, after one of each choice of files and keys was composed."""
    tried: dict[tuple[str, ...], Settings] = {}
    for point in points:
        name = tuple(word if one.is_choice else one.key for word, one in zip(point, parsed(point), strict=True))
        if name not in tried:
            tried[name] = Settings.of_words(verb, point)
            _ = tried[name].kind
    return next(iter(tried.values()))


def _check_shared(verb: str, points: Sequence[Sequence[str]]) -> None:
    shared: list[set[str]] = [
        {word for word in point if word.partition("=")[0].partition(".")[0] in _SHARED} for point in (points or [()])
    ]
    differing = sorted(shared[0].union(*shared) - shared[0].intersection(*shared))
    if differing:
        raise UsageError(
            f"the cells of a grid must share where they run and are kept, got {differing[0]} for some of misfire "
            f"{verb}; run one command for each."
        )
