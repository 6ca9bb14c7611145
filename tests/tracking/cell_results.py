"""An invented finished cell, for tests that need one but not how it came about."""

import numpy as np
import pandas as pd

from misfire.methods.retrieval.ensemble.outcome import CellOutcome, CellResult, CutoffOutcome, Gain
from misfire.methods.retrieval.flips import Flips


def cell_result(
    cell_id: str = "a" * 64, *, subset: str = "object", pooling: str = "logmeanexp", tau: float | None = 1.0
) -> CellResult:
    """A cell with 10 queries in its subset and 20 others, at the cut-offs 1, 5 and 10."""
    cutoffs = tuple(
        CutoffOutcome(
            k=k,
            subset=Flips(fixed=k // 2, broken=0, still_right=1, still_wrong=9 - k // 2),
            gain=Gain(mean=k / 20, low=0.0, high=k / 10, p_positive=0.9),
            complement=Flips(fixed=1, broken=2, still_right=10, still_wrong=7),
        )
        for k in (1, 5, 10)
    )
    outcome = CellOutcome(
        cell_id=cell_id,
        subset=subset,
        how_chosen="invented",
        is_failure_mined=True,
        templates="matched",
        num_templates=10,
        is_oracle=True,
        pooling=pooling,
        tau=tau,
        backbone="tiny",
        backbone_fingerprint="b" * 64,
        dataset="invented",
        dataset_fingerprint="d" * 64,
        num_others=200,
        confidence=0.95,
        failure_counts={"Object": 10, "Action": 5},
        cutoffs=cutoffs,
    )
    rng = np.random.default_rng(0)
    return CellResult(
        outcome=outcome,
        records=pd.DataFrame({"query_id": range(30), "baseline_rank": rng.integers(1, 50, size=30)}),
        replicates={k: rng.normal(size=50) for k in (1, 5, 10)},
    )
