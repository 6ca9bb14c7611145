"""Hits of many sets of prompts at once: each prompt is scored once, and sets grow prompt by prompt."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int, Int64

from misfire.core.errors import UsageError
from misfire.scoring.coalition_lattice import CoalitionLattice
from misfire.scoring.pooling import MaxPooling, PromptPooling
from misfire.scoring.pooling.base import RunningPool
from misfire.scoring.pooling.logmeanexp import prompt_scores
from misfire.scoring.ranks import ensemble_ranks
from misfire.scoring.scan import DEFAULT_MEMORY_BUDGET_BYTES, Scan, check_targets

# Two scores, each computed in two ways, stand in a comparison, and each is off by about sqrt(dim) roundings at most
# (Higham and Mary, "A new approach to probabilistic rounding error analysis", 2019). Twice that is on the safe side.
_ROUNDINGS = 8 * 2.0**-24
_FEWEST_QUERIES = 32  # products with fewer rows may be left to another routine, whose last bits differ
_BYTES_PER_STATE = 64  # a coalition's state of a pair, what is gathered to make it, and what reads it


def coalition_hits(
    prompts: Float[torch.Tensor, "query prompt dim"],
    gallery: Float[torch.Tensor, "gallery dim"],
    targets: Int[torch.Tensor, " query"],
    pooling: PromptPooling,
    coalitions: Bool[torch.Tensor, "coalition prompt"],
    *,
    ks: Sequence[int],
    memory_budget_bytes: int = DEFAULT_MEMORY_BUDGET_BYTES,
) -> Bool[torch.Tensor, "coalition query cutoff"]:
    """Whether each query's target is among its first ``k`` items by the pooled scores of some of its prompts alone.

    The ranks are those that :func:`misfire.scoring.ensemble_ranks` gives for these prompts. Every prompt is scored
    against the gallery once. An item whose score leads the target's with every prompt, or with none, stands on the
    same side of it in every coalition. Only for the others are scores pooled, for all coalitions at a time, each out of
    a coalition with one prompt less. Where a hit hangs on a difference that rounding can make, ``ensemble_ranks`` is
    asked.

    Args:
        prompts: Embeddings of each query's prompts.
        gallery: Gallery embeddings.
        targets: Gallery position of each query's target.
        pooling: Makes one score of many; one without a running form is asked for each coalition by itself.
        coalitions: Which prompts each coalition has; at least one.
        ks: Cut-offs, >= 1.
        memory_budget_bytes: Working memory beside the inputs and the result.

    Raises:
        UsageError: If a coalition is empty, there is no cut-off or one below 1, or as
            :func:`misfire.scoring.ensemble_ranks`.

    Example:
        >>> prompts = torch.tensor([[[1.0, 0.0], [0.0, 1.0]]])
        >>> gallery = torch.tensor([[0.9, 0.0], [0.5, 0.6]])
        >>> coalitions = torch.tensor([[True, False], [False, True], [True, True]])
        >>> coalition_hits(prompts, gallery, torch.tensor([1]), MaxPooling(), coalitions, ks=(1,))[:, 0, 0]
        tensor([False,  True, False])
    """
    _check(coalitions, ks)
    asked = _Asked(prompts, gallery, check_targets(targets, num_queries=len(prompts), num_items=len(gallery)), pooling)
    hits = torch.zeros(len(coalitions), len(prompts), len(ks), dtype=torch.bool, device=prompts.device)
    cutoffs = torch.tensor(list(ks), device=prompts.device)
    running = pooling.running()
    if running is None:
        unsure = torch.ones_like(hits[:, :, 0])
    else:
        unsure = torch.zeros_like(hits[:, :, 0])
        lattice = CoalitionLattice.of(coalitions)
        size = _queries_at_once(prompts, gallery, len(lattice), memory_budget_bytes)
        for start in range(0, len(prompts), size):
            chunk = slice(start, start + size)
            counts = _Counts.of(asked.where(chunk), running, lattice, cutoffs, memory_budget_bytes)
            hits[:, chunk], unsure[:, chunk] = counts.hits(lattice, cutoffs)
    for number in unsure.any(dim=1).nonzero()[:, 0].tolist():
        queries = unsure[number].nonzero()[:, 0]
        ranks = asked.ranks(queries, coalitions[number], memory_budget_bytes)
        hits[number, queries] = ranks[:, None] <= cutoffs
    return hits


@dataclass(frozen=True, eq=False)
class _Asked:
    prompts: Float[torch.Tensor, "query prompt dim"]
    gallery: Float[torch.Tensor, "gallery dim"]
    targets: Int64[torch.Tensor, " query"]
    pooling: PromptPooling

    def where(self, queries: slice) -> "_Asked":
        return _Asked(self.prompts[queries], self.gallery, self.targets[queries], self.pooling)

    def ranks(
        self, queries: Int64[torch.Tensor, " asked"], members: Bool[torch.Tensor, " prompt"], memory_budget_bytes: int
    ) -> Int64[torch.Tensor, " asked"]:
        """Ranks of some queries with some prompts, in products of the shape that the other queries' have."""
        padded = queries.repeat(-(-min(_FEWEST_QUERIES, len(self.prompts)) // len(queries)))
        return ensemble_ranks(
            self.prompts[padded][:, members],
            self.gallery,
            self.targets[padded],
            self.pooling,
            memory_budget_bytes=memory_budget_bytes,
        ).rank[: len(queries)]


@dataclass(frozen=True, eq=False)
class _Pairs:
    """Items that some prompts put ahead of the target and some don't; ``weight`` is how many items share the row."""

    query: Int64[torch.Tensor, " pair"]
    scores: Float[torch.Tensor, "prompt pair"]
    weight: Int64[torch.Tensor, " pair"]

    def where(self, kept: Bool[torch.Tensor, " pair"]) -> "_Pairs":
        return _Pairs(self.query[kept], self.scores[:, kept], self.weight[kept])

    def blocks(self, size: int) -> Iterator["_Pairs"]:
        order = self.query.argsort(stable=True)
        for start in range(0, len(order), size):
            chosen = order[start : start + size]
            yield _Pairs(self.query[chosen], self.scores[:, chosen], self.weight[chosen])


@dataclass(frozen=True, eq=False)
class _Counts:
    """Items ahead of each query's target whatever the coalition, those ahead in one, and those that may be."""

    always: Int64[torch.Tensor, " query"]
    ahead: Float[torch.Tensor, "coalition query"]
    unsure: Float[torch.Tensor, "coalition query"]

    @classmethod
    def of(
        cls,
        asked: _Asked,
        running: RunningPool,
        lattice: CoalitionLattice,
        cutoffs: Int64[torch.Tensor, " cutoff"],
        memory_budget_bytes: int,
    ) -> "_Counts":
        parts = running.parts_of(asked.prompts.float())
        slack = _slack(parts, asked.gallery) + running.rounding
        always, target_scores, pairs = _sorted_out(parts, asked, slack, memory_budget_bytes // 2)
        undecided = (always < cutoffs.max()) & (always + _sums(pairs, len(always)) >= cutoffs.min())
        pairs = pairs.where(undecided[pairs.query])
        ahead = torch.zeros(len(lattice), len(always), device=parts.device)
        unsure = torch.zeros_like(ahead)
        for block in pairs.blocks(max(1, memory_budget_bytes // (2 * _BYTES_PER_STATE * len(lattice)))):
            queries, column = torch.unique(block.query, return_inverse=True)
            lead = lattice.pooled(block.scores.double(), running)
            lead -= lattice.pooled(target_scores[queries].T.double(), running).index_select(1, column)
            weight = block.weight.float()
            ahead.index_add_(1, block.query, (lead > slack) * weight)
            unsure.index_add_(1, block.query, (lead.abs_() <= slack) * weight)
        return cls(always, ahead, unsure)

    def hits(
        self, lattice: CoalitionLattice, cutoffs: Int64[torch.Tensor, " cutoff"]
    ) -> tuple[Bool[torch.Tensor, "coalition query cutoff"], Bool[torch.Tensor, "coalition query"]]:
        """Hits of the coalitions asked for, and where rounding may decide one."""
        least = 1 + self.always + self.ahead[lattice.asked].long()
        most = least + self.unsure[lattice.asked].long()
        hits = most[:, :, None] <= cutoffs
        return hits, ((least[:, :, None] <= cutoffs) & ~hits).any(dim=2)


def _sorted_out(
    parts: Float[torch.Tensor, "query prompt dim"], asked: _Asked, slack: float, memory_budget_bytes: int
) -> tuple[Int64[torch.Tensor, " query"], Float[torch.Tensor, "query prompt"], _Pairs]:
    """Items that lead with every prompt, counted; the targets' scores; and the pairs on which prompts disagree."""
    scan = Scan(parts, asked.gallery, MaxPooling(), memory_budget_bytes=memory_budget_bytes)
    always = scan.gallery.num_earlier_twins[asked.targets].clone()
    target_scores = torch.empty(parts.shape[:2], device=parts.device)
    found = []
    for block in scan.blocks_beside(asked.targets):
        target_scores[block.queries] = block.target_scores
        least = torch.full_like(block.scores[:, 0], torch.inf)
        most = torch.full_like(least, -torch.inf)
        for prompt in range(parts.shape[1]):
            lead = block.scores[:, prompt] - block.target_scores[:, prompt, None]
            torch.minimum(least, lead, out=least)
            torch.maximum(most, lead, out=most)
        own = (block.is_here.nonzero()[:, 0], block.target_row)
        least[own] = most[own] = -torch.inf
        leads = least > slack
        sizes = _row_sizes(block.gallery.member_row, len(block.gallery.rows), parts.device)
        always[block.queries] += (leads * sizes).sum(dim=1)
        query, row = ((most >= -slack) & ~leads).nonzero(as_tuple=True)
        scores = prompt_scores(block.scores, query, row)
        found.append(_Pairs(query + block.queries.start, scores, sizes[row]))
    pairs = _Pairs(
        torch.cat([one.query for one in found]),
        torch.cat([one.scores for one in found], dim=1),
        torch.cat([one.weight for one in found]),
    )
    return always, target_scores, pairs


def _row_sizes(
    member_row: Int64[torch.Tensor, " member"] | None, num_rows: int, device: torch.device
) -> Int64[torch.Tensor, " row"]:
    if member_row is None:
        return torch.ones(num_rows, dtype=torch.int64, device=device)
    return member_row.bincount(minlength=num_rows)


def _sums(pairs: _Pairs, num_queries: int) -> Int64[torch.Tensor, " query"]:
    zeros = torch.zeros(num_queries, dtype=torch.int64, device=pairs.weight.device)
    return zeros.index_add_(0, pairs.query, pairs.weight)


def _slack(parts: Float[torch.Tensor, "query prompt dim"], gallery: Float[torch.Tensor, "gallery dim"]) -> float:
    """What rounding can make of the difference of two scores."""
    longest = [float(torch.linalg.vector_norm(rows.float(), dim=-1).max()) for rows in (parts, gallery)]
    return _ROUNDINGS * math.sqrt(gallery.shape[1]) * longest[0] * longest[1]


def _queries_at_once(
    prompts: torch.Tensor, gallery: torch.Tensor, num_coalitions: int, memory_budget_bytes: int
) -> int:
    """Queries of which half the budget holds all pairs, should prompts disagree on every item."""
    num_prompts = prompts.shape[1]
    bytes_per_query = len(gallery) * (4 * num_prompts + 32) + 24 * num_coalitions + 4 * num_prompts * prompts.shape[2]
    return max(1, memory_budget_bytes // (2 * bytes_per_query))


def _check(coalitions: torch.Tensor, ks: Sequence[int]) -> None:
    if not len(ks) or min(ks) < 1:
        raise UsageError(f"cut-offs must be positive and not none, got {list(ks)}; give some like 1, 5, 10.")
    num_empty = int((~coalitions.any(dim=1)).sum())
    if num_empty or not len(coalitions):
        raise UsageError(
            f"coalitions must be some and have a prompt each, got {len(coalitions)} with {num_empty} empty; say by "
            "other means what an empty one is worth."
        )
