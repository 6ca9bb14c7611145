"""How often intervals for a gain hold the truth: percentile bootstrap, and the exact distribution it tends to.

Each trial draws queries of which a known share is fixed and a known share broken. Run it with
``python benchmarks/coverage_of_intervals.py``.
"""

import numpy as np

from misfire.stats import clustered_mean_bootstrap, exact_paired_distribution, paired_bootstrap

TRIALS = 1000
REPLICATES = 500
CAPTIONS = 5


def paired(num_queries: int, p_fixed: float, p_broken: float, rng: np.random.Generator) -> tuple[float, float]:
    truth = p_fixed - p_broken
    simulated = exact = 0
    for _ in range(TRIALS):
        delta = rng.choice([1, -1, 0], p=[p_fixed, p_broken, 1 - p_fixed - p_broken], size=num_queries)
        sampled = paired_bootstrap(np.zeros(num_queries), delta, num_replicates=REPLICATES, rng=rng)
        limit = exact_paired_bootstrap(
            fixed=int((delta > 0).sum()), broken=int((delta < 0).sum()), num_queries=num_queries
        )
        simulated += sampled.low <= truth <= sampled.high
        exact += limit.low <= truth <= limit.high
    return simulated / TRIALS, exact / TRIALS


def clustered(num_images: int, rng: np.random.Generator) -> tuple[float, float]:
    """Hit rate of five captions an image whose chance of a hit is the image's own, Beta(1, 1)."""
    images = np.repeat(np.arange(num_images), CAPTIONS)
    by_image = by_caption = 0
    for _ in range(TRIALS):
        hits = rng.random(len(images)) < np.repeat(rng.beta(1, 1, size=num_images), CAPTIONS)
        whole = clustered_mean_bootstrap(hits, images, num_replicates=REPLICATES, rng=rng)
        single = clustered_mean_bootstrap(hits, np.arange(len(images)), num_replicates=REPLICATES, rng=rng)
        by_image += whole.low <= 0.5 <= whole.high
        by_caption += single.low <= 0.5 <= single.high
    return by_image / TRIALS, by_caption / TRIALS


def main() -> None:
    rng = np.random.default_rng(0)
    print(f"coverage of nominal 95 % intervals, {TRIALS} trials, {REPLICATES} replicates")
    print(f"{'queries':>8} {'fixed':>6} {'broken':>7} {'bootstrap':>10} {'exact':>7}")
    for num_queries in (24, 87, 500):
        for p_fixed, p_broken in ((0.04, 0.0), (0.25, 0.04), (0.1, 0.1)):
            simulated, exact = paired(num_queries, p_fixed, p_broken, rng)
            print(f"{num_queries:>8} {p_fixed:>6} {p_broken:>7} {simulated:>10.3f} {exact:>7.3f}")
    print(f"{'images':>8} {'by image':>9} {'by caption':>11}")
    for num_images in (50, 500):
        by_image, by_caption = clustered(num_images, rng)
        print(f"{num_images:>8} {by_image:>9.3f} {by_caption:>11.3f}")


if __name__ == "__main__":
    main()
