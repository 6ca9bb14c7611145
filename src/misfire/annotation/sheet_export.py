"""An annotator's log as a sheet, which is read like any other."""

from collections.abc import Collection, Mapping
from pathlib import Path

from misfire.annotation.events import ItemKey
from misfire.annotation.state import AnnotationState
from misfire.core.errors import UsageError
from misfire.failures import FailureSet, Label, Taxonomy
from misfire.failures.sheets import SHEET_FORMATS, SheetEntry, SheetFormat, answer_table
from misfire.failures.sheets.formats import Cell


def sheet_entries(state: AnnotationState, query_ids: Collection[int], taxonomy: Taxonomy) -> list[SheetEntry]:
    """What an annotator said of some queries: each once, without a label where it's open, then the labelled repeats."""
    repeats = sorted(key for key in state.answers if key.is_repeat and state.label(key) is not None)
    return [_entry(state, key, taxonomy) for key in (*(ItemKey(query_id) for query_id in query_ids), *repeats)]


def sheet_bytes(
    failure_set: FailureSet, entries: Mapping[str, list[SheetEntry]], taxonomy: Taxonomy, *, path: Path
) -> bytes:
    """The sheet of one or several annotators in the format that the path's suffix names.

    Args:
        failure_set: What was annotated.
        entries: By annotator; several stand in one sheet with a column that names them.
        taxonomy: What the labels come from.
        path: Only its suffix is looked at.

    Raises:
        UsageError: If there is no such format.
    """
    formats: dict[str, SheetFormat] = {}
    for one in SHEET_FORMATS.values():
        formats.setdefault(one.suffix, one)
    if path.suffix.lower() not in formats:
        raise UsageError(f"a sheet's file must end in {' or '.join(sorted(formats))}, got {path.name}; rename it.")
    return formats[path.suffix.lower()].encode(_table(failure_set, entries), taxonomy)


def _table(failure_set: FailureSet, entries: Mapping[str, list[SheetEntry]]) -> list[tuple[Cell, ...]]:
    tables = {annotator: answer_table(failure_set, said) for annotator, said in entries.items()}
    if len(tables) == 1:
        return next(iter(tables.values()))
    header = next(iter(tables.values()))[0]
    rows = [(*row, annotator) for annotator, table in tables.items() for row in table[1:]]
    return [(*header, "annotator"), *rows]


def _entry(state: AnnotationState, key: ItemKey, taxonomy: Taxonomy) -> SheetEntry:
    event = state.label(key)
    label: Label | None = None if event is None else taxonomy.label(str(event.category), event.subtype)
    return SheetEntry(
        query_id=key.query_id,
        label=label,
        notes=state.notes.get(key, ""),
        seconds=None if event is None else event.seconds,
        is_repeat=key.is_repeat,
        sequence=None if event is None else event.sequence,
    )
