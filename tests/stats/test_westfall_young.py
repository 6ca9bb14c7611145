import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats  # type: ignore[import-untyped]

from misfire.core.errors import UsageError
from misfire.stats import holm, max_t, mcnemar, sign_flip_test

CELLS = st.integers(1, 4).flatmap(
    lambda num_cells: st.lists(
        st.tuples(st.integers(1, 4), st.lists(st.integers(1, 4), min_size=num_cells, max_size=num_cells)),
        min_size=1,
        max_size=7,
    )
)


def arrays(queries: list[tuple[int, list[int]]]) -> tuple[np.ndarray, np.ndarray]:
    return np.array([before for before, _ in queries], dtype=float), np.array([c for _, c in queries], dtype=float).T


def by_the_book(baseline: np.ndarray, cells: np.ndarray, *, is_step_down: bool) -> list[float]:
    """Every assignment of signs, cell by cell, with plain loops."""
    delta = (cells - baseline).tolist()

    def statistic(cell: list[float], signs: tuple[int, ...]) -> float:
        square = sum(d * d for d in cell)
        return abs(sum(s * d for s, d in zip(signs, cell, strict=True))) / math.sqrt(square) if square else 0.0

    observed = [statistic(cell, (1,) * len(baseline)) for cell in delta]
    everything = list(itertools.product((1, -1), repeat=len(baseline)))
    raw = []
    for own in observed:
        family = [c for c, other in zip(delta, observed, strict=True) if not is_step_down or other <= own + 1e-9]
        reached = [max(statistic(cell, signs) for cell in family) >= own - 1e-9 for signs in everything]
        raw.append(sum(reached) / len(everything))
    better = [[p for p, other in zip(raw, observed, strict=True) if other >= own - 1e-9] for own in observed]
    return [max(p_values) for p_values in better]


@given(CELLS, st.booleans())
def test_every_swap_of_a_few_queries(queries: list[tuple[int, list[int]]], is_step_down: bool) -> None:
    baseline, cells = arrays(queries)
    p_values = max_t(baseline, cells, is_step_down=is_step_down, rng=np.random.default_rng(0))
    assert p_values == pytest.approx(by_the_book(baseline, cells, is_step_down=is_step_down), abs=1e-12)


@given(CELLS)
def test_one_cell_alone_is_the_sign_flip_test(queries: list[tuple[int, list[int]]]) -> None:
    baseline, cells = arrays(queries)
    alone = sign_flip_test(baseline, cells[0], rng=np.random.default_rng(0)).p_value
    assert max_t(baseline, cells[:1], rng=np.random.default_rng(0)) == pytest.approx([alone], abs=1e-12)


def test_one_cell_of_hits_is_mcnemars_exact_test() -> None:
    baseline = np.array([False] * 7 + [True] * 3 + [True, False])
    p_values = max_t(baseline, ~baseline[None, :] ^ (np.arange(12) >= 9), rng=np.random.default_rng(0))
    assert p_values == pytest.approx([mcnemar(7, 2).p_exact], abs=1e-12)


@given(CELLS, st.integers(0, 2**32))
def test_what_may_not_matter_does_not(queries: list[tuple[int, list[int]]], seed: int) -> None:
    """Order of the queries, order of the cells, which system is which, a constant."""
    baseline, cells = arrays(queries)
    rng = np.random.default_rng(seed)
    p_values = max_t(baseline, cells, rng=rng)
    order, of_cells = rng.permutation(len(baseline)), rng.permutation(len(cells))
    assert max_t(baseline[order], cells[:, order], rng=rng).tolist() == p_values.tolist()
    assert max_t(baseline, cells[of_cells], rng=rng).tolist() == p_values[of_cells].tolist()
    assert max_t(-baseline, -cells, rng=rng).tolist() == p_values.tolist()
    assert max_t(baseline + 3, cells + 3, rng=rng).tolist() == p_values.tolist()


def sweep(rng: np.random.Generator, *, num_cells: int, num_queries: int) -> tuple[np.ndarray, np.ndarray]:
    """A baseline and cells of equal quality that share much of what makes a query hard."""
    hardness = rng.normal(size=num_queries)
    own = rng.normal(scale=0.5, size=(num_cells + 1, num_queries))
    hits = (hardness + own < -0.5).astype(float)
    return hits[0], hits[1:]


def test_step_down_agrees_on_the_best_and_is_never_larger() -> None:
    rng = np.random.default_rng(2)
    baseline, cells = sweep(rng, num_cells=30, num_queries=100)
    cells[3, :25] = 1.0
    single = max_t(baseline, cells, is_step_down=False, rng=np.random.default_rng(0))
    stepwise = max_t(baseline, cells, rng=np.random.default_rng(0))
    assert stepwise.min() == single.min()
    assert stepwise.argmin() == single.argmin() == 3
    assert (stepwise <= single).all()
    assert (stepwise < single).any()


def test_a_subset_is_a_row_with_gaps() -> None:
    """A lone cell with NaN outside of its subset is the cell on its subset."""
    rng = np.random.default_rng(4)
    baseline, cells = sweep(rng, num_cells=1, num_queries=30)
    inside = rng.random(30) < 0.4
    gaps = np.where(inside, cells, np.nan)
    expected = max_t(baseline[inside], cells[:, inside], rng=np.random.default_rng(0))
    assert max_t(baseline, gaps, rng=np.random.default_rng(0)) == pytest.approx(expected)
    in_baseline = np.where(inside, baseline, np.nan)
    assert max_t(in_baseline, cells, rng=np.random.default_rng(0)) == pytest.approx(expected)


def test_a_cell_without_queries_is_undefined_and_one_without_changes_is_no_evidence() -> None:
    baseline = np.zeros(7)
    cells = np.array([np.full(7, np.nan), np.zeros(7), np.ones(7)])
    p_values = max_t(baseline, cells, rng=np.random.default_rng(0))
    assert str(p_values.tolist()) == f"[nan, 1.0, {2 / 2**7}]"


def test_a_baseline_a_cell() -> None:
    """Cut-offs of one cell are rows with baselines of their own."""
    rng = np.random.default_rng(9)
    baseline, cells = sweep(rng, num_cells=4, num_queries=10)
    repeated = np.repeat(baseline[None, :], 4, axis=0)
    shared = max_t(baseline, cells, rng=np.random.default_rng(0))
    assert max_t(repeated, cells, rng=np.random.default_rng(0)).tolist() == shared.tolist()
    flipped = np.array([1.0, -1.0, 1.0, -1.0])[:, None]
    assert max_t(repeated * flipped, cells * flipped, rng=np.random.default_rng(0)).tolist() == shared.tolist()


def test_captions_of_an_image_are_swapped_together() -> None:
    rng = np.random.default_rng(6)
    baseline, cells = sweep(rng, num_cells=3, num_queries=12)
    images = np.array([3, 1, 2, 0, 3, 1, 2, 0, 3, 1, 2, 0])
    summed = np.array([(cells - baseline)[:, images == image].sum(axis=1) for image in range(4)]).T
    clustered = max_t(baseline, cells, clusters=images, rng=np.random.default_rng(0))
    assert clustered == pytest.approx(by_the_book(np.zeros(4), summed, is_step_down=True), abs=1e-12)


def test_a_sample_of_swaps_tends_to_all_of_them() -> None:
    rng = np.random.default_rng(8)
    baseline, cells = rng.normal(size=14), rng.normal(size=(5, 14)) + np.array([[0.0, 0.3, 0.6, 0.9, 1.2]]).T
    exact = max_t(baseline, cells, num_replicates=2**13, rng=rng)
    sampled = max_t(baseline, cells, num_replicates=2**13 - 1, rng=rng)
    assert sampled == pytest.approx(exact, abs=0.02)
    assert sampled.tolist() != exact.tolist()
    assert exact.min() < 0.2 < exact.max()


def test_the_observed_assignment_counts() -> None:
    p_values = max_t(np.zeros(60), np.ones((2, 60)), num_replicates=99, rng=np.random.default_rng(0))
    assert p_values.tolist() == [1 / 100, 1 / 100]


def test_cells_that_share_much_cost_less_than_holm_charges() -> None:
    rng = np.random.default_rng(1)
    baseline, (cell,) = sweep(rng, num_cells=1, num_queries=60)
    cell[:12] = 1.0
    cells = np.repeat(cell[None, :], 50, axis=0)
    alone = sign_flip_test(baseline, cell, rng=np.random.default_rng(0)).p_value
    together = max_t(baseline, cells, num_replicates=10_000, rng=np.random.default_rng(0))
    assert together == pytest.approx(np.full(50, alone), abs=0.01)
    assert holm(np.full(50, alone)).min() > 10 * together.max()


def test_under_a_true_null_a_sweep_of_200_cells_has_a_winner_as_seldom_as_alpha_says() -> None:
    rng = np.random.default_rng(12)
    winners, naive, num_sweeps = 0, 0, 300
    for _ in range(num_sweeps):
        baseline, cells = sweep(rng, num_cells=200, num_queries=87)
        winners += max_t(baseline, cells, num_replicates=99, rng=rng).min() <= 0.05
        gained, lost = (cells > baseline).sum(axis=1), (cells < baseline).sum(axis=1)
        different = set(zip(gained.tolist(), lost.tolist(), strict=True))
        naive += min(mcnemar(*flips).p_mid for flips in different) <= 0.05
    assert stats.binomtest(winners, num_sweeps, 0.05, alternative="greater").pvalue > 0.01
    assert winners > 0
    assert naive > num_sweeps / 2


def test_bad_input_is_refused_with_its_remedy() -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(UsageError, match=r"as many, got \(0, 3\) and \(3,\); put NaN where a query isn't in a cell."):
        max_t(np.zeros(3), np.zeros((0, 3)), rng=rng)
    with pytest.raises(UsageError, match=r"got 1 infinite ones; leave out queries"):
        max_t(np.array([np.inf, 0.0]), np.zeros((1, 2)), rng=rng)
    with pytest.raises(UsageError, match=r"got 0. Use 2000."):
        max_t(np.zeros(2), np.zeros((1, 2)), num_replicates=0, rng=rng)


def test_a_list_of_rows_is_a_table() -> None:
    rng = np.random.default_rng(3)
    baseline, cells = rng.random(40) < 0.5, [rng.random(40) < 0.6, rng.random(40) < 0.9]
    listed = max_t(baseline, cells, rng=np.random.default_rng(0))
    assert (listed == max_t(baseline, np.stack(cells), rng=np.random.default_rng(0))).all()


def test_rows_of_different_queries_are_refused() -> None:
    rule = r"^the cells of ensembled_by_cell must share one axis of queries, got rows of 2 to 3; put NaN where a query"
    with pytest.raises(UsageError, match=rule):
        max_t(np.zeros(3), [np.ones(3), np.ones(2)], rng=np.random.default_rng(0))
