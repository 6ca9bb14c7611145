"""Sweeps whose truth is known, and what a report claims of them."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from misfire.cells import Estimate
from misfire.cells.comparison import compare, net_change
from misfire.methods.retrieval.ensemble.comparison_table import comparison_table
from misfire.methods.retrieval.ensemble.conclusion import conclude, decisive
from misfire.methods.retrieval.ensemble.logged import LoggedEnsemble
from misfire.methods.retrieval.ensemble.measured import HIT
from misfire.methods.retrieval.ensemble.report_part import answered, candidate
from misfire.methods.retrieval.ensemble.series import sorted_rows
from misfire.methods.retrieval.ensemble.worth_table import worth_table
from misfire.methods.retrieval.flips import flip_ledger
from misfire.metrics import hit_at_k
from misfire.reporting.table import to_markdown
from misfire.stats import counted_bootstrap
from tests.methods.retrieval.finished import changed, compared, cut_off, ensemble

K = 10
CONFIDENCE = 0.95
_BOOTSTRAP = 500
_CAPTIONS = 5
# Logarithms of ranks: what a query's image, the query, a system on the query and a system on the image contribute.
_IMAGE, _QUERY, _OWN, _OWN_OF_IMAGE = 0.8, 1.2, 0.7, 0.4
_TYPICAL_LOG_RANK = 2.0

CLAIMS = {
    "mark": re.compile(r"^\|.*\| ▲ \|", re.MULTILINE),
    "rule": re.compile(r"^(\*\*Answer\.\*\* )?(The cell passes|\d+ of \d+ cells pass)", re.MULTILINE),
    "correction": re.compile(r"\d+ cells? shows? a gain"),
    "verdict": re.compile(r"The gain isn't luck"),
    "paragraph": re.compile(r"That difference isn't luck|more hits than before"),
    "conclusion": re.compile(r"find more of such queries' images|the gain lies"),
}
"""Every way in which a report can call a gain: where, and the words or the mark of it."""


@dataclass(frozen=True)
class Design:
    """How many cells are tried on which queries.

    Args:
        num_cells: Cells of the sweep.
        num_queries: Queries of the subset, as far as there are as many.
        num_asked: Other queries on which each cell is tried.
        num_images: Images of the data, five captions each.
        mined_beyond: The subset is drawn from queries whose target the plain caption ranks beyond this; 0 draws from
            all, so that nothing is mined.
        ease: By how much the logarithm of all ranks is smaller.
        lift: By how much each cell ranks targets better than the plain caption, likewise; 0 makes them equal.
        is_net_stored: Whether cells hold their net change over all queries, which costs as much as all else.
    """

    num_cells: int
    num_queries: int = 87
    num_asked: int = 300
    num_images: int = 200
    mined_beyond: int = 0
    ease: float = 0.0
    lift: float = 0.0
    is_net_stored: bool = True


def simulated_sweep(rng: np.random.Generator, design: Design) -> list[LoggedEnsemble]:
    """What a store would hold of each cell.

    A plain caption and cells that are all drawn alike, up to the lift; captions of an image share its luck.
    """
    image = np.repeat(np.arange(design.num_images), _CAPTIONS)
    shared = _IMAGE * rng.normal(size=design.num_images)[image] + _QUERY * rng.normal(size=len(image))

    def ranks(lift: float) -> np.ndarray:
        own = _OWN * rng.normal(size=len(image)) + _OWN_OF_IMAGE * rng.normal(size=design.num_images)[image]
        return np.ceil(np.exp(np.maximum(0, _TYPICAL_LOG_RANK - design.ease - lift + shared + own))).astype(np.int64)

    before = ranks(0.0)
    eligible = np.flatnonzero(before > design.mined_beyond)
    subset = np.sort(rng.choice(eligible, min(design.num_queries, len(eligible)), replace=False))
    rest = np.setdiff1d(np.arange(len(image)), subset)
    asked = np.concatenate([subset, np.sort(rng.choice(rest, min(design.num_asked, len(rest)), replace=False))])
    sweep = []
    for place in range(design.num_cells):
        frame = pd.DataFrame(
            {
                "query_id": asked,
                "image_id": image[asked],
                "part": np.where(np.arange(len(asked)) < len(subset), "subset", "complement"),
                "baseline_rank": before[asked],
                "ensembled_rank": ranks(design.lift)[asked],
            }
        )
        rows, replicates = _cutoff(frame, len(subset), len(rest), rng)
        cell = ensemble(
            rows,
            cell_id=f"{place:064x}",
            records=frame,
            replicates={K: replicates},
            pooling=f"pooling_{place}",
            tau=None,
            is_oracle=False,
            is_failure_mined=design.mined_beyond > 0,
            num_others=len(rest),
            failure_counts={},
        )
        sweep.append(_with_net(cell) if design.is_net_stored else cell)
    return sweep


def _cutoff(
    frame: pd.DataFrame, size: int, num_others: int, rng: np.random.Generator
) -> tuple[list[Estimate], np.ndarray]:
    before, after = (frame[name].to_numpy() for name in ("baseline_rank", "ensembled_rank"))
    drawn = counted_bootstrap(
        hit_at_k(before[:size], k=K),
        hit_at_k(after[:size], k=K),
        num_replicates=_BOOTSTRAP,
        confidence=CONFIDENCE,
        rng=rng,
    )
    rows = cut_off(
        K,
        flip_ledger(before[:size], after[:size], k=K),
        flip_ledger(before[size:], after[size:], k=K),
        low=drawn.low,
        high=drawn.high,
        mean=drawn.mean,
        p_positive=drawn.p_positive,
        num_others=num_others,
    )
    return rows, drawn.replicates


def _with_net(cell: LoggedEnsemble) -> LoggedEnsemble:
    """The same cell with the interval of its net change over all queries."""
    net = net_change(cell.paired(K), confidence=CONFIDENCE)
    assert net is not None
    rows = [
        replace(row, low=net.low, high=net.high) if row.key == (HIT, K, "all/net") else row
        for row in cell.logged.estimates
    ]
    facts = {name: value for name, value in cell.logged.facts.items() if name not in ("ks", "num_queries")}
    facts.pop("num_others_asked")
    return ensemble(rows, cell_id=cell.cell_id, records=cell.logged.records, replicates=dict(cell.replicates), **facts)


def said_of(sweep: Sequence[LoggedEnsemble], *, num_swaps: int, rng: np.random.Generator) -> str:
    """All that a report says of a sweep in words, tests and marks, by the functions that `misfire report` calls."""
    paired = [one.paired(K) for one in sweep]
    found = compare(paired, num_replicates=num_swaps, rng=rng)
    by_id = {one.cell_id: other for one, other in zip(sweep, found, strict=True)}
    said = conclude(decisive(sweep, by_id, K))
    tables = [comparison_table(sorted_rows(sweep), by_id, k=K), worth_table(sorted_rows(sweep), K)]
    candidates = [candidate(one, K, own, by_id[one.cell_id]) for one, own in zip(sweep, paired, strict=True)]
    return "\n".join(
        [
            answered(candidates, K),
            *(said.verdict, said.paragraph, said.may, said.may_not),
            *(to_markdown(table) for table in tables if table is not None),
        ]
    )


def claims(text: str) -> set[str]:
    """In which ways a report's text calls a gain."""
    return {name for name, words in CLAIMS.items() if words.search(text)}


def without_choice(sweep: Sequence[LoggedEnsemble]) -> list[LoggedEnsemble]:
    """The same sweep by somebody who doesn't say that its queries were mined."""
    return [changed(one, is_failure_mined=False) for one in sweep]


def meets_rule(cell: LoggedEnsemble) -> bool:
    """Whether the cell meets the decision rule, looked at as if it were the only one."""
    return candidate(cell, K, cell.paired(K), compared()).meets_rule
