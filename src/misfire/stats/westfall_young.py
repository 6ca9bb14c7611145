"""Whether the best of many cells is better than chance would make the best of as many."""

from collections.abc import Iterator, Sequence

import numpy as np
from jaxtyping import Float, Int, Int8, Shaped

from misfire.core.errors import UsageError
from misfire.stats.resampling import cluster_positions
from misfire.stats.settings import check_num_replicates
from misfire.stats.sign_flip import drawn_assignments, every_assignment, is_enumerable

_ROUNDING = 1e-10
_LARGEST_EXACT_SUM = 2**24  # of whole numbers in single precision


def max_t(
    baseline: Shaped[np.ndarray, " query"] | Shaped[np.ndarray, "cell query"],
    ensembled_by_cell: Shaped[np.ndarray, "cell query"] | Sequence[Shaped[np.ndarray, " _"]],
    *,
    clusters: Shaped[np.ndarray, " query"] | None = None,
    is_step_down: bool = True,
    num_replicates: int = 2000,
    rng: np.random.Generator,
) -> Float[np.ndarray, " cell"]:
    """Two-sided p-value of each cell's difference from its baseline, adjusted for having looked at all cells.

    Westfall and Young's max-T: each replicate swaps the systems of some queries, *the same queries in all cells*, so
    that what the cells share (queries, templates, a baseline) is kept, and the largest statistic of any cell is held
    against each cell's own. The statistic is the sum of a cell's differences over the root of the sum of their squares,
    which no swap changes: McNemar's z for hits. It is on one scale for cells of different size, and it orders
    replicates as Student's t does.

    The chance that any true null gets a p-value of at most alpha is about alpha at most, whichever nulls are true. The
    p-value is (b + 1) / (m + 1) with b of m replicates as extreme; where no more than ``num_replicates`` different
    assignments exist, all are enumerated. A cell that changes nothing has the p-value 1; one without a query has NaN.

    On queries that were chosen because the baseline fails on them, a difference is no evidence of a better system, and
    this test doesn't know how they were chosen.

    Args:
        baseline: Value of each query under the baseline, for example its hit at k: one row for all cells, or a row a
            cell where cells differ in cut-off, backbone or metric.
        ensembled_by_cell: Value of each query in each cell, as one array or a row a cell. NaN here or in ``baseline``
            leaves the query out of a cell, so that cells of different subsets share one axis of queries.
        clusters: Which cluster each query belongs to, for example its image id; a cluster's queries are swapped
            together. Each query by itself where it isn't given.
        is_step_down: Hold each cell against the largest statistic of those no better than itself rather than of all.
            The best cell's p-value is the same, the others' are never larger, and the guarantee is the same.
        num_replicates: How many assignments are drawn.
        rng: Source of the swaps.

    Returns:
        Adjusted p-values, one a cell, in the cells' order.

    Raises:
        UsageError: If there is no cell or no query, the axes don't fit together, a value is infinite, or
            ``num_replicates`` < 1.

    Reference:
        Westfall and Young, "Resampling-based multiple testing", 1993, algorithm 4.1; Ge, Dudoit and Speed,
        "Resampling-based multiple testing for microarray data analysis", Test 12, 2003.

    Example:
        >>> baseline = np.zeros(6)
        >>> cells = np.array([[1, 1, 1, 1, 1, 1], [1, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0]])
        >>> max_t(baseline, cells, rng=np.random.default_rng(0)).tolist()  # 1 of 32 assignments; all; all
        [0.03125, 1.0, 1.0]
    """
    check_num_replicates(num_replicates)
    delta = _differences(baseline, _as_table(ensembled_by_cell))
    is_empty = np.isnan(delta).all(axis=1)
    delta = np.nan_to_num(delta, nan=0.0, posinf=np.inf, neginf=-np.inf, copy=False)
    if clusters is not None:
        delta = _cluster_sums(delta, clusters)
    p_values = np.ones(len(delta))
    p_values[is_empty] = np.nan
    changing = np.flatnonzero(delta.any(axis=1))
    if len(changing):
        units = delta[changing][:, delta.any(axis=0)]
        p_values[changing] = _adjusted(units, is_step_down=is_step_down, num_replicates=num_replicates, rng=rng)
    return p_values


def _adjusted(
    delta: Float[np.ndarray, "cell unit"], *, is_step_down: bool, num_replicates: int, rng: np.random.Generator
) -> Float[np.ndarray, " cell"]:
    scale = np.sqrt((delta**2).sum(axis=1))
    statistic = np.abs(delta.sum(axis=1)) / scale
    ascending = np.argsort(statistic, kind="stable")
    is_exact = is_enumerable(delta.shape[1], num_replicates=num_replicates)
    blocks = (
        every_assignment(delta.shape[1])
        if is_exact
        else drawn_assignments(delta.shape[1], num_replicates=num_replicates, rng=rng)
    )
    extreme, num_assignments = _count_extreme(
        delta[ascending], scale[ascending], statistic[ascending], blocks, is_step_down
    )
    p_values = (extreme + (not is_exact)) / (num_assignments + (not is_exact))
    # A cell with a smaller statistic has no smaller p-value.
    monotone = np.maximum.accumulate(p_values[::-1])[::-1]
    adjusted = np.empty_like(monotone)
    adjusted[ascending] = monotone
    return adjusted


def _count_extreme(
    delta: Float[np.ndarray, "cell unit"],
    scale: Float[np.ndarray, " cell"],
    statistic: Float[np.ndarray, " cell"],
    blocks: Iterator[Int8[np.ndarray, "block unit"]],
    is_step_down: bool,
) -> tuple[Int[np.ndarray, " cell"], int]:
    """In how many assignments the largest statistic reaches each cell's, and how many there are; cells ascend."""
    is_whole = bool((delta == np.rint(delta)).all()) and np.abs(delta).sum(axis=1).max() < _LARGEST_EXACT_SUM
    weights = np.ascontiguousarray(delta.T, dtype=np.float32 if is_whole else np.float64)
    extreme, num_assignments = np.zeros(len(delta), dtype=np.int64), 0
    for signs in blocks:
        flipped = np.abs(signs.astype(weights.dtype) @ weights) / scale
        largest = np.maximum.accumulate(flipped, axis=1) if is_step_down else flipped.max(axis=1, keepdims=True)
        extreme += (largest >= statistic - _ROUNDING).sum(axis=0)
        num_assignments += len(signs)
    return extreme, num_assignments


def _as_table(
    ensembled_by_cell: Shaped[np.ndarray, "..."] | Sequence[Shaped[np.ndarray, " _"]],
) -> Shaped[np.ndarray, "..."]:
    lengths = {len(row) for row in ensembled_by_cell} if isinstance(ensembled_by_cell, Sequence) else set()
    if len(lengths) > 1:
        raise UsageError(
            f"the cells of ensembled_by_cell must share one axis of queries, got rows of {min(lengths)} to "
            f"{max(lengths)}; put NaN where a query isn't in a cell."
        )
    return np.asarray(ensembled_by_cell)


def _differences(
    baseline: Shaped[np.ndarray, "..."], ensembled_by_cell: Shaped[np.ndarray, "cell query"]
) -> Float[np.ndarray, "cell query"]:
    """Ensembled minus baseline, NaN for queries outside of a cell."""
    if ensembled_by_cell.size == 0 or baseline.shape not in (ensembled_by_cell.shape, ensembled_by_cell.shape[1:]):
        raise UsageError(
            "ensembled_by_cell must hold a row a cell and a column a query, at least one of each, and baseline one row "
            f"of them or as many, got {ensembled_by_cell.shape} and {baseline.shape}; put NaN where a query isn't in "
            "a cell."
        )
    before, after = baseline.astype(np.float64), ensembled_by_cell.astype(np.float64)
    num_infinite = int(np.isinf(before).sum() + np.isinf(after).sum())
    if num_infinite:
        raise UsageError(
            f"per-query values must be finite, or NaN for a query outside of a cell, got {num_infinite} infinite ones; "
            "leave out queries whose value is undefined and say how many."
        )
    difference: Float[np.ndarray, "cell query"] = after - before
    return difference


def _cluster_sums(
    delta: Float[np.ndarray, "cell query"], clusters: Shaped[np.ndarray, " cluster_query"]
) -> Float[np.ndarray, "cell cluster"]:
    positions = cluster_positions(delta[0], clusters)
    order = np.argsort(positions, kind="stable")
    starts = np.searchsorted(positions[order], np.arange(positions.max() + 1))
    sums: Float[np.ndarray, "cell cluster"] = np.add.reduceat(delta[:, order], starts, axis=1)
    return sums
