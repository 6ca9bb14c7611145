"""What a source lists before anything of it is checked, and the readers that its formats share."""

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from misfire.core.errors import UsageError, name_some
from misfire.data.dataset import Caption, Image, ImageSource, Skipped

NO_TEXT = "null"
"""Why a caption that is none was skipped."""

_INT64 = 2**63
_DIGITS = re.compile(r"-?[0-9]{1,19}")


@dataclass(frozen=True)
class Listing:
    """Images and captions as a source lists them: nothing is opened, ids may repeat and pictures may be missing.

    ``no_texts`` are captions that the source has a place for and no text in it: refused, or skipped and said.
    ``other_images`` and ``other_texts`` are left out whatever the policy, since the format has another use for them;
    ``remarks`` are sentences about how the source was read that belong beside every result.
    """

    name: str
    images: Sequence[Image]
    captions: Sequence[Caption]
    no_texts: Sequence[Skipped] = ()
    other_images: Sequence[Skipped] = ()
    other_texts: Sequence[Skipped] = ()
    remarks: Sequence[str] = ()

    @classmethod
    def of_pairs(
        cls,
        name: str,
        pairs: Iterable[tuple[str, str | None]],
        open: Callable[[str], ImageSource],
        *,
        calls: Sequence[str] = (),
        others: Iterable[str] = (),
    ) -> "Listing":
        """A listing of a source that has only pairs of an image's name and one of its captions.

        Images are numbered from 0 in the order of their names, captions in the order of the pairs.

        Args:
            name: The dataset's name.
            pairs: Name of an image and one text that describes it, or None where there is a place for one alone.
            open: From an image's name to where its pixels come from.
            calls: What a person calls each pair; needed where a text may be None.
            others: Names of images without a pair.
        """
        rows = list(pairs)
        names = sorted({image for image, _ in rows} | set(others))
        position = {image: index for index, image in enumerate(names)}
        return cls(
            name=name,
            images=[Image(index, open(image), image) for image, index in position.items()],
            captions=[
                Caption(row, position[image], text) for row, (image, text) in enumerate(rows) if text is not None
            ],
            no_texts=[Skipped(calls[row], NO_TEXT) for row, (_, text) in enumerate(rows) if text is None],
        )


class Kind(NamedTuple):
    """What a field must be: its words in a message, and a converter that raises ``ValueError`` for anything else."""

    words: str
    convert: Callable[[Any], Any]


def _whole_number(value: Any) -> int:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number and not (isinstance(value, str) and _DIGITS.fullmatch(value)):
        raise ValueError
    number = int(value)  # a text such as "391895" is read as its number
    if (is_number and number != value) or not -_INT64 <= number < _INT64:
        raise ValueError
    return number


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError
    value.encode("utf-8")  # half a surrogate pair can't be hashed or tokenized
    return value


def _name(value: Any) -> str:
    text = _text(value)
    if not text.strip():
        raise ValueError
    return text


def _text_or_null(value: Any) -> str | None:
    return None if value is None else _text(value)


WHOLE_NUMBER = Kind("a whole number", _whole_number)
TEXT = Kind("a text", _text)
TEXT_OR_NULL = Kind("a text", _text_or_null)
NAME = Kind("a text that isn't empty", _name)


def read_text(path: Path, what: str, *, published: str) -> str:
    """The text of a UTF-8 file.

    Args:
        path: The file.
        what: What it is, for the reader of an error.
        published: Where a user gets it, such as "it is in annotations_trainval2017.zip of cocodataset.org".

    Raises:
        UsageError: If it is missing, can't be read, or isn't UTF-8.
    """
    if not path.is_file():
        raise UsageError(f"{what} must lie at {path}, found none; put {path.name} there ({published}).")
    try:
        return path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise UsageError(f"{what} must be readable, got {path} ({error.strerror}); mend its rights.") from error
    except UnicodeDecodeError as error:
        raise UsageError(
            f"{what} must be UTF-8, got {path} (byte {error.start} isn't); restore it or convert it to UTF-8."
        ) from error


class KeyTwiceError(ValueError):
    """A JSON object has a key more than once."""


def strict_json(text: str) -> Any:
    """The value of a JSON text in which no object has a key twice: a plain reader keeps the last of them.

    Raises:
        ValueError: If it isn't JSON; :class:`KeyTwiceError` if a key stands twice.
    """

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            again = [key for place, (key, _) in enumerate(pairs) if key in [other for other, _ in pairs[:place]]]
            raise KeyTwiceError(f"the key {again[0]!r} twice")
        return found

    return json.loads(text, object_pairs_hook=once)


def read_json(path: Path, what: str, *, published: str) -> Any:
    """The value of a JSON file; arguments as :func:`read_text` takes them.

    Raises:
        UsageError: If it is missing, can't be read, or isn't JSON.
    """
    text = read_text(path, what, published=published)
    try:
        return strict_json(text)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{what} must be JSON, got {path} ({error}); restore it ({published}).") from error


def read_json_lines(path: Path, what: str, *, published: str) -> tuple[list[Mapping[str, Any]], list[str]]:
    """The objects of a file with one JSON object a line, and what a person calls each ("line 4").

    Blank lines are passed over; arguments are those of :func:`read_text`.

    Raises:
        UsageError: If it is missing, can't be read, or lines hold something else; they are counted and named.
    """
    text = read_text(path, what, published=published)
    rows: list[Mapping[str, Any]] = []
    calls, wrong = [], []
    for number, line in enumerate(text.split("\n"), start=1):  # splitlines would cut at U+2028, which JSON allows
        if not line.strip():
            continue
        try:
            row = strict_json(line)
        except KeyTwiceError as error:
            raise UsageError(
                f"{path} must have a key once in each object, got {error} in line {number}; mend it."
            ) from error
        except (ValueError, RecursionError):
            row = None
        if isinstance(row, dict):
            rows.append(row)
            calls.append(f"line {number}")
        else:
            wrong.append(f"line {number}")
    if wrong:
        raise UsageError(f"{path} must have a JSON object in each line, got {name_some(wrong)} without; mend them.")
    return rows, calls


def refuse_repeated_columns(path: Path, names: Sequence[str | None]) -> None:
    """Refuse a table that names a column twice: a reader would keep one of them, and no one could say which.

    Raises:
        UsageError: If a column's name stands more than once; columns without a name may be as many as they like.
    """
    named = [str(name) for name in names if name and str(name).strip()]
    again = sorted({name for name in named if named.count(name) > 1})
    if again:
        raise UsageError(
            f"the columns of a table must have different names, got {name_some(again)} more than once in {path}; "
            "rename or drop the others."
        )


def read_rows(path: Path, document: Any, key: str) -> list[Mapping[str, Any]]:
    """The list of objects at ``key`` of a JSON document.

    Raises:
        UsageError: If the document is no object, lacks the key, or the value isn't a list of objects.
    """
    if not isinstance(document, dict):
        raise UsageError(f"{path} must hold a JSON object with {key}, got {_type(document)}; is it another file?")
    if key not in document:
        raise UsageError(
            f"{path} must hold a JSON object with {key}, it holds {name_some(document)}; is it another file?"
        )
    rows = document[key]
    if not isinstance(rows, list):
        raise UsageError(f"{path}: {key} must be a list of objects, got {_type(rows)}; restore the file.")
    wrong = [f"{key}[{index}] is {_type(row)}" for index, row in enumerate(rows) if not isinstance(row, dict)]
    if wrong:
        raise UsageError(f"{path}: {key} must be a list of objects, got {name_some(wrong)}; mend or drop them.")
    return rows


def read_column(
    path: Path, rows: Sequence[Mapping[str, Any]], field: str, kind: Kind, *, call: Callable[[int], str]
) -> list[Any]:
    """One field of every row, each converted to its kind.

    Args:
        path: The file, for the reader of an error.
        rows: The rows.
        field: Name of the field.
        kind: What it must be.
        call: From a row's position to what a person calls that row ("annotations[3]", "line 4").

    Raises:
        UsageError: If rows lack the field or have something else there; they are counted and the first few named.
    """
    values, wrong = [], []
    for index, row in enumerate(rows):
        try:
            values.append(kind.convert(row[field]))
        except KeyError:
            wrong.append(f"{call(index)} has none")
        except (ValueError, OverflowError):
            wrong.append(f"{call(index)} has {_shown(row[field])}")
    if wrong:
        raise UsageError(f"{path}: {field} must be {kind.words}, got {name_some(wrong)}; mend or drop those rows.")
    return values


def _type(value: Any) -> str:
    names = {dict: "an object", list: "a list", str: "a text", bool: "a truth value", type(None): "null"}
    return names.get(type(value), "a number")


def _shown(value: Any) -> str:
    text = json.dumps(value, default=str)
    return text if len(text) <= 40 else text[:37] + "..."
