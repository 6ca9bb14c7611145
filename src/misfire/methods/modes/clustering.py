"""Groups of images that look alike."""

import warnings
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, final

import numpy as np
from jaxtyping import Float, Int
from typing_extensions import override

from misfire.core.errors import UsageError, name_some

_ROWS_IN_A_BLOCK = 1024
# A folder from which scikit-learn unpickles what it finds, and how much it prints.
_NOT_OURS = {"memory", "verbose"}
_MOST_IN_DOUBLE = 4_096  # points whose distances are taken in double precision


class Clusterer(ABC):
    """A way to put points into clusters; called once for the hard images and once for the easy ones.

    A variant is one hook, ``_assign``.
    """

    num_clusters: int

    def __call__(
        self, points: Float[np.ndarray, "point dim"], *, rng: np.random.Generator
    ) -> Int[np.ndarray, " point"]:
        """Cluster of each point, counted from the largest cluster, 0; of equals the one with the earlier point.

        A point that the clusterer leaves out (noise) is -1.

        Args:
            points: What to cluster.
            rng: Source of randomness, for those that draw.

        Raises:
            UsageError: If there are fewer points than clusters, the points are too many for the clusterer, or it leaves
                out all of them.
        """
        if len(points) < self.num_clusters:
            raise UsageError(
                f"{self.num_clusters} clusters need as many points, got {len(points)}; lower num_clusters or bring "
                "more images."
            )
        assigned = self._assign(points, rng)
        if not (assigned >= 0).any():
            raise UsageError(
                f"a clusterer must find a cluster, got none: {self.describe(len(points))} left out all {len(points)} "
                "points as noise; loosen its settings or take another."
            )
        names, first, sizes = np.unique(assigned[assigned >= 0], return_index=True, return_counts=True)
        rank = {int(names[one]): place for place, one in enumerate(np.lexsort((first, -sizes)))}
        return np.array([rank.get(int(name), -1) for name in assigned], dtype=np.int64)

    def describe(self, num_points: int) -> str:
        """How that many points are clustered, in words, for the report."""
        return f"{type(self).__name__} into {self.num_clusters}"

    @abstractmethod
    def _assign(self, points: Float[np.ndarray, "point dim"], rng: np.random.Generator) -> Int[np.ndarray, " point"]:
        """Any name from 0 of each point's cluster, or -1."""


@final
@dataclass(frozen=True)
class WardClustering(Clusterer):
    """Agglomerative clustering that merges what raises the variance within clusters least.

    Gives the clusters of scikit-learn's ``AgglomerativeClustering(linkage="ward")`` without holding the distances of
    all pairs: memory grows with the points, time with their square (20,000 of 512 dimensions: some fifteen seconds).
    Of more than 4,096 points distances are taken in single precision, so that merges whose costs are equal to six
    digits may come in another order.

    Args:
        num_clusters: How many clusters.
        most_points: More points than these are refused.

    Reference:
        Ward, "Hierarchical grouping to optimize an objective function", Journal of the American Statistical
        Association 58, 1963; that pairs of mutually nearest clusters may be merged in any order: Bruynooghe,
        "Classification ascendante hierarchique des grands ensembles de donnees", Cahiers de l'analyse des donnees 3,
        1978.

    Example:
        >>> points = np.array([[0.0], [0.1], [5.0], [0.2]])
        >>> WardClustering(2)(points, rng=np.random.default_rng(0)).tolist()
        [0, 0, 1, 0]
    """

    num_clusters: int = 15
    most_points: int = 20_000

    def __post_init__(self) -> None:
        _check_num_clusters(self.num_clusters)

    @override
    def describe(self, num_points: int) -> str:
        return f"Ward's agglomerative clustering into {self.num_clusters}"

    @override
    def _assign(self, points: Float[np.ndarray, "point dim"], rng: np.random.Generator) -> Int[np.ndarray, " point"]:
        if len(points) > self.most_points:
            raise UsageError(
                f"Ward's clustering takes at most {self.most_points:,} points, got {len(points):,}; choose the one "
                "with a neighbourhood graph or mini-batch k-means, or raise most_points where memory allows."
            )
        if self.num_clusters == len(points):
            return np.arange(len(points))
        from scipy.sparse import coo_array
        from scipy.sparse.csgraph import connected_components

        pairs, costs = _ward_merges(points)
        kept = pairs[np.argsort(costs, kind="stable")[: len(points) - self.num_clusters]]
        graph = coo_array((np.ones(len(kept), dtype=np.int8), kept.T), shape=(len(points), len(points)))
        return np.asarray(connected_components(graph, directed=False)[1], dtype=np.int64)


@final
@dataclass(frozen=True)
class NeighbourWardClustering(Clusterer):
    """Ward's clustering that merges only clusters linked by a neighbourhood graph: for many points.

    Args:
        num_clusters: How many clusters.
        num_neighbours: To how many of its nearest points a point is linked.
    """

    num_clusters: int = 15
    num_neighbours: int = 10

    def __post_init__(self) -> None:
        _check_num_clusters(self.num_clusters)

    @override
    def describe(self, num_points: int) -> str:
        return f"Ward's clustering on {self.num_neighbours} nearest neighbours into {self.num_clusters}"

    @override
    def _assign(self, points: Float[np.ndarray, "point dim"], rng: np.random.Generator) -> Int[np.ndarray, " point"]:
        from sklearn.cluster import AgglomerativeClustering
        from sklearn.neighbors import kneighbors_graph

        graph = kneighbors_graph(points, n_neighbors=min(self.num_neighbours, len(points) - 1), include_self=False)
        fitted = AgglomerativeClustering(self.num_clusters, linkage="ward", connectivity=graph.maximum(graph.T))
        with warnings.catch_warnings():
            # Far clusters make a graph of several pieces; scikit-learn joins these and says so.
            warnings.filterwarnings("ignore", message="the number of connected components")
            return np.asarray(fitted.fit_predict(points), dtype=np.int64)


@final
@dataclass(frozen=True)
class MiniBatchKMeansClustering(Clusterer):
    """k-means on batches: for very many points.

    Args:
        num_clusters: How many clusters.
        batch_size: Points a step.
    """

    num_clusters: int = 15
    batch_size: int = 4096

    def __post_init__(self) -> None:
        _check_num_clusters(self.num_clusters)

    @override
    def describe(self, num_points: int) -> str:
        return f"mini-batch k-means into {self.num_clusters}"

    @override
    def _assign(self, points: Float[np.ndarray, "point dim"], rng: np.random.Generator) -> Int[np.ndarray, " point"]:
        from sklearn.cluster import MiniBatchKMeans

        seed = int(rng.integers(2**31))
        fitted = MiniBatchKMeans(self.num_clusters, batch_size=self.batch_size, n_init=3, random_state=seed)
        return np.asarray(fitted.fit_predict(points), dtype=np.int64)


@final
@dataclass(frozen=True)
class SizedClustering(Clusterer):
    """One clusterer up to a number of points, another beyond; the report says which was used.

    Args:
        small: For at most ``most_points`` points.
        large: For more.
        most_points: Where the second takes over.
    """

    small: Clusterer = field(default_factory=WardClustering)
    large: Clusterer = field(default_factory=MiniBatchKMeansClustering)
    most_points: int = 20_000

    def __post_init__(self) -> None:
        if self.small.num_clusters != self.large.num_clusters:
            raise UsageError(
                f"both clusterers must make as many clusters, got {self.small.num_clusters} and "
                f"{self.large.num_clusters}; give them one num_clusters."
            )

    @property
    def num_clusters(self) -> int:  # type: ignore[override]
        """How many clusters."""
        return self.small.num_clusters

    @override
    def describe(self, num_points: int) -> str:
        if num_points <= self.most_points:
            return self.small.describe(num_points)
        return f"{self.large.describe(num_points)}, as {num_points:,} points are more than {self.most_points:,}"

    @override
    def _assign(self, points: Float[np.ndarray, "point dim"], rng: np.random.Generator) -> Int[np.ndarray, " point"]:
        return (self.small if len(points) <= self.most_points else self.large)._assign(points, rng)


@final
@dataclass(frozen=True)
class ScikitLearnClustering(Clusterer):
    """Any clusterer of scikit-learn, by its name.

    Args:
        estimator: Name of a class of ``sklearn.cluster``, for example ``KMeans`` or ``HDBSCAN``.
        settings: Its arguments; ``random_state`` is drawn where the class takes one.
        num_clusters: How many clusters, for those that are told; the least number of points for the others.

    Raises:
        UsageError: If there is no such clusterer.

    Example:
        >>> clusterer = ScikitLearnClustering("KMeans", num_clusters=2)
        >>> clusterer(np.array([[0.0], [9.0], [9.1]]), rng=np.random.default_rng(0)).tolist()
        [1, 0, 0]
    """

    estimator: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    num_clusters: int = 15

    def __post_init__(self) -> None:
        _check_num_clusters(self.num_clusters)
        taken = set(self._class()().get_params()) - _NOT_OURS
        strangers = sorted(set(self.settings) - taken)
        if strangers:
            raise UsageError(
                f"settings must be arguments of {self.estimator} that choose clusters, got {name_some(strangers)}; "
                f"there are {', '.join(sorted(taken)) or 'none'}."
            )

    def _class(self) -> Any:
        import sklearn.cluster

        found = getattr(sklearn.cluster, self.estimator, None)
        if not (isinstance(found, type) and hasattr(found, "fit_predict")):
            known = sorted(
                name for name in sklearn.cluster.__all__ if hasattr(getattr(sklearn.cluster, name), "fit_predict")
            )
            raise UsageError(
                f"estimator must be a clusterer of sklearn.cluster, got {self.estimator!r}; take one of "
                f"{', '.join(known)}."
            )
        return found

    @override
    def describe(self, num_points: int) -> str:
        return f"scikit-learn's {self.estimator}"

    @override
    def _assign(self, points: Float[np.ndarray, "point dim"], rng: np.random.Generator) -> Int[np.ndarray, " point"]:
        taken = self._class()().get_params()
        settings = dict(self.settings)
        if "n_clusters" in taken:
            settings.setdefault("n_clusters", self.num_clusters)
        if "random_state" in taken:
            settings.setdefault("random_state", int(rng.integers(2**31)))
        return np.asarray(self._class()(**settings).fit_predict(points), dtype=np.int64)


def prototypes(
    points: Float[np.ndarray, "point dim"], assigned: Int[np.ndarray, " point"]
) -> Float[np.ndarray, "cluster dim"]:
    """Mean of each cluster's points; points that are -1 belong to none.

    Example:
        >>> prototypes(np.array([[0.0], [2.0], [9.0]]), np.array([0, 0, -1])).tolist()
        [[1.0]]
    """
    sizes = np.bincount(assigned[assigned >= 0])
    return np.stack([points[assigned == cluster].mean(axis=0) for cluster in range(len(sizes))])


def _check_num_clusters(num_clusters: int) -> None:
    if num_clusters < 1:
        raise UsageError(f"num_clusters must be >= 1, got {num_clusters}; the paper takes 15 for a set, 5 for a class.")


def _ward_merges(
    points: Float[np.ndarray, "point dim"],
) -> tuple[Int[np.ndarray, "merge 2"], Float[np.ndarray, " merge"]]:
    """All merges of Ward's hierarchy: a point of either cluster, and by how much the squared distances to means rise.

    In each round all pairs of clusters that are each other's nearest are merged at once. That gives the hierarchy of
    one merge at a time, since a merged cluster is never nearer to a third than the nearer of its parts was. For the
    same reason only clusters whose nearest one is gone look for another.
    """
    kind = np.float64 if len(points) <= _MOST_IN_DOUBLE else np.float32
    centres = (points - points.mean(axis=0, dtype=np.float64)).astype(kind)
    squares = (centres.astype(np.float64) ** 2).sum(axis=1)
    sizes, member = np.ones(len(points)), np.arange(len(points))
    nearest, costs = np.full(len(points), -1), np.full(len(points), np.inf)
    pairs, heights = [], []
    while len(centres) > 1:
        seeking = np.flatnonzero(nearest < 0)
        for start in range(0, len(seeking), _ROWS_IN_A_BLOCK):
            mine = seeking[start : start + _ROWS_IN_A_BLOCK]
            nearest[mine], costs[mine] = _nearest_clusters(mine, centres, squares.astype(kind), sizes.astype(kind))
        one = np.flatnonzero(nearest[nearest] == np.arange(len(nearest)))
        one = one[one < nearest[one]]
        if not len(one):  # equal costs that rounding orders in a ring
            one = np.array([costs.argmin()])
        other = nearest[one]
        pairs.append(np.stack([member[one], member[other]], axis=1))
        heights.append(costs[one])
        shares = (sizes[one] / (sizes[one] + sizes[other]))[:, None]
        merged = shares * centres[one] + (1 - shares) * centres[other]
        is_kept = np.ones(len(centres), dtype=bool)
        is_kept[one] = is_kept[other] = False
        place = np.where(is_kept, is_kept.cumsum() - 1, -1)
        unknown = np.full(len(one), -1)
        nearest = np.concatenate([place[nearest[is_kept]], unknown])
        costs = np.concatenate([costs[is_kept], np.full(len(one), np.inf)])
        member = np.concatenate([member[is_kept], member[one]])
        centres = np.concatenate([centres[is_kept], merged.astype(kind)])
        squares = np.concatenate([squares[is_kept], (merged.astype(np.float64) ** 2).sum(axis=1)])
        sizes = np.concatenate([sizes[is_kept], sizes[one] + sizes[other]])
    return np.concatenate(pairs), np.concatenate(heights)


def _nearest_clusters(
    mine: Int[np.ndarray, " mine"],
    centres: Float[np.ndarray, "cluster dim"],
    squares: Float[np.ndarray, " cluster"],
    sizes: Float[np.ndarray, " cluster"],
) -> tuple[Int[np.ndarray, " mine"], Float[np.ndarray, " mine"]]:
    """For some clusters, which other one costs least to merge with, and what; of equals the first."""
    costs = centres[mine] @ centres.T
    costs *= -2
    costs += squares
    costs += squares[mine, None]
    if sizes.max() > 1:
        costs *= sizes / (sizes[mine, None] + sizes)
        costs *= sizes[mine, None]
    rows = np.arange(len(mine))
    costs[rows, mine] = np.inf
    nearest = costs.argmin(axis=1)
    return nearest, costs[rows, nearest]
