"""How failures distribute over categories, and what a labelled sample says about all of them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any, final

import numpy as np

from misfire.core.errors import UsageError
from misfire.stats.agreement.labels import MISSING, Labels, encode_labels
from misfire.stats.proportion import wilson_interval
from misfire.stats.settings import check_confidence


@final
@dataclass(frozen=True)
class CategoryShare:
    """One category's part of the failures.

    Args:
        category: The category.
        count: Labelled failures of this category.
        share: Their share of all labelled failures.
        low: Lower end of the interval for the share of all failures.
        high: Upper end of the interval for the share of all failures.
        num_failures: The share in failures: how many of all failures the category stands for; NaN where the number of
            all failures isn't known. ``low`` and ``high`` times that number bound it.
    """

    category: Any
    count: int
    share: float
    low: float
    high: float
    num_failures: float


def category_shares(
    labels: Labels,
    *,
    categories: Sequence[Any] | None = None,
    num_failures: int | None = None,
    confidence: float = 0.95,
) -> tuple[CategoryShare, ...]:
    """Share of each category among the labelled failures, with Wilson's interval for its share of all failures.

    The labelled failures are taken for a random sample. Where all failures are known in number, the variance shrinks
    by the finite-population factor ``(N - n) / (N - 1)``, so that a complete labelling has no sampling error left, and
    no interval contradicts the failures that were seen. Each interval is for its category alone.

    Args:
        labels: The label of each sampled failure; ``None``, ``-1``, NaN or "" is missing and left out.
        categories: Which categories to report, in order; those that occur, sorted, where it is ``None``.
        num_failures: How many failures there are in all.
        confidence: Coverage that the intervals aim at, in (0, 1).

    Returns:
        One entry a category, in the categories' order.

    Raises:
        UsageError: If no failure is labelled, there are fewer failures than labels or a setting is out of range.

    Reference:
        Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22, 1927; Cochran,
        "Sampling Techniques", 1977, section 2.6 (the finite-population factor).

    Example:
        >>> object_share, action_share = category_shares(["Object", "Object", "Action", "Object"], categories=
        ...     ["Object", "Action"], num_failures=1000)
        >>> object_share.share, object_share.num_failures, action_share.count
        (0.75, 750.0, 1)
    """
    check_confidence(confidence)
    codes, ordered = encode_labels(labels, categories=categories)
    total = int((codes != MISSING).sum())
    if total == 0:
        raise UsageError("a distribution needs a labelled failure, got none; annotate some first.")
    if num_failures is not None and num_failures < total:
        raise UsageError(
            f"num_failures must be at least the {total} that were labelled, got {num_failures}; count them all."
        )
    counts = np.bincount(codes[codes != MISSING], minlength=len(ordered)).tolist()
    return tuple(
        CategoryShare(
            category=category,
            count=count,
            share=count / total,
            low=low,
            high=high,
            num_failures=math.nan if num_failures is None else num_failures * count / total,
        )
        for category, count in zip(ordered, counts, strict=True)
        for low, high in [_share_interval(count, total, num_failures, confidence)]
    )


def _share_interval(count: int, total: int, population: int | None, confidence: float) -> tuple[float, float]:
    if population is None:
        return wilson_interval(count, total, confidence=confidence)
    if population == total:
        return count / total, count / total
    # Wilson's z shrunk by the root of the factor is the z of a smaller confidence.
    normal = NormalDist()
    shrunk = normal.inv_cdf((1 + confidence) / 2) * math.sqrt((population - total) / (population - 1))
    low, high = wilson_interval(count, total, confidence=2 * normal.cdf(shrunk) - 1)
    return max(low, count / population), min(high, 1 - (total - count) / population)
