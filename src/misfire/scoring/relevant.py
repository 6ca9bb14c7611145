"""Queries with several relevant items each: the rank of the best-scored one, which is the field's image-to-text R@K."""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int, Int64

from misfire.core.errors import UsageError
from misfire.scoring.comparison import ComparedBlock, Counts, Outcomes, Rivals
from misfire.scoring.pooling import MaxPooling
from misfire.scoring.scan import DEFAULT_MEMORY_BUDGET_BYTES, Scan, check_targets


@dataclass(frozen=True, eq=False)
class RelevantOutcomes:
    """What became of queries with several relevant items.

    ``best`` is the gallery position of each query's best-scored relevant item, the earliest of equals. The outcomes are
    that item's: its rank and tie bounds count the irrelevant items that are scored higher or the same, since any
    relevant one is a hit; its margin is to the best other item, relevant or not.
    """

    outcomes: Outcomes
    best: Int64[torch.Tensor, " query"]


def relevant_outcomes(
    queries: Float[torch.Tensor, "query dim"],
    gallery: Float[torch.Tensor, "gallery dim"],
    owners: Int[torch.Tensor, " gallery"],
    *,
    memory_budget_bytes: int = DEFAULT_MEMORY_BUDGET_BYTES,
) -> RelevantOutcomes:
    """Rank of the best-scored relevant item of each query by dot product, and what goes with it.

    A pair has one score: which relevant item is best is read from the scores by which it's ranked. Chosen by a sum in
    another order, an item may be the best by a last bit that the ranking doesn't see, and its own query's second item
    then stands before it like a stranger. Scores and ties are otherwise those of :func:`misfire.scoring.target_ranks`.

    Args:
        queries: Query embeddings, such as those of images.
        gallery: Gallery embeddings, such as those of captions.
        owners: Position of the query to which each gallery item is relevant; each query must own one.
        memory_budget_bytes: Working memory beside the inputs; nothing of size queries x gallery is ever held.

    Raises:
        UsageError: As :func:`misfire.scoring.target_ranks`, or if a query has no relevant item.

    Example:
        >>> captions = torch.tensor([[1.0, 0.0], [0.9, 0.1], [0.0, 1.0]])
        >>> found = relevant_outcomes(torch.eye(2), captions, torch.tensor([1, 0, 0]))
        >>> found.best, found.outcomes.ranks.rank  # the second query's only item stands last
        (tensor([1, 0]), tensor([2, 3]))
    """
    scan = Scan(queries.unsqueeze(1), gallery, MaxPooling(), memory_budget_bytes=memory_budget_bytes)
    owners = check_targets(owners, num_queries=len(gallery), num_items=len(queries))
    without = int((torch.bincount(owners, minlength=len(queries)) == 0).sum())
    if without:
        raise UsageError(
            f"every query must have a relevant item, got {without} of {len(queries)} without; ask the others alone."
        )
    # Where the gallery fits into one block, a query's own scores are read from the block in which it is ranked.
    own_scores = None if scan.is_whole else scan.scores_of_pairs(owners, torch.arange(len(gallery), device=scan.device))
    best = torch.zeros(len(queries), dtype=torch.int64, device=scan.device)
    if own_scores is not None:
        best = _best_own(own_scores, owners, len(queries))
    counts, rivals = Counts(best), Rivals(best)
    for block in scan.blocks():
        values = block.gallery.expand(block.scores[:, 0])
        members = block.gallery.members
        owner = owners[members] - block.queries.start
        column = ((owner >= 0) & (owner < len(values))).nonzero()[:, 0]
        row, item = owner[column], members[column]
        if own_scores is None:
            own = values[row, column]
            best[block.queries] = item[_best_own(own, row, len(values))]
        else:
            own = own_scores[item]
            values[row, column] = own
        target = best[block.queries]
        score = own[torch.searchsorted(item, target)] if own_scores is None else own_scores[target]
        # Another relevant item neither lowers the rank nor ties with the target; only the margin knows it.
        is_other = item != target[row]
        values[row[is_other], column[is_other]] = -torch.inf
        is_here = torch.ones_like(target, dtype=torch.bool) if scan.is_whole else torch.isin(target, members)
        compared = ComparedBlock(block.queries, block.gallery, values, score, is_here)
        counts.add(compared)
        values[row, column] = own
        rivals.add(compared)
    return RelevantOutcomes(rivals.outcomes(counts.ranks()), best)


def _best_own(
    scores: Float[torch.Tensor, " pair"], owner: Int64[torch.Tensor, " pair"], num_queries: int
) -> Int64[torch.Tensor, " query"]:
    """Position of each query's best pair, the first of equals; pairs stand in the order of their items."""
    highest = torch.full((num_queries,), -torch.inf, device=scores.device).scatter_reduce_(0, owner, scores, "amax")
    position = torch.arange(len(scores), device=scores.device)
    is_best = scores == highest[owner]
    first = torch.full((num_queries,), len(scores), device=scores.device)
    return first.scatter_reduce_(0, owner[is_best], position[is_best], "amin")
