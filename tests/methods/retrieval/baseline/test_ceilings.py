"""Bounds of a hit rate, against enumeration and the dataset's card."""

from itertools import combinations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from misfire.core.errors import UsageError
from misfire.data import Caption, Dataset, dataset_card
from misfire.methods.retrieval.baseline.ceilings import ROUNDING, hit_bounds, hit_ceiling, lead
from misfire.scoring import target_outcomes, top_items
from tests.methods.retrieval import invented


def texts_on_images(texts: list[str]) -> Dataset:
    """One text a query, on the images in turn, several times over."""
    images = invented.dataset().images[:3]
    captions = tuple(Caption(10 + place, images[place % 3].id, text) for place, text in enumerate(texts))
    return Dataset("texts", images, captions)


@given(st.lists(st.sampled_from(["a cat", "A cat.", "a dog", "a tree"]), min_size=3, max_size=9), st.integers(1, 3))
def test_the_ceiling_is_that_of_the_best_list_for_each_text(texts: list[str], k: int) -> None:
    data = texts_on_images(texts)
    best = 0
    for group in (["a cat", "A cat."], ["a dog"], ["a tree"]):
        targets = [caption.image_id for caption in data.captions if caption.text in group]
        shown = [sum(target in listed for target in targets) for listed in combinations([100, 101, 102], k)]
        best += max(shown)
    everything = np.arange(len(texts))
    assert hit_ceiling(data, everything, k=k) == pytest.approx(best / len(texts))


def test_over_all_captions_it_is_the_cards() -> None:
    data = invented.dataset()
    found = hit_ceiling(data, np.arange(len(data.captions)), k=1)
    assert found == dataset_card(data)["hit_at_1_ceiling"] < 1


def test_a_subset_has_its_own() -> None:
    data = texts_on_images(["a cat", "a cat", "a dog"])
    assert hit_ceiling(data, np.array([0, 1]), k=1) == 0.5
    assert hit_ceiling(data, np.array([0, 2]), k=1) == 1.0


@pytest.mark.parametrize(("positions", "k"), [([], 1), ([0], 0)])
def test_nothing_has_no_ceiling(positions: list[int], k: int) -> None:
    with pytest.raises(UsageError, match="a ceiling must have queries and k >= 1"):
        hit_ceiling(invented.dataset(), np.array(positions, dtype=np.int64), k=k)


def test_the_thresholds_are_where_rounding_swaps_no_more() -> None:
    rng = np.random.default_rng(0)
    for name, dtype in (("fp32", torch.float32), ("bf16", torch.bfloat16)):
        scores = torch.from_numpy(rng.uniform(0.5, 1.0, size=(20_000, 2)))
        gap = (scores[:, 0] - scores[:, 1]).abs()
        rounded = scores.to(dtype).double()
        is_kept = torch.sign(rounded[:, 0] - rounded[:, 1]) == torch.sign(scores[:, 0] - scores[:, 1])
        assert is_kept[gap >= ROUNDING[name]].all()
        near = torch.from_numpy(rng.uniform(0.5, 0.75, size=20_000))
        close = near + ROUNDING[name] * 0.4
        assert (near.to(dtype) == close.to(dtype)).any()


def test_bounds_by_hand() -> None:
    rank, best, worst = np.array([1, 2, 3, 6]), np.array([1, 1, 3, 5]), np.array([2, 2, 3, 9])
    leads = np.array([0.0, 1.0, 2.0**-9, -0.1])
    found = hit_bounds(rank, best, worst, leads, k=3)
    assert (found.hits, found.if_ties_lose, found.if_ties_win) == (3, 3, 3)
    assert (found.within_fp32, found.within_bf16) == (1, 2)
    found = hit_bounds(rank, best, worst, leads, k=1)
    assert (found.hits, found.if_ties_lose, found.if_ties_win) == (1, 0, 2)


def test_leads_are_those_of_a_sort() -> None:
    draws = torch.Generator().manual_seed(0)
    queries, gallery = torch.randn(30, 6, generator=draws), torch.randn(12, 6, generator=draws)
    gallery[3] = gallery[7]
    targets = torch.randint(12, (30,), generator=draws)
    outcomes = target_outcomes(queries, gallery, targets)
    for num_best in (6, 12):
        top = top_items(queries, gallery, k=num_best)
        for k in (1, 2, 5):
            scores = (queries @ gallery.T).double().numpy()
            wanted = [
                row[target] - sorted(np.delete(row, target), reverse=True)[k - 1]
                for row, target in zip(scores, targets.tolist(), strict=True)
            ]
            found = lead(outcomes.target_score, top, targets, k=k)
            np.testing.assert_allclose(found, wanted, atol=1e-5)
            is_hit = outcomes.ranks.rank.numpy() <= k
            is_tied = (outcomes.ranks.best != outcomes.ranks.worst).numpy()
            assert ((found > 0) == is_hit)[~is_tied].all()
    alone = top_items(queries[:2], gallery[:1], k=1)
    assert lead(torch.ones(2), alone, torch.zeros(2, dtype=torch.int64), k=1).tolist() == [np.inf, np.inf]
    assert lead(torch.ones(2), alone, torch.zeros(2, dtype=torch.int64), k=2).tolist() == [np.inf, np.inf]
