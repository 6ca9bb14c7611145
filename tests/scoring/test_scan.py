import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from misfire.scoring import MaxPooling
from misfire.scoring.scan import Scan, block_sizes


@given(
    num_parts=st.integers(1, 40),
    num_rows=st.integers(1, 10**7),
    dim=st.integers(1, 2048),
    memory_budget_bytes=st.integers(1, 2**32),
)
def test_blocks_stay_under_the_budget(num_parts: int, num_rows: int, dim: int, memory_budget_bytes: int) -> None:
    sizes = block_sizes(num_parts=num_parts, num_rows=num_rows, dim=dim, memory_budget_bytes=memory_budget_bytes)
    assert sizes.num_queries >= 1
    assert 1 <= sizes.num_rows <= num_rows
    scores = 4 * sizes.num_queries * num_parts * sizes.num_rows
    embeddings = 4 * dim * (sizes.num_queries * num_parts + sizes.num_rows)
    assert scores + embeddings <= memory_budget_bytes or (sizes.num_queries, sizes.num_rows) == (1, 1)


@pytest.mark.parametrize("memory_budget_bytes", [10_000, 2**28])
def test_every_score_is_seen_once_beside_its_target(memory_budget_bytes: int) -> None:
    generator = torch.Generator().manual_seed(0)
    prompts, gallery = (torch.randint(-4, 5, shape, generator=generator).float() for shape in [(11, 2, 4), (30, 4)])
    targets = torch.arange(11)
    expected = torch.einsum("qpd,gd->qpg", prompts, gallery)
    seen = torch.zeros(11, 30, dtype=torch.int64)
    scan = Scan(prompts, gallery, MaxPooling(), memory_budget_bytes=memory_budget_bytes)
    for block in scan.blocks_beside(targets):
        rows = block.gallery.row_of(torch.arange(len(block.gallery.members)))
        assert torch.equal(block.scores[:, :, rows], expected[block.queries][:, :, block.gallery.members])
        assert torch.equal(block.target_scores, expected[torch.arange(11), :, targets][block.queries])
        assert torch.equal(
            scan.gallery.row[targets[block.queries]][block.is_here], block.target_row + block.gallery.start
        )
        seen[block.queries, block.gallery.members[:, None]] += 1
    assert (seen == 1).all()
