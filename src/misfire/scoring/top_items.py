"""The best-scored gallery items of each query."""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int64

from misfire.core.errors import UsageError
from misfire.scoring.pooling import MaxPooling, PromptPooling
from misfire.scoring.scan import DEFAULT_MEMORY_BUDGET_BYTES, Scan


@dataclass(frozen=True, eq=False)
class TopItems:
    """Each query's best items, best first, equal scores in gallery order."""

    position: Int64[torch.Tensor, "query k"]
    score: Float[torch.Tensor, "query k"]


def top_items(
    queries: Float[torch.Tensor, "query dim"],
    gallery: Float[torch.Tensor, "gallery dim"],
    *,
    k: int,
    memory_budget_bytes: int = DEFAULT_MEMORY_BUDGET_BYTES,
) -> TopItems:
    """The ``k`` gallery items of the highest dot product with each query.

    Scores and ties are those of :func:`misfire.scoring.target_ranks`: the item at column ``j`` has rank ``j + 1``.

    Args:
        queries: Query embeddings.
        gallery: Gallery embeddings.
        k: How many items, from 1 to the gallery's size.
        memory_budget_bytes: Working memory beside the inputs and the result.

    Raises:
        UsageError: If k is out of range, the gallery is empty, shapes or devices differ, or a value isn't finite.

    Example:
        >>> gallery = torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.0, 1.0]])
        >>> top_items(torch.tensor([[0.0, 1.0]]), gallery, k=2).position
        tensor([[1, 2]])
    """
    return ensemble_top_items(queries.unsqueeze(1), gallery, MaxPooling(), k=k, memory_budget_bytes=memory_budget_bytes)


def ensemble_top_items(
    prompts: Float[torch.Tensor, "query prompt dim"],
    gallery: Float[torch.Tensor, "gallery dim"],
    pooling: PromptPooling,
    *,
    k: int,
    memory_budget_bytes: int = DEFAULT_MEMORY_BUDGET_BYTES,
) -> TopItems:
    """The ``k`` gallery items of the highest pooled score; arguments, ties and errors as in :func:`top_items`.

    Example:
        >>> prompts = torch.tensor([[[1.0, 0.0], [0.0, 0.5]]])
        >>> ensemble_top_items(prompts, torch.tensor([[0.0, 1.0], [1.0, 0.0]]), MaxPooling(), k=2)
        TopItems(position=tensor([[1, 0]]), score=tensor([[1.0000, 0.5000]]))
    """
    scan = Scan(prompts, gallery, pooling, memory_budget_bytes=memory_budget_bytes)
    if not 1 <= k <= len(gallery):
        raise UsageError(f"k must be from 1 to the gallery's {len(gallery)} items, got {k}; ask for fewer items.")
    best = TopItems(
        position=torch.full((len(prompts), k), len(gallery), device=scan.device),
        score=torch.full((len(prompts), k), -torch.inf, device=scan.device),
    )
    nowhere = torch.full((len(prompts),), torch.inf, device=scan.device)
    for block in scan.blocks():
        values = pooling.against(block.scores, nowhere[block.queries], num_best=k)
        column, score = _first_columns(block.gallery.expand(values), min(k, len(block.gallery.members)))
        position = torch.cat([best.position[block.queries], block.gallery.members[column]], dim=1)
        score = torch.cat([best.score[block.queries], score], dim=1)
        order = _order(position, score)[:, :k]
        best.position[block.queries] = position.gather(1, order)
        best.score[block.queries] = score.gather(1, order)
    return best


def _first_columns(values: Float[torch.Tensor, "query member"], k: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Columns of the k greatest values, the leftmost of equals, in any order (``topk`` takes any of equals)."""
    score, column = values.topk(k, dim=1)
    is_ambiguous = (values >= score[:, -1:]).count_nonzero(dim=1) > k
    if is_ambiguous.any():
        exact_score, exact_column = values[is_ambiguous].sort(dim=1, descending=True, stable=True)
        score[is_ambiguous], column[is_ambiguous] = exact_score[:, :k], exact_column[:, :k]
    return column, score


def _order(position: Int64[torch.Tensor, "query item"], score: Float[torch.Tensor, "query item"]) -> torch.Tensor:
    by_position = position.argsort(dim=1)
    by_score = score.gather(1, by_position).argsort(dim=1, descending=True, stable=True)
    return by_position.gather(1, by_score)
