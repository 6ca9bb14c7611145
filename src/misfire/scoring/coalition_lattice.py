"""How coalitions of prompts come out of each other, one prompt more at a time."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Bool, Float, Int64

from misfire.scoring.pooling.base import RunningPool


@final
@dataclass(frozen=True, eq=False)
class CoalitionLattice:
    """Coalitions in ascending size, closed so that each but the single prompts has one with a prompt less.

    Args:
        size: How many prompts each has.
        parent: The coalition that it comes out of; itself for a single prompt.
        prompt: The prompt that joins.
        asked: Places of the coalitions that were asked for, in their order.
    """

    size: Int64[torch.Tensor, " coalition"]
    parent: Int64[torch.Tensor, " coalition"]
    prompt: Int64[torch.Tensor, " coalition"]
    asked: Int64[torch.Tensor, " asked"]

    def __len__(self) -> int:
        return len(self.size)

    @classmethod
    def of(cls, coalitions: Bool[torch.Tensor, "asked prompt"]) -> "CoalitionLattice":
        """The smallest closure that taking the last prompt away makes where nothing else does; no coalition is empty.

        Example:
            >>> lattice = CoalitionLattice.of(torch.tensor([[True, True, False], [True, True, True]]))
            >>> lattice.size.tolist(), lattice.prompt.tolist(), lattice.asked.tolist()
            ([1, 2, 3], [0, 1, 2], [1, 2])
        """
        codes = [sum(1 << place for place, has in enumerate(row) if has) for row in coalitions.tolist()]
        by_size = _closed(codes)
        ordered = [code for level in by_size for code in level]
        place = {code: number for number, code in enumerate(ordered)}
        parents = [parent or code for level in by_size for code, parent in level.items()]

        def tensor(values: Sequence[int]) -> Int64[torch.Tensor, " value"]:
            return torch.tensor(values, dtype=torch.int64, device=coalitions.device)

        return cls(
            size=tensor([code.bit_count() for code in ordered]),
            parent=tensor([place[parent] for parent in parents]),
            prompt=tensor(
                [(code ^ parent or code).bit_length() - 1 for code, parent in zip(ordered, parents, strict=True)]
            ),
            asked=tensor([place[code] for code in codes]),
        )

    def pooled(
        self, scores: Float[torch.Tensor, "prompt pair"], running: RunningPool
    ) -> Float[torch.Tensor, "coalition pair"]:
        """Each coalition's pooled score of each pair, one join a coalition."""
        start = running.state_of(scores)
        states = torch.empty(len(self), scores.shape[1], dtype=scores.dtype, device=scores.device)
        for first, stop in self._levels():
            joining = start[self.prompt[first:stop]]
            if first == 0:
                states[:stop] = joining
            else:
                states[first:stop] = running.join(states[self.parent[first:stop]], joining)
        return running.score_of(states, self.size[:, None])

    def _levels(self) -> list[tuple[int, int]]:
        counts = self.size.bincount()[1:].cumsum(0).tolist()
        return list(zip([0, *counts[:-1]], counts, strict=True))


def _closed(codes: Sequence[int]) -> list[dict[int, int]]:
    """Coalitions as bits, by size from 1, each with the coalition that it comes out of (0: none)."""
    by_size: list[dict[int, int]] = [{} for _ in range(max(code.bit_count() for code in codes))]
    for code in codes:
        by_size[code.bit_count() - 1][code] = 0
    for smaller, level in zip(by_size[-2::-1], by_size[:0:-1], strict=True):
        for code in level:
            lesser = [code ^ (1 << place) for place in range(code.bit_length()) if code >> place & 1]
            parent = next((one for one in reversed(lesser) if one in smaller), lesser[-1])
            smaller.setdefault(parent, 0)
            level[code] = parent
    return by_size
