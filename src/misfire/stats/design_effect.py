"""How much less queries in clusters are worth than as many independent ones."""

import numpy as np
from jaxtyping import Float, Int

from misfire.core.errors import UsageError


def design_effect(values: Float[np.ndarray, " query"], cluster: Int[np.ndarray, " query"]) -> float:
    """How many times the variance of the mean over clusters is that over independent queries; 1 at least.

    Where all values are equal, nothing shows how alike a cluster's queries are, and a cluster counts as one query.

    Args:
        values: Value of each query.
        cluster: Number of each query's cluster, from 0; two clusters at least.

    Reference:
        Kish, "Survey sampling", 1965, section 8.2.

    Example:
        >>> design_effect(np.array([1.0, 1.0, 0.0, 0.0]), np.array([0, 0, 1, 1]))
        4.0
    """
    sizes = np.bincount(cluster)
    by_query = float(((values - values.mean()) ** 2).sum())
    if by_query == 0:
        return float((sizes**2).sum() / sizes.sum())
    return max(cluster_square(values, cluster) / by_query, 1.0)


def cluster_square(values: Float[np.ndarray, " query"], cluster: Int[np.ndarray, " query"]) -> float:
    """Estimated variance of the sum of the values, each cluster's deviation from its share of it being one draw."""
    sizes, sums = np.bincount(cluster), np.bincount(cluster, weights=values)
    return float(((sums - sizes * values.mean()) ** 2).sum()) * len(sizes) / (len(sizes) - 1)


def check_some_clusters(cluster: Int[np.ndarray, " query"]) -> int:
    """Number of clusters, of which one alone is refused."""
    num_clusters = int(cluster.max()) + 1
    if num_clusters < 2:
        raise UsageError(
            f"clusters must name 2 different ones at least, got {num_clusters}; what varies between clusters can't be "
            "seen in one."
        )
    return num_clusters


def student_quantile(num_clusters: int, *, confidence: float) -> float:
    """Upper quantile of Student's t with one degree of freedom less than there are clusters."""
    from scipy.special import stdtrit

    return float(stdtrit(num_clusters - 1, (1 + confidence) / 2))
