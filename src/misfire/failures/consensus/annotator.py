"""One annotator at a time: what they labelled, and whether they were consistent and took their time."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from misfire.core.seeding import generator
from misfire.failures.consensus.identity import Item
from misfire.failures.consensus.linking import LinkedLabels, category_counts
from misfire.failures.sheets import SheetRow
from misfire.stats.agreement import FastItems, SelfAgreement, fast_items, self_agreement


@dataclass(frozen=True, eq=False)
class AnnotatorReport:
    """What one annotator did.

    ``counts`` are labelled queries a category. ``repeats`` compares the labels of queries that were shown twice on
    purpose. ``fast`` are the rows in the order of labelling, ``fast_queries`` those that were too fast to have been
    looked at.
    """

    name: str
    num_rows: int
    num_queries: int
    num_unlabelled: int
    counts: dict[str, int]
    repeats: SelfAgreement
    fast: FastItems
    fast_queries: tuple[Item, ...]


def annotator_reports(
    linked: LinkedLabels, *, confidence: float, num_replicates: int, seed: int
) -> tuple[AnnotatorReport, ...]:
    """A report on each annotator, by name.

    Args:
        linked: Who gave which query which label.
        confidence: Coverage that intervals aim at, in (0, 1).
        num_replicates: Resamples, and permutations of a test.
        seed: Of both.
    """
    return tuple(
        _report(linked, name, confidence=confidence, num_replicates=num_replicates, seed=seed)
        for name in sorted(linked.annotators)
    )


def _report(linked: LinkedLabels, name: str, *, confidence: float, num_replicates: int, seed: int) -> AnnotatorReport:
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
    )


def _category(row: SheetRow) -> str | None:
    return None if row.label is None else row.label.category


def _seconds(rows: Sequence[tuple[SheetRow, Item]]) -> np.ndarray:
    return np.array([np.nan if row.seconds is None else row.seconds for row, _ in rows], dtype=np.float64)
