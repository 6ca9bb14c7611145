"""Words of the command line: choices, values and lists of them; and quoting, so that names stay names."""

import itertools
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, final

from misfire.config.groups import groups
from misfire.core.errors import UsageError

MOST_CELLS = 100_000
"""Cells of one grid. A hundred thousand take days; more are a slip of the pen."""

MULTIRUN = ("-m", "--multirun")
# A text that the grammar reads as itself: it begins with a letter, and holds letters of ours, digits, and marks.
_PLAIN = re.compile(r"[A-Za-z][\w./-]*", re.ASCII)
_MEANT = frozenset(("null", "true", "false", "nan", "inf"))
_OF_HYDRA = ("hydra.", "hydra/")
# Keys that hold paths or names of files, by their last part: what is typed for them is a text as it stands, whatever
# Hydra's grammar would read in it. A test holds the list against the files of conf/.
PATH_KEYS = frozenset(
    """
    accept annotations artifact_root cache captions datasets expert failure_set images import index lock_folder model
    out path pretrained report root sheets shards split_list storage taxonomy uri weights
    """.split()  # noqa: SIM905  # a list of thirty quoted words is harder to read
)


@final
@dataclass(frozen=True)
class Word:
    """One word: a key, and the values that it asks for; with ``-m`` there may be several.

    Args:
        key: The key or group, with its package where one is named (``templates@templates.templates``).
        values: Each value, and the word that asks for it alone as Hydra's grammar reads it.
        is_choice: Whether it chooses a file of a group.
    """

    key: str
    values: tuple[tuple[Any, str], ...]
    is_choice: bool

    @property
    def text(self) -> str:
        """The word, where it has one value."""
        return self.values[0][1]


def quoted(text: str) -> str:
    """A text in single quotes, as Hydra's grammar reads it.

    Example:
        >>> print(quoted("the dog's {caption}"))
        'the dog\\'s {caption}'
    """
    # Backslashes stand for themselves except before a quote, and the closing one is a quote too.
    escaped = re.sub(r"(\\+)(?='|\Z)", r"\1\1", text).replace("'", "\\'")
    return f"'{escaped}'"


def word(key: str, value: Any) -> str:
    """The word that sets a key to a value, as Hydra's grammar reads it back to the last digit.

    Example:
        >>> word("pooling.tau", 0.1), word("templates.name", "a, b"), word("ks", [1, 5])
        ('pooling.tau=0.1', "templates.name='a, b'", 'ks=[1,5]')
    """
    return f"{key}={_written(value)}"


def _written(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{_written(str(name))}:{_written(one)}" for name, one in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(map(_written, value)) + "]"
    # What reads as itself stays readable; whatever else a text holds is a text.
    return str(value) if _PLAIN.fullmatch(str(value)) and str(value).lower() not in _MEANT else quoted(str(value))


def is_multirun(words: Sequence[str]) -> bool:
    """Whether the words ask for one job a value of their comma lists."""
    return bool(set(MULTIRUN) & set(words))


def of_hydra(words: Sequence[str]) -> list[str]:
    """The words that tell Hydra how to run jobs."""
    return [word for word in words if word.startswith(_OF_HYDRA)]


def own_words(words: Sequence[str]) -> list[str]:
    """The words that say what to run: neither flags nor Hydra's."""
    return [word for word in words if not word.startswith((*_OF_HYDRA, "-"))]


def parsed(words: Sequence[str], *, several: bool = False) -> list[Word]:
    """What words say; each key once, the last one counts.

    Args:
        words: ``key=value``, without flags.
        several: Whether a word may ask for several values (a comma list, ``range``, ``choice``, ``glob``).

    Raises:
        UsageError: If a word has no ``=``, or asks for several values where one is wanted.
    """
    found = [_parsed(word, several=several) for word in words]
    return list({word.key: word for word in found}.values())


def grid(words: Sequence[str]) -> list[tuple[str, ...]]:
    """The words of each job that a multirun asks for, the last word's values fastest.

    Raises:
        UsageError: If there are more than :data:`MOST_CELLS`.
    """
    axes = [word.values for word in parsed(words, several=True)]
    number = math.prod(len(axis) for axis in axes)
    if number > MOST_CELLS:
        raise UsageError(f"a grid must have at most {MOST_CELLS:,} cells, got {number:,}; ask for fewer values.")
    return [tuple(text for _, text in point) for point in itertools.product(*axes)]


def _parsed(word: str, *, several: bool) -> Word:
    key, equals, said = word.partition("=")
    if not equals or not key.strip("+~"):
        raise UsageError(f"a setting must be written key=value, got {word}; `misfire VERB --help` lists the keys.")
    if key.startswith(("+", "~")):
        raise UsageError(f"a setting must change a key that is there, got {word}; write {key.lstrip('+~')}=VALUE.")
    is_choice = key.partition("@")[0] in groups() and not said.startswith(("{", "'{"))
    if key.rpartition(".")[2] in PATH_KEYS and not is_choice:
        parts = list(_path_parts(said)) if several else [said]
        return Word(key, tuple(_one(key, part) for part in parts), is_choice=False)
    override = _grammar(key, said)
    if override is None:
        return Word(key, ((said, f"{key}={quoted(said)}"),), is_choice)
    if not override.is_sweep_override():
        return Word(key, ((override.value(), word),), is_choice)
    if not several:
        if override.is_choice_sweep() and "(" not in said:
            # Without -m a comma is part of a name, or a slip.
            raise UsageError(f"{key} must have one value, got {said}; add -m to run one job for each, or quote it.")
        raise UsageError(f"{key} must have one value, got {said}; add -m to run one job for each.")
    return Word(key, tuple(_swept(key, said, override)), is_choice)


def _swept(key: str, said: str, override: Any) -> Iterator[tuple[Any, str]]:
    from hydra.core.override_parser.types import Glob, QuotedString, RangeSweep
    from hydra.errors import HydraException

    if isinstance(override.value(), Glob):
        names = override.value().filter(sorted(groups().get(key.partition("@")[0], {})))
        yield from ((name, f"{key}={name}") for name in names)
        return
    if isinstance(override.value(), RangeSweep):
        _check_range(key, said, override.value())
    try:
        values = list(override.sweep_iterator())
    except (HydraException, ValueError) as error:
        raise UsageError(f"{key} must list its values, got {said} ({error}); write {key}=A,B,C.") from error
    for value, text in zip(values, override.sweep_string_iterator(), strict=True):
        plain = value.text if isinstance(value, QuotedString) else override._convert_value(value)
        yield plain, f"{key}={text}"


def _check_range(key: str, said: str, swept: Any) -> None:
    number = (swept.stop - swept.start) / swept.step if swept.step else math.inf
    if not number <= MOST_CELLS:
        raise UsageError(
            f"a grid must have at most {MOST_CELLS:,} cells, got more for {key}={said}; take larger steps."
        )


def _one(key: str, said: str) -> tuple[Any, str]:
    """A path as it stands; what is quoted, null, a list or a mapping is read by the grammar."""
    override = _grammar(key, said)
    is_meant = not said or said[0] in "'\"[{" or said == "null" or "${" in said
    if override is not None and (is_meant or (not override.is_sweep_override() and override.value() == said)):
        return override.value(), f"{key}={said}"
    return said, f"{key}={quoted(said)}"


def _path_parts(said: str) -> Iterator[str]:
    """The parts between commas; a part that begins with a quote or a bracket goes on to the one that closes it."""
    depth, quote, start = 0, "", 0
    for place, letter in enumerate(said):
        is_first, opens = place == start, said[start] if start < len(said) else ""
        if quote:
            quote = "" if letter == quote else quote
        elif letter in "'\"" and (is_first or opens in "[{"):
            quote = letter
        elif letter in "[{" and opens in "[{":
            depth += 1
        elif letter in "]}" and depth:
            depth -= 1
        elif letter == "," and depth == 0:
            yield said[start:place]
            start = place + 1
    yield said[start:]


@lru_cache(maxsize=4096)
def _grammar(key: str, said: str) -> Any:
    """What Hydra's grammar reads; None where it reads nothing, so that the text stands for itself."""
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from hydra.errors import HydraException

    try:
        (override,) = OverridesParser.create().parse_overrides([f"{key}={said}"])
    except HydraException:
        return None
    return override
