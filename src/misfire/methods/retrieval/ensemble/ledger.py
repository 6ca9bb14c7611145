"""The flip ledger taken apart by category and by template, and added up over all queries with an interval."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int

from misfire.core.errors import UsageError
from misfire.methods.retrieval.flips import Flips, flip_ledger
from misfire.metrics import hit_at_k
from misfire.stats import clustered_score_interval

UNLABELLED = "unlabelled"

_HOW = (
    "two strata, {subset} and the complement a sample of {num_others} other queries; Tango's score "
    "interval of each with captions clustered by image, put together by their recovered variances and the covariance "
    "through shared images; a statement about further queries of this kind"
)


@dataclass(frozen=True)
class NetChange:
    """Estimated change of a hit rate over all queries, with its interval, as fractions; ``how`` says the method."""

    estimate: float
    low: float
    high: float
    how: str


@dataclass(frozen=True)
class TemplateFlips:
    """What one template alone would have fixed and broken, against the plain caption."""

    template: str
    subset: Flips
    complement: Flips

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "TemplateFlips":
        """Read what ``asdict`` wrote."""
        return cls(value["template"], Flips(**value["subset"]), Flips(**value["complement"]))


def flips_by_category(
    baseline_ranks: Int[np.ndarray, " query"],
    ensembled_ranks: Int[np.ndarray, " query"],
    categories: Sequence[str | None],
    *,
    k: int,
) -> dict[str, Flips]:
    """The ledger of each category by name, in the order of size; queries without one are ``unlabelled``.

    Args:
        baseline_ranks: Rank of each query's target before, from 1.
        ensembled_ranks: Rank of the same query's target after.
        categories: Category of each query.
        k: Cut-off, >= 1.

    Raises:
        UsageError: If the three don't have the same length.
    """
    if len(categories) != len(baseline_ranks):
        raise UsageError(
            f"each query must have a category or None, got {len(categories)} for {len(baseline_ranks)} queries; "
            "pass them in the queries' order."
        )
    names = np.array([category or UNLABELLED for category in categories], dtype=object)
    found, counts = np.unique(names.astype(str), return_counts=True)
    by_size = found[np.argsort(-counts, kind="stable")]
    return {
        str(name): flip_ledger(baseline_ranks[names == name], ensembled_ranks[names == name], k=k) for name in by_size
    }


def flips_by_template(
    baseline_ranks: Int[np.ndarray, " query"],
    template_ranks: Int[np.ndarray, "template query"],
    templates: Sequence[str],
    *,
    num_subset: int,
    k: int,
) -> tuple[TemplateFlips, ...]:
    """The ledger of each template alone, in the templates' order.

    Args:
        baseline_ranks: Rank of each query's target with the plain caption, the subset's queries first.
        template_ranks: The same with each template alone.
        templates: Their texts.
        num_subset: How many of the queries are the subset's.
        k: Cut-off, >= 1.
    """
    subset, others = slice(num_subset), slice(num_subset, None)
    return tuple(
        TemplateFlips(
            template=template,
            subset=flip_ledger(baseline_ranks[subset], ranks[subset], k=k),
            complement=flip_ledger(baseline_ranks[others], ranks[others], k=k),
        )
        for template, ranks in zip(templates, template_ranks, strict=True)
    )


def net_change(
    baseline_ranks: Int[np.ndarray, " query"],
    ensembled_ranks: Int[np.ndarray, " query"],
    clusters: Int[np.ndarray, " query"],
    *,
    num_subset: int,
    num_others: int,
    k: int,
    confidence: float,
    stands_for: int | None = None,
) -> NetChange | None:
    """Estimated change of hit@k over all queries, from a subset that was asked whole and a sample of the others.

    The estimate is the strata's gains, each by its share of all queries. Its interval takes the subset and its
    complement for draws of such queries, with their shares fixed: the strata's score intervals are put together by the
    method of variance estimates recovery, so that a stratum without flips still has its width. Captions of one image
    count as a cluster within a stratum, and carry a covariance across the two.

    Args:
        baseline_ranks: Rank of each query's target before, the subset's queries first.
        ensembled_ranks: Rank of the same query's target after.
        clusters: Image of each query.
        num_subset: How many of the queries are the subset's.
        num_others: How many queries the others are a sample of.
        k: Cut-off, >= 1.
        confidence: Coverage that the interval aims at, in (0, 1).
        stands_for: How many queries the subset is itself a sample of; none beside its own by default.

    Returns:
        Fractions of all queries; None where there are others and none was asked, or a stratum shows only one image.

    Reference:
        Zou and Donner, "Construction of confidence limits about effect measures: a general approach", Statistics in
        Medicine 27, 2008; Tango, Statistics in Medicine 17, 1998.

    Example:
        >>> before, after = np.array([2, 2, 1, 1, 1, 1]), np.array([1, 2, 1, 1, 2, 1])
        >>> net = net_change(before, after, np.arange(6), num_subset=2, num_others=8, k=1, confidence=0.95)
        >>> round(net.estimate, 3)  # a gain of 1/2 on 2 queries and of -1/4 on 8
        -0.1
    """
    before, after = hit_at_k(baseline_ranks, k=k), hit_at_k(ensembled_ranks, k=k)
    size_of_subset = num_subset if stands_for is None else stands_for
    strata = [(size_of_subset, slice(num_subset)), (num_others, slice(num_subset, None))]
    strata = [(size, part) for size, part in strata if size]
    if any(len(np.unique(clusters[part])) < 2 for _, part in strata):
        return None
    total = sum(size for size, _ in strata)
    gains, below, above, influences = [], [], [], []
    for size, part in strata:
        low, high = clustered_score_interval(before[part], after[part], clusters[part], confidence=confidence)
        delta = after[part].astype(float) - before[part]
        gains.append(size / total * float(delta.mean()))
        below.append(size / total * float(delta.mean()) - size / total * low)
        above.append(size / total * high - size / total * float(delta.mean()))
        influences.append(_by_cluster(delta - delta.mean(), part, clusters))
    shared = _correlation(influences)
    estimate = sum(gains)
    return NetChange(
        estimate=estimate,
        low=estimate - _together(below, shared),
        high=estimate + _together(above, shared),
        how=_how(size_of_subset, num_others, is_whole=stands_for is None),
    )


def _how(size_of_subset: int, num_others: int, *, is_whole: bool) -> str:
    subset = "the subset asked whole" if is_whole else f"the subset a sample of {size_of_subset:,} queries like it"
    return _HOW.format(subset=subset, num_others=f"{num_others:,}")


def _by_cluster(
    deviations: Float[np.ndarray, " part"], part: slice, clusters: Int[np.ndarray, " query"]
) -> Float[np.ndarray, " cluster"]:
    position = np.unique(clusters, return_inverse=True)[1]
    return np.bincount(position[part], weights=deviations, minlength=int(position.max()) + 1)


def _correlation(influences: Sequence[Float[np.ndarray, " cluster"]]) -> float:
    """Correlation of the strata's means through clusters that both have; 0 where one of them is constant."""
    if len(influences) < 2:
        return 0.0
    norms = [float(np.sqrt((one**2).sum())) for one in influences]
    return float(influences[0] @ influences[1]) / (norms[0] * norms[1]) if min(norms) > 0 else 0.0


def _together(distances: Sequence[float], correlation: float) -> float:
    squares = sum(distance**2 for distance in distances)
    return math.sqrt(max(squares + 2 * correlation * (math.prod(distances) if len(distances) > 1 else 0.0), 0.0))


def without(chosen: Sequence[str | None], category: str) -> Bool[np.ndarray, " query"]:
    """Which queries don't carry the category."""
    return np.array([one != category for one in chosen], dtype=bool)
