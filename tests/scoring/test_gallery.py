import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from misfire.scoring.gallery import Gallery


@given(seed=st.integers(0, 2**32 - 1), num_items=st.integers(1, 30), dim=st.integers(1, 4), num_rows=st.integers(1, 31))
@settings(max_examples=40, deadline=None)
def test_equal_rows_are_one_row(seed: int, num_items: int, dim: int, num_rows: int) -> None:
    embeddings = np.random.default_rng(seed).integers(-1, 2, size=(num_items, dim)).astype(np.float32)
    keys = [tuple(row) for row in embeddings.tolist()]
    gallery = Gallery(torch.from_numpy(embeddings) * -1.0)  # makes negative zeros, which are zeros
    assert gallery.first.tolist() == sorted({keys.index(key) for key in keys})
    assert [gallery.first[row].item() for row in gallery.row] == [keys.index(key) for key in keys]
    assert gallery.num_earlier_twins.tolist() == [keys[:item].count(key) for item, key in enumerate(keys)]
    seen = []
    for block in gallery.blocks(num_rows):
        assert len(block.rows) <= num_rows
        assert block.members.tolist() == sorted(block.members.tolist())
        columns = block.expand(torch.arange(len(block.rows))[None].float())[0].long()
        assert torch.equal(block.rows[columns], gallery.embeddings[block.members] + 0.0)
        assert torch.equal(columns, block.row_of(torch.arange(len(block.members))))
        seen += block.members.tolist()
    assert sorted(seen) == list(range(num_items))


def test_distinct_rows_are_not_copied() -> None:
    embeddings = torch.randn(50, 3, generator=torch.Generator().manual_seed(0))
    (block,) = Gallery(embeddings).blocks(50)
    assert block.rows.data_ptr() == embeddings.data_ptr()
