"""A sheet of a failure set: each row tied to its query by id, text and set."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from misfire.core.errors import UsageError, name_some
from misfire.failures.failure_set import Failure, FailureSet
from misfire.failures.sheets.columns import SHEET_COLUMNS
from misfire.failures.sheets.formats import Cell, csv_text
from misfire.failures.taxonomy import Label

_ANSWER_COLUMNS = ("notes", "seconds", "repeat_of", "sequence")


@dataclass(frozen=True)
class SheetEntry:
    """What an annotator said of one item; ``is_repeat`` where it had been shown before, to measure consistency.

    ``sequence`` counts the annotator's labels in the order in which they were given.
    """

    query_id: int
    label: Label | None = None
    notes: str = ""
    seconds: float | None = None
    is_repeat: bool = False
    sequence: int | None = None


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
    return csv_text(sheet_table(failure_set, query_ids, label))


def sheet_table(
    failure_set: FailureSet, query_ids: Collection[int], label: Callable[[Failure], Label | None] = blank
) -> list[tuple[Cell, ...]]:
    """The cells of that sheet, the columns' names first."""
    wanted = set(query_ids)
    rows = [
        _row(failure_set, index, failure, label(failure))
        for index, failure in enumerate(failure_set.failures)
        if failure.query_id in wanted
    ]
    return [SHEET_COLUMNS, *rows]


def answer_table(failure_set: FailureSet, entries: Sequence[SheetEntry]) -> list[tuple[Cell, ...]]:
    """A sheet of what an annotator said, in the order given, with notes, times and hidden repeats.

    Raises:
        UsageError: If an entry isn't of the set.
    """
    places = {failure.query_id: index for index, failure in enumerate(failure_set.failures)}
    strangers = [entry.query_id for entry in entries if entry.query_id not in places]
    if strangers:
        raise UsageError(
            f"a sheet's entries must be of failure set {failure_set.digest[:12]}, got {name_some(strangers)} by query "
            "id that aren't; export with the set that was annotated."
        )
    rows = [
        (
            *_row(failure_set, places[entry.query_id], failure_set.failures[places[entry.query_id]], entry.label),
            entry.notes,
            "" if entry.seconds is None else entry.seconds,
            entry.query_id if entry.is_repeat else "",
            "" if entry.sequence is None else entry.sequence,
        )
        for entry in entries
    ]
    return [(*SHEET_COLUMNS, *_ANSWER_COLUMNS), *rows]


def _row(failure_set: FailureSet, index: int, failure: Failure, label: Label | None) -> tuple[Cell, ...]:
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
