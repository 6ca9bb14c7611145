"""Runs a cell: the plain caption against the pooled prompts, query by query."""

import io
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int

from misfire.cells import Estimates, Outcome, Workbench
from misfire.core.hashing import sha256_json
from misfire.failures import FailureSet
from misfire.methods.retrieval.baseline.ceilings import RankedSide
from misfire.methods.retrieval.data_note import asked_notes
from misfire.methods.retrieval.ensemble.label_noise import noisy_gains
from misfire.methods.retrieval.ensemble.measured import Measured, counts_of
from misfire.methods.retrieval.prompted import PromptedQueries
from misfire.metrics import hit_at_k
from misfire.scoring import (
    MaxPooling,
    Outcomes,
    PromptPooling,
    TopItems,
    ensemble_outcomes,
    ensemble_outcomes_beside_prompts,
    ensemble_top_items,
    pools_scores,
    target_ranks,
)
from misfire.stats import PairedBootstrap, paired_bootstrap

PLAIN = "{caption}"
REPLICATES_FILE = "replicates.npz"
_MOST_KEPT_VALUES = 2**24  # 64 MiB


def ensemble_outcome(cell: PromptedQueries, bench: Workbench, failure_set: FailureSet | None) -> Outcome:
    """Rank every query of the cell with its plain caption and with its pooled prompts, and compare.

    Args:
        cell: What to run.
        bench: Where its embeddings come from; the backbone is touched for what the store lacks, and for nothing else.
        failure_set: Names the queries' categories, by which flips are told apart; it changes no rank.
    """
    found = measured(cell, bench, failure_set)
    bootstraps = {k: _bootstrap(found, k) for k in cell.ks}
    noisy = noisy_gains(cell, bench, found.before.ranks, found.after.ranks)
    # Pages of trackers start from what was logged first: the gain at the largest cut-off, where it is decided.
    estimates = [
        row
        for k in sorted(cell.ks, reverse=True)
        for row in found.estimates_at(k, bootstraps[k], noisy.get(k), is_headline=k == max(cell.ks))
    ]
    description = cell.pooling.describe()
    return Outcome(
        records=found.records(),
        estimates=Estimates.of(estimates),
        facts={
            "subset": cell.subset.name,
            "how_chosen": cell.subset.how_chosen,
            "is_failure_mined": cell.subset.is_failure_mined,
            "num_queries": len(cell.subset),
            "templates": cell.template_set.name,
            "num_templates": len(cell.template_set),
            "is_oracle": cell.template_set.is_oracle,
            "pooling": str(description["pooling"]),
            "tau": float(description["tau"]) if "tau" in description else None,
            "backbone": bench.encoder.name,
            "backbone_fingerprint": cell.backbone_fingerprint,
            "dataset": cell.dataset.name,
            "dataset_fingerprint": cell.dataset.fingerprint,
            "dataset_notes": asked_notes(cell, bench),
            "ks": list(cell.ks),
            "num_others": cell.others,
            "num_others_asked": len(cell.complement),
            "confidence": float(cell.statistics.confidence),
            "num_replicates": int(cell.statistics.num_replicates),
            "failure_set": "" if failure_set is None else failure_set.digest,
            "failure_counts": counts_of(failure_set),
            "label_source": None if failure_set is None else failure_set.label_source,
            **found.facts,
        },
        files={REPLICATES_FILE: _replicates(bootstraps)},
    )


def _replicates(bootstraps: Mapping[int, PairedBootstrap]) -> bytes:
    content = io.BytesIO()
    arrays: dict[str, Any] = {f"hit_at_{k}": found.replicates for k, found in bootstraps.items()}
    np.savez_compressed(content, **arrays)
    return content.getvalue()


def measured(cell: PromptedQueries, bench: Workbench, failure_set: FailureSet | None) -> Measured:
    """The cell's queries under the plain caption, under its pooled prompts and under each template alone."""
    targets = targets_of(cell, bench)
    known = failure_set.failures if failure_set is not None else ()
    category = {failure.query_id: failure.category for failure in known}
    _ = bench.gallery  # first, so that a picture that can't be read is told before an hour of texts
    before = plain_side(cell, bench)
    after, alone = _pooled_side(cell, bench, targets, before.ranks)
    # A query that is asked with its caption alone is the baseline, to the last tie.
    after, alone = after.but_for(cell.is_plain, before), np.where(cell.is_plain, before.ranks, alone)
    return Measured(
        cell=cell,
        before=before,
        after=after,
        template_ranks=alone,
        categories=[category.get(cell.dataset.captions[position].id) for position in cell.queries],
    )


def plain_side(cell: PromptedQueries, bench: Workbench) -> RankedSide:
    """What the plain captions find for the cell's queries; ranked once for all cells that ask the same ones."""
    return bench.once(
        f"plain {_queries_digest(cell)} {max(cell.ks)}",
        lambda: _side(_plain(cell, bench).unsqueeze(1), cell, bench, targets_of(cell, bench), MaxPooling()),
    )


def targets_of(cell: PromptedQueries, bench: Workbench) -> torch.Tensor:
    """Gallery position of the image of each of the cell's queries."""
    return bench.targets[torch.from_numpy(cell.queries)]


def _side(
    prompts: Float[torch.Tensor, "query prompt dim"],
    cell: PromptedQueries,
    bench: Workbench,
    targets: torch.Tensor,
    pooling: PromptPooling,
) -> RankedSide:
    outcomes = ensemble_outcomes(prompts, bench.gallery, targets, pooling)
    return RankedSide(outcomes, _subset_top(prompts, cell, bench, pooling))


def _subset_top(
    prompts: Float[torch.Tensor, "query prompt dim"], cell: PromptedQueries, bench: Workbench, pooling: PromptPooling
) -> TopItems:
    num_best = min(max(cell.ks) + 1, len(bench.gallery))
    return ensemble_top_items(prompts[: len(cell.subset)], bench.gallery, pooling, k=num_best)


def _pooled_side(
    cell: PromptedQueries, bench: Workbench, targets: torch.Tensor, plain_ranks: Int[np.ndarray, " query"]
) -> tuple[RankedSide, Int[np.ndarray, "template query"]]:
    """What the pooled prompts find, and the rank of each query's target with each template alone.

    Cells that differ in their pooling share the latter, so the first of them ranks each template too, out of the scores
    that it pools. The plain caption's ranks are the baseline's, to the last tie.
    """
    prompts, plain = _prompts(cell, bench), [text == PLAIN for text in cell.template_set.templates]
    outcomes: list[Outcomes] = []

    def template_ranks() -> Int[np.ndarray, "template query"]:
        if pools_scores(cell.pooling):
            pooled, alone = ensemble_outcomes_beside_prompts(prompts, bench.gallery, targets, cell.pooling)
            outcomes.append(pooled)
            ranks: Int[np.ndarray, "template query"] = np.ascontiguousarray(alone.T.numpy())
        else:
            ranks = _ranks_alone(prompts, bench, targets, is_asked=[not is_plain for is_plain in plain])
        ranks[plain] = plain_ranks
        return ranks

    alone = bench.once(f"alone {_queries_digest(cell)} {cell.prompts_digest}", template_ranks)
    if not outcomes:
        outcomes.append(ensemble_outcomes(prompts, bench.gallery, targets, cell.pooling))
    return RankedSide(outcomes[0], _subset_top(prompts, cell, bench, cell.pooling)), alone


def _ranks_alone(
    prompts: Float[torch.Tensor, "query prompt dim"], bench: Workbench, targets: torch.Tensor, *, is_asked: list[bool]
) -> Int[np.ndarray, "prompt query"]:
    """Rank of each query's target with each prompt alone; 0 for a prompt that isn't asked."""
    ranks = np.zeros((prompts.shape[1], len(prompts)), dtype=np.int64)
    wrapping = np.flatnonzero(is_asked)
    if len(wrapping):
        singles = prompts[:, wrapping].flatten(0, 1)
        found = target_ranks(singles, bench.gallery, targets.repeat_interleave(len(wrapping))).rank
        ranks[wrapping] = found.view(len(targets), len(wrapping)).T.numpy()
    return ranks


def _queries_digest(cell: PromptedQueries) -> str:
    return sha256_json(cell.queries.tolist())


def _plain(cell: PromptedQueries, bench: Workbench) -> torch.Tensor:
    return bench.texts([cell.dataset.captions[position].text for position in cell.queries])


def _prompts(cell: PromptedQueries, bench: Workbench) -> torch.Tensor:
    """Embeddings of the cell's prompts; read once for the cells that share them, unless they are too many to keep."""
    num_values = len(cell.queries) * len(cell.template_set) * bench.encoder.dim
    if num_values > _MOST_KEPT_VALUES:
        return bench.prompts(cell.prompts)
    return bench.once(f"prompts {cell.prompts_digest}", lambda: bench.prompts(cell.prompts))


def _bootstrap(found: Measured, k: int) -> PairedBootstrap:
    subset, statistics = slice(len(found.cell.subset)), found.cell.statistics
    return paired_bootstrap(
        hit_at_k(found.before.ranks[subset], k=k),
        hit_at_k(found.after.ranks[subset], k=k),
        num_replicates=statistics.num_replicates,
        confidence=statistics.confidence,
        rng=np.random.default_rng(statistics.seed),
    )
