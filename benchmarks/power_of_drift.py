"""How often the drift tests flag an annotator who calls 30 % of the Objects Attribute after item 40.

Three annotators err with the typical confusion; the first drifts. Shown for each test: how often the drifting annotator
is flagged at 5 %, how often one of the other two is, and how often anybody is where nobody drifts. Run it with
``python benchmarks/power_of_drift.py``.
"""

import numpy as np

from misfire.failures.annotators import typical_confusion
from misfire.failures.taxonomy import load_taxonomy
from misfire.stats import annotator_departures, label_change

TRIALS = 150
PERMUTATIONS = 199
LEVEL = 0.05
SHARES = np.array([0.35, 0.35, 0.14, 0.08, 0.03, 0.03, 0.02])  # in the taxonomy's order


def simulated(num_items: int, num_shared: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Truth, and a row of three labels an item; what isn't shared has one annotator, drawn at random."""
    truth = rng.choice(len(SHARES), p=SHARES, size=num_items)
    steps = typical_confusion().cumsum(axis=1)[truth]
    labels = (rng.random((num_items, 3, 1)) > steps[:, None]).sum(axis=2)
    is_shared = rng.permutation(num_items) < num_shared
    labels[~is_shared[:, None] & (rng.integers(0, 3, size=num_items)[:, None] != np.arange(3))] = -1
    return truth, labels


def with_drift(labels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    names = load_taxonomy().names
    own = np.flatnonzero(labels[:, 0] != -1)[40:]
    own = own[(labels[own, 0] == names.index("Object")) & (rng.random(len(own)) < 0.3)]
    drifted = labels.copy()
    drifted[own, 0] = names.index("Attribute")
    return drifted


def p_values(truth: np.ndarray, labels: np.ndarray, rng: np.random.Generator) -> dict[str, list[float]]:
    """For each test the p-values of the annotators that it judges, the drifting one first."""
    options = {"num_permutations": PERMUTATIONS, "rng": rng}
    tests = {
        "departure, whole sheet": annotator_departures(labels, num_starts=1, **options),
        "departure, from any start": annotator_departures(labels, **options),
        "departure, truth known": annotator_departures(labels, reference=truth, **options),
    }
    found = {name: [entry.p_value for entry in entries] for name, entries in tests.items()}
    is_own = labels[:, 0] != -1
    own, reference = labels[is_own, 0], truth[is_own]
    found["halves"] = [label_change(own, num_cuts=1, **options).p_value]
    found["change point"] = [label_change(own, **options).p_value]
    found["change point, truth known"] = [label_change(own, reference=reference, **options).p_value]
    return found


def main() -> None:
    rng = np.random.default_rng(0)
    print(
        f"{TRIALS} trials, {PERMUTATIONS} permutations: drifting one flagged / another flagged / anybody without drift"
    )
    for num_items, num_shared in ((87, 87), (120, 120), (200, 200), (200, 30), (400, 100)):
        sums: dict[str, np.ndarray] = {}
        for _ in range(TRIALS):
            truth, labels = simulated(num_items, num_shared, rng)
            calm = p_values(truth, labels, rng)
            for name, drifted in p_values(truth, with_drift(labels, rng), rng).items():
                outcome = [drifted[0] <= LEVEL, min(drifted[1:], default=1) <= LEVEL, min(calm[name]) <= LEVEL]
                sums[name] = sums.get(name, np.zeros(3)) + np.array(outcome) / TRIALS
        own = num_shared + (num_items - num_shared) / 3
        print(f"{num_items} items, {num_shared} shared by all, about {own:.0f} an annotator")
        for name, (flagged, innocent, alarm) in sums.items():
            print(f"  {name:<26} {flagged:.2f} / {innocent:.2f} / {alarm:.2f}")


if __name__ == "__main__":
    main()
