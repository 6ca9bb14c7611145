"""A file of rows as its columns: CSV, TSV, JSON lines, Parquet or NPZ, read strictly."""

import csv
import json
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from io import StringIO
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, TypeAlias
from zipfile import BadZipFile, ZipFile

import numpy as np

from misfire.core.errors import UsageError, name_some
from misfire.core.expansion import check_expansion
from misfire.core.hashing import sha256_file

Column: TypeAlias = Sequence[Any] | np.ndarray
"""The values of a column; those of a matrix stay in it."""

_BYTES_EACH: Final = 8  # of a value, at least
_TRUE: Final = frozenset({"1", "true", "yes", "1.0"})
_WHOLE: Final = re.compile(r"-?[0-9]+\.0+")  # as a table with gaps writes its whole numbers
_FALSE: Final = frozenset({"0", "false", "no", "0.0"})


class ColumnFile:
    """The columns of a file, each a value a row; texts where the format has nothing else.

    Args:
        path: A file that ends in .csv, .tsv, .jsonl, .parquet or .npz.

    Raises:
        UsageError: If it can't be read, is of another format, or holds no row.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        reader = _READERS.get(path.suffix.lower())
        if reader is None:
            raise UsageError(f"a table must end in {', '.join(_READERS)}, got {path}; write one of them.")
        if not path.is_file():
            raise UsageError(f"a table must be a file, got {path}, which doesn't exist; check the path.")
        self.columns: Mapping[str, Column] = reader(path)
        if not self.columns or not len(next(iter(self.columns.values()))):
            raise UsageError(f"a table must have rows, got none in {path}; check that it was written to the end.")

    def __len__(self) -> int:
        return len(next(iter(self.columns.values())))

    @property
    def sha256(self) -> str:
        """SHA-256 of the file's bytes."""
        return sha256_file(self.path)

    def texts(self, column: str) -> list[str]:
        """A column as texts: a whole number without a decimal point, so that 7 and 7.0 are the same name.

        Raises:
            UsageError: If there is no such column, or a row has nothing in it.
        """
        values = [_as_text(value) for value in self.raw(column)]
        empty = [self._row(index) for index, value in enumerate(values) if not value]
        if empty:
            raise UsageError(
                f"column {column} of {self.path} must have a value in every row, got {name_some(empty)} without; "
                "fill or drop these rows."
            )
        return values

    def classes(self, column: str) -> list[str]:
        """A column of classes as texts; whole numbers are positions in an NPZ file's ``class_names``, if it has some.

        Raises:
            UsageError: If there is no such column, a value is empty, or no class has such a number.
        """
        texts, names = self.texts(column), self.class_names
        values = self.raw(column)
        if not names or set(texts) <= set(names) or not all(isinstance(value, int) for value in values):
            return texts
        outside = np.array([not 0 <= value < len(names) for value in values])
        self._refuse(column, f"a number of class_names, 0 to {len(names) - 1},", outside)
        return [names[value] for value in values]

    @cached_property
    def class_names(self) -> tuple[str, ...]:
        """What an NPZ file calls its classes, in order; nothing where it doesn't say, and for other files."""
        if self.path.suffix != ".npz" or not len(self.columns):
            return ()
        with np.load(self.path, allow_pickle=False) as stored:
            return tuple(_as_text(name) for name in stored["class_names"].tolist()) if "class_names" in stored else ()

    def numbers(self, column: str) -> np.ndarray:
        """A column as floats.

        Raises:
            UsageError: If there is no such column, or a value isn't a finite number.
        """
        given = self.raw(column)
        is_numeric = isinstance(given, np.ndarray) and given.dtype.kind in "fiu"
        values = np.asarray(given, dtype=np.float64) if is_numeric else np.array([_as_number(one) for one in given])
        self._refuse(column, "a finite number", ~np.isfinite(values))
        return values

    def truths(self, column: str) -> np.ndarray:
        """A column of 0 and 1, or true and false.

        Raises:
            UsageError: If there is no such column, or a value is anything else.
        """
        texts = [_as_text(value).lower() for value in self.raw(column)]
        self._refuse(column, "0 or 1", np.array([text not in _TRUE and text not in _FALSE for text in texts]))
        return np.array([text in _TRUE for text in texts])

    def raw(self, column: str) -> Column:
        """A column as it was read.

        Raises:
            UsageError: If there is no such column.
        """
        if column not in self.columns:
            raise UsageError(
                f"{self.path} must have a column {column}, got {', '.join(map(str, list(self.columns)[:10]))}"
                f"{', ...' if len(self.columns) > 10 else ''}; rename one, or say which column it is."
            )
        return self.columns[column]

    def _refuse(self, column: str, rule: str, is_wrong: np.ndarray) -> None:
        wrong = np.flatnonzero(is_wrong)
        if len(wrong):
            values = self.raw(column)
            told = [f"{self._row(index)}: {_plain(values[index])!r}" for index in wrong.tolist()]
            raise UsageError(
                f"column {column} of {self.path} must hold {rule} in every row, got others in {name_some(told)}; "
                "mend these rows."
            )

    def _row(self, index: int) -> str:
        return f"row {index + 1}"


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value


def _as_text(value: Any) -> str:
    if isinstance(value, float | np.floating):
        return "" if np.isnan(value) else str(int(value)) if float(value).is_integer() else repr(float(value))
    text = "" if value is None else str(value).strip()
    return text.partition(".")[0] if _WHOLE.fullmatch(text) else text


def _as_number(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        return float("nan")


def _of_csv(path: Path, delimiter: str = ",") -> dict[str, Column]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} must be UTF-8 text, got other bytes at {error.start}; save it as UTF-8.") from error
    reader = csv.reader(StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        header = next(reader, [])
        rows = [row for row in reader if row]
    except csv.Error as error:
        raise UsageError(f"{path} must be CSV, got line {reader.line_num} ({error}); mend that line.") from error
    again = sorted({name for name in header if header.count(name) > 1})
    if again:
        raise UsageError(f"{path} must name each column once, got {name_some(again)} again; rename one.")
    ragged = [f"row {number} with {len(row)}" for number, row in enumerate(rows, start=1) if len(row) != len(header)]
    if ragged:
        raise UsageError(
            f"{path} must have {len(header)} fields in each row, got {name_some(ragged)}; "
            "put values that hold the separator in quotes."
        )
    return dict(zip(header, zip(*rows, strict=True), strict=True)) if rows else {}


def _of_tsv(path: Path) -> dict[str, Column]:
    return _of_csv(path, delimiter="\t")


def _of_json_lines(path: Path) -> dict[str, Column]:
    rows, columns = [], {}
    for number, line in enumerate(path.read_text(encoding="utf-8-sig").splitlines(), start=1):
        if line.strip():
            try:
                row = json.loads(line)
            except (ValueError, RecursionError) as error:
                raise UsageError(f"{path} must be JSON lines, got line {number} ({error}); mend it.") from error
            if not isinstance(row, dict):
                raise UsageError(f"{path} must have a JSON object a line, got {line[:40]!r} in line {number}; mend it.")
            rows.append(row)
            columns.update(dict.fromkeys(row))
    return {name: [row.get(name) for row in rows] for name in columns}


def _of_parquet(path: Path) -> dict[str, Column]:
    import pyarrow as pa
    from pyarrow import parquet

    try:
        stored = parquet.read_metadata(path)
        check_expansion(path, stored.num_rows * stored.num_columns * _BYTES_EACH, "a table")
        table = parquet.read_table(path)
    except (OSError, pa.ArrowException) as error:
        reason = " ".join(str(error).split())
        raise UsageError(f"{path} must be Parquet, got something else ({reason}); write it again.") from error
    return {name: table.column(name).to_pylist() for name in table.column_names}


def _of_npz(path: Path) -> dict[str, Column]:
    """Vectors are columns; a matrix ``scores`` has a column ``score_CLASS`` for each of the vector ``class_names``.

    Without that vector the classes are called by their numbers, from 0.
    """
    try:
        with ZipFile(path) as archive:
            check_expansion(path, sum(member.file_size for member in archive.infolist()), "a table")
        with np.load(path, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files}
    except UsageError:
        raise
    # What a header says of its shape may be more than there is memory for.
    except (OSError, ValueError, EOFError, BadZipFile, MemoryError) as error:
        reason = " ".join(str(error).split())
        raise UsageError(f"{path} must be NPZ without pickled objects, got something else ({reason}).") from error
    scores = arrays.get("scores", np.array([]))
    names = np.atleast_1d(arrays.pop("class_names", np.arange(scores.shape[1] if scores.ndim == 2 else 0)))
    again = sorted(str(one) for one, count in Counter(names.ravel().tolist()).items() if count > 1)
    if again:
        raise UsageError(
            f"{path} must call each class by a name of its own in class_names, got {name_some(again)} again; leave "
            "class_names out, then they are numbered."
        )
    columns: dict[str, Column] = {}
    for name, array in arrays.items():
        if array.ndim == 1:
            columns[name] = array.tolist()
        elif name == "scores" and array.ndim == 2 and names.shape == array.shape[1:]:
            columns.update({f"score_{one}": array[:, place] for place, one in enumerate(names.tolist())})
        else:
            raise UsageError(
                f"{path} must hold vectors, and a matrix scores with a vector class_names as wide as it, got {name} of "
                f"shape {array.shape} and {len(names)} class_names; write it again."
            )
    lengths = {name: len(values) for name, values in columns.items()}
    if len(set(lengths.values())) > 1:
        told = name_some(f"{name} {length}" for name, length in lengths.items())
        raise UsageError(f"{path} must have columns of one length, got {told}; write a row an image.")
    return columns


_READERS: Final[Mapping[str, Callable[[Path], dict[str, Column]]]] = MappingProxyType(
    {".csv": _of_csv, ".tsv": _of_tsv, ".jsonl": _of_json_lines, ".parquet": _of_parquet, ".npz": _of_npz}
)
