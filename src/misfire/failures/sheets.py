"""Annotation sheets: CSV files that a spreadsheet opens, each row tied to its caption by a hash."""

import csv
import io
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from pathlib import Path

from misfire.core.errors import UsageError, name_some
from misfire.failures.failure_set import Failure, FailureSet
from misfire.failures.taxonomy import Label

SHEET_COLUMNS = (
    "query_id",
    "text_sha256",
    "failure_set",
    "idx",
    "caption",
    "gt_img_idx",
    "pred_img_idx",
    "category",
    "ambiguous_subtype",
)


def blank(failure: Failure) -> Label | None:
    """No label: what an annotator's sheet starts with."""
    return None


def sheet_text(
    failure_set: FailureSet, query_ids: Collection[int], label: Callable[[Failure], Label | None] = blank
) -> str:
    """A CSV sheet of some of a set's failures, in the set's order.

    ``idx`` is the failure's place in the set, from 0, which the contact sheets show as well; ``gt_img_idx`` and
    ``pred_img_idx`` are the ids of the target and of the retrieved image.

    Args:
        failure_set: Where the failures come from; every row carries its digest.
        query_ids: Which of them to write.
        label: What to write in the last two columns; nothing by default.
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(SHEET_COLUMNS)
    wanted = set(query_ids)
    for index, failure in enumerate(failure_set.failures):
        if failure.query_id in wanted:
            writer.writerow(_row(failure_set, index, failure, label(failure)))
    return text.getvalue()


def read_sheet(path: Path, failure_set: FailureSet) -> Mapping[int, Label | None]:
    """The labels of a sheet by query id; None for a row that isn't filled in.

    Raises:
        UsageError: If the file isn't a sheet of this failure set, a caption's hash doesn't match its query, a query
            stands twice, or a label isn't in the taxonomy. Every offender is counted.
    """
    rows = _read_rows(path)
    _check_rows(path, rows, failure_set)
    labels: dict[int, Label | None] = {}
    complaints = []
    for row in rows:
        try:
            labels[int(row["query_id"])] = _label(row)
        except UsageError as error:
            complaints.append(f"query {row['query_id']}: {error}")
    if complaints:
        raise UsageError(
            f"labels in {path.name} must be in the taxonomy, got {len(complaints)} that aren't; "
            f"the first is {complaints[0]}"
        )
    return labels


def _row(failure_set: FailureSet, index: int, failure: Failure, label: Label | None) -> tuple[str | int, ...]:
    category = "" if label is None else label.category
    subtype = "" if label is None else label.ambiguous_subtype or ""
    return (
        failure.query_id,
        failure.text_sha256,
        failure_set.digest,
        index,
        failure.caption,
        failure.target_image_id,
        failure.retrieved_image_id,
        category,
        subtype,
    )


def _label(row: Mapping[str, str]) -> Label | None:
    category, subtype = row["category"].strip(), row["ambiguous_subtype"].strip()
    if not category and subtype:
        raise UsageError(f"a subtype needs a category, got {subtype!r} alone; give both or neither.")
    return Label(category, subtype or None) if category else None


def _read_rows(path: Path) -> list[dict[str, str]]:
    try:
        # Spreadsheets put a byte-order mark before UTF-8; utf-8-sig reads either.
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            f"a sheet must be a readable UTF-8 CSV file, got {path}: {error}; save it as UTF-8."
        ) from error
    # A spreadsheet whose language writes decimals with a comma separates columns by semicolons.
    delimiter = ";" if text.startswith(f"{SHEET_COLUMNS[0]};") else ","
    reader = csv.DictReader(io.StringIO(text, newline=""), restval="", delimiter=delimiter)
    missing = [column for column in SHEET_COLUMNS if column not in (reader.fieldnames or ())]
    if missing:
        raise UsageError(
            f"sheet {path.name} must have the columns it was made with, got none named {name_some(missing)}."
        )
    return list(reader)


def _check_rows(path: Path, rows: list[dict[str, str]], failure_set: FailureSet) -> None:
    hashes = {str(failure.query_id): failure.text_sha256 for failure in failure_set.failures}
    ids = [row["query_id"] for row in rows]
    rules = {
        f"its rows must be of failure set {failure_set.digest[:12]}": [
            row["query_id"] for row in rows if row["failure_set"] != failure_set.digest
        ],
        "its queries must be in the failure set": [query_id for query_id in ids if query_id not in hashes],
        "a caption's text_sha256 must match its query": [
            row["query_id"] for row in rows if hashes.get(row["query_id"], row["text_sha256"]) != row["text_sha256"]
        ],
        "a query must stand once": [query_id for query_id, count in Counter(ids).items() if count > 1],
    }
    for rule, offenders in rules.items():
        if offenders:
            raise UsageError(
                f"sheet {path.name}: {rule}, got {name_some(offenders)} by query id that break it; "
                "fill in the sheet that misfire mine wrote for this set."
            )
