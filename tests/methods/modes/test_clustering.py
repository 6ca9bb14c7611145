import numpy as np
import pytest
from sklearn.cluster import AgglomerativeClustering
from sklearn.metrics import adjusted_rand_score

from misfire.core.errors import UsageError
from misfire.methods.modes import (
    Clusterer,
    MiniBatchKMeansClustering,
    NeighbourWardClustering,
    ScikitLearnClustering,
    SizedClustering,
    WardClustering,
    prototypes,
)

ALL = [
    WardClustering(4),
    NeighbourWardClustering(4),
    MiniBatchKMeansClustering(4),
    ScikitLearnClustering("KMeans", num_clusters=4),
    SizedClustering(WardClustering(4), MiniBatchKMeansClustering(4), most_points=50),
]


def blobs(num_points: int = 120) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    truth = rng.choice(4, size=num_points, p=[0.4, 0.3, 0.2, 0.1])
    points = 6 * np.eye(8)[truth] + rng.normal(scale=0.5, size=(num_points, 8))
    return points.astype(np.float32), truth


@pytest.mark.parametrize("clusterer", ALL, ids=lambda one: type(one).__name__)
def test_each_finds_clear_clusters_the_largest_first_and_repeats_itself(clusterer: Clusterer) -> None:
    points, truth = blobs()
    assigned = clusterer(points, rng=np.random.default_rng(3))
    assert adjusted_rand_score(truth, assigned) == 1.0
    assert np.diff(np.bincount(assigned)).max() <= 0
    assert np.array_equal(assigned, clusterer(points, rng=np.random.default_rng(3)))
    assert "4" in clusterer.describe(120) or "KMeans" in clusterer.describe(120)


@pytest.mark.parametrize("num_clusters", [1, 2, 7, 39, 40])
def test_ward_is_scikit_learns(num_clusters: int) -> None:
    points = np.random.default_rng(1).normal(size=(40, 5))
    theirs = AgglomerativeClustering(num_clusters, linkage="ward").fit_predict(points)
    ours = WardClustering(num_clusters)(points, rng=np.random.default_rng(0))
    assert adjusted_rand_score(theirs, ours) == 1.0
    assert len(set(ours.tolist())) == num_clusters


def test_ward_of_more_rows_than_a_block_is_scikit_learns() -> None:
    points = np.random.default_rng(2).normal(size=(1100, 3)) + 100
    theirs = AgglomerativeClustering(9, linkage="ward").fit_predict(points)
    assert adjusted_rand_score(theirs, WardClustering(9)(points, rng=np.random.default_rng(0))) == 1.0


def test_ward_in_single_precision_is_scikit_learns_too(monkeypatch: pytest.MonkeyPatch) -> None:
    points = np.random.default_rng(3).normal(size=(600, 24)).astype(np.float32)
    monkeypatch.setattr("misfire.methods.modes.clustering._MOST_IN_DOUBLE", 100)
    theirs = AgglomerativeClustering(11, linkage="ward").fit_predict(points)
    assert adjusted_rand_score(theirs, WardClustering(11)(points, rng=np.random.default_rng(0))) == 1.0


@pytest.mark.parametrize("points", [np.zeros((30, 3)), np.eye(30), np.indices((6, 5)).reshape(2, -1).T.astype(float)])
def test_ward_of_equal_distances_ends(points: np.ndarray) -> None:
    assigned = WardClustering(4)(points, rng=np.random.default_rng(0))
    assert sorted(set(assigned.tolist())) == [0, 1, 2, 3]


def test_a_point_left_out_belongs_to_no_prototype() -> None:
    points = np.concatenate([blobs()[0], np.full((1, 8), 99.0, dtype=np.float32)])
    clusterer = ScikitLearnClustering("DBSCAN", {"eps": 4.0}, num_clusters=1)
    assigned = clusterer(points, rng=np.random.default_rng(0))
    assert assigned[-1] == -1
    centres = prototypes(points, assigned)
    assert len(centres) == 4
    np.testing.assert_allclose(centres[0], points[assigned == 0].mean(axis=0))


def test_who_clusters_is_said_openly() -> None:
    clusterer = SizedClustering(WardClustering(4), MiniBatchKMeansClustering(4), most_points=50)
    assert clusterer.describe(50) == "Ward's agglomerative clustering into 4"
    assert clusterer.describe(51) == "mini-batch k-means into 4, as 51 points are more than 50"


def test_too_few_and_too_many_points_are_refused() -> None:
    points, rng = blobs()[0], np.random.default_rng(0)
    with pytest.raises(UsageError, match=r"130 clusters need as many points, got 120; lower num_clusters"):
        WardClustering(130)(points, rng=rng)
    with pytest.raises(UsageError, match=r"at most 100 points, got 120; choose the one with a neighbourhood graph"):
        WardClustering(4, most_points=100)(points, rng=rng)
    with pytest.raises(UsageError, match=r"num_clusters must be >= 1, got 0"):
        MiniBatchKMeansClustering(0)
    with pytest.raises(UsageError, match=r"both clusterers must make as many clusters, got 3 and 15"):
        SizedClustering(WardClustering(3))
    with pytest.raises(UsageError, match=r"got 'KMean'; take one of .*KMeans"):
        ScikitLearnClustering("KMean")


def test_a_clusterer_that_calls_all_points_noise_is_refused() -> None:
    points = np.random.default_rng(0).normal(size=(30, 4))
    clusterer = ScikitLearnClustering("DBSCAN", {"eps": 1e-9}, num_clusters=5)
    wanted = "must find a cluster, got none: scikit-learn's DBSCAN left out all 30 points as noise"
    with pytest.raises(UsageError, match=wanted):
        clusterer(points, rng=np.random.default_rng(0))
