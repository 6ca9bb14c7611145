"""What an experiment is called that no file describes: what is asked, of which data, with which model."""

import re
from collections.abc import Iterator, Mapping, Sequence

from misfire.config.groups import content, groups, groups_of
from misfire.config.words import PATH_KEYS, Word

EXPERIMENT = "tracking.experiment"
"""The key that names the experiment; where nobody sets it, it is made here."""

_ASKED_OF = ("dataset", "outcomes", "backbone")
_HELPERS = frozenset(("index", "weights"))  # where a copy lies, not what it holds
_COLUMNS = frozenset(("image", "label", "prediction"))  # of a file of outcomes: which of its models, not which data
_MOST_NAMES, _MOST_LETTERS = 3, 60


def ad_hoc_name(verb: str, points: Sequence[Sequence[Word]]) -> str:
    """The name under which a command's cells are kept, so that other data and other models are kept apart.

    Args:
        verb: What is asked.
        points: The words of each cell, at least one cell.
    """
    defaults = groups_of(verb)
    parts = [verb]
    for group in _ASKED_OF:
        # Outcomes are made of data and model unless a word says that they come from a file.
        if group not in defaults or (group == "outcomes" and not any(_said_of(group, said) for said in points)):
            continue
        if group == "backbone" and not any(_embeds(said, defaults) for said in points):
            continue
        named = list(dict.fromkeys(_named(group, defaults[group], said) for said in points))
        parts.append("+".join(named) if len(named) <= _MOST_NAMES else f"{len(named)}_{group}s")
    return "-".join(parts)


def _embeds(said: Sequence[Word], defaults: Mapping[str, str]) -> bool:
    """Whether a model is asked: not where data that ask for a kind of cell of their own bring its outcomes."""
    choice = _choice("dataset", defaults.get("dataset", ""), said)
    path = groups().get("dataset", {}).get(choice)
    return path is None or "cell" not in content(path) or bool(_said_of("backbone", said))


def _choice(group: str, default: str, said: Sequence[Word]) -> str:
    return str(next((word.values[0][0] for word in _said_of(group, said) if word.is_choice), default))


def _said_of(group: str, said: Sequence[Word]) -> list[Word]:
    return [word for word in said if word.key.partition("@")[0].partition(".")[0] == group]


def _named(group: str, default: str, said: Sequence[Word]) -> str:
    """The choice, or the file or folder that a word names in its place; behind it what else is said of it."""
    own = _said_of(group, said)
    name = _choice(group, default, said)
    skipped = _HELPERS if _embeds(said, {group: default}) else _HELPERS | _COLUMNS
    names, further = list[str](), list[str]()
    for word in own:
        key, value = word.key.partition(".")[2], word.values[0][0]
        if word.is_choice or key in skipped or (value is None and key in PATH_KEYS):
            continue
        if key == "name" or key in PATH_KEYS:
            names.append(re.split(r"[/:\\]", str(value).rstrip("/\\"))[-1])
        else:
            further.extend((key, *_texts(value)))
    told = "_".join([*(names or [name]), *further])
    return re.sub(r"[^\w.]+", "_", told).strip("_")[:_MOST_LETTERS] or name


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, list | tuple):
        for one in value:
            yield from _texts(one)
    else:
        yield str(value)
