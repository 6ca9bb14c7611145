"""Scores of all queries against the whole gallery, a block at a time, under a memory budget."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int64

from misfire.core.errors import UsageError
from misfire.scoring.gallery import Gallery, GalleryBlock
from misfire.scoring.pooling.base import PromptPooling

DEFAULT_MEMORY_BUDGET_BYTES = 256 * 2**20

_CACHE_BYTES = 16 * 2**20  # a block of scores is read several times; beyond this it falls out of the cache
_PRODUCT_ROWS = 64  # fewer rows than this waste the matrix product
_BLOCKS_OF_A_LARGE_GALLERY = 8  # the targets' own scores then cost an eighth of the product


@dataclass(frozen=True)
class BlockSizes:
    """How many queries and distinct gallery rows are scored at once."""

    num_queries: int
    num_rows: int


def block_sizes(*, num_parts: int, num_rows: int, dim: int, memory_budget_bytes: int) -> BlockSizes:
    """Largest useful blocks under the budget; one query by one row is always possible.

    Counted are the blocks' embeddings in float32, the parts' scores, and what reads them: bounds, masks, copies.
    """
    bytes_per_cell = 4 * num_parts + 28
    few_queries = -(-_PRODUCT_ROWS // num_parts)

    def affordable_rows(num_queries: int) -> int:
        left = memory_budget_bytes - 4 * num_queries * num_parts * dim
        return left // (num_queries * bytes_per_cell + 4 * dim)

    def affordable_queries(rows: int) -> int:
        left = memory_budget_bytes - 4 * rows * dim
        return left // (rows * bytes_per_cell + 4 * num_parts * dim)

    if affordable_rows(few_queries) < num_rows:
        most = max(1, -(-num_rows // _BLOCKS_OF_A_LARGE_GALLERY))
        num_rows = min(most, max(1, affordable_rows(few_queries)))
    cached_queries = _CACHE_BYTES // (4 * num_parts * num_rows)
    return BlockSizes(max(1, min(affordable_queries(num_rows), max(few_queries, cached_queries))), num_rows)


@dataclass(frozen=True, eq=False)
class ScoredBlock:
    """The scores of some queries' parts against a gallery block's distinct rows."""

    queries: slice
    gallery: GalleryBlock
    scores: Float[torch.Tensor, "query part row"]


@dataclass(frozen=True, eq=False)
class TargetedBlock:
    """Scores beside those of each query's target.

    ``is_here`` says whose target has a row in this block, ``target_row`` which (of those queries only).
    """

    queries: slice
    gallery: GalleryBlock
    scores: Float[torch.Tensor, "query part row"]
    target_scores: Float[torch.Tensor, "query part"]
    is_here: Bool[torch.Tensor, " query"]
    target_row: Int64[torch.Tensor, " here"]


class Scan:
    """One pass over queries x gallery.

    Raises:
        UsageError: If an input is empty, isn't finite, has the wrong shape or dtype, or its scores leave float32.
    """

    def __init__(
        self,
        prompts: torch.Tensor,
        gallery: torch.Tensor,
        pooling: PromptPooling,
        *,
        memory_budget_bytes: int,
    ) -> None:
        check_embeddings(prompts, gallery)
        if memory_budget_bytes < 1:
            raise UsageError(f"memory_budget_bytes must be >= 1, got {memory_budget_bytes}; leave it out for 256 MiB.")
        self.pooling = pooling
        self.gallery = Gallery(gallery)
        self._prompts = prompts
        parts, self._divisor = pooling.before_product(prompts[:1].float())
        self._num_parts = parts.shape[1]
        self._sizes = block_sizes(
            num_parts=self._num_parts,
            num_rows=len(self.gallery.first),
            dim=gallery.shape[1],
            memory_budget_bytes=memory_budget_bytes,
        )

    @property
    def num_queries(self) -> int:
        """How many queries are scored."""
        return len(self._prompts)

    @property
    def device(self) -> torch.device:
        """Where the embeddings are, and so the results."""
        return self._prompts.device

    @property
    def is_whole(self) -> bool:
        """Whether the whole gallery is one block, so that a pair is scored in one product alone."""
        return self._sizes.num_rows >= len(self.gallery.first)

    def scores_of_pairs(
        self, queries: Int64[torch.Tensor, " pair"], items: Int64[torch.Tensor, " pair"]
    ) -> Float[torch.Tensor, " pair"]:
        """Scores of some pairs of a query of one part and an item, from products of the blocks' shape.

        Args:
            queries: Positions of the queries; a query may stand in many pairs.
            items: Gallery positions.
        """
        found = torch.empty(len(queries), device=self.device)
        buffer = self._buffer()
        item_row = self.gallery.row[items]
        for gallery in self.gallery.blocks(self._sizes.num_rows):
            row = item_row - gallery.start
            here = ((row >= 0) & (row < len(gallery.rows))).nonzero()[:, 0]
            asked, place = torch.unique(queries[here], return_inverse=True)
            for start in range(0, len(asked), self._sizes.num_queries):
                scores = self._scores(asked[start : start + self._sizes.num_queries], gallery, buffer)[:, 0]
                own = ((place >= start) & (place < start + len(scores))).nonzero()[:, 0]
                found[here[own]] = scores[place[own] - start, row[here[own]]]
        return found

    def blocks(self) -> Iterator[ScoredBlock]:
        """Every query against every distinct row, once; a block's scores are overwritten by the next block's."""
        buffer = self._buffer()
        for gallery in self.gallery.blocks(self._sizes.num_rows):
            for start in range(0, self.num_queries, self._sizes.num_queries):
                queries = slice(start, min(start + self._sizes.num_queries, self.num_queries))
                yield ScoredBlock(queries, gallery, self._scores(queries, gallery, buffer))

    def blocks_beside(self, targets: Int64[torch.Tensor, " query"]) -> Iterator[TargetedBlock]:
        """The same, beside the scores of each query's target."""
        target_row = self.gallery.row[targets]
        known = None if self.is_whole else self._target_scores(target_row)
        for block in self.blocks():
            row = target_row[block.queries] - block.gallery.start
            is_here = (row >= 0) & (row < len(block.gallery.rows))
            row = row[is_here]
            here = is_here.nonzero()[:, 0]
            if known is None:
                target_scores = block.scores[here, :, row]
            else:
                target_scores = known[block.queries]
                # A product of another shape may differ in the last bit; a target must equal itself.
                block.scores[here, :, row] = target_scores[here]
            yield TargetedBlock(block.queries, block.gallery, block.scores, target_scores, is_here, row)

    def _target_scores(self, target_row: Int64[torch.Tensor, " query"]) -> Float[torch.Tensor, "query part"]:
        found = torch.empty(self.num_queries, self._num_parts, device=self.device)
        buffer = self._buffer()
        for gallery in self.gallery.blocks(self._sizes.num_rows):
            row = target_row - gallery.start
            here = ((row >= 0) & (row < len(gallery.rows))).nonzero()[:, 0]
            for queries in torch.split(here, self._sizes.num_queries):
                scores = self._scores(queries, gallery, buffer)
                found[queries] = scores[torch.arange(len(queries), device=self.device), :, row[queries]]
        return found

    def _buffer(self) -> Float[torch.Tensor, " cell"]:
        num_queries = min(self._sizes.num_queries, self.num_queries)
        return torch.empty(num_queries * self._num_parts * self._sizes.num_rows, device=self.device)

    def _parts(self, queries: slice | torch.Tensor) -> Float[torch.Tensor, "query part dim"]:
        return self.pooling.before_product(self._prompts[queries].float())[0]

    def _scores(
        self, queries: slice | torch.Tensor, gallery: GalleryBlock, buffer: Float[torch.Tensor, " cell"]
    ) -> Float[torch.Tensor, "query part row"]:
        parts = self._parts(queries)
        num_queries, num_parts, dim = parts.shape
        num_rows = len(gallery.rows)
        product = buffer[: num_queries * num_parts * num_rows].view(num_queries * num_parts, num_rows)
        with _full_float32(self.device):
            torch.mm(parts.reshape(-1, dim), gallery.rows.T, out=product)
        if self._divisor != 1.0:
            product.div_(self._divisor)
        return product.view(num_queries, num_parts, num_rows)


def check_embeddings(prompts: torch.Tensor, gallery: torch.Tensor) -> None:
    """Refuse embeddings that have no scores."""
    if prompts.ndim != 3 or gallery.ndim != 2 or prompts.shape[-1] != gallery.shape[-1]:
        raise UsageError(
            "queries and gallery must be matrices of the same dim (prompts: query, prompt, dim), got shapes "
            f"{tuple(prompts.shape)} and {tuple(gallery.shape)}; embed both with the same backbone."
        )
    if prompts.device != gallery.device:
        raise UsageError(
            f"queries and gallery must be on one device, got {prompts.device} and {gallery.device}; move one of them."
        )
    if not len(gallery) or not gallery.shape[1]:
        raise UsageError(f"the gallery must have items and dims, got shape {tuple(gallery.shape)}; check the dataset.")
    if not prompts.shape[1]:
        raise UsageError("a query must have at least one prompt, got 0; check the template set.")
    largest = _largest(prompts, "queries") * _largest(gallery, "gallery") * gallery.shape[1]
    if largest > torch.finfo(torch.float32).max:
        raise UsageError(f"scores must fit float32, got embeddings that may reach {largest:.3g}; normalise them.")


def check_targets(targets: torch.Tensor, *, num_queries: int, num_items: int) -> Int64[torch.Tensor, " query"]:
    """Refuse targets that aren't one gallery position a query."""
    if targets.ndim != 1 or len(targets) != num_queries:
        raise UsageError(
            f"targets must be one gallery position per query, got shape {tuple(targets.shape)} "
            f"for {num_queries} queries; check that queries and targets belong together."
        )
    if targets.is_floating_point() or targets.is_complex() or targets.dtype == torch.bool:
        raise UsageError(f"targets must be integers, got {targets.dtype}; give positions in the gallery.")
    outside = (targets < 0) | (targets >= num_items)
    if outside.any():
        raise UsageError(
            f"targets must be positions in a gallery of {num_items}, got {int(outside.sum())} outside it, the first "
            f"{int(targets[outside][0])}; check that queries and gallery belong together."
        )
    return targets.long()


def _largest(embeddings: torch.Tensor, what: str) -> float:
    if not embeddings.is_floating_point():
        raise UsageError(f"{what} must be floating-point embeddings, got {embeddings.dtype}; convert them.")
    if not embeddings.numel():
        return 0.0
    low, high = (bound.item() for bound in torch.aminmax(embeddings))
    largest = float(max(-low, high))
    if not largest <= torch.finfo(torch.float32).max or low != low:
        num_bad = int((~torch.isfinite(embeddings.float())).flatten(1).any(dim=1).sum())
        raise UsageError(f"{what} must be finite in float32, got {num_bad} with NaN or infinity; mend the embeddings.")
    return largest


@contextmanager
def _full_float32(device: torch.device) -> Iterator[None]:
    """A product in float32 whatever the surroundings allow (autocast, TF32, bfloat16 passes)."""
    precision = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("highest")
    try:
        with torch.autocast(device.type, enabled=False), torch.no_grad():
            yield
    finally:
        torch.set_float32_matmul_precision(precision)
