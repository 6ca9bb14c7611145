"""The gallery as scoring sees it: equal rows are scored once, so that they tie to the last bit."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import torch
from jaxtyping import Float, Int, Int64

_HASH_SEED = 20260101
_VALUES_AT_ONCE = 1 << 20


@dataclass(frozen=True, eq=False)
class GalleryBlock:
    """A run of distinct rows and the gallery items that have them.

    A matrix product may give equal columns different last bits, depending on where they stand. So a block holds
    distinct rows, and every item takes its row's score.
    """

    start: int
    rows: Float[torch.Tensor, "row dim"]
    members: Int64[torch.Tensor, " member"]
    member_row: Int64[torch.Tensor, " member"] | None

    def expand(self, values: Float[torch.Tensor, "query row"]) -> Float[torch.Tensor, "query member"]:
        """One column a gallery item, in gallery order, out of one column a row."""
        return values if self.member_row is None else values.index_select(1, self.member_row)

    def row_of(self, member: Int64[torch.Tensor, " pair"]) -> Int64[torch.Tensor, " pair"]:
        """The row of the block's ``member``-th item."""
        return member if self.member_row is None else self.member_row[member]


@dataclass(frozen=True, eq=False)
class Gallery:
    """Gallery embeddings of any precision, and which of them are equal in float32 (-0.0 equals 0.0)."""

    embeddings: Float[torch.Tensor, "gallery dim"]

    @cached_property
    def first(self) -> Int64[torch.Tensor, " row"]:
        """Gallery position of each distinct row's first item, ascending."""
        return self._rows[0]

    @cached_property
    def row(self) -> Int64[torch.Tensor, " gallery"]:
        """Each item's distinct row."""
        return self._rows[1]

    @property
    def has_duplicates(self) -> bool:
        """Whether two items have the same row."""
        return len(self.first) < len(self.row)

    @cached_property
    def num_earlier_twins(self) -> Int64[torch.Tensor, " gallery"]:
        """How many equal items stand before each item."""
        order = self.row.argsort(stable=True)
        sizes = self.row.bincount()
        starts = (sizes.cumsum(0) - sizes).repeat_interleave(sizes)
        positions = torch.arange(len(order), device=order.device)
        return torch.empty_like(order).scatter_(0, order, positions - starts)

    def blocks(self, num_rows: int) -> Iterator[GalleryBlock]:
        """Blocks of at most ``num_rows`` distinct rows."""
        for start in range(0, len(self.first), num_rows):
            yield self._block(start, min(start + num_rows, len(self.first)))

    def _block(self, start: int, stop: int) -> GalleryBlock:
        if not self.has_duplicates:
            members = torch.arange(start, stop, device=self.embeddings.device)
            return GalleryBlock(start, self.embeddings[start:stop].float(), members, None)
        members = ((self.row >= start) & (self.row < stop)).nonzero()[:, 0]
        rows = self.embeddings[self.first[start:stop]].float()
        return GalleryBlock(start, rows, members, self.row[members] - start)

    @cached_property
    def _rows(self) -> tuple[torch.Tensor, torch.Tensor]:
        first_twin = torch.arange(len(self.embeddings), device=self.embeddings.device)
        suspects = _rows_with_a_shared_hash(self.embeddings)
        if len(suspects):
            _, group = torch.unique(_canonical(self.embeddings[suspects]), dim=0, return_inverse=True)
            first = torch.full_like(suspects, len(first_twin)).scatter_reduce_(0, group, suspects, "amin")
            first_twin[suspects] = first[group]
        distinct, row = torch.unique(first_twin, return_inverse=True)
        return distinct, row


def _canonical(embeddings: Float[torch.Tensor, "gallery dim"]) -> Float[torch.Tensor, "gallery dim"]:
    return embeddings.float() + 0.0  # -0.0 becomes 0.0


def _rows_with_a_shared_hash(embeddings: Float[torch.Tensor, "gallery dim"]) -> Int[torch.Tensor, " suspect"]:
    """Every row that has a twin, and, once in a blue moon, one that hasn't."""
    num_items, dim = embeddings.shape
    draws = torch.Generator().manual_seed(_HASH_SEED)
    weights = torch.randint(-(2**62), 2**62, (dim,), generator=draws).to(embeddings.device) * 2 + 1
    step = max(1, _VALUES_AT_ONCE // max(1, dim))
    hashes = [
        (_canonical(embeddings[start : start + step]).view(torch.int32).long() * weights).sum(dim=1)
        for start in range(0, num_items, step)
    ]
    _, group, sizes = torch.unique(torch.cat(hashes), return_inverse=True, return_counts=True)
    is_shared: torch.Tensor = sizes[group] > 1
    return is_shared.nonzero()[:, 0]
