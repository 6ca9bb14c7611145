"""A YAML file that a person wrote, read strictly: whatever it could say in two ways is refused with file and line.

Plain ``yaml.safe_load`` keeps the last of two equal keys, expands a few hundred bytes of aliases to gigabytes, reads
UTF-16 where there is a mark for it, and names no file in its errors.
"""

from collections.abc import Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final, final

import yaml

from misfire.core.errors import UsageError, name_some

MOST_BYTES: Final = 2**20
MOST_VALUES: Final = 100_000
MOST_LEVELS: Final = 50

# libyaml's loader builds the same plain values, ten times as fast; it is part of PyYAML's wheels.
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_MERGE: Final = "tag:yaml.org,2002:merge"

Place = tuple[str | int, ...]
"""Where a value stands: keys and positions from the file's top."""


@final
@dataclass(frozen=True)
class YamlFile:
    """The content of a file beside the line on which each value begins.

    Args:
        path: The file.
        what: What it is, for messages ("a sweep").
        content: Plain values: mappings, lists, texts, numbers, truth values, dates, None.
        lines: The line, from 1, by the place of a value; a mapping's entry stands on the line of its key.
    """

    path: Path
    what: str
    content: Any
    lines: Mapping[Place, int]

    def where(self, *place: str | int) -> str:
        """File and line of a value, as messages name them ("my.yaml, line 7"); the file alone where it isn't known."""
        line = self.lines.get(place)
        return str(self.path) if line is None else f"{self.path}, line {line}"

    def entries(
        self, *place: str | int, required: Iterable[str] = (), optional: Iterable[str] = (), example: str = ""
    ) -> dict[str, Any]:
        """The mapping at a place, all of whose keys are known.

        Args:
            place: Where it stands; the file's top if nothing is given.
            required: Keys that it must have.
            optional: Keys that it may have.
            example: A file to look at, for messages.

        Raises:
            UsageError: If it is no mapping, lacks a key, or has one that isn't known; the nearest known key is named.
        """
        found = self.content
        for step in place:
            found = found[step]
        of = f"{'.'.join(map(str, place))} of {self.what}" if place else self.what
        look = f"; see {example}." if example else "."
        if not isinstance(found, dict):
            raise UsageError(f"{of} must be a mapping, got {_kind(found)} in {self.where(*place)}{look}")
        wanted, known = list(required), [*required, *optional]
        missing = [key for key in wanted if key not in found]
        unknown = [key for key in found if key not in known]
        if unknown:
            named = ", ".join(f"{key!r} in {self.where(*place, key)}{nearest(key, known)}" for key in unknown[:3])
            more = f" and {len(unknown) - 3} more" if len(unknown) > 3 else ""
            raise UsageError(f"{of} may have the keys {', '.join(known)}, got {named}{more}; rename or drop it{look}")
        if missing:
            raise UsageError(
                f"{of} must have {' and '.join(wanted)}, got none named {name_some(missing)} in "
                f"{self.where(*place)}; add it{look}"
            )
        return dict(found)


def read_yaml(path: Path, what: str) -> YamlFile:
    """The content of a YAML file that a person wrote.

    Args:
        path: The file.
        what: What it is, for messages ("a sweep", "a taxonomy").

    Raises:
        UsageError: If it can't be read, isn't UTF-8 or isn't one YAML document; if a key stands twice in a mapping; if
            it holds objects, an alias to itself, or more than a person writes (a megabyte, 100,000 values once aliases
            are expanded, 50 levels).
    """
    text = _text(path, what)
    try:
        _check_levels(text, path, what)
        loader = _Loader(text)
        try:
            node = loader.get_single_node()
            if node is None:
                return YamlFile(path, what, None, {})
            _check_size(node, path, what)
            _refuse_repeated_keys(loader, node, path, what)
            return YamlFile(path, what, loader.construct_document(node), dict(_lines(node)))
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        # What is missing at the end is missed on the line after the last.
        line = f", line {min(mark.line, len(text.splitlines()) - 1) + 1}" if mark else ""
        raise UsageError(f"{what} must be YAML, got {path}{line}: {error.problem}; mend that line.") from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # "2026-13-40" is a ValueError of datetime
        if isinstance(error, UsageError):
            raise
        raise UsageError(f"{what} must be YAML, got {path}: {' '.join(str(error).split())}; mend it.") from error


def nearest(key: object, known: Iterable[str]) -> str:
    """The question whether the nearest known word was meant, in brackets, or nothing where none is near.

    Example:
        >>> nearest("fixd", ["fixed", "grid"])
        ' (did you mean fixed?)'
    """
    near = get_close_matches(str(key), list(known), n=1, cutoff=0.6)
    return f" (did you mean {near[0]}?)" if near else ""


def _text(path: Path, what: str) -> str:
    try:
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
        raise UsageError(f"{what} must be a readable YAML file, got {path} ({reason}); mend or name it.") from error
    if len(data) > MOST_BYTES:
        raise UsageError(f"{what} must be at most {MOST_BYTES:,} bytes, got more in {path}; is it another file?")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
            raise UsageError(f"{what} must be UTF-8, got UTF-16 in {path}; save it as UTF-8.") from error
        raise UsageError(
            f"{what} must be UTF-8, got {path}, line {line}, where byte {error.start} isn't; save it as UTF-8."
        ) from error


def _check_levels(text: str, path: Path, what: str) -> None:
    """Before anything recurses over the document: a loader's own recursion ends in a traceback, or worse."""
    level = 0
    for event in yaml.parse(text, Loader=_Loader):
        if isinstance(event, yaml.CollectionStartEvent):
            level += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            level -= 1
        if level > MOST_LEVELS:
            line = event.start_mark.line + 1 if event.start_mark else 1
            raise UsageError(
                f"{what} must be nested at most {MOST_LEVELS} levels deep, got more in {path}, line {line}; flatten it."
            )


def _check_size(node: yaml.Node, path: Path, what: str) -> None:
    """Count what aliases expand to without expanding them."""
    sizes: dict[int, int] = {}
    open_nodes: set[int] = set()

    def size(one: yaml.Node) -> int:
        if id(one) in open_nodes:
            raise UsageError(
                f"an alias in {what} must not lead to what it stands in, got one in {path}, line "
                f"{one.start_mark.line + 1}; write the value out."
            )
        if id(one) not in sizes:
            open_nodes.add(id(one))
            # What "<<" merges is copied into its mapping, so it counts wherever it's merged, as other aliases do.
            sizes[id(one)] = 1 + sum(size(child) for child in _children(one))
            open_nodes.remove(id(one))
        return sizes[id(one)]

    found = size(node)
    if found > MOST_VALUES:
        raise UsageError(
            f"{what} must hold at most {MOST_VALUES:,} values once its aliases are expanded, got {_about(found)} in "
            f"{path}; write it without so many aliases."
        )


def _about(number: int) -> str:
    return f"{number:,}" if number < 10**12 else f"about 10^{len(str(number)) - 1}"


def _children(node: yaml.Node) -> Iterator[yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        yield from (part for pair in node.value for part in pair)
    elif isinstance(node, yaml.SequenceNode):
        yield from node.value


def _refuse_repeated_keys(loader: Any, top: yaml.Node, path: Path, what: str) -> None:
    seen, waiting = {id(top)}, [top]
    while waiting:
        node = waiting.pop()
        if isinstance(node, yaml.MappingNode):
            lines: dict[Hashable, int] = {}
            for key_node, _ in node.value:
                if key_node.tag == _MERGE or not isinstance(key_node, yaml.ScalarNode):
                    continue  # a key that is a list or a mapping is refused when it's built
                key, line = loader.construct_object(key_node), key_node.start_mark.line + 1
                if key in lines:
                    raise UsageError(
                        f"a key of {what} must stand once, got {key!r} on lines {lines[key]} and {line} of {path}; "
                        "drop one of them."
                    )
                lines[key] = line
        for child in _children(node):
            if id(child) not in seen:
                seen.add(id(child))
                waiting.append(child)


def _lines(node: yaml.Node, place: Place = ()) -> Iterator[tuple[Place, int]]:
    if not place:
        yield place, node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield (*place, key.value), key.start_mark.line + 1
            yield from _lines(value, (*place, key.value))
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            yield (*place, index), value.start_mark.line + 1
            yield from _lines(value, (*place, index))


def _kind(value: Any) -> str:
    names = {list: "a list", str: "a text", bool: "a truth value", type(None): "nothing", dict: "a mapping"}
    return names.get(type(value), f"{value!r}"[:40])
