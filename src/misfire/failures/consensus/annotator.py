"""One annotator at a time: what they labelled, and whether they were consistent, drifted or took too little time."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from misfire.core.seeding import generator
from misfire.failures.consensus.item import Item
from misfire.failures.consensus.linking import LinkedLabels, category_counts
from misfire.failures.consensus.reference import Reference
from misfire.failures.sheets import SheetRow
from misfire.stats.agreement import (
    Departure,
    FastItems,
    LabelChange,
    SelfAgreement,
    annotator_departures,
    fast_items,
    label_change,
    self_agreement,
)

_UNLIKELY = 0.05
# Among several annotators the comparison with the others has nearly all of the false alarms that may be: it finds more.
_VERY_UNLIKELY = 0.01
_MOST_FAST = 0.05
_LEAST_SELF_AGREEMENT = 0.7


@dataclass(frozen=True, eq=False)
class AnnotatorReport:
    """What one annotator did.

    ``counts`` are labelled queries a category. ``repeats`` compares the labels of queries that were shown twice on
    purpose. ``fast`` are the rows in the order of labelling, ``fast_queries`` those that were too fast to have been
    looked at. ``departure`` compares the category mix with the others', ``change`` the later labels with the earlier;
    ``change_level`` is the p-value below which the latter is worth a warning.
    """

    name: str
    num_rows: int
    num_queries: int
    num_unlabelled: int
    counts: dict[str, int]
    repeats: SelfAgreement
    fast: FastItems
    fast_queries: tuple[Item, ...]
    departure: Departure
    change: LabelChange
    change_level: float = _UNLIKELY

    @property
    def warnings(self) -> tuple[str, ...]:
        """What speaks against this annotator's labels, a sentence each; drift where its adjusted p-value is small."""
        found = []
        if self.departure.p_value < _UNLIKELY:
            since = f" from item {self.departure.start + 1} on" if self.departure.start else ""
            found.append(
                f"{self.name} says {self.departure.to_category} where others say {self.departure.from_category}"
                f"{since} (p = {self.departure.p_value:.3f})."
            )
        if self.change.p_value < self.change_level:
            found.append(
                f"{self.name} says {self.change.to_category} instead of {self.change.from_category} more often after "
                f"item {self.change.cut} (p = {self.change.p_value:.3f})."
            )
        again = self.repeats.agreement
        if again.num_items and self.repeats.raw_high < _LEAST_SELF_AGREEMENT:
            found.append(
                f"{self.name} repeats their own label on only {100 * again.raw_agreement:.0f} % of {again.num_items} "
                "queries shown twice."
            )
        if self.fast.share > _MOST_FAST:
            found.append(
                f"{self.name} took under {self.fast.threshold_s:.1f} s for {100 * self.fast.share:.0f} % of the items."
            )
        return tuple(found)


def annotator_reports(
    linked: LinkedLabels,
    *,
    reference: Reference | None = None,
    confidence: float,
    num_replicates: int,
    seed: int,
) -> tuple[AnnotatorReport, ...]:
    """A report on each annotator, by name.

    Args:
        linked: Who gave which query which label.
        reference: What annotators are held against besides each other, if there is anything.
        confidence: Coverage that intervals aim at, in (0, 1).
        num_replicates: Resamples, and permutations of a test.
        seed: Of both.
    """
    departures = _departures(linked, reference, num_permutations=num_replicates, seed=seed)
    return tuple(
        _report(linked, name, departures[name], confidence=confidence, num_replicates=num_replicates, seed=seed)
        for name in sorted(linked.annotators)
    )


def _report(
    linked: LinkedLabels,
    name: str,
    departure: Departure,
    *,
    confidence: float,
    num_replicates: int,
    seed: int,
) -> AnnotatorReport:
    rows, labels = linked.rows[name], linked.labels[name]
    shown_again = {item for row, item in rows if row.is_repeat}
    twice = [(item.key, _category(row)) for row, item in rows if item in shown_again]
    repeats = self_agreement(
        [key for key, _ in twice],
        [category for _, category in twice],
        confidence=confidence,
        num_replicates=num_replicates,
        rng=generator(seed, "agreement", "repeats", name),
    )
    fast = fast_items(_seconds(rows))
    return AnnotatorReport(
        name=name,
        num_rows=len(rows),
        num_queries=len(labels),
        num_unlabelled=sum(label is None for label in labels.values()),
        counts=category_counts((None if one is None else one.category for one in labels.values()), linked.taxonomy),
        repeats=repeats,
        fast=fast,
        fast_queries=tuple(item for (_, item), is_fast in zip(rows, fast.is_fast.tolist(), strict=True) if is_fast),
        departure=departure,
        change=label_change(
            linked.categories(name, dict.fromkeys(item for _, item in rows)),
            num_permutations=num_replicates,
            rng=generator(seed, "agreement", "change", name),
        ),
        change_level=_UNLIKELY if len(linked.annotators) == 1 else _VERY_UNLIKELY / len(linked.annotators),
    )


def _departures(
    linked: LinkedLabels, reference: Reference | None, *, num_permutations: int, seed: int
) -> dict[str, Departure]:
    names = sorted(linked.annotators)
    order = np.full((len(linked.items), len(names)), np.nan)
    place = {item: row for row, item in enumerate(linked.items)}
    for column, name in enumerate(names):
        for position, item in enumerate(dict.fromkeys(item for _, item in linked.rows[name])):
            order[place[item], column] = position
    columns = [linked.categories(name, linked.items) for name in names]
    found = annotator_departures(
        list(zip(*columns, strict=True)),
        order=order,
        reference=None if reference is None else [reference.categories.get(item.query_id) for item in linked.items],
        num_permutations=num_permutations,
        rng=generator(seed, "agreement", "departures"),
    )
    return dict(zip(names, found, strict=True))


def _category(row: SheetRow) -> str | None:
    return None if row.label is None else row.label.category


def _seconds(rows: Sequence[tuple[SheetRow, Item]]) -> np.ndarray:
    return np.array([np.nan if row.seconds is None else row.seconds for row, _ in rows], dtype=np.float64)
