"""How often intervals hold the truth they are meant to hold, and how often a sweep of equals has a winner.

Each trial draws queries from a world whose truth is known. Run it with ``python benchmarks/coverage_of_intervals.py``;
with 1,000 trials it takes a few minutes on one core.
"""

import argparse
from collections.abc import Callable, Iterator
from functools import cache

import numpy as np

from misfire.stats import (
    bca_bootstrap,
    clustered_mean_bootstrap,
    clustered_score_interval,
    clustered_wilson_interval,
    counted_bootstrap,
    exact_paired_distribution,
    flip_effect,
    max_t,
    mcnemar,
    paired_bootstrap,
    paired_score_interval,
    paired_t_interval,
    wilson_interval,
)

REPLICATES = 1000
CAPTIONS = 5
SIZES = (24, 87, 1000)
SHARES = ((0.04, 0.0), (0.12, 0.05), (0.25, 0.04), (0.1, 0.1), (0.2, 0.0))  # fixed and broken

Bounds = dict[str, tuple[float, float]]


def coverage(trials: Iterator[Bounds], truth: float) -> dict[str, float]:
    """Share of the trials in which each interval holds the truth; the ends count, but for rounding."""
    held: dict[str, list[bool]] = {}
    for bounds in trials:
        for method, (low, high) in bounds.items():
            held.setdefault(method, []).append(low - 1e-12 <= truth <= high + 1e-12)
    return {method: float(np.mean(values)) for method, values in held.items()}


def print_table(title: str, rows: dict[str, dict[str, float]]) -> None:
    methods = list(next(iter(rows.values())))
    print(f"\n### {title}\n\n| truth | {' | '.join(methods)} |\n|---|{'---:|' * len(methods)}")
    for name, row in rows.items():
        print(f"| {name} | {' | '.join(f'{100 * row[method]:.1f}' for method in methods)} |", flush=True)


def hit_gains(num_queries: int, fixed: float, broken: float, trials: int, rng: np.random.Generator) -> Iterator[Bounds]:
    """Independent queries; the outcomes are told by how many were fixed and how many broken."""

    @cache
    def without_drawing(num_fixed: int, num_broken: int) -> Bounds:
        return {
            "exact distribution": exact_paired_distribution(num_fixed, num_broken, num_queries).interval(),
            "paired score": paired_score_interval(num_fixed, num_broken, num_queries),
        }

    for num_fixed, num_broken, _ in rng.multinomial(num_queries, [fixed, broken, 1 - fixed - broken], size=trials):
        after, before = np.arange(num_queries) < num_fixed, np.arange(num_queries) >= num_queries - num_broken
        sampled = counted_bootstrap(before, after, num_replicates=REPLICATES, rng=rng)
        corrected = bca_bootstrap(before, after, num_replicates=REPLICATES, rng=rng)
        yield {
            "percentile bootstrap": (sampled.low, sampled.high),
            "BCa or its fallback": (corrected.low, corrected.high),
            **without_drawing(int(num_fixed), int(num_broken)),
        }


def odds(num_queries: int, fixed: float, broken: float, trials: int, rng: np.random.Generator) -> Iterator[Bounds]:
    """Odds of fixed against broken queries, given that some flipped."""
    for num_fixed, num_broken, _ in rng.multinomial(num_queries, [fixed, broken, 1 - fixed - broken], size=trials):
        if num_fixed + num_broken:
            effect = flip_effect(int(num_fixed), int(num_broken))
            yield {"exact conditional": (effect.odds_ratio_low, effect.odds_ratio_high)}


def clustered_hit_gains(
    num_images: int, fixed: float, broken: float, trials: int, rng: np.random.Generator
) -> Iterator[Bounds]:
    """Five captions an image, any two of which share their fate with probability 0.3."""
    images = np.repeat(np.arange(num_images), CAPTIONS)
    for _ in range(trials):
        shared, own = rng.random((num_images, 1)), rng.random((num_images, CAPTIONS))
        fate = np.where(rng.random((num_images, CAPTIONS)) < np.sqrt(0.3), shared, own).ravel()
        before, after = fate > 1 - broken, fate < fixed
        whole = counted_bootstrap(before, after, clusters=images, num_replicates=REPLICATES, rng=rng)
        corrected = bca_bootstrap(before, after, clusters=images, num_replicates=REPLICATES, rng=rng)
        yield {
            "percentile bootstrap": (whole.low, whole.high),
            "BCa or its fallback": (corrected.low, corrected.high),
            "Student": paired_t_interval(before, after, clusters=images),
            "paired score": clustered_score_interval(before, after, images),
            "paired score, images ignored": paired_score_interval(int(after.sum()), int(before.sum()), len(images)),
        }


def reciprocal_ranks(num_queries: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Ranks around 3 with a long tail; the second system is a little better, and both find the same queries hard."""
    hardness = rng.normal(size=num_queries)
    logs = 1.2 * hardness + 0.7 * rng.normal(size=(2, num_queries)) + np.array([[1.2], [1.0]])
    before, after = 1 / np.exp(logs).astype(np.int64).clip(min=1)
    return before, after


def rank_gains(num_queries: int, trials: int, rng: np.random.Generator) -> Iterator[Bounds]:
    for _ in range(trials):
        before, after = reciprocal_ranks(num_queries, rng)
        sampled = paired_bootstrap(before, after, num_replicates=REPLICATES, rng=rng)
        corrected = bca_bootstrap(before, after, num_replicates=REPLICATES, rng=rng)
        yield {
            "percentile bootstrap": (sampled.low, sampled.high),
            "BCa or its fallback": (corrected.low, corrected.high),
            "Student": paired_t_interval(before, after),
        }


def hit_rates(num_images: int, trials: int, rng: np.random.Generator) -> Iterator[Bounds]:
    """Five captions an image whose chance of a hit is the image's own, Beta(1, 2): 1/3 on average."""
    images = np.repeat(np.arange(num_images), CAPTIONS)
    for _ in range(trials):
        hits = rng.random(len(images)) < np.repeat(rng.beta(1, 2, size=num_images), CAPTIONS)
        whole = clustered_mean_bootstrap(hits, images, num_replicates=REPLICATES, rng=rng)
        yield {
            "percentile bootstrap": (whole.low, whole.high),
            "Wilson, clustered": clustered_wilson_interval(hits, images),
            "Wilson, one caption an image": wilson_interval(int(hits[::CAPTIONS].sum()), num_images),
            "Wilson, images ignored": wilson_interval(int(hits.sum()), len(hits)),
        }


def sweep_of_equals(rng: np.random.Generator, *, num_cells: int, num_queries: int) -> tuple[np.ndarray, np.ndarray]:
    """Baseline and cells that share most of what makes a query hard; each cell has a random half of the queries."""
    hardness, own = rng.normal(size=num_queries), rng.normal(scale=0.5, size=(num_cells + 1, num_queries))
    hits = (hardness + own < -0.5).astype(float)
    return hits[0], np.where(rng.random((num_cells, num_queries)) < 0.5, hits[1:], np.nan)


def winners(num_sweeps: int, num_queries: int, rng: np.random.Generator) -> dict[str, int]:
    """In how many sweeps of 200 equal cells some cell is significant at 5 %."""
    adjusted = naive = 0
    for _ in range(num_sweeps):
        baseline, cells = sweep_of_equals(rng, num_cells=200, num_queries=num_queries)
        adjusted += bool(max_t(baseline, cells, num_replicates=500, rng=rng).min() <= 0.05)
        fixed, broken = (cells > baseline).sum(axis=1), (cells < baseline).sum(axis=1)
        naive += min(mcnemar(int(f), int(b)).p_exact for f, b in zip(fixed, broken, strict=True)) <= 0.05
    return {"max-T": adjusted, "best exact McNemar, not adjusted": naive}


def gains_by_size(
    simulate: Callable[[int, float, float, int, np.random.Generator], Iterator[Bounds]],
    trials: int,
    rng: np.random.Generator,
    unit: str,
) -> dict[str, dict[str, float]]:
    return {
        f"{size} {unit}, {fixed:.0%} fixed, {broken:.0%} broken": coverage(
            simulate(size, fixed, broken, trials, rng), fixed - broken
        )
        for size in SIZES
        for fixed, broken in SHARES
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=1000)
    trials = parser.parse_args().trials
    rng = np.random.default_rng(0)
    print(f"Coverage of nominal 95 % intervals in %; {trials} trials, {REPLICATES} replicates.")
    print_table("Gains in hit rate", gains_by_size(hit_gains, trials, rng, "queries"))
    print_table("Gains in hit rate, captions share images", gains_by_size(clustered_hit_gains, trials, rng, "images"))
    truth = float(np.mean([np.subtract(*reciprocal_ranks(10**6, rng)[::-1]).mean() for _ in range(20)]))
    ranks = {f"{size} queries": coverage(rank_gains(size, trials, rng), truth) for size in SIZES}
    print_table("Gains in reciprocal rank", ranks)
    rates = {f"{size} images": coverage(hit_rates(size, trials, rng), 1 / 3) for size in SIZES}
    print_table("Hit rate of one system, captions share images", rates)
    ratios = {f"{size} queries": coverage(odds(size, 0.12, 0.05, trials, rng), 0.12 / 0.05) for size in SIZES}
    print_table("Odds of fixed against broken", ratios)
    print("\n### Sweeps of 200 equal cells with a significant best one\n")
    for size in SIZES:
        for name, count in winners(trials, size, rng).items():
            low, high = wilson_interval(count, trials)
            print(f"- {size} queries, {name}: {count / trials:.1%} (95 % interval {low:.1%} to {high:.1%})", flush=True)


if __name__ == "__main__":
    main()
