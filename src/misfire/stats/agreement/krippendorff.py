"""Krippendorff's alpha of nominal labels, with an interval over items."""

from dataclasses import dataclass
from typing import final

import numpy as np
from jaxtyping import Float

from misfire.stats.agreement.item_bootstrap import coefficient_with_interval, no_interval
from misfire.stats.agreement.labels import LabelTable, is_unanimous, pairable_counts
from misfire.stats.settings import check_confidence, check_num_replicates


@final
@dataclass(frozen=True)
class KrippendorffAlpha:
    """Reliability of several annotators' labels; 0 is chance, 1 is every item.

    Args:
        alpha: Krippendorff's alpha; NaN where it is undefined.
        low: Lower end of its interval; NaN where there is none.
        high: Upper end of its interval; NaN where there is none.
        num_items: Items with at least two labels; the others can't be paired and are left out.
        num_labels: Labels on these items.
        num_undefined: Resamples in which alpha is undefined; the interval rests on the others.
        confidence: Coverage that the interval aims at.
        interval_method: How the interval was made; empty where there is none.
        reason: Why alpha or its interval is undefined; empty where both are defined.
    """

    alpha: float
    low: float
    high: float
    num_items: int
    num_labels: int
    num_undefined: int
    confidence: float
    interval_method: str
    reason: str


def krippendorff_alpha(
    labels: LabelTable,
    *,
    confidence: float = 0.95,
    num_replicates: int = 2000,
    rng: np.random.Generator,
) -> KrippendorffAlpha:
    """Krippendorff's alpha for nominal labels and its bootstrap interval over items.

    One minus the observed disagreement over the expected one, each item weighing as much as it has labels, with the
    correction for few labels. Any label may be missing. The interval resamples items, as the one of the kappas does;
    Krippendorff's own resamples pairs of labels. Where only one category occurs alpha is undefined.

    Args:
        labels: A row an item, a column an annotator; ``None``, ``-1``, NaN or "" is missing.
        confidence: Coverage that the interval aims at, in (0, 1).
        num_replicates: How many resamples of the items are drawn.
        rng: Source of the resamples.

    Raises:
        UsageError: If the labels aren't a table or a setting is out of range.

    Reference:
        Hayes and Krippendorff, "Answering the call for a standard reliability measure for coding data", Communication
        Methods and Measures 1, 2007.

    Example:
        >>> table = [["a", "a", None], ["b", "b", "b"], ["a", "b", None]]
        >>> round(krippendorff_alpha(table, rng=np.random.default_rng(0)).alpha, 3)
        0.5
    """
    check_confidence(confidence)
    check_num_replicates(num_replicates)
    patterns, counts, categories = pairable_counts(labels)
    num_items, num_labels = int(counts.sum()), int(counts @ patterns.sum(axis=1))
    if num_items == 0:
        alpha, interval = np.nan, no_interval("no item has two labels.")
    else:
        by_category = counts @ patterns
        chance = float((by_category * (by_category - 1)).sum() / (num_labels * (num_labels - 1)))
        alpha, interval = coefficient_with_interval(
            _PatternAlpha(patterns),
            counts,
            chance_if_perfect=chance if is_unanimous(patterns) else None,
            reason_if_undefined=f"every label is {categories[0]!r}, so that no disagreement is expected.",
            confidence=confidence,
            num_replicates=num_replicates,
            rng=rng,
        )
    return KrippendorffAlpha(
        alpha=alpha,
        low=interval.low,
        high=interval.high,
        num_items=num_items,
        num_labels=num_labels,
        num_undefined=interval.num_undefined,
        confidence=confidence,
        interval_method=interval.method,
        reason=interval.reason,
    )


class _PatternAlpha:
    """Alpha from how often each pattern of label counts occurs, a row a resample."""

    def __init__(self, patterns: Float[np.ndarray, "pattern category"]) -> None:
        self._patterns = patterns
        self._num_labels = patterns.sum(axis=1)
        others = self._num_labels[:, None] - patterns
        self._disagreement = (patterns * others).sum(axis=1) / (self._num_labels - 1)

    def __call__(self, counts: Float[np.ndarray, "resample pattern"]) -> Float[np.ndarray, " resample"]:
        total = counts @ self._num_labels
        possible = total**2 - ((counts @ self._patterns) ** 2).sum(axis=1)
        ratio = np.divide(
            (total - 1) * (counts @ self._disagreement), possible, out=np.full(len(counts), np.nan), where=possible > 0
        )
        alpha: Float[np.ndarray, " resample"] = 1 - ratio
        return alpha
