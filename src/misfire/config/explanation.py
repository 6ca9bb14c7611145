"""What a verb can be told, out of the files that say it: groups, keys, their values and comments, examples."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

from misfire.config.composing import CELL, check_choices
from misfire.config.fitting import MISSING
from misfire.config.groups import content, groups, groups_of, package_of, primaries
from misfire.config.words import own_words, parsed

_LINE = re.compile(r"(?P<indent> *)(?P<key>[A-Za-z_][\w/@]*):(?P<rest>.*)")
_COMMENT = re.compile(r"(?:^|\s)#\s*(?P<text>.*)$")
_EXAMPLE = "# Example: "


@final
@dataclass(frozen=True)
class Key:
    """A key with the value that it has unless told otherwise, and the comment beside it."""

    name: str
    value: str
    comment: str


def explained_keys(verb: str, words: Sequence[str] = ()) -> list[Key]:
    """Every key of a verb: those of its own file first, then those of its groups' chosen files.

    Args:
        verb: Which.
        words: What was chosen; other choices have other keys.

    Raises:
        UsageError: If a word chooses what isn't there.
    """
    said = parsed(own_words(words))
    check_choices(verb, said)
    chosen = {**groups_of(verb), **{word.key: str(word.values[0][0]) for word in said if word.is_choice}}
    found = [key for key in keys_of(primaries()[verb]) if key.name.partition(".")[0] not in (*chosen, CELL)]
    for group, choice in chosen.items():
        path = groups().get(group, {}).get(choice)
        if path is not None:
            said_of_all = package_of(path) == "_global_"
            prefix = "" if said_of_all else f"{group}."
            found += [
                Key(f"{prefix}{key.name}", key.value, key.comment)
                for key in keys_of(path)
                if key.name.partition(".")[0] != CELL
            ]
    return found


def explained_groups(verb: str, words: Sequence[str] = ()) -> dict[str, list[str]]:
    """The choices of each group of a verb, the one that is taken first."""
    said = {word.key: str(word.values[0][0]) for word in parsed(own_words(words)) if word.is_choice}
    return {
        group: sorted(groups().get(group, {}), key=lambda name: (name != said.get(group, choice), name))
        for group, choice in groups_of(verb).items()
    }


def examples(verb: str) -> list[str]:
    """The commands that a verb's file gives as examples."""
    lines = primaries()[verb].read_text(encoding="utf-8").splitlines()
    return [line.removeprefix(_EXAMPLE) for line in lines if line.startswith(_EXAMPLE)]


def keys_of(path: Path) -> list[Key]:
    """The keys that a file sets, dots for their parts, in order; a description's name of its class isn't one."""
    comments = dict(_comments(path.read_text(encoding="utf-8").splitlines()))
    return [
        Key(name, _told(value), comments.get(name, ""))
        for name, value in _leaves(content(path), "")
        if name.partition(".")[0] not in ("defaults", "hydra") and "_target_" not in name
    ]


def _leaves(node: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Any]]:
    for key, value in node.items():
        if isinstance(value, Mapping) and value:
            yield from _leaves(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _comments(lines: Sequence[str]) -> Iterator[tuple[str, str]]:
    above: list[tuple[int, str]] = []
    before = ""
    for line in lines:
        found = _LINE.match(line)
        if found is None:
            before = line.strip().lstrip("# ") if line.strip().startswith("#") and above else ""
            continue
        indent = len(found["indent"])
        above = [*(one for one in above if one[0] < indent), (indent, found["key"])]
        beside = _COMMENT.search(found["rest"])
        comment = beside["text"].strip() if beside else before
        before = ""
        if comment:
            yield ".".join(key for _, key in above), comment


def _told(value: Any) -> str:
    if value == MISSING:
        return "(must be given)"
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        has_parts = any(isinstance(one, dict) for one in value)
        told = f"{len(value)} entries" if has_parts else ", ".join(map(str, value))
        return f"[{told}]" if len(told) < 40 else f"[{told[:36]}...]"
    return str(value)
