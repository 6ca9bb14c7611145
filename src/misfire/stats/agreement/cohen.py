"""Cohen's kappa of two annotators, with an interval over items."""

from dataclasses import dataclass
from typing import final

import numpy as np
from jaxtyping import Float, Int

from misfire.stats.agreement.item_bootstrap import ItemInterval, coefficient_with_interval, no_interval
from misfire.stats.agreement.labels import Labels, encode_pair
from misfire.stats.settings import check_confidence, check_num_replicates


@final
@dataclass(frozen=True)
class CohenKappa:
    """Agreement of two annotators beyond chance, from -1 to 1; 0 is chance, 1 is every item.

    Args:
        kappa: Cohen's kappa; NaN where it is undefined.
        low: Lower end of its interval; NaN where there is none.
        high: Upper end of its interval; NaN where there is none.
        raw_agreement: Share of the items with the same label; NaN without an item.
        num_items: Items that both labelled.
        num_undefined: Resamples in which kappa is undefined; the interval rests on the others.
        confidence: Coverage that the interval aims at.
        interval_method: How the interval was made; empty where there is none.
        reason: Why kappa or its interval is undefined; empty where both are defined.
    """

    kappa: float
    low: float
    high: float
    raw_agreement: float
    num_items: int
    num_undefined: int
    confidence: float
    interval_method: str
    reason: str


def cohen_kappa(
    labels_a: Labels,
    labels_b: Labels,
    *,
    confidence: float = 0.95,
    num_replicates: int = 2000,
    rng: np.random.Generator,
) -> CohenKappa:
    """Cohen's kappa of two annotators and its bootstrap interval over items.

    ``(observed - expected) / (1 - expected)`` agreement, the expected one from each annotator's own category shares.
    Where both give one and the same category throughout, the expected agreement is 1 and kappa is undefined, neither 0
    nor 1. The interval is BCa (see :func:`misfire.stats.agreement.item_bootstrap.item_interval`); where no item
    disagrees it is Wilson's.

    Args:
        labels_a: One annotator's label of each item, a text or an integer; ``None``, ``-1``, NaN or "" is missing.
        labels_b: The other's labels of the same items; an item that one of them didn't label is left out.
        confidence: Coverage that the interval aims at, in (0, 1).
        num_replicates: How many resamples of the items are drawn.
        rng: Source of the resamples.

    Raises:
        UsageError: If the two differ in length or a setting is out of range.

    Reference:
        Cohen, "A coefficient of agreement for nominal scales", Educational and Psychological Measurement 20, 1960.

    Example:
        >>> yes_no = ["yes"] * 25 + ["no"] * 25, ["yes"] * 20 + ["no"] * 5 + ["yes"] * 10 + ["no"] * 15
        >>> result = cohen_kappa(*yes_no, rng=np.random.default_rng(0))
        >>> round(result.kappa, 3), round(result.raw_agreement, 3), result.num_items
        (0.4, 0.7, 50)
    """
    check_confidence(confidence)
    check_num_replicates(num_replicates)
    codes_a, codes_b, categories = encode_pair(labels_a, labels_b)
    if len(codes_a) == 0:
        return _result(np.nan, no_interval("no item was labelled by both annotators."), np.nan, 0, confidence)
    cells, counts = np.unique(np.stack([codes_a, codes_b]), axis=1, return_counts=True)
    raw_agreement = float((codes_a == codes_b).mean())
    chance = float(((np.bincount(codes_a) / len(codes_a)) ** 2).sum())
    kappa, interval = coefficient_with_interval(
        _CellKappa(cells, num_categories=len(categories)),
        counts,
        chance_if_perfect=chance if raw_agreement == 1.0 else None,
        reason_if_undefined=(
            f"both annotators gave every item the label {categories[0]!r}, so that the agreement by chance is 1."
        ),
        confidence=confidence,
        num_replicates=num_replicates,
        rng=rng,
    )
    return _result(kappa, interval, raw_agreement, len(codes_a), confidence)


class _CellKappa:
    """Kappa from the counts of the distinct pairs of labels, a row a resample."""

    def __init__(self, cells: Int[np.ndarray, "pair cell"], *, num_categories: int) -> None:
        self._a, self._b = (np.eye(num_categories)[codes] for codes in cells)
        self._agree = (cells[0] == cells[1]).astype(np.float64)

    def __call__(self, counts: Float[np.ndarray, "resample cell"]) -> Float[np.ndarray, " resample"]:
        num_items = counts.sum(axis=1)
        chance = ((counts @ self._a) * (counts @ self._b)).sum(axis=1)
        # Whole numbers until the division, so that "undefined" is an exact 0 in the denominator.
        beyond, possible = num_items * (counts @ self._agree) - chance, num_items**2 - chance
        kappa: Float[np.ndarray, " resample"] = np.divide(
            beyond, possible, out=np.full(len(counts), np.nan), where=possible > 0
        )
        return kappa


def _result(
    kappa: float, interval: ItemInterval, raw_agreement: float, num_items: int, confidence: float
) -> CohenKappa:
    return CohenKappa(
        kappa=kappa,
        low=interval.low,
        high=interval.high,
        raw_agreement=raw_agreement,
        num_items=num_items,
        num_undefined=interval.num_undefined,
        confidence=confidence,
        interval_method=interval.method,
        reason=interval.reason,
    )
