"""A taxonomy's YAML file, read into plain values whose shape is checked and whose gaps are filled."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from misfire.core.errors import UsageError, name_some
from misfire.core.yaml_file import nearest, read_yaml

_CATEGORY_DEFAULTS: dict[str, Any] = {
    "key": None,
    "is_actionable": True,
    "use_when": "",
    "avoid_when": "",
    "examples": [],
    "subtypes": [],
    "synonyms": [],
    "colour": "",
}
_SUBTYPE_DEFAULTS: dict[str, Any] = {"key": "", "synonyms": []}
_MOST_DIGITS = 9


def read_taxonomy_file(path: Path) -> dict[str, Any]:
    """The content of a taxonomy's file, every optional entry filled in.

    Raises:
        UsageError: If the file isn't strict YAML, or an entry is missing, unknown or of another type.
    """
    return checked_content(read_yaml(path, "a taxonomy").content, str(path))


def checked_content(content: Any, place: str) -> dict[str, Any]:
    """The same content with every optional entry filled in.

    Args:
        content: What YAML or JSON gave.
        place: Where it stood, for the reader of an error.

    Raises:
        UsageError: If an entry is missing, unknown or of another type.
    """
    filled = _entries(content, f"taxonomy {place}", ("categories",), {"rule": "", "ten_second_rule": ""})
    _expect(filled, f"taxonomy {place}", categories=_is_list, rule=_is_text, ten_second_rule=_is_text)
    categories = [_category(entry, place, number) for number, entry in enumerate(filled["categories"], start=1)]
    return {**filled, "categories": categories}


def _category(entry: Any, place: str, number: int) -> dict[str, Any]:
    what = f"category {number} of taxonomy {place}"
    filled = _entries(entry, what, ("name", "definition"), _CATEGORY_DEFAULTS)
    if filled["key"] is None:
        filled["key"] = number
    _expect(filled, what, name=_is_name, definition=_is_text, use_when=_is_text, avoid_when=_is_text)
    _expect(filled, what, examples=_is_list, subtypes=_is_list, synonyms=_is_words, key=_is_key, colour=_is_colour)
    _expect(filled, what, is_actionable=_is_yes_or_no)
    examples = [_example(one, f"example {n} of {what}") for n, one in enumerate(filled["examples"], start=1)]
    subtypes = [_subtype(one, f"subtype {n} of {what}") for n, one in enumerate(filled["subtypes"], start=1)]
    return {**filled, "examples": examples, "subtypes": subtypes}


def _subtype(entry: Any, what: str) -> dict[str, Any]:
    filled = _entries(entry, what, ("name", "definition"), _SUBTYPE_DEFAULTS)
    _expect(filled, what, name=_is_name, definition=_is_text, synonyms=_is_words, key=_is_letter_or_none)
    return filled


def _example(entry: Any, what: str) -> dict[str, Any]:
    names = ("caption", "target", "retrieved", "why")
    filled = _entries(entry, what, names, {})
    _expect(filled, what, **dict.fromkeys(names, _is_text))
    return filled


def _entries(entry: Any, what: str, required: tuple[str, ...], defaults: Mapping[str, Any]) -> dict[str, Any]:
    if not isinstance(entry, dict):
        raise UsageError(f"{what} must be a mapping, got {_short(entry)}; see taxonomy.yaml in the package.")
    unknown = [name for name in entry if name not in (*required, *defaults)]
    if unknown:
        known = (*required, *defaults)
        raise UsageError(
            f"{what} may have {', '.join(known)}, got {name_some(unknown)} besides{nearest(unknown[0], known)}; rename "
            "or drop it."
        )
    missing = [name for name in required if name not in entry]
    if missing:
        raise UsageError(f"{what} must have {' and '.join(required)}, got none named {name_some(missing)}; add them.")
    return {**defaults, **entry}


def _expect(entry: Mapping[str, Any], what: str, **rules: Callable[[Any], str]) -> None:
    for name, rule in rules.items():
        wanted = rule(entry[name])
        if wanted:
            raise UsageError(f"{name} of {what} must be {wanted}, got {_short(entry[name])}; write it so.")


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:37]}..."


# Each rule says what is wanted, or nothing where the value is that.


def _is_text(value: Any) -> str:
    return "" if isinstance(value, str) else "a text"


def _is_name(value: Any) -> str:
    # YAML reads a bare `no` as false and `7` as a number.
    return "" if isinstance(value, str) and value.strip() == value != "" else "a text without spaces around it"


def _is_list(value: Any) -> str:
    return "" if isinstance(value, list | tuple) else "a list"


def _is_words(value: Any) -> str:
    fits = isinstance(value, list | tuple) and all(isinstance(word, str) for word in value)
    return "" if fits else "a list of texts"


def _is_yes_or_no(value: Any) -> str:
    return "" if isinstance(value, bool) else "true or false"


def _is_key(value: Any) -> str:
    is_digit = isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= _MOST_DIGITS
    return "" if is_digit or _is_letter(value) else f"a digit from 1 to {_MOST_DIGITS} or a small letter"


def _is_letter_or_none(value: Any) -> str:
    return "" if value == "" or _is_letter(value) else "a small letter"


def _is_letter(value: Any) -> bool:
    return isinstance(value, str) and re.fullmatch("[a-z]", value) is not None


def _is_colour(value: Any) -> str:
    fits = isinstance(value, str) and (not value or re.fullmatch("#[0-9a-fA-F]{6}", value) is not None)
    return "" if fits else "a colour such as '#0072B2'"
