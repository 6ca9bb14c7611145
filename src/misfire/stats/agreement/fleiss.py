"""Fleiss' kappa of several annotators, with an interval over items."""

from dataclasses import dataclass
from typing import final

import numpy as np
from jaxtyping import Float

from misfire.stats.agreement.item_bootstrap import coefficient_with_interval, no_interval
from misfire.stats.agreement.labels import LabelTable, is_unanimous, pairable_counts
from misfire.stats.settings import check_confidence, check_num_replicates


@final
@dataclass(frozen=True)
class FleissKappa:
    """Agreement of several annotators beyond chance; 0 is chance, 1 is every item.

    Args:
        kappa: Fleiss' kappa; NaN where it is undefined.
        low: Lower end of its interval; NaN where there is none.
        high: Upper end of its interval; NaN where there is none.
        num_items: Items with at least two labels; the others are left out.
        num_labels: Labels on these items.
        num_undefined: Resamples in which kappa is undefined; the interval rests on the others.
        confidence: Coverage that the interval aims at.
        interval_method: How the interval was made; empty where there is none.
        reason: Why kappa or its interval is undefined; empty where both are defined.
    """

    kappa: float
    low: float
    high: float
    num_items: int
    num_labels: int
    num_undefined: int
    confidence: float
    interval_method: str
    reason: str


def fleiss_kappa(
    labels: LabelTable,
    *,
    confidence: float = 0.95,
    num_replicates: int = 2000,
    rng: np.random.Generator,
) -> FleissKappa:
    """Fleiss' kappa of the labels of several annotators and its bootstrap interval over items.

    The agreement by chance comes from the category shares of all labels together. The number of labels may differ from
    item to item, as with missing labels or planned overlap: the between-items estimate of Fleiss, Levin and Paik is
    used, which is Fleiss' own where all items have equally many. Where only one category occurs kappa is undefined.

    Args:
        labels: A row an item, a column an annotator; ``None``, ``-1``, NaN or "" is missing.
        confidence: Coverage that the interval aims at, in (0, 1).
        num_replicates: How many resamples of the items are drawn.
        rng: Source of the resamples.

    Raises:
        UsageError: If the labels aren't a table or a setting is out of range.

    Reference:
        Fleiss, "Measuring nominal scale agreement among many raters", Psychological Bulletin 76, 1971; Fleiss, Levin
        and Paik, "Statistical Methods for Rates and Proportions", 3rd edition, 2003, section 18.3.

    Example:
        >>> table = [["a", "a", "a"], ["b", "b", "b"], ["a", "b", "a"], ["b", "b", "a"]]
        >>> round(fleiss_kappa(table, rng=np.random.default_rng(0)).kappa, 3)
        0.333
    """
    check_confidence(confidence)
    check_num_replicates(num_replicates)
    patterns, counts, categories = pairable_counts(labels)
    num_items, num_labels = int(counts.sum()), int(counts @ patterns.sum(axis=1))
    if num_items == 0:
        kappa, interval = np.nan, no_interval("no item has two labels.")
    else:
        chance = float(((counts @ patterns / num_labels) ** 2).sum())
        kappa, interval = coefficient_with_interval(
            _PatternKappa(patterns),
            counts,
            chance_if_perfect=chance if is_unanimous(patterns) else None,
            reason_if_undefined=f"every label is {categories[0]!r}, so that the agreement by chance is 1.",
            confidence=confidence,
            num_replicates=num_replicates,
            rng=rng,
        )
    return FleissKappa(
        kappa=kappa,
        low=interval.low,
        high=interval.high,
        num_items=num_items,
        num_labels=num_labels,
        num_undefined=interval.num_undefined,
        confidence=confidence,
        interval_method=interval.method,
        reason=interval.reason,
    )


class _PatternKappa:
    """Kappa from how often each pattern of label counts occurs, a row a resample."""

    def __init__(self, patterns: Float[np.ndarray, "pattern category"]) -> None:
        self._patterns = patterns
        self._num_labels = patterns.sum(axis=1)
        self._disagreement = (patterns * (self._num_labels[:, None] - patterns)).sum(axis=1) / self._num_labels

    def __call__(self, counts: Float[np.ndarray, "resample pattern"]) -> Float[np.ndarray, " resample"]:
        total, num_items = counts @ self._num_labels, counts.sum(axis=1)
        by_category = counts @ self._patterns
        possible = total**2 - (by_category**2).sum(axis=1)  # whole numbers: 0 exactly where one category occurs
        ratio = np.divide(
            total**2 * (counts @ self._disagreement),
            (total - num_items) * possible,
            out=np.full(len(counts), np.nan),
            where=possible > 0,
        )
        kappa: Float[np.ndarray, " resample"] = 1 - ratio
        return kappa
