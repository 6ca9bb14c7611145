"""Rows with the counts behind the published tables; bootstraps and side effects are made up."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from misfire.cells import Flips
from misfire.methods.retrieval.ensemble.logged import LoggedEnsemble
from misfire.stats import paired_bootstrap
from tests.methods.retrieval.finished import cut_off, ensemble, ranks_of

PUBLISHED_COUNTS = {
    # subset: (num_queries, num_templates, baseline hits at 1, 5, 10, {pooling: ensembled hits at 1, 5, 10})
    "object_attribute": (87, 15, (0, 32, 45), {"max": (2, 35, 46), "mean": (3, 38, 46), "logmeanexp": (3, 38, 46)}),
    "object": (62, 10, (0, 21, 32), {"max": (1, 23, 33), "mean": (2, 23, 34), "logmeanexp": (2, 24, 34)}),
    "attribute": (25, 10, (0, 11, 13), {"max": (0, 11, 13), "mean": (0, 12, 13), "logmeanexp": (1, 12, 13)}),
    "action": (24, 10, (0, 8, 11), {"max": (1, 9, 16), "mean": (1, 8, 16), "logmeanexp": (1, 8, 16)}),
}
TAXONOMY = {"ambiguous": 67, "object": 62, "attribute": 25, "action": 24, "context": 16, "count": 15, "spatial": 1}

MakeRow = Callable[..., LoggedEnsemble]


def _make_row(
    *,
    subset: str = "action",
    num_queries: int = 24,
    num_templates: int = 10,
    templates: str | None = None,
    is_oracle: bool = True,
    pooling: str = "max",
    tau: float | None = None,
    backbone: str = "ViT-B-32",
    dataset: str = "coco_val2017",
    before: dict[int, int] | None = None,
    after: dict[int, int] | None = None,
    complement_num_queries: int = 24_990,
    run_url: str | None = None,
    broken: int = 1,
    **changed: Any,
) -> LoggedEnsemble:
    before = before or {1: 0, 5: 8, 10: 11}
    after = after or {1: 1, 5: 9, 10: 16}
    cut_offs, replicates = [], {}
    fixed = complement_num_queries // 50
    lost_elsewhere = fixed + 41 if complement_num_queries else 0
    others = Flips(fixed, lost_elsewhere, 0, complement_num_queries - fixed - lost_elsewhere)
    for k in before:
        gained = after[k] - before[k]
        lost = min(broken, num_queries - abs(gained), before[k]) if gained > 1 else max(0, -gained)
        delta = np.array([1.0] * (gained + lost) + [-1.0] * lost)
        delta = np.pad(delta, (0, num_queries - len(delta)))
        result = paired_bootstrap(np.zeros(num_queries), delta, rng=np.random.default_rng(42))
        flips = Flips(gained + lost, lost, before[k] - lost, num_queries - before[k] - gained - lost)
        cut_offs.append(
            cut_off(
                k,
                flips,
                others,
                low=result.low,
                high=result.high,
                mean=result.mean,
                p_positive=result.p_positive,
                num_others=complement_num_queries,
            )
        )
        replicates[k] = result.replicates
    return ensemble(
        *cut_offs,
        records=pd.concat([ranks_at(before, after, num_queries), ranks_of(cut_offs[0]).iloc[num_queries:]]),
        cell_id=f"{subset}{pooling}{tau}{templates}{backbone}{dataset}".encode().hex().ljust(64, "0"),
        url=run_url,
        replicates=replicates,
        subset=subset,
        num_templates=num_templates,
        templates=templates or subset,
        is_oracle=is_oracle,
        pooling=pooling,
        tau=tau,
        backbone=backbone,
        dataset=dataset,
        num_others=complement_num_queries,
        **changed,
    )


def ranks_at(before: dict[int, int], after: dict[int, int], num_queries: int) -> pd.DataFrame:
    """Records of a subset that have so many hits at each cut-off; each query has an image of its own."""
    sides = {
        f"{side}_rank": [
            min((k for k, count in hits.items() if place < count), default=99) for place in range(num_queries)
        ]
        for side, hits in (("baseline", before), ("ensembled", after))
    }
    places = np.arange(num_queries)
    return pd.DataFrame({"query_id": places, "image_id": places + 1000, "part": "subset", **sides})


@pytest.fixture(scope="session")
def make_row() -> MakeRow:
    return _make_row


@pytest.fixture(scope="session")
def paper_rows() -> list[LoggedEnsemble]:
    return [
        _make_row(
            subset=subset,
            num_queries=num_queries,
            num_templates=num_templates,
            pooling=pooling,
            tau=1.0 if pooling == "logmeanexp" else None,
            before=dict(zip((1, 5, 10), before, strict=True)),
            after=dict(zip((1, 5, 10), after, strict=True)),
            run_url="http://127.0.0.1:5000/#/experiments/1/runs/0123" if pooling == "mean" else None,
        )
        for subset, (num_queries, num_templates, before, poolings) in PUBLISHED_COUNTS.items()
        for pooling, after in poolings.items()
    ]


@pytest.fixture(scope="session")
def tau_rows(paper_rows: list[LoggedEnsemble]) -> list[LoggedEnsemble]:
    """The published rows with nine more temperatures a subset, going from the hits of max to those of mean."""
    swept = []
    for subset, (num_queries, num_templates, before, poolings) in PUBLISHED_COUNTS.items():
        for step, tau in enumerate(np.logspace(-4, 4, 9)):
            share = min(1.0, step / 5)
            mixed = [round(a + share * (b - a)) for a, b in zip(poolings["max"], poolings["mean"], strict=True)]
            if tau != 1.0:
                swept.append(
                    _make_row(
                        subset=subset,
                        num_queries=num_queries,
                        num_templates=num_templates,
                        pooling="logmeanexp",
                        tau=float(tau),
                        before=dict(zip((1, 5, 10), before, strict=True)),
                        after=dict(zip((1, 5, 10), mixed, strict=True)),
                    )
                )
    return [*paper_rows, *swept]


@pytest.fixture(scope="session")
def taxonomy() -> dict[str, int]:
    return dict(TAXONOMY)
