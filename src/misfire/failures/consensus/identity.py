"""Which rows of several sheets are of one query: by id and text, or by text and both images, never by position."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from misfire.core.hashing import sha256_json
from misfire.failures.consensus.mismatch import Mismatch, between, differences, own_hash_fails, short
from misfire.failures.failure_set import Failure, FailureSet
from misfire.failures.sheets import Place, SheetRow, text_key
from misfire.failures.sheets.row import fits_hash

Content = tuple[str, str, str]


@dataclass(frozen=True, order=True)
class Item:
    """A query with the two images that were compared; ``query_id`` is -1 where no sheet knows it."""

    query_id: int
    caption: str
    target: str
    retrieved: str
    idx: str = ""

    @property
    def name(self) -> str:
        """What it's called in messages and files."""
        if self.query_id >= 0:
            return f"query {self.query_id}"
        return f"idx {self.idx}: {short(self.caption)}" if self.idx else short(self.caption)

    @property
    def key(self) -> str:
        """A name that depends on the query alone."""
        if self.query_id >= 0:
            return str(self.query_id)
        return sha256_json([text_key(self.caption), self.target, self.retrieved])[:16]


@dataclass(frozen=True)
class Identified:
    """Rows with their items; rows that belong to no item for certain stand among the mismatches alone."""

    rows: tuple[tuple[SheetRow, Item], ...]
    mismatches: tuple[Mismatch, ...]


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
    found = _among_each_other(whole) if failure_set is None else _within(whole, failure_set)
    return Identified(found.rows, (*partial, *found.mismatches))


def _within(rows: Sequence[SheetRow], failure_set: FailureSet) -> Identified:
    index = _Index(failure_set)
    found, mismatches = [], []
    for row in rows:
        failure, problem = index.find(row)
        if failure is None:
            mismatches.append(Mismatch(row.name, *problem, (row.place,)))
        else:
            found.append((row, index.item(failure)))
    strange = [row for row, _ in found if row.failure_set and not failure_set.digest.startswith(row.failure_set)]
    mismatches += _of_another_set(strange, failure_set)
    return Identified(tuple(found), tuple(mismatches))


class _Index:
    """A failure set by every name that a row may use."""

    def __init__(self, failure_set: FailureSet) -> None:
        self._name = f"failure set {failure_set.digest[:12]}"
        self._by_id = {failure.query_id: failure for failure in failure_set.failures}
        self._place = {failure.query_id: place for place, failure in enumerate(failure_set.failures)}
        self._by_content: dict[Content, list[Failure]] = defaultdict(list)
        self._by_text: dict[str, list[Failure]] = defaultdict(list)
        for failure in failure_set.failures:
            self._by_content[_as_row(failure).content].append(failure)
            self._by_text[text_key(failure.caption)].append(failure)

    def item(self, failure: Failure) -> Item:
        images = str(failure.target_image_id), str(failure.retrieved_image_id)
        return Item(failure.query_id, failure.caption, *images, str(self._place[failure.query_id]))

    def find(self, row: SheetRow) -> tuple[Failure | None, tuple[str, str]]:
        """The failure of a row; or what is wrong with the row, and the values."""
        if row.query_id is not None:
            failure = self._by_id.get(row.query_id)
            if failure is None:
                return None, ("id isn't in the failure set", f"{row.query_id} is no query of {self._name}")
            return self._checked(row, failure)
        exact = self._by_content.get(row.content, [])
        if len(exact) == 1:
            return self._checked(row, exact[0])
        if exact:
            ids = ", ".join(str(failure.query_id) for failure in exact)
            return None, ("row fits several queries", f"queries {ids} have this text and these images; add query_id")
        alike = self._by_text.get(text_key(row.caption), [])
        # Of several with this text, the one that the row's idx names is the likeliest to have been meant.
        alike = sorted(alike, key=lambda failure: str(self._place[failure.query_id]) != row.idx)
        return self._checked(row, alike[0]) if alike else self._by_images(row)

    def _by_images(self, row: SheetRow) -> tuple[Failure | None, tuple[str, str]]:
        images = row.target, row.retrieved
        alike = [f for f in self._by_id.values() if (str(f.target_image_id), str(f.retrieved_image_id)) == images]
        if len(alike) == 1:
            return self._checked(row, alike[0])
        return None, ("text isn't in the failure set", f"{short(row.caption)} is no caption of {self._name}")

    def _checked(self, row: SheetRow, failure: Failure) -> tuple[Failure | None, tuple[str, str]]:
        found = differences(row, _as_row(failure))
        fits = row.text_sha256 and fits_hash(failure.caption, row.text_sha256)
        if fits is False:
            found.append(("text_sha256", f"{row.text_sha256[:12]} against {failure.text_sha256[:12]}"))
        if not found:
            return failure, ("", "")
        of = f"query {failure.query_id} of {self._name}"
        what = " and ".join(name for name, _ in found)
        return None, (f"{what} differ{'s' if len(found) == 1 else ''} from {of}", "; ".join(said for _, said in found))


def _as_row(failure: Failure) -> SheetRow:
    images = str(failure.target_image_id), str(failure.retrieved_image_id)
    return SheetRow(Place("", 0), "", failure.query_id, "", "", "", failure.caption, *images, ("", ""))


def _of_another_set(rows: Sequence[SheetRow], failure_set: FailureSet) -> list[Mismatch]:
    """One entry a sheet and set: text and images fit, so that the labels are of these failures all the same."""
    grouped: dict[tuple[str, str], list[SheetRow]] = defaultdict(list)
    for row in rows:
        grouped[row.place.sheet, row.failure_set].append(row)
    return [
        Mismatch(
            f"{len(group)} rows of {sheet}",
            "failure set differs",
            f"{digest[:12]} against {failure_set.digest[:12]}, though texts and images agree",
            tuple(row.place for row in group),
            is_joined=True,
        )
        for (sheet, digest), group in sorted(grouped.items())
    ]


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
