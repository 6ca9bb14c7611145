"""Runs a tau profile: a cell's queries under max, every temperature of a grid, and mean, from one pass over scores."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import torch
from jaxtyping import Bool, Float, Int

from misfire.cells import Estimate, Estimates, Flips, Outcome, Workbench
from misfire.cells.estimates import Unit
from misfire.core.hashing import sha256_text
from misfire.failures import FailureSet
from misfire.methods.retrieval.baseline.baseline import ids_of
from misfire.methods.retrieval.data_note import asked_notes
from misfire.methods.retrieval.ensemble.measured import HIT
from misfire.methods.retrieval.profile.logged import point_name
from misfire.methods.retrieval.profile.tau_grid import TauGrid
from misfire.methods.retrieval.prompted import PromptedQueries
from misfire.metrics import hit_at_k
from misfire.scoring import (
    LogMeanExpPooling,
    MaxPooling,
    MeanPooling,
    PromptPooling,
    ensemble_ranks,
    prompt_spread,
    target_ranks,
    tau_profile,
)
from misfire.stats import max_t, paired_bands

PUBLISHED_TAU = 1.0

AS_MAXIMUM = 1e-60
"""A tau at which LogMeanExp is the maximum to the last bit of float32: its shift is lost even beside a zero."""

_LEFT, _ARRIVED = 0.1, 0.9
_SAMPLED_QUERIES, _SAMPLED_SCORES = 256, 2**23


@dataclass(frozen=True)
class ProfilePlan:
    """A cell's queries and prompts, and the temperatures at which they are pooled.

    Args:
        cell: Everything but the pooling, which is not read.
        grid: The temperatures.
    """

    cell: PromptedQueries
    grid: TauGrid

    @property
    def poolings(self) -> list[PromptPooling]:
        """Max, LogMeanExp by ascending tau, mean."""
        soft = [LogMeanExpPooling(float(tau)) for tau in self.grid.taus]
        return [MaxPooling(), *soft, MeanPooling()]

    def cells(self) -> list[PromptedQueries]:
        """The cells whose ranks the profile holds, a pooling each."""
        return [replace(self.cell, pooling=pooling) for pooling in self.poolings]


@dataclass(frozen=True, eq=False)
class _Ranks:
    """Rank of each query's target: the plain caption's, each pooling's, and that at the published tau."""

    baseline: Int[np.ndarray, " query"]
    pooled: Int[np.ndarray, "pooling query"]
    published: Int[np.ndarray, " query"]

    def hits(self, k: int) -> tuple[Bool[np.ndarray, " query"], Bool[np.ndarray, "pooling query"]]:
        """Hits at a cut-off before and after."""
        return hit_at_k(self.baseline, k=k), np.stack([hit_at_k(ranks, k=k) for ranks in self.pooled])


def profile_outcome(plan: ProfilePlan, bench: Workbench, failure_set: FailureSet | None) -> Outcome:
    """Rank every query of the plan under every pooling, and compare each with the plain caption.

    The ranks are those of an ensemble with each of the plan's poolings. All points of the subset are resampled
    together, so that their intervals are the cells' own and the max-T p-values count the profile as the many looks
    that it is.

    Args:
        plan: What to run.
        bench: Where embeddings come from.
        failure_set: Where the queries come from, if from one.
    """
    cell = plan.cell
    targets = bench.targets[torch.from_numpy(cell.queries)]
    prompts = bench.prompts(cell.prompts)
    plain = bench.texts([cell.dataset.captions[position].text for position in cell.queries])
    ranks = _ranks(plan, plain, prompts, bench.gallery, targets)
    num_queries = len(cell.subset)
    sample = _sample(num_queries, prompts.shape[1], len(bench.gallery))
    spread = prompt_spread(prompts[sample], bench.gallery, targets[sample], tau=PUBLISHED_TAU)
    return Outcome(
        records=_records(plan, ranks),
        estimates=Estimates.of(
            [
                *_point_estimates(plan, ranks),
                *(
                    Estimate(
                        "t2i/score_spread", float(getattr(spread, what)), group=what, unit="score", is_tracked=False
                    )
                    for what in ("deviation", "shift", "largest_shift", "gap")
                ),
            ]
        ),
        facts={
            "subset": cell.subset.name,
            "how_chosen": cell.subset.how_chosen,
            "is_failure_mined": cell.subset.is_failure_mined,
            "num_queries": num_queries,
            "templates": cell.template_set.name,
            "num_templates": len(cell.template_set),
            "is_oracle": cell.template_set.is_oracle,
            "backbone": bench.encoder.name,
            "backbone_fingerprint": cell.backbone_fingerprint,
            "dataset": cell.dataset.name,
            "dataset_fingerprint": cell.dataset.fingerprint,
            "dataset_notes": asked_notes(cell, bench),
            "ks": list(cell.ks),
            "taus": plan.grid.taus.tolist(),
            "num_others": cell.others,
            "num_others_asked": len(cell.complement),
            "confidence": float(cell.statistics.confidence),
            "failure_set": "" if failure_set is None else failure_set.digest,
            "published_tau": PUBLISHED_TAU,
            "num_as_mean": int((ranks.published == ranks.pooled[-1]).sum()),
            "transition": _transition(plan.grid.taus, ranks.pooled),
        },
    )


def _point_estimates(plan: ProfilePlan, ranks: _Ranks) -> Iterator[Estimate]:
    """Of each cut-off, the largest first, every point: its gain with interval and p-value, and its flips."""
    cell, taus = plan.cell, [0.0, *plan.grid.taus.tolist(), np.inf]
    num_queries = len(cell.subset)
    hits = {k: ranks.hits(k) for k in cell.ks}
    before = np.concatenate([np.tile(hits[k][0][:num_queries], (len(taus), 1)) for k in cell.ks])
    after = np.concatenate([hits[k][1][:, :num_queries] for k in cell.ks])
    bands, p_values = _bands(cell, before, after), _p_values(cell, before, after)
    for what, shares in zip(("left_max", "at_mean"), _moved(ranks.pooled), strict=True):
        for tau, share in zip(taus, shares, strict=True):
            yield Estimate("t2i/rank_moved", float(share), group=f"{point_name(tau)}/{what}", is_tracked=False)
    for k in sorted(cell.ks, reverse=True):
        rows = cell.ks.index(k) * len(taus) + np.arange(len(taus))
        gains = after[rows].mean(axis=1) - before[rows].mean(axis=1)
        best = _best(hits[k], num_queries)
        yield _row(
            k, "best/delta", float(gains[best]), *bands[rows[best]], unit="difference", n=num_queries, is_told=True
        )
        yield _row(k, "best/p_adjusted", float(p_values[rows[best]]), unit="p", n=num_queries, is_told=True)
        yield _row(k, "baseline", float(before[rows[0]].mean()), n=num_queries, is_told=True)
        published = float(hit_at_k(ranks.published[:num_queries], k=k).sum())
        yield _row(k, "tau_published/hits", published, unit="count", n=num_queries)
        for place, tau in enumerate(taus):
            name, row = point_name(tau), rows[place]
            subset, others = (Flips.of(hits[k][0][part], hits[k][1][place][part]) for part in _parts(num_queries))
            yield _row(k, f"{name}/delta", float(gains[place]), *bands[row], unit="difference", n=num_queries)
            yield _row(k, f"{name}/p_adjusted", float(p_values[row]), unit="p", n=num_queries)
            for group, flips in ((name, subset), (f"{name}/complement", others)):
                yield _row(k, f"{group}/fixed", float(flips.fixed), unit="count", n=flips.num_units)
                yield _row(k, f"{group}/broken", float(flips.broken), unit="count", n=flips.num_units)


def _row(
    k: int,
    group: str,
    value: float,
    low: float = np.nan,
    high: float = np.nan,
    *,
    unit: Unit = "fraction",
    n: int,
    is_told: bool = False,
) -> Estimate:
    return Estimate(HIT, value, k, group, unit, float(low), float(high), n, is_told)


def _parts(num_queries: int) -> tuple[slice, slice]:
    return slice(num_queries), slice(num_queries, None)


def _best(hits: tuple[Bool[np.ndarray, " query"], Bool[np.ndarray, "pooling query"]], num_queries: int) -> int:
    """The point with the largest gain; of equals that which does best elsewhere, of these the nearest to the mean."""
    before, after = hits
    net = [(after[:, part].astype(int) - before[part]).sum(axis=1) for part in _parts(num_queries)]
    return max(range(len(after)), key=lambda place: (net[0][place], net[1][place], place))


def _ranks(
    plan: ProfilePlan, plain: torch.Tensor, prompts: torch.Tensor, gallery: torch.Tensor, targets: torch.Tensor
) -> _Ranks:
    # Mean has a product of its own, of one row a query, as in a cell: adding up in another order may round otherwise.
    mean = ensemble_ranks(prompts, gallery, targets, MeanPooling()).rank
    taus = torch.tensor([AS_MAXIMUM, *plan.grid.taus, PUBLISHED_TAU], dtype=torch.float64)
    profile = tau_profile(prompts, gallery, targets, taus)
    return _Ranks(
        baseline=target_ranks(plain, gallery, targets).rank.numpy(),
        pooled=torch.cat([profile[:-1], mean[None]]).numpy(),
        published=profile[-1].numpy(),
    )


def _sample(num_queries: int, num_prompts: int, num_items: int) -> Int[np.ndarray, " sampled"]:
    """Evenly spaced queries of the subset, few enough for every score of theirs to be looked at."""
    most = max(1, min(_SAMPLED_QUERIES, _SAMPLED_SCORES // (num_prompts * num_items), num_queries))
    return np.linspace(0, num_queries - 1, most).round().astype(np.int64)


def _bands(
    cell: PromptedQueries, before: Bool[np.ndarray, "point query"], after: Bool[np.ndarray, "point query"]
) -> Float[np.ndarray, "point 2"]:
    return paired_bands(
        before,
        after,
        num_replicates=cell.statistics.num_replicates,
        confidence=cell.statistics.confidence,
        rng=np.random.default_rng(cell.statistics.seed),
    )


def _p_values(
    cell: PromptedQueries, before: Bool[np.ndarray, "point query"], after: Bool[np.ndarray, "point query"]
) -> Float[np.ndarray, " point"]:
    images = np.array([cell.dataset.captions[position].image_id for position in cell.subset.positions])
    return max_t(
        before,
        after,
        clusters=images,
        num_replicates=cell.statistics.num_replicates,
        rng=np.random.default_rng(cell.statistics.seed),
    )


def _moved(
    pooled: Int[np.ndarray, "pooling query"],
) -> tuple[Float[np.ndarray, " pooling"], Float[np.ndarray, " pooling"]]:
    """Of the queries that the ends rank differently: which share has left max's rank, and which has mean's."""
    movable = pooled[:, pooled[0] != pooled[-1]]
    if not movable.shape[1]:
        undefined = np.full(len(pooled), np.nan)
        return undefined, undefined
    return (movable != movable[0]).mean(axis=1), (movable == movable[-1]).mean(axis=1)


def _transition(
    taus: Float[np.ndarray, " tau"], pooled: Int[np.ndarray, "pooling query"]
) -> dict[str, int | float | None]:
    """The temperatures of the grid between which ranks go over from the max's to the mean's.

    Of the queries that max and mean rank differently (``num_movable`` of ``num_queries``), a tenth have left the max's
    rank at ``start``, and nine tenths have the mean's from ``end`` on; None where the grid has no such temperature.
    """
    left, arrived = (share[1:-1] for share in _moved(pooled))
    started = np.flatnonzero(left >= _LEFT)
    unfinished = np.flatnonzero(~(arrived >= _ARRIVED))
    first_finished = unfinished[-1] + 1 if len(unfinished) else 0
    return {
        "num_queries": pooled.shape[1],
        "num_movable": int((pooled[0] != pooled[-1]).sum()),
        "start": float(taus[started[0]]) if len(started) else None,
        "end": float(taus[first_finished]) if first_finished < len(taus) else None,
    }


def _records(plan: ProfilePlan, ranks: _Ranks) -> pd.DataFrame:
    cell = plan.cell
    captions = [cell.dataset.captions[position] for position in cell.queries]
    names = ["max", *(f"tau_{tau!r}" for tau in plan.grid.taus.tolist()), "mean"]
    pooled: Mapping[str, np.ndarray] = {f"rank_{name}": row for name, row in zip(names, ranks.pooled, strict=True)}
    return pd.DataFrame(
        {
            "query_id": ids_of(captions),
            "text_sha256": [sha256_text(caption.text) for caption in captions],
            "image_id": [caption.image_id for caption in captions],
            "part": ["subset"] * len(cell.subset) + ["complement"] * len(cell.complement),
            "baseline_rank": ranks.baseline,
            **pooled,
        }
    )
