"""A cell's queries before and after, and every number that follows from them at a cut-off."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, final

import numpy as np
import pandas as pd
import torch
from jaxtyping import Int

from misfire.cells import CHOSEN, OTHERS, Estimate, Flips, Paired
from misfire.cells.comparison import net_change
from misfire.core.hashing import sha256_text
from misfire.core.seeding import generator
from misfire.failures import AMBIGUOUS, FailureSet
from misfire.methods.retrieval.baseline.baseline import ids_of, outcome_columns
from misfire.methods.retrieval.baseline.ceilings import HitBounds, RankedSide, hit_ceiling
from misfire.methods.retrieval.ensemble.confirmation import ConfirmedGain, confirm
from misfire.methods.retrieval.ensemble.label_noise import NoisyGain
from misfire.methods.retrieval.ensemble.placebo import PlaceboBand, noise_band, paraphrase_band, paraphrases
from misfire.methods.retrieval.flips import net_of_all
from misfire.methods.retrieval.prompted import PromptedQueries
from misfire.metrics import hit_at_k
from misfire.prompts import TemplateSet
from misfire.stats import PairedBootstrap

HIT = "t2i/hit"
"""The metric of all estimates here: the share of captions whose own image is among the first k."""

SUBSET, COMPLEMENT = "subset", "complement"
"""The parts of a cell's records: the queries in question, and a sample of all others."""

UNLABELLED = "unlabelled"
_COUNTS = ("fixed", "broken", "still_right", "still_wrong")


@final
@dataclass(frozen=True, eq=False)
class Measured:
    """All that a cell's numbers follow from.

    Args:
        cell: What was run.
        before: The plain caption's side.
        after: The pooled prompts' side.
        template_ranks: Rank of each query's target with each template alone.
        categories: Category of each query; None where it isn't labelled.
    """

    cell: PromptedQueries
    before: RankedSide
    after: RankedSide
    template_ranks: Int[np.ndarray, "template query"]
    categories: Sequence[str | None]

    def paired(self, k: int) -> Paired:
        """Hits of each query at a cut-off, before and after."""
        cell = self.cell
        return paired_hits(
            self.before.ranks,
            self.after.ranks,
            query=np.array([cell.dataset.captions[position].id for position in cell.queries]),
            image=self._targets,
            num_subset=len(cell.subset),
            num_others=cell.others,
            k=k,
            is_failure_mined=cell.subset.is_failure_mined,
            confidence=cell.statistics.confidence,
            data=cell.dataset.fingerprint,
        )

    def estimates_at(
        self, k: int, bootstrap: PairedBootstrap, noisy: NoisyGain | None, *, is_headline: bool
    ) -> list[Estimate]:
        """Every number of one cut-off.

        Args:
            k: The cut-off.
            bootstrap: Of the gain on the subset.
            noisy: The gain with the doubt about labels carried on, where that is known.
            is_headline: Whether it is the cut-off of which a run shows more than the gain.
        """
        paired = self.paired(k)
        subset, others = paired.flips(CHOSEN), paired.flips(OTHERS)
        net = net_change(paired, confidence=self.cell.statistics.confidence)
        rows = [
            *_gain(subset, bootstrap),
            *_flips("", subset),
            *_flips("complement", others),
            Estimate(HIT, others.net_fraction, group="complement/net", unit="difference", n=others.num_units),
            broken_elsewhere(others),
            Estimate(
                HIT,
                net_of_all(subset, others, self.cell.others),
                group="all/net",
                unit="difference",
                low=np.nan if net is None else net.low,
                high=np.nan if net is None else net.high,
            ),
            *_placebo(self._noise(k)),
            *_placebo(self._paraphrase(k)),
            *_bounds("baseline", self.before.bounds(self._subset_targets, k=k), subset.num_units),
            *_bounds("ensembled", self.after.bounds(self._subset_targets, k=k), subset.num_units),
            Estimate(HIT, hit_ceiling(self.cell.dataset, self.cell.subset.positions, k=k), group="ceiling"),
            *self._by_category(k),
            *self._by_template(k),
            *self._without_ambiguous(k),
            *self._confirmed(k),
            *_label_noise(noisy),
        ]
        tracked = _TRACKED if is_headline else ("delta",)
        return [_at(row, k, is_tracked=row.group in tracked) for row in rows]

    @property
    def facts(self) -> dict[str, Any]:
        """What doesn't fit a table."""
        num_images, here = self._confirm_split
        return {
            "templates_asked": list(self.cell.template_set.templates),
            "category_sizes": self._category_sizes,
            "how_net": _how_net(self.cell),
            "how_confirmed": (
                f"{len(here):,} sampled captions of {num_images:,} of {len(self.cell.dataset.images):,} images, from "
                "which no failure was mined"
                if len(here)
                else None
            ),
        }

    @cached_property
    def _subset(self) -> slice:
        return slice(len(self.cell.subset))

    @cached_property
    def _targets(self) -> Int[np.ndarray, " query"]:
        targets: Int[np.ndarray, " query"] = self.cell.dataset.targets[self.cell.queries]
        return targets

    @cached_property
    def _subset_targets(self) -> torch.Tensor:
        return torch.from_numpy(self._targets[self._subset])

    @cached_property
    def _subset_categories(self) -> np.ndarray:
        return np.array([one or UNLABELLED for one in self.categories[self._subset]], dtype=object)

    @cached_property
    def _category_sizes(self) -> dict[str, int]:
        """The subset's queries by category, in the order of size; none where nothing is labelled."""
        if not any(self.categories[self._subset]):
            return {}
        found, counts = np.unique(self._subset_categories.astype(str), return_counts=True)
        return {str(found[place]): int(counts[place]) for place in np.argsort(-counts, kind="stable")}

    def _hits(self, k: int) -> tuple[np.ndarray, np.ndarray]:
        return hit_at_k(self.before.ranks, k=k), hit_at_k(self.after.ranks, k=k)

    def _by_category(self, k: int) -> Iterator[Estimate]:
        before, after = (hits[self._subset] for hits in self._hits(k))
        for name in self._category_sizes:
            here = self._subset_categories == name
            yield from _flips(f"category/{name}", Flips.of(before[here], after[here]))

    def _by_template(self, k: int) -> Iterator[Estimate]:
        before = hit_at_k(self.before.ranks, k=k)
        for place, ranks in enumerate(self.template_ranks):
            alone = hit_at_k(ranks, k=k)
            for part, here in (("", self._subset), ("/complement", slice(self._subset.stop, None))):
                yield from _flips(f"template/{place}{part}", Flips.of(before[here], alone[here]))

    def _without_ambiguous(self, k: int) -> Iterator[Estimate]:
        kept = self._subset_categories != AMBIGUOUS
        if not kept.all():
            before, after = (hits[self._subset][kept] for hits in self._hits(k))
            yield from _flips("without_ambiguous", Flips.of(before, after))

    def _noise(self, k: int) -> PlaceboBand | None:
        statistics = self.cell.statistics
        return noise_band(
            self.before.ranks,
            self.after.ranks,
            self._targets,
            num_subset=len(self.cell.subset),
            num_others=self.cell.others,
            k=k,
            num_replicates=statistics.num_replicates,
            confidence=statistics.confidence,
            rng=generator(statistics.seed, "noise placebo", k),
        )

    def _paraphrase(self, k: int) -> PlaceboBand | None:
        statistics, subset = self.cell.statistics, self._subset
        wrappers = paraphrases(self.cell.template_set.templates)
        if not wrappers:
            return None
        return paraphrase_band(
            self.before.ranks[subset],
            self.after.ranks[subset],
            self.template_ranks[wrappers, subset],
            self._targets[subset],
            k=k,
            num_replicates=statistics.num_replicates,
            confidence=statistics.confidence,
            rng=generator(statistics.seed, "paraphrase placebo", k),
        )

    @cached_property
    def _confirm_split(self) -> tuple[int, Int[np.ndarray, " here"]]:
        """How many images weren't mined, and which of the asked queries are theirs."""
        cell = self.cell
        # The subset's own queries are of mined images; of the others, a sample was asked.
        here = np.flatnonzero(np.isin(cell.queries, cell.confirm))
        return len(np.unique(cell.dataset.targets[cell.confirm])), here[here >= len(cell.subset)]

    def _confirmed(self, k: int) -> Iterator[Estimate]:
        _, here = self._confirm_split
        if len(here):
            everyone, failures = confirm(
                self.before.ranks[here],
                self.after.ranks[here],
                self._targets[here],
                k=k,
                confidence=self.cell.statistics.confidence,
            )
            yield from _confirmed_gain("confirm/queries", everyone)
            yield from _confirmed_gain("confirm/failures", failures)

    def records(self) -> pd.DataFrame:
        """A row a query."""
        cell = self.cell
        captions, images = [cell.dataset.captions[position] for position in cell.queries], cell.dataset.images
        sides = {"baseline": self.before.outcomes, "ensembled": self.after.outcomes}
        return pd.DataFrame(
            {
                "query_id": ids_of(captions),
                "text_sha256": [sha256_text(caption.text) for caption in captions],
                "image_id": [caption.image_id for caption in captions],
                "part": [SUBSET] * len(cell.subset) + [COMPLEMENT] * len(cell.complement),
                "category": self.categories,
                **_routes(cell),
                **{
                    f"{side}_{name}": values
                    for side, outcomes in sides.items()
                    for name, values in outcome_columns(outcomes, images).items()
                },
                **{f"template_{place}_rank": ranks for place, ranks in enumerate(self.template_ranks)},
            }
        )


_TRACKED = (
    "delta",
    "baseline",
    "ensembled",
    "p_positive",
    "fixed",
    "broken",
    "complement/fixed",
    "complement/broken",
    "complement/net",
    "all/net",
    "placebo_noise",
)
"""The groups that a run shows at its headline cut-off."""


def paired_hits(
    before: Int[np.ndarray, " query"],
    after: Int[np.ndarray, " query"],
    *,
    query: np.ndarray,
    image: np.ndarray,
    num_subset: int,
    num_others: int,
    k: int,
    is_failure_mined: bool,
    confidence: float,
    data: str,
    stands_for: int | None = None,
) -> Paired:
    """Hits at a cut-off before and after, from ranks; captions of one image are a cluster.

    Args:
        before: Rank of each query's target before, the subset's queries first.
        after: Rank of the same query's target after.
        query: Id of each query.
        image: Id of the image that each query describes.
        num_subset: How many of the queries are the subset's.
        num_others: How many queries the others are a sample of.
        k: Cut-off, >= 1.
        is_failure_mined: Whether the subset was chosen because the plain caption fails on it.
        confidence: Of intervals.
        data: Names the data that the ids are of.
        stands_for: How many queries the subset is itself a sample of; none beside its own by default.
    """
    num_asked = len(before) - num_subset
    of_subset = 1.0 if stands_for is None else stands_for / num_subset
    weight = np.repeat([of_subset, num_others / max(num_asked, 1)], [num_subset, num_asked])
    if num_others and not num_asked:
        weight[:] = np.nan
    return Paired(
        unit=query,
        cluster=image,
        part=np.repeat([CHOSEN, OTHERS], [num_subset, num_asked]),
        weight=weight,
        before=hit_at_k(before, k=k).astype(np.float64),
        after=hit_at_k(after, k=k).astype(np.float64),
        data=data,
        is_chosen_by_failing=is_failure_mined,
        confidence=confidence,
    )


def broken_elsewhere(others: Flips) -> Estimate:
    """Share of the other queries that the new prompts break; NaN where none was asked."""
    n = others.num_units
    return Estimate(HIT, others.broken / n if n else np.nan, group="complement/broken_share", n=n)


def counts_of(failure_set: FailureSet | None) -> dict[str, int]:
    """Labelled failures a category, the most frequent first."""
    known = failure_set.failures if failure_set is not None else ()
    return dict(Counter(failure.category for failure in known if failure.category is not None).most_common())


def _at(row: Estimate, k: int, *, is_tracked: bool) -> Estimate:
    return Estimate(row.metric, row.value, k, row.group, row.unit, row.low, row.high, row.n, is_tracked)


def _gain(subset: Flips, bootstrap: PairedBootstrap) -> Iterable[Estimate]:
    n = subset.num_units
    return (
        Estimate(
            HIT, subset.net_fraction, group="delta", unit="difference", low=bootstrap.low, high=bootstrap.high, n=n
        ),
        Estimate(HIT, subset.right_before / n, group="baseline", n=n),
        Estimate(HIT, subset.right_after / n, group="ensembled", n=n),
        Estimate(HIT, bootstrap.mean, group="delta_mean", unit="difference", n=n),
        Estimate(HIT, bootstrap.p_positive, group="p_positive", n=n),
    )


def _flips(group: str, flips: Flips) -> Iterable[Estimate]:
    prefix = f"{group}/" if group else ""
    for name in _COUNTS:
        yield Estimate(HIT, float(getattr(flips, name)), group=f"{prefix}{name}", unit="count", n=flips.num_units)


def _placebo(band: PlaceboBand | None) -> Iterable[Estimate]:
    if band is not None:
        group = f"placebo_{band.kind}"
        yield Estimate(HIT, band.mean, group=group, unit="difference", low=band.low, high=band.high)
        yield Estimate(HIT, band.p_at_least, group=f"{group}/p_at_least")


def _bounds(side: str, bounds: HitBounds, n: int) -> Iterable[Estimate]:
    for name in ("if_ties_lose", "if_ties_win", "within_fp32", "within_bf16"):
        yield Estimate(HIT, float(getattr(bounds, name)), group=f"{side}/{name}", unit="count", n=n)


def _confirmed_gain(group: str, gain: ConfirmedGain) -> Iterable[Estimate]:
    yield from _flips(group, gain.flips)
    yield Estimate(
        HIT,
        gain.flips.net_fraction,
        group=f"{group}/delta",
        unit="difference",
        low=np.nan if gain.low is None else gain.low,
        high=np.nan if gain.high is None else gain.high,
        n=gain.flips.num_units,
    )


def _label_noise(noisy: NoisyGain | None) -> Iterable[Estimate]:
    if noisy is not None:
        yield Estimate(
            HIT,
            noisy.imputed_mean,
            group="label_noise",
            unit="difference",
            low=noisy.low,
            high=noisy.high,
            n=noisy.num_in_doubt,
        )
        yield Estimate(HIT, noisy.label_deviation, group="label_noise/deviation", unit="difference")


def _how_net(cell: PromptedQueries) -> str:
    return (
        f"two strata, the subset asked whole and the complement a sample of {cell.others:,} other queries; Tango's "
        "score interval of each with captions clustered by image, put together by their recovered variances and the "
        "covariance through shared images; a statement about further queries of this kind"
    )


def _routes(cell: PromptedQueries) -> Mapping[str, list[str]]:
    """Which templates each query was asked with, where they differ from query to query."""
    chosen = cell.template_set
    if isinstance(chosen, TemplateSet):
        return {}
    return {"templates": [chosen.for_query(cell.dataset.captions[position].id).name for position in cell.queries]}
