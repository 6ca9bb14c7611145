"""An invented finished profile, for tests that need one but not how it came about."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from misfire.cells import Estimate
from misfire.methods.retrieval.ensemble.measured import HIT
from misfire.methods.retrieval.profile.logged import LoggedProfile, point_name
from tests.methods.retrieval.finished import logged

TAUS = (0.01, 0.1, 1.0, 10.0)
NUM_QUERIES, NUM_OTHERS = 40, 200
BEFORE = {1: 0, 10: 20}


def profile(
    hits: Mapping[int, Sequence[int]] | None = None,
    *,
    p_value: float = 0.4,
    broken: int = 1,
    spread: Mapping[str, float] | None = None,
    **changed: Any,
) -> LoggedProfile:
    """A profile of four taus at the cut-offs 1 and 10, on 40 queries of which the plain caption hits 0 and 20."""
    hits = hits or {1: (1, 1, 2, 2, 2, 2), 10: (20, 21, 23, 22, 22, 22)}
    rows = [
        row
        for place, tau in enumerate((0.0, *TAUS, math.inf))
        for k in (1, 10)
        for row in _point(place, tau, k, hits[k][place], min(broken, BEFORE[k]), p_value)
    ]
    rows += [Estimate(HIT, BEFORE[k] / NUM_QUERIES, k, "baseline", n=NUM_QUERIES) for k in (1, 10)]
    rows += [Estimate(HIT, count, k, "tau_published/hits", "count") for k, count in ((1, 2.0), (10, 22.0))]
    rows += [Estimate(HIT, 0.075, 10, "best/delta", "difference"), Estimate(HIT, p_value, 10, "best/p_adjusted", "p")]
    known = {"deviation": 0.012, "shift": 7.2e-5, "largest_shift": 9e-4, "gap": 0.003, **(spread or {})}
    rows += [Estimate("t2i/score_spread", value, group=name, unit="score") for name, value in known.items()]
    facts = {
        "subset": "object",
        "how_chosen": "invented",
        "is_failure_mined": True,
        "templates": "matched",
        "num_templates": 10,
        "is_oracle": True,
        "backbone": "tiny",
        "dataset": "invented",
        "dataset_notes": ["nothing was left out"],
        "num_queries": NUM_QUERIES,
        "num_others_asked": NUM_OTHERS,
        "num_others": 960,
        "confidence": 0.95,
        "ks": [1, 10],
        "taus": list(TAUS),
        "transition": transition(),
        "published_tau": 1.0,
        "num_as_mean": 239,
    }
    return LoggedProfile(logged("profile", {**facts, **changed}, rows, cell_id="f" * 64))


def transition(
    num_movable: int = 50, start: float | None = 0.01, end: float | None = 1.0, num_queries: int = 240
) -> dict[str, Any]:
    """Where ranks go over from max's to mean's."""
    return {"num_queries": num_queries, "num_movable": num_movable, "start": start, "end": end}


def _point(place: int, tau: float, k: int, hits: int, broken: int, p_value: float) -> Iterator[Estimate]:
    name, gain = point_name(tau), (hits - BEFORE[k]) / NUM_QUERIES
    yield Estimate(HIT, gain, k, f"{name}/delta", "difference", gain - 0.05, gain + 0.05, NUM_QUERIES)
    yield Estimate(HIT, p_value, k, f"{name}/p_adjusted", "p")
    counts = {
        "fixed": hits - BEFORE[k] + broken,
        "broken": broken,
        "complement/fixed": 3 + place,
        "complement/broken": 5,
    }
    for what, count in counts.items():
        yield Estimate(HIT, float(count), k, f"{name}/{what}", "count")
