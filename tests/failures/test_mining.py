from collections import Counter
from dataclasses import replace
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from misfire.core.errors import UsageError
from misfire.failures import FailureSet, QueryPart, RetrievalOutcome, mine


def mined(invented: ModuleType, *, num_failures: int, seed: int, outcome_seed: int = 0) -> FailureSet:
    data = invented.dataset()
    return mine(
        data,
        invented.outcome(data, seed=outcome_seed),
        backbone_fingerprint="b",
        precision="fp32",
        num_failures=num_failures,
        seed=seed,
    )


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**32), st.integers(0, 50), st.data())
def test_the_sample_is_a_repeatable_subset_of_the_failures(
    invented: ModuleType, seed: int, outcome_seed: int, draw: st.DataObject
) -> None:
    data = invented.dataset()
    outcome = invented.outcome(data, seed=outcome_seed)
    population = {caption.id for caption, rank in zip(data.captions, outcome.rank, strict=True) if rank > 1}
    num_failures = draw.draw(st.integers(1, len(population)))
    sample = mined(invented, num_failures=num_failures, seed=seed, outcome_seed=outcome_seed)
    assert set(sample.query_ids) <= population
    assert len(sample) == num_failures
    assert list(sample.query_ids) == sorted(set(sample.query_ids))
    assert (sample.num_queries, sample.num_top1_failures) == (24, len(population))
    assert sample == mined(invented, num_failures=num_failures, seed=seed, outcome_seed=outcome_seed)
    smaller = mined(
        invented, num_failures=draw.draw(st.integers(1, num_failures)), seed=seed, outcome_seed=outcome_seed
    )
    assert set(smaller.query_ids) <= set(sample.query_ids)


def test_every_failure_is_drawn_equally_often(invented: ModuleType) -> None:
    counts = Counter(
        query_id for seed in range(400) for query_id in mined(invented, num_failures=3, seed=seed).query_ids
    )
    # 400 draws of 3 of 10: each is drawn 120 times in the mean, with a standard deviation of 9.2.
    assert len(counts) == 10
    assert all(abs(count - 120) < 46 for count in counts.values())


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 50), st.data())
def test_the_failures_of_a_part_are_those_of_the_whole_that_stand_in_it(
    invented: ModuleType, outcome_seed: int, draw: st.DataObject
) -> None:
    data = invented.dataset()
    outcome = invented.outcome(data, seed=outcome_seed)
    positions = np.array(sorted(draw.draw(st.sets(st.integers(0, 23), min_size=1))))
    failing = [position for position in positions.tolist() if outcome.rank[position] > 1]
    part = QueryPart(positions, "some captions")
    rows = {name: values[positions] for name, values in vars(outcome).items()}
    told: dict[str, Any] = {"backbone_fingerprint": "b", "precision": "fp32", "seed": 0}
    if not failing:
        with pytest.raises(UsageError, match=r"the 0 top-1 failures among the \d+ queries of invented \(some"):
            mine(data, RetrievalOutcome(**rows), num_failures=1, part=part, **told)
        return
    mined = mine(data, RetrievalOutcome(**rows), num_failures=len(failing), part=part, **told)
    whole = mine(data, outcome, num_failures=int((outcome.rank > 1).sum()), **told)
    ids = {data.captions[position].id for position in positions}
    assert mined.failures == tuple(failure for failure in whole.failures if failure.query_id in ids)
    assert (mined.num_queries, mined.num_top1_failures) == (len(positions), len(failing))
    assert mined.part == "some captions"


def test_an_outcome_of_another_part_is_refused(invented: ModuleType) -> None:
    data = invented.dataset()
    part = QueryPart(np.arange(12), "the first captions")
    with pytest.raises(UsageError, match="one rank for each of the 12 captions of invented, got 24;"):
        mine(
            data,
            invented.outcome(data),
            backbone_fingerprint="b",
            precision="fp32",
            num_failures=1,
            seed=0,
            part=part,
        )


def test_a_failure_says_what_happened(invented: ModuleType) -> None:
    data = invented.dataset()
    outcome = invented.outcome(data)
    truth = invented.InventedTruth()
    for failure in invented.failure_set(data).failures:
        position = next(i for i, caption in enumerate(data.captions) if caption.id == failure.query_id)
        assert failure.caption == data.captions[position].text
        assert failure.target_image_id == data.captions[position].image_id
        assert failure.retrieved_image_id == data.images[outcome.top1[position]].id
        assert failure.retrieved_image_id != failure.target_image_id
        assert (failure.rank, failure.best_rank, failure.worst_rank) == (
            outcome.rank[position],
            outcome.best_rank[position],
            outcome.worst_rank[position],
        )
        assert failure.target_score == outcome.target_score[position]
        assert failure.retrieved_score == outcome.top1_score[position]
        top1 = int(outcome.top1[position])
        assert failure.category == truth.oracle_category(position, top1).capitalize()
        is_ambiguous = failure.category == "Ambiguous"
        assert failure.ambiguous_subtype == (truth.oracle_subtype(position, top1) if is_ambiguous else None)


def test_labels_need_an_oracle(invented: ModuleType) -> None:
    assert invented.failure_set().label_source == "world truth"
    unlabelled = invented.failure_set(is_labelled=False)
    assert unlabelled.label_source is None
    assert {failure.category for failure in unlabelled.failures} == {None}


@pytest.mark.parametrize("num_failures", [-1, 0, 11])
def test_an_impossible_sample_size_is_refused(invented: ModuleType, num_failures: int) -> None:
    message = "num_failures must be between 1 and the 10 top-1 failures among the 24 queries of invented, got "
    with pytest.raises(UsageError, match=f"{message}{num_failures}; choose"):
        mined(invented, num_failures=num_failures, seed=0)


BAD_OUTCOMES: list[tuple[dict[str, Any], str]] = [
    ({"rank": np.zeros(24, dtype=np.int64)}, r"ranks must be from 1 and within their tie bounds, got 24 \(0, 1, 2"),
    ({"target_score": np.full(24, np.nan, dtype=np.float32)}, "scores must be finite"),
    ({"top1_score": np.full(24, -1.0, dtype=np.float32)}, "the top-1 image's at least the target's"),
]


@pytest.mark.parametrize(("change", "message"), BAD_OUTCOMES)
def test_a_contradictory_outcome_is_refused(invented: ModuleType, change: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        replace(invented.outcome(invented.dataset()), **change)


def test_an_outcome_of_another_dataset_is_refused(invented: ModuleType) -> None:
    data = invented.dataset()
    for other, message in [
        (invented.dataset(num_images=9), "one rank for each of the 24 captions of invented, got 27"),
        (invented.dataset(num_images=12, captions_per_image=2), "top-1 positions must be below the 8 images"),
    ]:
        with pytest.raises(UsageError, match=message):
            mine(data, invented.outcome(other), backbone_fingerprint="b", precision="fp32", num_failures=1, seed=0)
    outcome = invented.outcome(data)
    just_outside = replace(outcome, top1=np.where(outcome.rank > 1, 8, outcome.top1))
    with pytest.raises(UsageError, match="top-1 positions must be below the 8 images of invented, got 10"):
        mine(data, just_outside, backbone_fingerprint="b", precision="fp32", num_failures=1, seed=0)
    swapped = replace(outcome, top1=data.targets)
    with pytest.raises(UsageError, match=r"top-1 image where its rank is 1 and only there, got 10"):
        mine(data, swapped, backbone_fingerprint="b", precision="fp32", num_failures=1, seed=0)
