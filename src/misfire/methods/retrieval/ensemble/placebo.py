"""What systems of equal quality show on a subset that was chosen by the failing of one of them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from misfire.core.errors import UsageError
from misfire.metrics import hit_at_k
from misfire.stats import counted_bootstrap
from misfire.stats.design_effect import design_effect

NOISE, PARAPHRASE = "noise", "paraphrase"

WRAPPERS = (
    "a photo of {caption}",
    "a picture of {caption}",
    "an image of {caption}",
    "a photo showing {caption}",
)
"""Templates that only paraphrase: those of ``templates=generic`` but the plain caption."""

_RANK_EDGES = (1, 2, 3, 5, 10, 20, 50, 100, 200, 500, 1000)
_WEIGHTS_AT_ONCE = 2**20


@dataclass(frozen=True)
class PlaceboBand:
    """The range of the apparent gain that changes of no worth show on the same subset, as fractions.

    Args:
        kind: ``noise`` or ``paraphrase``.
        observed: The gain that was seen.
        mean: Mean of the placebo's gains.
        low: Lower end of their central range.
        high: Upper end of it.
        p_at_least: Share of the placebo's gains that are at least the observed one; never 0.
        how: What the placebo is, in words.
    """

    kind: str
    observed: float
    mean: float
    low: float
    high: float
    p_at_least: float
    how: str

    @property
    def is_outside(self) -> bool:
        """Whether the gain that was seen lies outside the band."""
        return not self.low <= self.observed <= self.high


def noise_band(
    baseline_ranks: Int[np.ndarray, " query"],
    ensembled_ranks: Int[np.ndarray, " query"],
    clusters: Int[np.ndarray, " query"],
    *,
    num_subset: int,
    num_others: int,
    k: int,
    num_replicates: int,
    confidence: float,
    rng: np.random.Generator,
) -> PlaceboBand | None:
    """Apparent gain on the subset of systems that equal the baseline and differ from it as much as the treatment does.

    If two systems are of equal quality, it is a toss-up which of them is called the baseline. So the observed flips
    over all queries, the subset's and the weighted sample of the others, count half as they are and half turned round:
    as many flips as were observed, half of them each way. Over the baseline's own ranks, they give the odds with which
    a query of this rank flips; with these each query of the subset flips or stays. A system that lost nothing elsewhere
    for what it won on the subset lies above this band.

    The odds are drawn anew for each replicate (Bayesian bootstrap of the images), then the subset's hits. Where
    captions of the subset share images, the spread is widened by the design effect of the observed flips.

    Args:
        baseline_ranks: Rank of each query's target before, the subset's queries first.
        ensembled_ranks: Rank of the same query's target after.
        clusters: Image of each query.
        num_subset: How many of the queries are the subset's.
        num_others: How many queries the others are a sample of.
        k: Cut-off, >= 1.
        num_replicates: How many placebos are drawn.
        confidence: Share of them within the band, in (0, 1).
        rng: Source of the draws.

    Returns:
        The band; None where there are other queries and none was asked.

    Reference:
        Rubin, "The Bayesian bootstrap", Annals of Statistics 9, 1981; on selection by failing, Galton, "Regression
        towards mediocrity in hereditary stature", 1886.
    """
    num_asked = len(baseline_ranks) - num_subset
    if not num_subset or (num_others and not num_asked):
        return None
    weight = np.ones(len(baseline_ranks))
    weight[num_subset:] = num_others / max(num_asked, 1)
    edges = np.unique([*_RANK_EDGES, k])
    before_bin = np.searchsorted(edges, baseline_ranks)
    after_bin = np.searchsorted(edges, ensembled_ranks)
    before_hit, after_hit = hit_at_k(baseline_ranks, k=k), hit_at_k(ensembled_ranks, k=k)
    flip_weight = np.where(before_hit != after_hit, weight / 2, 0.0)
    image = np.unique(clusters, return_inverse=True)[1]
    queries, flips = np.zeros((2, int(image.max()) + 1, len(edges) + 1))
    np.add.at(queries, (image, before_bin), weight)
    np.add.at(flips, (image, before_bin), flip_weight)
    np.add.at(flips, (image, after_bin), flip_weight)
    odds = _drawn_odds(queries, flips, num_replicates=num_replicates, rng=rng)
    drawn = rng.binomial(np.bincount(before_bin[:num_subset], minlength=len(edges) + 1), odds)
    is_miss = np.append(edges > k, True)  # a bin holds the ranks up to its edge, and k is an edge
    gains = (drawn @ np.where(is_miss, 1, -1)) / num_subset
    delta = after_hit[:num_subset].astype(float) - before_hit[:num_subset]
    return _band(
        NOISE,
        float(delta.mean()),
        _widened(gains, delta, image[:num_subset], hit_rate=float(before_hit[:num_subset].mean())),
        confidence=confidence,
        how=(
            "systems of equal quality that flip as many queries, half of them each way, drawn for the subset by the "
            "ranks that the baseline gave it"
        ),
    )


def paraphrase_band(
    baseline_ranks: Int[np.ndarray, " query"],
    ensembled_ranks: Int[np.ndarray, " query"],
    wrapper_ranks: Int[np.ndarray, "wrapper query"],
    clusters: Int[np.ndarray, " query"],
    *,
    k: int,
    num_replicates: int,
    confidence: float,
    rng: np.random.Generator,
) -> PlaceboBand:
    """Apparent gain on the subset of single prompts that only paraphrase the caption: "a picture of ...".

    The range of their gains over wrappers and resamples of the subset's images.

    Args:
        baseline_ranks: Rank of each of the subset's targets with the plain caption.
        ensembled_ranks: Rank of the same target under the treatment.
        wrapper_ranks: Rank of the same target with each wrapper alone.
        clusters: Image of each query.
        k: Cut-off, >= 1.
        num_replicates: How many resamples are drawn, over all wrappers.
        confidence: Share of them within the band, in (0, 1).
        rng: Source of the resamples.

    Raises:
        UsageError: If there is no wrapper.
    """
    if not len(wrapper_ranks):
        raise UsageError("a paraphrase band must have wrappers, got none; add those of templates=generic.")
    before = hit_at_k(baseline_ranks, k=k)
    each = math.ceil(num_replicates / len(wrapper_ranks))
    gains = [
        counted_bootstrap(
            before, hit_at_k(ranks, k=k), clusters=clusters, num_replicates=each, confidence=confidence, rng=rng
        ).replicates
        for ranks in wrapper_ranks
    ]
    observed = float((hit_at_k(ensembled_ranks, k=k).astype(float) - before).mean())
    return _band(
        PARAPHRASE,
        observed,
        np.concatenate(gains),
        confidence=confidence,
        how=f"{len(wrapper_ranks)} single prompts that only paraphrase, over resamples of the subset's images",
    )


def paraphrases(templates: Sequence[str]) -> list[int]:
    """Places of the templates that only paraphrase.

    Example:
        >>> paraphrases(["{caption}", "a photo of {caption}", "exactly {caption}"])
        [1]
    """
    return [place for place, template in enumerate(templates) if template in WRAPPERS]


def _drawn_odds(
    queries: Float[np.ndarray, "image bin"],
    flips: Float[np.ndarray, "image bin"],
    *,
    num_replicates: int,
    rng: np.random.Generator,
) -> Float[np.ndarray, "replicate bin"]:
    """Flips over queries, a bin, under random weights of the images; 1 at most, and 0 in a bin without queries."""
    rows = max(1, _WEIGHTS_AT_ONCE // len(queries))
    odds = np.empty((num_replicates, queries.shape[1]))
    for start in range(0, num_replicates, rows):
        weights = rng.standard_exponential((min(rows, num_replicates - start), len(queries)))
        asked = weights @ queries
        odds[start : start + rows] = weights @ flips / np.where(asked > 0, asked, np.inf)
    clipped: Float[np.ndarray, "replicate bin"] = np.clip(odds, 0.0, 1.0)
    return clipped


def _widened(
    gains: Float[np.ndarray, " replicate"],
    delta: Float[np.ndarray, " query"],
    image: Int[np.ndarray, " query"],
    *,
    hit_rate: float,
) -> Float[np.ndarray, " replicate"]:
    cluster = np.unique(image, return_inverse=True)[1]
    if len(delta) == int(cluster.max()) + 1 or not cluster.any():
        return gains
    widened = gains.mean() + (gains - gains.mean()) * math.sqrt(design_effect(delta, cluster))
    clipped: Float[np.ndarray, " replicate"] = np.clip(widened, -hit_rate, 1 - hit_rate)  # no gain can be beyond
    return clipped


def _band(
    kind: str, observed: float, gains: Float[np.ndarray, " replicate"], *, confidence: float, how: str
) -> PlaceboBand:
    low, high = np.percentile(gains, [50 - 50 * confidence, 50 + 50 * confidence])
    at_least = int((gains >= observed - 1e-12).sum())
    return PlaceboBand(
        kind=kind,
        observed=observed,
        mean=float(gains.mean()),
        low=float(low) + 0.0,
        high=float(high) + 0.0,
        p_at_least=(1 + at_least) / (1 + len(gains)),
        how=how,
    )
