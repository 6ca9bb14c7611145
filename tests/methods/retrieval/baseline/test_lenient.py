"""The score without Ambiguous items, against a count where every failure is labelled."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from misfire.core.errors import UsageError
from misfire.failures import Failure, FailureSet
from misfire.methods.retrieval.baseline.lenient import lenient_hit_rate


def failures(ranks: list[int], categories: list[str | None], *, num_queries: int, population: int) -> FailureSet:
    return FailureSet(
        dataset_name="invented",
        dataset_fingerprint="d",
        backbone_fingerprint="b",
        precision="fp32",
        seed=0,
        num_queries=num_queries,
        num_top1_failures=population,
        failures=tuple(
            Failure(place, f"caption {place}", 1, 2, rank, rank, rank, 0.1, 0.2, category)
            for place, (rank, category) in enumerate(zip(ranks, categories, strict=True))
        ),
        label_source="by hand",
    )


def test_with_every_failure_labelled_it_is_the_count() -> None:
    # 20 queries, 6 of them failures; two Ambiguous ones, one of them a hit at 5.
    ranks, categories = [2, 3, 9, 4, 8, 30], ["Object", "Ambiguous", "Count", "Object", "Ambiguous", "Object"]
    failing = failures(ranks, list(categories), num_queries=20, population=6)
    found = lenient_hit_rate(17 / 20, failing, k=5)
    assert found.without_ambiguous == pytest.approx((17 - 1) / 18)
    assert (found.k, found.strict, found.num_ambiguous, found.num_labelled) == (5, 17 / 20, 2, 6)
    assert lenient_hit_rate(14 / 20, failing, k=1).without_ambiguous == pytest.approx(14 / 18)


def test_a_sample_estimates_the_count() -> None:
    rng = np.random.default_rng(0)
    num_queries, population = 1000, 400
    ranks = rng.integers(2, 40, size=population)
    is_ambiguous = rng.random(population) < 0.3
    truth = SimpleNamespace(
        strict=(600 + (ranks <= 10).sum()) / num_queries,
        lenient=(600 + (ranks[~is_ambiguous] <= 10).sum()) / (num_queries - is_ambiguous.sum()),
    )
    estimates = []
    for _ in range(200):
        chosen = rng.choice(population, 80, replace=False)
        categories: list[str | None] = ["Ambiguous" if is_ambiguous[one] else "Object" for one in chosen]
        sample = failures(ranks[chosen].tolist(), categories, num_queries=num_queries, population=population)
        estimates.append(lenient_hit_rate(float(truth.strict), sample, k=10).without_ambiguous)
    assert np.mean(estimates) == pytest.approx(truth.lenient, abs=0.003)


def test_what_nobody_labelled_stands_for_nothing() -> None:
    half = failures([2, 3, 9, 4], ["Ambiguous", "Object", None, None], num_queries=10, population=4)
    assert lenient_hit_rate(0.6, half, k=1).without_ambiguous == pytest.approx(6 / 8)


def test_without_labels_it_is_refused() -> None:
    unlabelled = replace(failures([2], [None], num_queries=2, population=1), label_source=None)
    with pytest.raises(UsageError, match=r"a score without Ambiguous items needs labels, got none in failure set"):
        lenient_hit_rate(0.5, unlabelled, k=1)


def test_nothing_but_ambiguous_queries_is_refused() -> None:
    with pytest.raises(UsageError, match="needs other queries, got none"):
        lenient_hit_rate(0.0, failures([2, 3], ["Ambiguous"] * 2, num_queries=2, population=2), k=1)
