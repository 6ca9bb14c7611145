"""Plain retrieval on a whole dataset, both directions, with intervals that respect that captions share images."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
import torch
from jaxtyping import Int

from misfire.cells import Estimate, Estimates, Workbench
from misfire.cells.estimates import Unit
from misfire.core.hashing import sha256_text
from misfire.data import Caption, Image, i2t_hit_ceiling, images_of_texts
from misfire.methods.retrieval.baseline.ceilings import RankedSide, hit_ceiling
from misfire.methods.retrieval.data_note import IMAGE_TO_TEXT, TEXT_TO_IMAGE
from misfire.metrics import hit_at_k, reciprocal_rank
from misfire.scoring import Outcomes, relevant_outcomes, target_outcomes, top_items
from misfire.stats import (
    Interval,
    StatisticsSettings,
    clustered_mean_bootstrap,
    clustered_median_bootstrap,
    clustered_wilson_interval,
    wilson_interval,
)


def text_to_image(bench: Workbench, positions: Int[np.ndarray, " query"] | None = None) -> Outcomes:
    """What plain captions retrieve among the images: one entry a caption.

    Args:
        bench: Dataset, backbone and store.
        positions: Places of the captions that are asked; no other is embedded. All are where it's None.
    """
    gallery = bench.gallery  # first, so that a picture that can't be read is told before an hour of texts
    if positions is None:
        return target_outcomes(bench.captions, gallery, bench.targets)
    asked = bench.texts([bench.dataset.captions[position].text for position in positions])
    return target_outcomes(asked, gallery, bench.targets[torch.from_numpy(positions)])


def image_to_text(bench: Workbench) -> tuple[Outcomes, Int[np.ndarray, " image"]]:
    """What images that have captions retrieve among all captions, and which of its own each image scores best.

    The rank is that of the best-scored caption of the image, which is the field's R@K for several relevant items.
    Entries are in the order of :attr:`misfire.data.Dataset.captioned_positions`.
    """
    asked = bench.dataset.captioned_positions
    owners = torch.from_numpy(np.searchsorted(asked, bench.dataset.targets))
    found = relevant_outcomes(bench.gallery[torch.from_numpy(asked)], bench.captions, owners)
    return found.outcomes, found.best.numpy()


def measured_baseline(
    bench: Workbench, *, ks: tuple[int, ...], statistics: StatisticsSettings
) -> tuple[pd.DataFrame, Estimates]:
    """Retrieve in both directions and measure hit@k, reciprocal rank and median rank.

    Intervals resample images with all their captions; where all queries are hits, or none, those of a hit rate are
    Wilson's, for as many queries as there are images. Beside each hit rate stands how far it could go: the
    ``ceiling`` of the texts alone. Beside a text-to-image one stands what it hangs on: what it is ``if_ties_lose`` and
    ``if_ties_win``, and the numbers of hits ``within_fp32`` and ``within_bf16`` of the cut-off's score.

    Returns:
        One record a query of either direction, and the estimates.
    """
    queries = text_to_image(bench)
    images, best_own = image_to_text(bench)
    rows = [
        *_estimates(TEXT_TO_IMAGE, queries, bench.dataset.targets, ks, statistics),
        *_estimates(IMAGE_TO_TEXT, images, bench.dataset.captioned_positions, ks, statistics),
        *_hangs_on(bench, queries, ks),
    ]
    records = pd.concat([_caption_records(bench, queries), _image_records(bench, images, best_own)], ignore_index=True)
    return records, Estimates.of(rows)


def _estimates(
    direction: str,
    outcomes: Outcomes,
    clusters: Int[np.ndarray, " query"],
    ks: tuple[int, ...],
    statistics: StatisticsSettings,
) -> Iterator[Estimate]:
    ranks = outcomes.ranks.rank.numpy()

    def interval(bootstrap: Callable[..., Interval], values: np.ndarray) -> Interval:
        return bootstrap(
            values,
            clusters,
            num_replicates=statistics.num_replicates,
            confidence=statistics.confidence,
            rng=np.random.default_rng(statistics.seed),
        )

    def hit_interval(k: int) -> Interval:
        hits = hit_at_k(ranks, k=k)
        found = interval(clustered_mean_bootstrap, hits)
        if hits.any() != hits.all():
            return found
        # Every resample of hits alone is all hits: the bootstrap would be sure of what it has seen eight times.
        num_clusters, is_hit = len(np.unique(clusters)), bool(hits.all())
        low, high = (
            clustered_wilson_interval(hits, clusters, confidence=statistics.confidence)
            if num_clusters > 1
            else wilson_interval(int(is_hit), 1, confidence=statistics.confidence)
        )
        return replace(found, low=low, high=high)

    def estimate(metric: str, found: Interval, k: int | None = None, unit: Unit = "fraction") -> Estimate:
        ends = float(found.low), float(found.high)
        return Estimate(f"{direction}/{metric}", float(found.estimate), k, "", unit, *ends, n=len(ranks))

    for k in ks:
        yield estimate("hit", hit_interval(k), k)
    yield estimate("reciprocal_rank", interval(clustered_mean_bootstrap, reciprocal_rank(ranks)), unit="score")
    yield estimate("median_rank", interval(clustered_median_bootstrap, ranks), unit="score")


def _hangs_on(bench: Workbench, queries: Outcomes, ks: tuple[int, ...]) -> Iterator[Estimate]:
    num_best = min(max(ks) + 1, len(bench.gallery))
    side = RankedSide(queries, top_items(bench.captions, bench.gallery, k=num_best))
    everyone = np.arange(len(bench.targets))
    n = len(everyone)
    for k in ks:
        found = side.bounds(bench.targets, k=k)

        def bound(
            group: str, value: float, k: int = k, unit: Unit = "fraction", *, is_tracked: bool = False
        ) -> Estimate:
            return Estimate(
                f"{TEXT_TO_IMAGE}/hit", float(value), k=k, group=group, unit=unit, n=n, is_tracked=is_tracked
            )

        yield bound("ceiling", hit_ceiling(bench.dataset, everyone, k=k), is_tracked=True)
        yield Estimate(
            f"{IMAGE_TO_TEXT}/hit",
            i2t_hit_ceiling(images_of_texts(bench.dataset), k=k),
            k=k,
            group="ceiling",
            n=len(bench.dataset.captioned_positions),
        )
        yield bound("if_ties_lose", found.if_ties_lose / n)
        yield bound("if_ties_win", found.if_ties_win / n)
        yield bound("within_fp32", float(found.within_fp32), unit="count")
        yield bound("within_bf16", float(found.within_bf16), unit="count")


def _caption_records(bench: Workbench, outcomes: Outcomes) -> pd.DataFrame:
    captions, images = bench.dataset.captions, bench.dataset.images
    return pd.DataFrame(
        {
            "direction": TEXT_TO_IMAGE,
            "query_id": ids_of(captions),
            "text_sha256": [sha256_text(caption.text) for caption in captions],
            "target_id": [caption.image_id for caption in captions],
            **outcome_columns(outcomes, images),
        }
    )


def _image_records(bench: Workbench, outcomes: Outcomes, best_own: Int[np.ndarray, " image"]) -> pd.DataFrame:
    captions, images = bench.dataset.captions, bench.dataset.images
    return pd.DataFrame(
        {
            "direction": IMAGE_TO_TEXT,
            "query_id": ids_of([images[position] for position in bench.dataset.captioned_positions]),
            "text_sha256": None,
            "target_id": [captions[position].id for position in best_own],
            **outcome_columns(outcomes, captions),
        }
    )


def ids_of(items: Sequence[Image | Caption]) -> Int[np.ndarray, " item"]:
    """Ids of images or captions, in order."""
    return np.array([item.id for item in items], dtype=np.int64)


def outcome_columns(outcomes: Outcomes, gallery: Sequence[Image | Caption]) -> dict[str, np.ndarray]:
    """The columns of a record that say what became of a query: rank and tie bounds, scores, margin, top-1 id."""
    return {
        "rank": outcomes.ranks.rank.numpy(),
        "best_rank": outcomes.ranks.best.numpy(),
        "worst_rank": outcomes.ranks.worst.numpy(),
        "target_score": outcomes.target_score.numpy(),
        "top1_score": outcomes.top_score.numpy(),
        "margin": outcomes.margin.numpy(),
        "top1_id": ids_of(gallery)[outcomes.top_item.numpy()],
    }
