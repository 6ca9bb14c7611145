"""The files of ``conf/``: which verbs, groups and choices there are, and what each file says of itself."""

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from misfire.config.rooms import conf_folders

_SELF = "_self_"
_PACKAGE = re.compile(r"^\s*#\s*@package\s+(\S+)", re.MULTILINE)


@lru_cache(maxsize=1)
def primaries() -> Mapping[str, Path]:
    """The primary configurations by their verb; ours before those of others."""
    found: dict[str, Path] = {}
    for folder in conf_folders():
        for path in sorted(folder.glob("*.yaml")):
            found.setdefault(path.stem, path)
    return found


@lru_cache(maxsize=1)
def groups() -> Mapping[str, Mapping[str, Path]]:
    """The files of each group's choices, by group and by choice."""
    found: dict[str, dict[str, Path]] = {}
    for folder in conf_folders():
        for path in sorted(folder.glob("*/**/*.yaml")):
            group = path.parent.relative_to(folder).as_posix()
            found.setdefault(group, {}).setdefault(path.stem, path)
    return found


@lru_cache(maxsize=512)
def content(path: Path) -> Any:
    """What a file says, before anything is composed."""
    return yaml.safe_load(path.read_text(encoding="utf-8")) or {}


def groups_of(verb: str) -> dict[str, str]:
    """The groups that a verb composes, each with the choice that it takes unless told otherwise, in order."""
    return dict(_defaults(primaries()[verb]))


def _defaults(path: Path) -> Iterator[tuple[str, str]]:
    for entry in content(path).get("defaults", []):
        if isinstance(entry, str):
            if entry != _SELF and entry in primaries():
                yield from _defaults(primaries()[entry])
            continue
        ((group, choice),) = entry.items()
        name = group.removeprefix("override ").lstrip("/").partition("@")[0]
        if not name.startswith("hydra/") and choice is not None:
            yield name, str(choice)


def package_of(path: Path) -> str | None:
    """Where a file says that its keys belong; None where it leaves that to its group."""
    found = _PACKAGE.search(path.read_text(encoding="utf-8"))
    return found[1] if found else None


def summary(path: Path) -> str:
    """The first comment line of a file: what it is."""
    with path.open(encoding="utf-8") as file:
        for line in file:
            if _PACKAGE.match(line):
                continue
            return line.removeprefix("#").strip() if line.startswith("#") else ""
    return ""


def targets_of(group: str) -> tuple[str, ...]:
    """The names of what a group's own files build, each once, in the files' order."""
    found = []
    for path in groups().get(group, {}).values():
        said = content(path)
        # A choice that sets more than its group says so by a package header, and names the group itself.
        for node in (said, said.get(group)):
            if isinstance(node, dict) and isinstance(node.get("_target_"), str):
                found.append(node["_target_"])
    return tuple(dict.fromkeys(found))


def forget() -> None:
    """Look again at what is installed and what files there are."""
    from misfire.config.rooms import rooms

    for one in (rooms, primaries, groups, content):
        one.cache_clear()
