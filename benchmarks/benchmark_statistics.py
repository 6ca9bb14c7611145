"""What do the statistics of 25,000 queries and of a sweep of 200 cells x 3 cut-offs cost, against plain loops?

Run: python benchmarks/benchmark_statistics.py
"""

import argparse

import numpy as np
from measure import Contender, machine, table
from scipy import stats

from misfire.stats import (
    bca_bootstrap,
    counted_bootstrap,
    exact_paired_distribution,
    max_t,
    mcnemar,
    paired_bootstrap,
    paired_mean_distribution,
    paired_score_interval,
    paired_t_interval,
    sign_flip_test,
)

QUERIES = 25_000
REPLICATES = 2000
CELLS = 200


def plain_loop(delta: np.ndarray, num_replicates: int) -> np.ndarray:
    rng = np.random.default_rng(0)
    return np.array([delta[rng.integers(0, len(delta), size=len(delta))].mean() for _ in range(num_replicates)])


def plain_max_t(delta: np.ndarray, num_replicates: int) -> np.ndarray:
    """Cell by cell and replicate by replicate; the largest statistic of each replicate."""
    rng = np.random.default_rng(0)
    largest = np.zeros(num_replicates)
    for replicate in range(num_replicates):
        signs = rng.choice([-1.0, 1.0], size=delta.shape[1])
        for cell in delta:
            inside = ~np.isnan(cell)
            flipped = signs[inside] * cell[inside]
            largest[replicate] = max(largest[replicate], abs(flipped.sum()) / np.sqrt((flipped**2).sum()))
    return largest


def one_metric(rng: np.random.Generator) -> list[Contender]:
    ranks = np.exp(rng.normal(1.5, 1.5, size=QUERIES) + rng.normal(0, 0.5, size=(2, QUERIES)))
    before, after = ranks.astype(np.int64).clip(1, 5000)
    hit, hit_after = before <= 10, after <= 10
    delta = hit_after.astype(float) - hit
    fixed, broken, images = int((delta > 0).sum()), int((delta < 0).sum()), np.arange(QUERIES) // 5
    settings = {"num_replicates": REPLICATES, "rng": rng}
    return [
        Contender("plain loop, hit@10", lambda: plain_loop(delta, REPLICATES)),
        Contender("`paired_bootstrap` (published protocol)", lambda: paired_bootstrap(hit, hit_after, **settings)),
        Contender(
            "SciPy's `bootstrap`, percentile",
            lambda: stats.bootstrap((delta,), np.mean, n_resamples=REPLICATES // 10, batch=50, method="percentile"),
            share=0.1,
        ),
        Contender("`counted_bootstrap`", lambda: counted_bootstrap(hit, hit_after, **settings)),
        Contender(
            "`counted_bootstrap`, images resampled",
            lambda: counted_bootstrap(hit, hit_after, clusters=images, **settings),
        ),
        Contender("`bca_bootstrap`", lambda: bca_bootstrap(hit, hit_after, **settings)),
        Contender("`exact_paired_distribution`", lambda: exact_paired_distribution(fixed, broken, QUERIES).interval()),
        Contender("`paired_score_interval`", lambda: paired_score_interval(fixed, broken, QUERIES)),
        Contender("`mcnemar`", lambda: mcnemar(fixed, broken)),
        Contender("`sign_flip_test`, hit@10", lambda: sign_flip_test(hit, hit_after, **settings)),
        Contender("`sign_flip_test`, reciprocal rank", lambda: sign_flip_test(1 / before, 1 / after, **settings)),
        Contender("`paired_t_interval`, reciprocal rank", lambda: paired_t_interval(1 / before, 1 / after)),
        Contender("`counted_bootstrap`, reciprocal rank", lambda: counted_bootstrap(1 / before, 1 / after, **settings)),
        Contender(
            "`paired_mean_distribution`, reciprocal rank",
            lambda: paired_mean_distribution(1 / before, 1 / after).interval(),
        ),
    ]


def one_sweep(rng: np.random.Generator) -> list[Contender]:
    """Cells on subsets of 200 to 2,000 of the queries; a third of the rows a cut-off, with its own baseline."""
    hardness = rng.normal(size=2000)
    scores = hardness + rng.normal(scale=0.5, size=(CELLS + 1, 2000))
    hits = [(scores < limit).astype(float) for limit in (-1.0, 0.0, 0.5)]
    baseline = np.concatenate([np.repeat(hit[:1], CELLS, axis=0) for hit in hits])
    cells = np.concatenate([hit[1:] for hit in hits])
    sizes = np.tile(rng.integers(200, 2001, size=CELLS), 3)
    cells[np.arange(2000) >= sizes[:, None]] = np.nan
    return [
        Contender("plain loops", lambda: plain_max_t(cells - baseline, REPLICATES // 200), share=1 / 200),
        Contender("`max_t`, hits", lambda: max_t(baseline, cells, num_replicates=REPLICATES, rng=rng)),
        Contender(
            "`max_t`, single step",
            lambda: max_t(baseline, cells, is_step_down=False, num_replicates=REPLICATES, rng=rng),
        ),
        Contender(
            "`max_t`, values with fractions",
            lambda: max_t(baseline / 3, cells / 3, num_replicates=REPLICATES, rng=rng),
        ),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=5)
    repeats = parser.parse_args().repeats
    print(machine())
    print(f"\n{QUERIES} queries, {REPLICATES} replicates\n")
    print(table(one_metric(np.random.default_rng(0)), repeats=repeats))
    print(f"\n{CELLS} cells x 3 cut-offs, 200 to 2,000 queries each, {REPLICATES} replicates\n")
    print(table(one_sweep(np.random.default_rng(0)), repeats=repeats))


if __name__ == "__main__":
    main()
