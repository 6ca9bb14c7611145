"""How often ``misfire agree`` warns of a drifting annotator under the default plan, and of anybody where nobody drifts.

200 failures, 30 of them shared by three annotators who are right in 85 %; one calls 30 % of the Objects Attribute after
item 40. Sheets are written and read as files, with a failure set that knows the truth and without. Run it with
``python benchmarks/power_of_agree.py``; it takes some minutes.
"""

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from misfire.core.seeding import generator
from misfire.failures import (
    WORLD_TRUTH,
    Failure,
    FailureSet,
    Label,
    SimulatedAnnotator,
    agreement,
    load_taxonomy,
    plan_assignment,
    read_sheets,
    sheet_text,
)
from misfire.stats import StatisticsSettings

SEEDS = 40
ANNOTATORS = ("ann", "bob", "cem")
DRIFTING = "bob"
SHARES = (0.42, 0.27, 0.10, 0.10, 0.04, 0.04, 0.03)  # of the world's failures, in the taxonomy's order
SETTINGS = StatisticsSettings(num_replicates=300, seed=7)


def failures(seed: int) -> FailureSet:
    truth = generator(seed, "truth").choice(load_taxonomy().names, size=200, p=SHARES)
    rows = tuple(
        Failure(10 * place, f"caption {place}", 1, 2, 2, 2, 2, 0.1, 0.2, str(category))
        for place, category in enumerate(truth)
    )
    return FailureSet("simulated", "data", "model", "fp32", seed, 9000, 3000, rows, label_source=WORLD_TRUTH)


def warned(seed: int, folder: Path, *, is_drifting: bool, knows_truth: bool) -> set[str]:
    """Annotators that ``misfire agree`` warns of."""
    mined, paths = failures(seed), []
    plan = plan_assignment(mined.query_ids, ANNOTATORS, overlap=30, seed=seed)
    for name, ids in plan.query_ids.items():
        annotator, rng, late = SimulatedAnnotator(name, seed=seed), generator(seed, "drift", name), set(ids[40:])
        drifts = is_drifting and name == DRIFTING

        def label(
            failure: Failure,
            annotator: SimulatedAnnotator = annotator,
            rng: np.random.Generator = rng,
            late: set[int] = late,
            drifts: bool = drifts,
        ) -> Label:
            given = annotator.label(failure)
            is_slip = drifts and failure.query_id in late and given.category == "Object" and rng.random() < 0.3
            return Label("Attribute") if is_slip else given

        paths.append(folder / f"{name}.csv")
        paths[-1].write_text(sheet_text(mined, ids, label), encoding="utf-8")
    found = agreement(read_sheets(paths), failure_set=mined if knows_truth else None, settings=SETTINGS)
    return {one.name for one in found.annotators if one.warnings}


def main() -> None:
    print(f"{SEEDS} teams: drifting one warned of / another warned of / anybody where nobody drifts")
    for knows_truth in (True, False):
        with TemporaryDirectory() as folder:
            drift, calm = (
                [warned(seed, Path(folder), is_drifting=one, knows_truth=knows_truth) for seed in range(SEEDS)]
                for one in (True, False)
            )
        flagged = np.mean([DRIFTING in names for names in drift])
        innocent = np.mean([bool(names - {DRIFTING}) for names in drift])
        name = "truth known" if knows_truth else "held against each other"
        print(f"  {name:<26} {flagged:.2f} / {innocent:.2f} / {np.mean([bool(names) for names in calm]):.2f}")


if __name__ == "__main__":
    main()
