"""Every annotator's one label of every query, out of rows that may repeat, contradict or leave out."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from misfire.data import Dataset
from misfire.failures.consensus.dataset_rows import dataset_mismatches
from misfire.failures.consensus.identity import identify
from misfire.failures.consensus.item import Item
from misfire.failures.consensus.mismatch import Mismatch
from misfire.failures.failure_set import FailureSet
from misfire.failures.sheets import Place, SheetRow, Sheets, label_name
from misfire.failures.taxonomy import Label, Taxonomy


@dataclass(frozen=True)
class Duplicate:
    """A query that one annotator's sheets hold more than once, hidden repeats excepted.

    Equal labels count as one. Different ones are a conflict: the annotator has no label there until it is decided.
    """

    item: Item
    annotator: str
    places: tuple[Place, ...]
    labels: tuple[Label | None, ...]
    is_conflict: bool

    def line(self) -> str:
        """One line for people."""
        said = " and ".join(dict.fromkeys(map(label_name, self.labels)))
        rows = ", ".join(map(str, self.places))
        counts = "a conflict, which counts as no label" if self.is_conflict else "counted once"
        return f"{self.item.name} by {self.annotator}: {said} ({rows}), {counts}"

    def to_json(self) -> dict[str, Any]:
        """The same as a JSON value."""
        return {
            "item": self.item.name,
            "annotator": self.annotator,
            "rows": [str(place) for place in self.places],
            "labels": [label_name(label) for label in self.labels],
            "is_conflict": self.is_conflict,
        }


@dataclass(frozen=True)
class LinkedLabels:
    """Who gave which query which label.

    ``items`` are all queries in an order of their own. ``rows`` are each annotator's rows in the order of labelling,
    hidden repeats included. ``labels`` has an entry for each query that stands in the annotator's sheets; None where it
    isn't labelled or the annotator contradicts themselves. ``annotators`` are in the order of the sheets.
    """

    taxonomy: Taxonomy
    annotators: tuple[str, ...]
    num_rows: int
    items: tuple[Item, ...]
    rows: Mapping[str, tuple[tuple[SheetRow, Item], ...]]
    labels: Mapping[str, Mapping[Item, Label | None]]
    mismatches: tuple[Mismatch, ...]
    duplicates: tuple[Duplicate, ...]

    @property
    def common(self) -> tuple[Item, ...]:
        """Queries that stand in every annotator's sheets."""
        return tuple(item for item in self.items if all(item in self.labels[name] for name in self.annotators))

    def given(self, item: Item) -> dict[str, Label]:
        """The labels that a query has, by annotator in the order of the sheets."""
        found = ((name, self.labels[name].get(item)) for name in self.annotators)
        return {name: label for name, label in found if label is not None}

    def categories(self, annotator: str, items: Iterable[Item]) -> list[str | None]:
        """One annotator's category of each item."""
        found = (self.labels[annotator].get(item) for item in items)
        return [None if label is None else label.category for label in found]


def link(sheets: Sheets, failure_set: FailureSet | None = None, dataset: Dataset | None = None) -> LinkedLabels:
    """Join sheets by query.

    Args:
        sheets: As read.
        failure_set: What was annotated; where it is None, the sheets are held against each other alone.
        dataset: Where the captions come from; rows that it contradicts are named and left out.
    """
    contradicted = [] if dataset is None else dataset_mismatches(sheets.rows, dataset)
    apart = {place for one in contradicted for place in one.places}
    identified = identify([row for row in sheets.rows if row.place not in apart], failure_set)
    by_annotator: dict[str, list[tuple[SheetRow, Item]]] = {name: [] for name in sheets.annotators}
    for row, item in identified.rows:
        by_annotator[row.annotator].append((row, item))
    ordered = {name: tuple(_in_order(rows)) for name, rows in by_annotator.items()}
    labels: dict[str, dict[Item, Label | None]] = {}
    duplicates: list[Duplicate] = []
    for name, rows in ordered.items():
        labels[name], again = _labels(name, rows, sheets.taxonomy)
        duplicates += again
    return LinkedLabels(
        taxonomy=sheets.taxonomy,
        annotators=sheets.annotators,
        num_rows=len(sheets.rows),
        items=tuple(sorted({item for _, item in identified.rows})),
        rows=ordered,
        labels=labels,
        mismatches=tuple(sorted((*contradicted, *identified.mismatches), key=lambda one: (one.places, one.what))),
        duplicates=tuple(sorted(duplicates, key=lambda one: (one.annotator, one.item))),
    )


def _in_order(rows: Sequence[tuple[SheetRow, Item]]) -> list[tuple[SheetRow, Item]]:
    """By the sequence of labelling where all rows tell it, else as sheets are filled in: by place in the set, by id."""
    if all(row.sequence is not None for row, _ in rows):
        return sorted(rows, key=lambda pair: (pair[0].sequence, pair[1], pair[0].place))
    if all(row.idx.isdecimal() for row, _ in rows) and not _idx_repeats(rows):
        return sorted(rows, key=lambda pair: (int(pair[0].idx), pair[1], pair[0].place))
    return sorted(rows, key=lambda pair: (pair[1], pair[0].place))


def _idx_repeats(rows: Sequence[tuple[SheetRow, Item]]) -> bool:
    """Whether an idx is of two queries, so that it tells no order."""
    items = defaultdict(set)
    for row, item in rows:
        items[row.idx].add(item)
    return any(len(several) > 1 for several in items.values())


def _labels(
    annotator: str, rows: Sequence[tuple[SheetRow, Item]], taxonomy: Taxonomy
) -> tuple[dict[Item, Label | None], list[Duplicate]]:
    found: dict[Item, list[SheetRow]] = defaultdict(list)
    for row, item in rows:
        found[item].append(row)
    labels, duplicates = {}, []
    for item, same in found.items():
        shown_first = [row for row in same if not row.is_repeat] or same
        given = [row.label for row in shown_first if row.label is not None]
        is_conflict = len({label.category for label in given}) > 1
        labels[item] = None if is_conflict or not given else _merged(given, taxonomy)
        if len(shown_first) > 1:
            all_labels = tuple(row.label for row in sorted(shown_first, key=lambda row: row.place))
            places = tuple(sorted(row.place for row in shown_first))
            duplicates.append(Duplicate(item, annotator, places, all_labels, is_conflict))
    return labels, duplicates


def _merged(given: Sequence[Label], taxonomy: Taxonomy) -> Label:
    """Labels of one category as one; a subtype on which they differ is left out."""
    subtypes = {label.ambiguous_subtype for label in given} - {None}
    return taxonomy.label(given[0].category, subtypes.pop() if len(subtypes) == 1 else None)


def category_counts(categories: Iterable[str | None], taxonomy: Taxonomy) -> dict[str, int]:
    """How often each category occurs, all of the taxonomy's in its order."""
    counts = Counter(categories)
    return {name: counts[name] for name in taxonomy.names}
