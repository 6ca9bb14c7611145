"""Ranks under LogMeanExp pooling as a function of tau, for about the price of one tau."""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int, Int64

from misfire.core.errors import UsageError
from misfire.scoring.pooling import LogMeanExpPooling
from misfire.scoring.pooling.logmeanexp import check_tau, log_mean_exp, prompt_scores
from misfire.scoring.scan import DEFAULT_MEMORY_BUDGET_BYTES, Scan, TargetedBlock, check_targets

_PAIRS_AT_ONCE = 1 << 14


def tau_profile(
    prompts: Float[torch.Tensor, "query prompt dim"],
    gallery: Float[torch.Tensor, "gallery dim"],
    targets: Int[torch.Tensor, " query"],
    taus: Float[torch.Tensor, " tau"],
    *,
    memory_budget_bytes: int = DEFAULT_MEMORY_BUDGET_BYTES,
) -> Int64[torch.Tensor, "tau query"]:
    """Rank of each query's target under ``LogMeanExpPooling(tau)``, for every tau.

    The ranks are those that :func:`misfire.scoring.ensemble_ranks` gives for each tau. Most comparisons are settled for
    all taus at once by the least and the greatest of the prompts' scores, which bound every LogMeanExp. The rest are
    settled by halving the range of taus: LogMeanExp falls as tau grows, so its values at the ends of a range bound it
    within, and a comparison is settled where the item's bounds and the target's don't overlap.

    Args:
        prompts: Embeddings of each query's prompts.
        gallery: Gallery embeddings.
        targets: Gallery position of each query's target.
        taus: Temperatures > 0, in any order.
        memory_budget_bytes: Working memory beside the inputs and the result.

    Returns:
        Ranks from 1, one row a tau in the order given; ties go by gallery order.

    Raises:
        UsageError: If a tau isn't positive and finite, or as :func:`misfire.scoring.ensemble_ranks` does.

    Example:
        >>> prompts = torch.tensor([[[1.0, 0.0], [0.0, 1.0]]])
        >>> gallery = torch.tensor([[0.9, 0.0], [0.5, 0.5]])
        >>> tau_profile(prompts, gallery, torch.tensor([1]), torch.tensor([0.01, 10.0]))
        tensor([[2],
                [1]])
    """
    if taus.ndim != 1:
        raise UsageError(f"taus must be a vector, got shape {tuple(taus.shape)}; flatten it.")
    for tau in taus.tolist():
        check_tau(tau)
    scan = Scan(prompts, gallery, LogMeanExpPooling(), memory_budget_bytes=memory_budget_bytes)
    targets = check_targets(targets, num_queries=len(prompts), num_items=len(gallery))
    if not len(taus):
        return torch.empty(0, len(prompts), dtype=torch.int64, device=scan.device)
    ascending, order = taus.double().to(scan.device).sort()
    num_ahead = scan.gallery.num_earlier_twins[targets][:, None].repeat(1, len(taus))
    for block in scan.blocks_beside(targets):
        num_ahead[block.queries] += _num_ahead(block, targets[block.queries], ascending)
    ranks = torch.empty(len(taus), len(prompts), dtype=torch.int64, device=scan.device)
    ranks[order] = 1 + num_ahead.T
    return ranks


def _num_ahead(
    block: TargetedBlock, targets: Int64[torch.Tensor, " query"], taus: Float[torch.Tensor, " tau"]
) -> Int64[torch.Tensor, "query tau"]:
    """Items of the block that stand ahead of the target, without those of the target's own row."""
    target_score = log_mean_exp(block.target_scores.T[:, :, None], taus[None, :]).float()
    lower, upper = block.scores.amin(dim=1), block.scores.amax(dim=1)
    own = (block.is_here.nonzero()[:, 0], block.target_row)
    lower[own] = upper[own] = -torch.inf
    lower, upper = block.gallery.expand(lower), block.gallery.expand(upper)
    is_higher = lower > target_score[:, :1]
    unsettled = (upper >= target_score[:, -1:]) & ~is_higher
    counter = _Counter(target_score, taus)
    query, member = unsettled.nonzero(as_tuple=True)
    for start in range(0, len(query), _PAIRS_AT_ONCE):
        pair_query, pair_member = query[start : start + _PAIRS_AT_ONCE], member[start : start + _PAIRS_AT_ONCE]
        counter.settle(
            pair_query,
            prompt_scores(block.scores, pair_query, block.gallery.row_of(pair_member)),
            block.gallery.members[pair_member] < targets[pair_query],
        )
    return counter.num_ahead() + is_higher.count_nonzero(dim=1)[:, None]


@dataclass(frozen=True, eq=False)
class _Ranges:
    """Comparisons of a pair of query and item over the taus ``start`` to ``stop`` (exclusive).

    ``lower`` and ``upper`` bound the item's pooled score over these taus.
    """

    pair: Int64[torch.Tensor, " open"]
    start: Int64[torch.Tensor, " open"]
    stop: Int64[torch.Tensor, " open"]
    lower: Float[torch.Tensor, " open"]
    upper: Float[torch.Tensor, " open"]

    def where(self, keep: Bool[torch.Tensor, " open"]) -> "_Ranges":
        kept = keep.nonzero()[:, 0]
        columns = (self.pair, self.start, self.stop, self.lower, self.upper)
        return _Ranges(*(column.index_select(0, kept) for column in columns))

    def halves(self, middle: Int64[torch.Tensor, " open"], value: Float[torch.Tensor, " open"]) -> "_Ranges":
        """The taus below the middle, where the item scores at least ``value``, and those above, where at most."""
        both = _Ranges(
            torch.cat([self.pair, self.pair]),
            torch.cat([self.start, middle + 1]),
            torch.cat([middle, self.stop]),
            torch.cat([value, self.lower]),
            torch.cat([self.upper, value]),
        )
        return both.where(both.start < both.stop)


class _Counter:
    """Counts, per query and tau, the items ahead of the target; ``target_score`` falls along the taus."""

    def __init__(self, target_score: Float[torch.Tensor, "query tau"], taus: Float[torch.Tensor, " tau"]) -> None:
        self._target_score = target_score
        self._taus = taus
        # Differences along tau of the number ahead, so that a whole range is counted at its two ends.
        self._steps = torch.zeros(len(target_score), len(taus) + 1, dtype=torch.int64, device=target_score.device)

    def num_ahead(self) -> Int64[torch.Tensor, "query tau"]:
        return self._steps[:, :-1].cumsum(dim=1)

    def settle(
        self,
        query: Int64[torch.Tensor, " pair"],
        scores: Float[torch.Tensor, "prompt pair"],
        is_earlier: Bool[torch.Tensor, " pair"],
    ) -> None:
        """Compare every pair at every tau."""
        pair = torch.arange(len(query), device=query.device)
        first, last = torch.zeros_like(pair), torch.full_like(pair, len(self._taus))
        ranges = _Ranges(pair, first, last, scores.double().mean(dim=0).float(), scores.amax(dim=0))
        while len(ranges.pair):
            ranges = self._unsettled(query, ranges)
            middle = (ranges.start + ranges.stop) // 2
            value = log_mean_exp(scores.index_select(1, ranges.pair), self._taus[middle]).float()
            target_score = self._target_score[query[ranges.pair], middle]
            is_ahead = (value > target_score) | ((value == target_score) & is_earlier[ranges.pair])
            self._count(query[ranges.pair[is_ahead]], middle[is_ahead], middle[is_ahead] + 1)
            ranges = ranges.halves(middle, value)

    def _unsettled(self, query: Int64[torch.Tensor, " pair"], ranges: _Ranges) -> _Ranges:
        """Count the ranges where the item is above the target throughout; drop these and those where it is below."""
        highest = self._target_score[query[ranges.pair], ranges.start]
        lowest = self._target_score[query[ranges.pair], ranges.stop - 1]
        above = ranges.lower > highest
        settled = ranges.where(above)
        self._count(query[settled.pair], settled.start, settled.stop)
        return ranges.where(~above & (ranges.upper >= lowest))

    def _count(
        self,
        query: Int64[torch.Tensor, " range"],
        start: Int64[torch.Tensor, " range"],
        stop: Int64[torch.Tensor, " range"],
    ) -> None:
        ones = torch.ones_like(query)
        self._steps.index_put_((query, start), ones, accumulate=True)
        self._steps.index_put_((query, stop), -ones, accumulate=True)
