"""Which rows of several sheets are of one query: by id and text, or by text and both images, never by position."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from itertools import combinations
from typing import Any

from misfire.failures.consensus.item import Identified, Item
from misfire.failures.consensus.mismatch import Mismatch, between, differences, own_hash_fails, short
from misfire.failures.consensus.within_set import identify_within
from misfire.failures.failure_set import FailureSet
from misfire.failures.sheets import SheetRow, text_key

Content = tuple[str, str, str]


def identify(rows: Sequence[SheetRow], failure_set: FailureSet | None = None) -> Identified:
    """The item of each row.

    With a failure set each row must be one of its failures, by query id or else by text and both images, and agree
    with it in everything that it says. Without one, rows are of one query where id, text and both images agree, as far
    as the rows have them; a row without an id has that of the row with the same text and images, if just one has.

    Args:
        rows: Of all sheets.
        failure_set: What was annotated.
    """
    whole = [row for row in rows if row.query_id is not None or all(row.content)]
    partial = [
        Mismatch(
            row.name, "row can't be tied to a query", "it has neither query_id nor text and both images", (row.place,)
        )
        for row in rows
        if row.query_id is None and not all(row.content)
    ]
    found = _among_each_other(whole) if failure_set is None else identify_within(whole, failure_set)
    return Identified(found.rows, (*partial, *found.mismatches))


def _among_each_other(rows: Sequence[SheetRow]) -> Identified:
    sound = [row for row in rows if not own_hash_fails(row)]
    mismatches = [
        Mismatch(row.name, "text_sha256 is of another text than the caption", short(row.caption), (row.place,))
        for row in rows
        if own_hash_fails(row)
    ]
    groups, clashes = _by_id([row for row in sound if row.query_id is not None])
    mismatches += clashes
    adopted, doubts = _adopt([row for row in sound if row.query_id is None], groups)
    mismatches += doubts
    everything = {item: groups.get(item, []) + adopted.get(item, []) for item in {**groups, **adopted}}
    if adopted:  # ids decide where all rows have one
        mismatches += _idx_clashes(everything)
    return Identified(tuple((row, item) for item, group in everything.items() for row in group), tuple(mismatches))


def _by_id(rows: Sequence[SheetRow]) -> tuple[dict[Item, list[SheetRow]], list[Mismatch]]:
    """Rows of one id whose texts and images agree; where they don't, each reading is a query of its own."""
    by_id: dict[int, list[SheetRow]] = defaultdict(list)
    for row in rows:
        by_id[row.query_id or 0].append(row)
    groups: dict[Item, list[SheetRow]] = {}
    mismatches = []
    for query_id, same in by_id.items():
        readings: list[list[SheetRow]] = []
        # The fullest rows first, so that a row without a caption joins whichever reading it fits.
        for row in sorted(same, key=_fullest_first):
            fitting = next((group for group in readings if not differences(group[0], row)), None)
            fitting.append(row) if fitting is not None else readings.append([row])
        for group in readings:
            groups[Item(query_id, group[0].caption, group[0].target, group[0].retrieved, group[0].idx)] = group
        clash = (
            between(f"query {query_id}", [row for group in readings for row in group]) if len(readings) > 1 else None
        )
        mismatches += [clash] if clash else []
    return groups, mismatches


def _adopt(
    rows: Sequence[SheetRow], groups: Mapping[Item, list[SheetRow]]
) -> tuple[dict[Item, list[SheetRow]], list[Mismatch]]:
    """Rows without an id under the item of the same text and images."""
    by_content: dict[Content, list[Item]] = defaultdict(list)
    for item in groups:
        by_content[text_key(item.caption), item.target, item.retrieved].append(item)
    found: dict[Item, list[SheetRow]] = {}
    own: dict[Content, Item] = {}
    doubts = []
    for row in sorted(rows, key=_fullest_first):
        known = by_content.get(row.content, [])
        if len(known) > 1:
            ids = ", ".join(str(item.query_id) for item in known)
            detail = f"queries {ids} have this text and these images; add query_id"
            doubts.append(Mismatch(row.name, "row fits several queries", detail, (row.place,)))
            continue
        item = known[0] if known else own.setdefault(row.content, _unnamed(row))
        found.setdefault(item, []).append(row)
    return found, doubts


def _fullest_first(row: SheetRow) -> tuple[Any, ...]:
    return -sum(map(bool, row.content)), row.content, row.idx, row.caption, row.place


def _unnamed(row: SheetRow) -> Item:
    return Item(-1, row.caption, row.target, row.retrieved, row.idx)


def _idx_clashes(groups: Mapping[Item, list[SheetRow]]) -> list[Mismatch]:
    """Rows that one idx, or one caption, holds to be the same query, though text or images differ."""
    is_shared = _idx_is_shared(groups)
    mismatches = []
    by_idx: dict[str, list[SheetRow]] = defaultdict(list)
    for item, rows in groups.items():
        for row in rows:
            if row.idx:
                by_idx[row.idx].append(row)
        indices = sorted({row.idx for row in rows})
        if is_shared and len(indices) > 1:
            detail = f"{' against '.join(indices)}, though text and images agree"
            mismatches.append(Mismatch(item.name, "idx differs", detail, tuple(row.place for row in rows), True))
    suspect = {idx: rows for idx, rows in by_idx.items() if is_shared or _agree_in_part(rows)}
    clashes = (between(f"idx {idx}", rows) for idx, rows in suspect.items())
    mismatches += [clash for clash in clashes if clash is not None]
    return mismatches if is_shared else mismatches + _caption_clashes(groups, suspect.keys())


def _idx_is_shared(groups: Mapping[Item, list[SheetRow]]) -> bool:
    """Whether idx names a query in all sheets, rather than counting each sheet's own rows: it mostly agrees."""
    shared = [
        rows for rows in groups.values() if len({row.place.sheet for row in rows}) > 1 and all(r.idx for r in rows)
    ]
    agreeing = sum(len({row.idx for row in rows}) == 1 for rows in shared)
    return bool(shared) and 2 * agreeing >= len(shared)


def _agree_in_part(rows: Sequence[SheetRow]) -> bool:
    """Whether rows of different sheets under one idx have text, target or retrieved image in common: no accident."""
    return any(
        one.place.sheet != other.place.sheet and any(a == b for a, b in zip(one.content, other.content, strict=True))
        for one, other in combinations(rows, 2)
    )


def _caption_clashes(groups: Mapping[Item, list[SheetRow]], named: Collection[str]) -> list[Mismatch]:
    """Items of one caption that different sheets give different images, unless their idx is named already."""
    by_text: dict[str, list[Item]] = defaultdict(list)
    for item in groups:
        if item.idx not in named:
            by_text[text_key(item.caption)].append(item)
    mismatches = []
    for items in by_text.values():
        sheets = [{row.place.sheet for row in groups[item]} for item in items]
        if len(items) > 1 and all(len(one) == 1 for one in sheets) and len(set.union(*sheets)) == len(items):
            clash = between(items[0].name, [groups[item][0] for item in items])
            mismatches += [clash] if clash else []
    return mismatches
