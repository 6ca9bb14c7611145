"""Sweeps whose truth is known, and what a report claims of them."""

import re
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from misfire.methods.retrieval.ensemble.comparison import compare_cells
from misfire.methods.retrieval.ensemble.decision import DecisionRule, answer
from misfire.methods.retrieval.ensemble.ledger import net_change
from misfire.methods.retrieval.ensemble.outcome import CellOutcome, CellResult, CutoffOutcome, Gain
from misfire.methods.retrieval.ensemble.report.comparison_table import comparison_table
from misfire.methods.retrieval.ensemble.report.conclusion import conclude
from misfire.methods.retrieval.ensemble.report.evidence_table import evidence_table
from misfire.methods.retrieval.ensemble.report.facts import decisive_facts
from misfire.methods.retrieval.ensemble.report.findings import Findings
from misfire.methods.retrieval.ensemble.report.rows import CellRow, cell_row
from misfire.methods.retrieval.ensemble.report.series import sorted_rows
from misfire.methods.retrieval.flips import flip_ledger
from misfire.metrics import hit_at_k
from misfire.reporting.table import to_markdown
from misfire.stats import counted_bootstrap
from misfire.tracking import TrackingStore, log_cell
from tests.evaluation.outcomes import outcome

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


@dataclass(frozen=True, eq=False)
class SimulatedSweep:
    """What a store would hold of each cell."""

    outcomes: list[CellOutcome]
    records: list[pd.DataFrame]
    replicates: list[np.ndarray]

    def rows(self) -> list[CellRow]:
        """The cells as a report has them."""
        return [
            cell_row(one, {K: replicates}, run_url=None)
            for one, replicates in zip(self.outcomes, self.replicates, strict=True)
        ]


def simulated_sweep(rng: np.random.Generator, design: Design) -> SimulatedSweep:
    """A plain caption and cells that are all drawn alike, up to the lift; captions of an image share its luck."""
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
    sweep = SimulatedSweep([], [], [])
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
        at_k, replicates = _cutoff(frame, len(subset), len(rest) if design.is_net_stored else None, rng)
        sweep.outcomes.append(
            outcome(
                at_k,
                cell_id=f"{place:064x}",
                pooling=f"pooling_{place}",
                tau=None,
                is_oracle=False,
                is_failure_mined=design.mined_beyond > 0,
                num_others=len(rest),
                failure_counts={},
            )
        )
        sweep.records.append(frame)
        sweep.replicates.append(replicates)
    return sweep


def _cutoff(
    frame: pd.DataFrame, size: int, num_others: int | None, rng: np.random.Generator
) -> tuple[CutoffOutcome, np.ndarray]:
    before, after, image = (frame[name].to_numpy() for name in ("baseline_rank", "ensembled_rank", "image_id"))
    drawn = counted_bootstrap(
        hit_at_k(before[:size], k=K),
        hit_at_k(after[:size], k=K),
        num_replicates=_BOOTSTRAP,
        confidence=CONFIDENCE,
        rng=rng,
    )
    at_k = CutoffOutcome(
        k=K,
        subset=flip_ledger(before[:size], after[:size], k=K),
        gain=Gain(drawn.mean, drawn.low, drawn.high, drawn.p_positive),
        complement=flip_ledger(before[size:], after[size:], k=K),
        net=None
        if num_others is None
        else net_change(before, after, image, num_subset=size, num_others=num_others, k=K, confidence=CONFIDENCE),
    )
    return at_k, drawn.replicates


def log_simulated(store: TrackingStore, sweep: SimulatedSweep, *, config_yaml: str, folder: Path) -> None:
    """Put a sweep into a tracking store, a run a cell, as its cells would be."""
    for one, records, replicates in zip(sweep.outcomes, sweep.records, sweep.replicates, strict=True):
        laid = folder / one.cell_id
        laid.mkdir(parents=True)
        result = CellResult(one, records, {K: replicates})
        log_cell(store, result, config_yaml=config_yaml, figure=b"", settings={}, folder=laid)


def said_of(sweep: SimulatedSweep, *, num_swaps: int, rng: np.random.Generator) -> str:
    """All that a report says of a sweep in words, tests and marks, by the functions that `misfire report` calls."""
    rule = DecisionRule(k=K)
    found = compare_cells(sweep.outcomes, sweep.records, k=K, num_replicates=num_swaps, rng=rng)
    rows = sweep.rows()
    findings = Findings(K, {one.cell_id: one for one in found})
    said = conclude(decisive_facts(sorted_rows(rows), findings.compared, K))
    tables = [comparison_table(sorted_rows(rows), findings.compared), evidence_table(sorted_rows(rows), K)]
    return "\n".join(
        [
            answer(sweep.outcomes, rule, found),
            *(said.verdict, said.paragraph, said.may, said.may_not),
            *(to_markdown(table) for table in tables if table is not None),
        ]
    )


def claims(text: str) -> set[str]:
    """In which ways a report's text calls a gain."""
    return {name for name, words in CLAIMS.items() if words.search(text)}


def without_choice(sweep: SimulatedSweep) -> SimulatedSweep:
    """The same sweep by somebody who doesn't say that its queries were mined."""
    return replace(sweep, outcomes=[replace(one, is_failure_mined=False) for one in sweep.outcomes])
