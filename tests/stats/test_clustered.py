import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from misfire.core.errors import UsageError
from misfire.stats import (
    clustered_bootstrap,
    clustered_mean_bootstrap,
    clustered_median_bootstrap,
    paired_bootstrap,
)


def resamples(clusters: np.ndarray, num_replicates: int, seed: int) -> list[np.ndarray]:
    """Query positions of each resample, put together cluster by cluster."""
    rng = np.random.default_rng(seed)
    names = sorted(set(clusters.tolist()))
    members = [np.flatnonzero(clusters == name) for name in names]
    return [
        np.concatenate([members[drawn] for drawn in rng.integers(0, len(names), size=len(names))])
        for _ in range(num_replicates)
    ]


@given(st.lists(st.tuples(st.integers(1, 9), st.integers(0, 4)), min_size=1, max_size=25), st.integers(0, 2**32))
def test_mean_and_median_match_resampling_by_hand(queries: list[tuple[int, int]], seed: int) -> None:
    ranks, images = np.array(queries).T
    mean = clustered_mean_bootstrap(ranks, images, num_replicates=20, rng=np.random.default_rng(seed))
    median = clustered_median_bootstrap(ranks, images, num_replicates=20, rng=np.random.default_rng(seed))
    drawn = resamples(images, 20, seed)
    assert mean.replicates == pytest.approx([ranks[positions].mean() for positions in drawn])
    assert median.replicates.tolist() == [float(np.median(ranks[positions])) for positions in drawn]
    assert mean.estimate == pytest.approx(ranks.mean())
    assert median.estimate == np.median(ranks)


def test_clusters_of_one_are_the_plain_bootstrap() -> None:
    values = np.random.default_rng(1).random(40) < 0.3
    clustered = clustered_mean_bootstrap(values, np.arange(40), rng=np.random.default_rng(42))
    plain = paired_bootstrap(np.zeros(40), values, rng=np.random.default_rng(42))
    assert clustered.replicates == pytest.approx(plain.replicates)
    assert (clustered.low, clustered.high) == pytest.approx((plain.low, plain.high))


def test_five_equal_captions_an_image_widen_the_interval_by_the_root_of_five() -> None:
    """With equal outcomes inside an image only the images count: the variance is 5 times that of single captions."""
    per_image = np.random.default_rng(1).random(400) < 0.4
    values, images = np.repeat(per_image, 5), np.repeat(np.arange(400), 5)
    clustered = clustered_mean_bootstrap(values, images, rng=np.random.default_rng(0))
    single = clustered_mean_bootstrap(values, np.arange(2000), rng=np.random.default_rng(0))
    assert clustered.replicates.std() / single.replicates.std() == pytest.approx(np.sqrt(5), rel=0.1)


def test_cluster_names_are_only_names() -> None:
    values = np.array([1, 0, 0, 1, 1])
    by_number = clustered_mean_bootstrap(values, np.array([3, 3, 5, 5, 9]), rng=np.random.default_rng(0))
    by_text = clustered_mean_bootstrap(values, np.array(["a", "a", "b", "b", "c"]), rng=np.random.default_rng(0))
    assert (by_number.replicates == by_text.replicates).all()


def test_bad_input_is_refused_with_its_remedy() -> None:
    rng, values = np.random.default_rng(0), np.array([1.0, np.inf])
    for bootstrap in (clustered_mean_bootstrap, clustered_median_bootstrap):
        with pytest.raises(UsageError, match=r"must be finite, got 1 of 2 that are not"):
            bootstrap(values, np.array([0, 1]), rng=rng)
        with pytest.raises(UsageError, match=r"at least one, got 0 and 0; give every query its image id"):
            bootstrap(np.empty(0), np.empty(0, dtype=np.int64), rng=rng)
        with pytest.raises(UsageError, match=r"Use 0.95, not 95."):
            bootstrap(np.ones(2), np.array([0, 1]), confidence=95.0, rng=rng)


@given(
    st.lists(st.tuples(st.booleans(), st.booleans(), st.integers(0, 4)), min_size=1, max_size=25), st.integers(0, 2**32)
)
def test_paired_differences_match_resampling_by_hand(queries: list[tuple[bool, bool, int]], seed: int) -> None:
    baseline, ensembled, images = (np.array(column) for column in zip(*queries, strict=True))
    result = clustered_bootstrap(baseline, ensembled, images, num_replicates=20, rng=np.random.default_rng(seed))
    delta = ensembled.astype(int) - baseline.astype(int)
    expected = [delta[positions].mean() for positions in resamples(images, 20, seed)]
    assert result.replicates == pytest.approx(expected)
    assert result.p_positive == np.mean(np.array(expected) > 0)
    swapped = clustered_bootstrap(ensembled, baseline, images, num_replicates=20, rng=np.random.default_rng(seed))
    assert (swapped.replicates == -result.replicates).all()


def test_pairs_in_clusters_of_one_are_the_plain_bootstrap() -> None:
    rng = np.random.default_rng(1)
    baseline, ensembled = rng.random(40) < 0.3, rng.random(40) < 0.5
    clustered = clustered_bootstrap(baseline, ensembled, np.arange(40), rng=np.random.default_rng(42))
    plain = paired_bootstrap(baseline, ensembled, rng=np.random.default_rng(42))
    assert (clustered.replicates == plain.replicates).all()
    assert str(clustered) == str(plain)


def test_bad_pairs_are_refused_with_their_remedy() -> None:
    rng, two = np.random.default_rng(0), np.array([0.0, 1.0])
    with pytest.raises(UsageError, match=r"at least one, got 0 and 0; join them by query id first"):
        clustered_bootstrap(np.empty(0), np.empty(0), np.empty(0, dtype=np.int64), rng=rng)
    with pytest.raises(UsageError, match=r"got 0. Use 2000."):
        clustered_bootstrap(two, two, np.arange(2), num_replicates=0, rng=rng)
    with pytest.raises(UsageError, match=r"must be finite, got 1 of 2"):
        clustered_bootstrap(two, np.array([1.0, np.nan]), np.arange(2), rng=rng)
