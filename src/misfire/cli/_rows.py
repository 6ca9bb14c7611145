"""Cells as the reports read them."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from misfire.evaluation import CellOutcome, CellResult
    from misfire.reporting import BootstrapRow, CellRow
    from misfire.tracking import LoggedCell


def row_of(cell: "LoggedCell", *, run_url: str | None) -> "CellRow":
    """A stored cell as a row of tables and figures."""
    from misfire.reporting import CellRow

    outcome = cell.outcome
    cutoffs = {cutoff.k: cutoff for cutoff in outcome.cutoffs}
    return CellRow(
        subset=outcome.subset,
        num_queries=outcome.num_queries,
        num_templates=outcome.num_templates,
        templates=outcome.templates,
        is_oracle=outcome.is_oracle,
        pooling=outcome.pooling,
        tau=outcome.tau,
        backbone=outcome.backbone,
        dataset=outcome.dataset,
        baseline_hits={k: cutoff.baseline_hits for k, cutoff in cutoffs.items()},
        ensembled_hits={k: cutoff.ensembled_hits for k, cutoff in cutoffs.items()},
        bootstrap={k: _bootstrap_row(outcome, k) for k in cutoffs},
        replicates=cell.replicates,
        complement_num_queries=outcome.cutoffs[0].complement.num_queries,
        complement_fixed={k: cutoff.complement.fixed for k, cutoff in cutoffs.items()},
        complement_broken={k: cutoff.complement.broken for k, cutoff in cutoffs.items()},
        cell_id=outcome.cell_id,
        run_url=run_url,
        num_others=outcome.num_others,
        net_of_all={k: cutoff.net_of_all(outcome.num_others) for k, cutoff in cutoffs.items()},
    )


def histogram_of(result: "CellResult") -> bytes:
    """A cell's bootstrap distribution at its largest cut-off, as PNG."""
    from misfire.evaluation import run_name
    from misfire.reporting import bootstrap_histogram

    outcome = result.outcome
    k = outcome.cutoffs[-1].k
    return bootstrap_histogram(
        result.replicates[k],
        _bootstrap_row(outcome, k),
        num_queries=outcome.num_queries,
        title=f"hit@{k}: {run_name(outcome).rpartition(' · ')[0]}",
    )


def _bootstrap_row(outcome: "CellOutcome", k: int) -> "BootstrapRow":
    from misfire.reporting import BootstrapRow

    gain = outcome.at(k).gain
    return BootstrapRow(gain.mean, gain.low, gain.high, gain.p_positive, outcome.confidence)
