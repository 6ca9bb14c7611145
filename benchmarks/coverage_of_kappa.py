"""How often intervals for Cohen's kappa hold the truth, where two annotators err with a known confusion matrix.

The library's interval is BCa; beside it stand the percentile interval of the same kind of resamples, the analytic
standard error, and Fisher's transformation of it. Seven categories, shares as among a retrieval model's failures. Run
it with ``python benchmarks/coverage_of_kappa.py``.
"""

import numpy as np
from statsmodels.stats.inter_rater import cohens_kappa

from misfire.failures.annotators import typical_confusion
from misfire.stats import cohen_kappa

TRIALS = 2000
REPLICATES = 1000
Z = 1.959964
SHARES = np.array([0.35, 0.35, 0.14, 0.08, 0.03, 0.03, 0.02])  # in the taxonomy's order


def kappa_of(joint: np.ndarray) -> np.ndarray:
    """Kappa of tables of probabilities or counts, the table in the last two axes."""
    joint = joint / joint.sum(axis=(-2, -1), keepdims=True)
    chance = (joint.sum(axis=-1) * joint.sum(axis=-2)).sum(axis=-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray((np.trace(joint, axis1=-2, axis2=-1) - chance) / (1 - chance))


def other_intervals(table: np.ndarray, rng: np.random.Generator) -> dict[str, tuple[float, float]]:
    """Percentile, analytic and Fisher-transformed intervals of one table of counts."""
    num_items, size = int(table.sum()), len(table)
    drawn = rng.multinomial(num_items, table.ravel() / num_items, size=REPLICATES).reshape(-1, size, size)
    low, high = np.nanpercentile(kappa_of(drawn), [2.5, 97.5])
    used = (table.sum(axis=0) + table.sum(axis=1)) > 0
    with np.errstate(invalid="ignore"):  # no standard error where nobody disagrees: NaN, which holds nothing
        analytic = cohens_kappa(table[np.ix_(used, used)])
    kappa, error = float(analytic.kappa), float(analytic.std_kappa)
    inside = min(kappa, 1 - 1e-9)
    fisher = np.tanh(np.arctanh(inside) + np.array([-Z, Z]) * error / (1 - inside**2))
    return {
        "percentile": (float(low), float(high)),
        "analytic": (kappa - Z * error, kappa + Z * error),
        "Fisher": (float(fisher[0]), float(fisher[1])),
    }


def coverage(num_items: int, accuracy: float, rng: np.random.Generator) -> tuple[float, dict[str, np.ndarray]]:
    """True kappa, and for each interval how often it holds it, lies above it, lies below it, and its mean width."""
    confusion = typical_confusion(accuracy)
    joint = np.einsum("t,ta,tb->ab", SHARES, confusion, confusion)
    truth, size = float(kappa_of(joint)), len(joint)
    sums: dict[str, np.ndarray] = {}
    for _ in range(TRIALS):
        table = rng.multinomial(num_items, joint.ravel()).reshape(size, size)
        first, second = np.repeat(np.indices(table.shape).reshape(2, -1), table.ravel(), axis=1)
        result = cohen_kappa(first, second, num_replicates=REPLICATES, rng=rng)
        for name, (low, high) in {"BCa": (result.low, result.high), **other_intervals(table, rng)}.items():
            outcome = np.array([low <= truth <= high, low > truth, high < truth, high - low])
            sums[name] = sums.get(name, np.zeros(4)) + outcome / TRIALS
    return truth, sums


def main() -> None:
    rng = np.random.default_rng(0)
    print(f"coverage of nominal 95 % intervals of kappa, {TRIALS} trials, {REPLICATES} replicates")
    print("each: coverage (too high / too low), mean width")
    for num_items in (30, 90, 200):
        for accuracy in (0.7, 0.85, 0.95):
            truth, sums = coverage(num_items, accuracy, rng)
            print(f"n = {num_items}, accuracy {accuracy}, kappa {truth:.3f}")
            for name, (covered, above, below, width) in sums.items():
                print(f"  {name:>10} {covered:.3f} ({above:.3f} / {below:.3f}) {width:.3f}")


if __name__ == "__main__":
    main()
