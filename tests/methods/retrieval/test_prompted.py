"""A cell's name, its prompts and the other queries that it is tried on."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from misfire.core.errors import UsageError
from misfire.failures import Selection
from misfire.methods.retrieval.prompted import PromptedQueries, complement_sample, parse_num_queries
from misfire.prompts import TemplateSet
from misfire.scoring import LogMeanExpPooling
from misfire.stats import StatisticsSettings
from tests.methods.retrieval import invented

TEMPLATES = TemplateSet("two", ("{caption}", "a photo of {caption}"))


def selection(*positions: int, name: str = "object", how_chosen: str = "by hand") -> Selection:
    return Selection(name, np.array(positions, dtype=np.int64), how_chosen, is_failure_mined=True)


def cell(**changed: object) -> PromptedQueries:
    content: dict[str, object] = {
        "dataset": invented.dataset(),
        "backbone_fingerprint": "encoder",
        "subset": selection(1, 4),
        "complement": np.array([0, 7]),
        "template_set": TEMPLATES,
        "pooling": LogMeanExpPooling(tau=1.0),
        "ks": (1, 5),
        "statistics": StatisticsSettings(num_replicates=100, confidence=0.9, seed=1),
    }
    return PromptedQueries(**{**content, **changed})  # type: ignore[arg-type]


def test_the_complement_stands_for_all_others_unless_told() -> None:
    assert cell().others == len(cell().dataset.captions) - 2
    assert cell(num_others=7).others == 7


def test_queries_are_the_subset_then_the_complement_each_with_its_prompts() -> None:
    made = cell()
    texts = [made.dataset.captions[position].text for position in (1, 4, 0, 7)]
    assert made.queries.tolist() == [1, 4, 0, 7]
    assert made.prompts == [(text, f"a photo of {text}") for text in texts]


@pytest.mark.parametrize("ks", [(), (0, 1), (5, 5)])
def test_odd_cut_offs_are_refused(ks: tuple[int, ...]) -> None:
    with pytest.raises(UsageError) as caught:
        cell(ks=ks)
    assert str(caught.value) == f"ks must be different cut-offs from 1, got {list(ks)}; write ks=[1,5,10]."


SUBSETS = st.integers(1, 60).flatmap(
    lambda size: st.tuples(st.just(size), st.sets(st.integers(0, size - 1)), st.integers(0, 80), st.integers(0, 3))
)


@given(SUBSETS)
def test_the_complement_is_disjoint_ascending_and_as_large_as_asked(
    case: tuple[int, set[int], int, int],
) -> None:
    size, chosen, num_queries, seed = case
    subset = np.array(sorted(chosen), dtype=np.int64)
    sample = complement_sample(size, subset, num_queries=num_queries, seed=seed)
    assert len(sample) == min(num_queries, size - len(chosen))
    assert not set(sample.tolist()) & chosen
    assert sample.tolist() == sorted(set(sample.tolist()))
    assert sample.tolist() == complement_sample(size, subset, num_queries=num_queries, seed=seed).tolist()


@given(SUBSETS)
def test_a_larger_sample_holds_a_smaller_one(case: tuple[int, set[int], int, int]) -> None:
    size, chosen, num_queries, seed = case
    subset = np.array(sorted(chosen), dtype=np.int64)
    smaller = complement_sample(size, subset, num_queries=num_queries, seed=seed)
    larger = complement_sample(size, subset, num_queries=num_queries + 1, seed=seed)
    assert set(smaller.tolist()) <= set(larger.tolist())


def test_subsets_share_most_of_their_complements() -> None:
    rng = np.random.default_rng(0)
    first, second = (
        set(complement_sample(1000, np.sort(rng.choice(1000, 20, False)), num_queries=200, seed=42).tolist())
        for _ in range(2)
    )
    assert len(first & second) >= 200 - 2 * 20


def test_all_others_and_another_seed() -> None:
    subset = np.array([3, 5])
    others = sorted(set(range(50)) - {3, 5})
    assert complement_sample(50, subset, num_queries=None, seed=1).tolist() == others
    draws = {tuple(complement_sample(50, subset, num_queries=10, seed=seed).tolist()) for seed in range(5)}
    assert len(draws) == 5


def test_a_negative_count_is_refused() -> None:
    with pytest.raises(UsageError, match=r"complement.num_queries must be >= 0 or all, got -1; 2000 is a good sample"):
        complement_sample(5, np.array([0]), num_queries=-1, seed=0)


@pytest.mark.parametrize(("value", "meant"), [("all", None), (0, 0), (2000, 2000)])
def test_a_count_or_all_is_read(value: int | str, meant: int | None) -> None:
    assert parse_num_queries(value) == meant


@pytest.mark.parametrize("value", ["some", "12", True])
def test_anything_else_is_no_count(value: int | str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_num_queries(value)
    assert str(caught.value) == (
        f"complement.num_queries must be a count or all, got {value!r}; 2000 is a good sample."
    )
