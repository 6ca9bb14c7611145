"""Finished cells of retrieval, spelled out: what a ledger would hold of them."""

import io
import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from misfire.cells import Estimate, Estimates, Flips, Logged, Outcome
from misfire.cells.comparison import Compared, Verdict
from misfire.methods.retrieval.ensemble.logged import LoggedEnsemble
from misfire.methods.retrieval.ensemble.measured import HIT, broken_elsewhere
from misfire.methods.retrieval.flips import net_of_all
from misfire.stats import DetectableGain, flip_effect, mcnemar

SUBSET = Flips(fixed=3, broken=1, still_right=2, still_wrong=4)
OTHERS = Flips(fixed=2, broken=2, still_right=10, still_wrong=6)
FACTS: Mapping[str, Any] = {
    "subset": "object",
    "how_chosen": "by hand",
    "is_failure_mined": True,
    "templates": "matched",
    "num_templates": 10,
    "templates_asked": [],
    "is_oracle": True,
    "pooling": "logmeanexp",
    "tau": 1.0,
    "backbone": "tiny",
    "backbone_fingerprint": "b" * 64,
    "dataset": "invented",
    "dataset_fingerprint": "c" * 64,
    "dataset_notes": [],
    "num_others": 90,
    "confidence": 0.95,
    "num_replicates": 2000,
    "failure_set": "f" * 64,
    "failure_counts": {"Object": 10, "Action": 5},
    "label_source": "annotators",
    "category_sizes": {},
    "how_net": "two strata",
    "how_confirmed": None,
}


def logged(
    kind: str,
    facts: Mapping[str, Any],
    rows: Iterable[Estimate],
    *,
    cell_id: str = "a" * 64,
    url: str | None = None,
    name: str = "a cell",
    records: pd.DataFrame | None = None,
    files: Mapping[str, bytes] | None = None,
    config: str = "",
) -> Logged:
    """A finished cell, whose artifacts are made when they are read."""
    header = {"id": cell_id, "kind": kind, "label": {}, "identity": {}, "facts": dict(facts)}
    table = Estimates.of(rows)

    def read(file: str) -> bytes:
        if file == "cell.json":
            return json.dumps(header, allow_nan=False).encode()
        if file == "estimates.csv":
            return table.to_csv().encode()
        if file == "config.yaml":
            return config.encode()
        if file == "records.parquet":
            assert records is not None
            content: bytes = records.to_parquet(None, index=False)
            return content
        return (files or {})[file]

    return Logged(id=cell_id, kind=kind, name=name, read=read, url=url)


def flips_rows(k: int, group: str, flips: Flips) -> list[Estimate]:
    """The counts of a group of queries."""
    prefix = f"{group}/" if group else ""
    names = ("fixed", "broken", "still_right", "still_wrong")
    return [
        Estimate(HIT, float(getattr(flips, name)), k, f"{prefix}{name}", "count", n=flips.num_units) for name in names
    ]


def cut_off(
    k: int,
    subset: Flips = SUBSET,
    others: Flips = OTHERS,
    *,
    low: float = 0.05,
    high: float = 0.4,
    mean: float = 0.2,
    p_positive: float = 0.9,
    num_others: int = 90,
    net: tuple[float, float] | None = None,
    more: Iterable[Estimate] = (),
) -> list[Estimate]:
    """What an ensemble holds of one cut-off."""
    n = subset.num_units
    whole = net_of_all(subset, others, num_others)
    ends = (math.nan, math.nan) if net is None else net
    return [
        Estimate(HIT, subset.net_fraction, k, "delta", "difference", low, high, n),
        Estimate(HIT, subset.right_before / n, k, "baseline", n=n),
        Estimate(HIT, subset.right_after / n, k, "ensembled", n=n),
        Estimate(HIT, mean, k, "delta_mean", "difference", n=n),
        Estimate(HIT, p_positive, k, "p_positive", n=n),
        *flips_rows(k, "", subset),
        *flips_rows(k, "complement", others),
        Estimate(HIT, others.net_fraction, k, "complement/net", "difference", n=others.num_units),
        replace(broken_elsewhere(others), k=k),
        Estimate(HIT, whole, k, "all/net", "difference", *ends),
        *more,
    ]


def ensemble(
    *cut_offs: list[Estimate],
    cell_id: str = "a" * 64,
    url: str | None = None,
    records: pd.DataFrame | None = None,
    replicates: Mapping[int, np.ndarray] | None = None,
    **changed: Any,
) -> LoggedEnsemble:
    """A finished ensemble."""
    known = list(cut_offs) or [cut_off(k) for k in (1, 5, 10)]
    ks = [rows[0].k for rows in known]
    found = {row.group: row for row in known[0]}
    counted = {
        "ks": ks,
        "num_queries": found["delta"].n,
        "num_others_asked": found["complement/fixed"].n,
    }
    content = io.BytesIO()
    drawn = replicates or {k: np.array([0.0, 0.1, 0.2]) for k in ks if k is not None}
    np.savez_compressed(content, **{f"hit_at_{k}": values for k, values in drawn.items()})  # type: ignore[arg-type]
    return LoggedEnsemble(
        logged(
            "ensemble",
            {**FACTS, **counted, **changed},
            [row for rows in known for row in rows],
            cell_id=cell_id,
            url=url,
            records=ranks_of(known[0]) if records is None else records,
            files={"replicates.npz": content.getvalue()},
        )
    )


def of_outcome(kind: str, outcome: Outcome) -> Logged:
    """What a ledger would hold of an outcome."""
    return logged(kind, outcome.facts, outcome.estimates, records=outcome.records, files=outcome.files)


def changed(row: LoggedEnsemble, *, cell_id: str | None = None, url: str | None = None, **facts: Any) -> LoggedEnsemble:
    """The same cell with other facts."""
    found = row.logged
    header = {
        "id": cell_id or found.id,
        "kind": found.kind,
        "label": {},
        "identity": {},
        "facts": {**found.facts, **facts},
    }

    def read(file: str) -> bytes:
        return json.dumps(header).encode() if file == "cell.json" else found.read(file)

    return LoggedEnsemble(Logged(header["id"], found.kind, found.name, read, url=url or found.url))


def ranks_of(rows: list[Estimate]) -> pd.DataFrame:
    """Records whose flips at any usual cut-off are those of some rows; each query has an image of its own."""
    counts = {row.group: round(row.value) for row in rows if row.unit == "count"}
    ranks = {"fixed": (99, 1), "broken": (1, 99), "still_right": (1, 1), "still_wrong": (99, 99)}
    pairs = [
        (part, *ranks[name])
        for part, prefix in (("subset", ""), ("complement", "complement/"))
        for name in ranks
        for _ in range(counts[f"{prefix}{name}"])
    ]
    places = np.arange(len(pairs))
    return pd.DataFrame(
        {
            "query_id": places,
            "image_id": places + 1000,
            "part": [part for part, _, _ in pairs],
            "baseline_rank": [before for _, before, _ in pairs],
            "ensembled_rank": [after for _, _, after in pairs],
        }
    )


def compared(
    flips: Flips = SUBSET, verdict: Verdict = Verdict.NONE, *, num_compared: int = 1, **changed: Any
) -> Compared:
    """What tests say of a cell, whether or not its numbers would."""
    told: dict[str, Any] = {
        "num_compared": num_compared,
        "verdict": verdict,
        "flips": flips,
        "test": mcnemar(flips.fixed, flips.broken),
        "p_adjusted": 0.5,
        "p_holm": 0.5,
        "p_everywhere": math.nan,
        "net_everywhere": math.nan,
        "net_low": math.nan,
        "low": -0.1,
        "high": 0.4,
        "shared_low": -0.1,
        "shared_high": 0.4,
        "effect": flip_effect(3, 1),
        "detectable": DetectableGain(math.nan, math.nan, 0.0, "not asked"),
        "least_gain": math.nan,
        "is_chosen_by_failing": True,
        "confidence": 0.95,
    }
    return Compared(**{**told, **changed})
