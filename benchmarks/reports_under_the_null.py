"""How often a report calls a gain where no cell is any better than the plain caption, and where each one is.

Every simulated sweep goes through what ``misfire report`` reads and says: the comparison of its cells, the answer by
the decision rule, the marks of the table, the verdict, the paragraph and what may be concluded. A report calls a gain
if any of these does. Run it with ``python -m benchmarks.reports_under_the_null``; ``--sweeps`` is the number of sweeps
for each design of 200 cells drawn at random.
"""

import argparse
from collections import Counter

import numpy as np

from misfire.core.seeding import generator
from misfire.stats import wilson_interval
from tests.methods.retrieval.ensemble.simulated_sweeps import (
    CLAIMS,
    Design,
    K,
    claims,
    meets_rule,
    said_of,
    simulated_sweep,
)

DESIGNS = {
    "200 equal cells, 87 queries drawn at random": (1.0, Design(200)),
    "200 equal cells, 24 queries drawn at random": (0.5, Design(200, num_queries=24)),
    "200 equal cells, 87 mined failures": (1.0, Design(200, mined_beyond=1)),
    "1 equal cell, 87 mined failures": (3.0, Design(1, mined_beyond=1)),
    "12 equal cells, failures at 10 mined, others 300 of about 900": (
        3.0,
        Design(12, num_queries=60, mined_beyond=K, ease=1.0),
    ),
    "12 equal cells, all failures at 10 mined, others 20 of about 900": (
        3.0,
        Design(12, num_queries=1000, num_asked=20, mined_beyond=K, ease=1.5),
    ),
    "1 equal cell, all failures at 10 mined, others 20 of about 900": (
        3.0,
        Design(1, num_queries=1000, num_asked=20, mined_beyond=K, ease=1.5),
    ),
    "12 better cells, 87 queries drawn at random": (1.0, Design(12, lift=0.6)),
    "12 better cells, 87 mined failures": (1.0, Design(12, mined_beyond=1, lift=0.6)),
}


def claimed(design: Design, *, num_sweeps: int, num_swaps: int, rng: np.random.Generator) -> Counter[str]:
    """In how many of the sweeps a report calls a gain, in each way and in any, and the rule alone would."""
    counts: Counter[str] = Counter()
    for _ in range(num_sweeps):
        sweep = simulated_sweep(rng, design)
        ways = claims(said_of(sweep, num_swaps=num_swaps, rng=rng))
        counts.update(ways)
        counts["any"] += bool(ways)
        counts["rule alone"] += any(meets_rule(one) for one in sweep)
    return counts


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sweeps", type=int, default=300)
    parser.add_argument("--swaps", type=int, default=999)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="", help="designs whose name contains this")
    options = parser.parse_args()
    ways = [*CLAIMS, "rule alone"]
    print("| truth | sweeps | called a gain | 95 % interval | " + " | ".join(ways) + " |")
    print("|---|---:|---:|---:|" + "---:|" * len(ways))
    for name, (times, design) in DESIGNS.items():
        if options.only not in name:
            continue
        num_sweeps = round(times * options.sweeps)
        rng = generator(options.seed, "report", name)
        counts = claimed(design, num_sweeps=num_sweeps, num_swaps=options.swaps, rng=rng)
        low, high = wilson_interval(counts["any"], num_sweeps)
        shares = [f"{100 * counts[way] / num_sweeps:.1f}" for way in ("any", *ways)]
        print(
            f"| {name} | {num_sweeps} | {shares[0]} % | {100 * low:.1f} to {100 * high:.1f} | "
            + " | ".join(shares[1:])
            + " |",
            flush=True,
        )


if __name__ == "__main__":
    main()
