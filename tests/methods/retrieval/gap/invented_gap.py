"""An oracle gap and an attribution with round numbers."""

from collections.abc import Iterator
from typing import Any

from misfire.cells import Estimate, Flips
from misfire.methods.retrieval.attribution.logged import LoggedAttribution
from misfire.methods.retrieval.ensemble.measured import HIT
from misfire.methods.retrieval.gap.logged import LoggedGap, system_label
from tests.methods.retrieval.finished import flips_rows, logged

SYSTEMS = (
    ("none", "", 0, 0, 0.0),
    ("same for all", "", 2, 5, -0.02),
    ("oracle", "", 3, 0, 0.03),
    ("predicted", "zero-shot", 3, 2, 0.015),
    ("gated", "zero-shot", 2, 1, 0.005),
)


def _system(kind: str, router: str, fixed: int, broken: int, estimate: float) -> Iterator[Estimate]:
    label = system_label(kind, router)
    yield Estimate("t2i/applied", 0.25, group=label)
    if kind == "predicted":
        yield Estimate("t2i/category_right", 7.0, group=label, unit="count")
    for what, value in (("net", estimate), ("behind_oracle", 0.03 - estimate)):
        yield Estimate(HIT, value, 5, f"{label}/{what}", "difference", value - 0.01, value + 0.01)
    yield from flips_rows(5, f"{label}/failures", Flips(fixed, 1, 4, 15 - fixed))
    yield from flips_rows(5, f"{label}/others", Flips(0, broken, 100 - broken, 0))


def gap(**changed: Any) -> LoggedGap:
    """Five systems at one cut-off."""
    facts = {
        "backbone": "clip",
        "dataset": "world",
        "dataset_notes": [],
        "pooling": "mean",
        "how_chosen": "uniform sample",
        "label_source": "annotators",
        "gold": {"object": 12, "ambiguous": 8},
        "num_routable": 12,
        "num_failures": 400,
        "num_hits": 600,
        "num_others_asked": 100,
        "gate": "is open now and then",
        "confidence": 0.95,
        "ks": [5],
        "systems": [[kind, router] for kind, router, *_ in SYSTEMS],
    }
    rows = [row for system in SYSTEMS for row in _system(*system)]
    return LoggedGap(logged("gap", {**facts, **changed}, rows, cell_id="a" * 64))


GAP = gap()


def _share(k: int, place: int, value: float, p_adjusted: float) -> Iterator[Estimate]:
    name = f"template_{place}"
    for what in ("shapley", "category/Object", "category/Count"):
        yield Estimate(HIT, value, k, f"{name}/{what}", "difference", value - 0.01, value + 0.01)
    yield Estimate(HIT, 0.0, k, f"{name}/leave_one_out", "difference", 0.0, 0.0)
    yield Estimate(HIT, p_adjusted, k, f"{name}/p_adjusted", "p")


def attribution(shares: Any = None, **changed: Any) -> LoggedAttribution:
    """Two templates at two cut-offs; shares are (cut-off, place, value, p-value)."""
    shares = shares or ((5, 1, -0.02, 0.7), (5, 2, 0.02, 0.7), (10, 1, -0.01, 0.8), (10, 2, 0.05, 0.01))
    facts = {
        "subset": "object_count",
        "how_chosen": "by hand",
        "is_failure_mined": True,
        "templates": "matched",
        "templates_asked": ["{caption}", "see {caption}"],
        "is_oracle": True,
        "pooling": "logmeanexp tau=1",
        "backbone": "clip",
        "dataset": "world",
        "dataset_notes": [],
        "num_queries": 50,
        "num_coalitions": 4,
        "num_orders": 0,
        "confidence": 0.95,
        "category_sizes": {"Object": 30, "Count": 20},
        "ks": [5, 10],
    }
    rows = [row for one in shares for row in _share(*one)]
    for k, gain in ((5, 0.0), (10, 0.04)):
        rows += [Estimate(HIT, gain, k, "delta", "difference"), Estimate(HIT, 0.0, k, "order_error", "difference")]
    return LoggedAttribution(logged("attribution", {**facts, **changed}, rows, cell_id="d" * 64))


ATTRIBUTION = attribution()
