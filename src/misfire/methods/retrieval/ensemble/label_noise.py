"""What doubt about the labels does to a gain: the queries of a category may belong elsewhere, and others to it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from jaxtyping import Bool, Int

from misfire.core.errors import UsageError
from misfire.failures import DoubtfulQueries
from misfire.metrics import hit_at_k
from misfire.scoring import MaxPooling, ensemble_outcomes
from misfire.stats import relabelled_gain

if TYPE_CHECKING:
    from misfire.cells.lab import Workbench
    from misfire.methods.retrieval.prompted import PromptedQueries


@dataclass(frozen=True)
class NoisyGain:
    """A gain's interval with label noise carried on, as fractions.

    Args:
        low: Lower end.
        high: Upper end.
        label_deviation: Standard deviation of the gain between labellings; 0 where no label is in doubt.
        imputed_mean: Mean of the gain over the labellings drawn anew.
        num_in_doubt: Labelled queries that took part, of whatever category.
    """

    low: float
    high: float
    label_deviation: float
    imputed_mean: float
    num_in_doubt: int


def noisy_gains(
    cell: "PromptedQueries",
    bench: "Workbench",
    baseline_ranks: Int[np.ndarray, " query"],
    ensembled_ranks: Int[np.ndarray, " query"],
) -> Mapping[int, NoisyGain]:
    """For each cut-off the gain's interval with label noise; none where the labels' doubt isn't known.

    All queries with labels are asked with the cell's prompts, whatever their category: each belongs to the subset with
    the probability that its labels give it. The bootstrap draws are those of the cell's own interval, so that the two
    are equal where no label is in doubt. See :func:`misfire.stats.relabelled_gain`.

    Args:
        cell: What was run.
        bench: Where embeddings come from.
        baseline_ranks: Rank of each of the cell's queries under the plain caption.
        ensembled_ranks: The same under the pooled prompts.

    Raises:
        UsageError: If the subset isn't what was labelled so.
    """
    doubtful = cell.subset.in_doubt
    if doubtful is None:
        return {}
    if not np.array_equal(doubtful.positions[doubtful.is_labelled], cell.subset.positions):
        raise UsageError(
            f"label noise must be about the subset's own queries, got {int(doubtful.is_labelled.sum())} labelled so "
            f"for {len(cell.subset)} in the subset; select it from the failure set again."
        )
    place = {position: row for row, position in enumerate(cell.queries.tolist())}
    is_asked = np.isin(doubtful.positions, cell.queries)
    before, after = (np.zeros(len(doubtful.positions), dtype=np.int64) for _ in range(2))
    known = [place[position] for position in doubtful.positions[is_asked].tolist()]
    before[is_asked], after[is_asked] = baseline_ranks[known], ensembled_ranks[known]
    if not is_asked.all():
        before[~is_asked], after[~is_asked] = _ranks(cell, bench, doubtful.positions[~is_asked])
    return {k: _noisy_gain(cell, doubtful, hit_at_k(before, k=k), hit_at_k(after, k=k)) for k in cell.ks}


def _noisy_gain(
    cell: "PromptedQueries",
    doubtful: DoubtfulQueries,
    baseline: Bool[np.ndarray, " doubtful"],
    ensembled: Bool[np.ndarray, " doubtful"],
) -> NoisyGain:
    statistics = cell.statistics
    found = relabelled_gain(
        baseline,
        ensembled,
        doubtful.is_labelled,
        doubtful.probability,
        confidence=statistics.confidence,
        num_replicates=statistics.num_replicates,
        rng=np.random.default_rng(statistics.seed),
    )
    return NoisyGain(found.low, found.high, found.label_deviation, found.imputed_mean, len(doubtful.positions))


def _ranks(
    cell: "PromptedQueries", bench: "Workbench", positions: Int[np.ndarray, " other"]
) -> tuple[Int[np.ndarray, " other"], Int[np.ndarray, " other"]]:
    """Ranks of other queries' targets with the plain caption and with the cell's prompts."""
    captions = [cell.dataset.captions[position] for position in positions.tolist()]
    targets = bench.targets[torch.from_numpy(positions)]
    plain = bench.prompts([(caption.text,) for caption in captions])
    prompts = bench.prompts(cell.prompts_of(positions))
    before = ensemble_outcomes(plain, bench.gallery, targets, MaxPooling())
    after = ensemble_outcomes(prompts, bench.gallery, targets, cell.pooling)
    return before.ranks.rank.numpy(), after.ranks.rank.numpy()
