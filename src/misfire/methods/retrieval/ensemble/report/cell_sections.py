"""What a report says of its cells, by what it answers: gains, what they are worth, pictures of flips, causes."""

from collections.abc import Mapping, Sequence

from misfire.methods.retrieval.ensemble.report.comparison_table import comparison_table
from misfire.methods.retrieval.ensemble.report.evidence_table import evidence_table
from misfire.methods.retrieval.ensemble.report.facts import decisive_row
from misfire.methods.retrieval.ensemble.report.figures.best import best_pooling
from misfire.failures.category_report import category_distribution
from misfire.methods.retrieval.ensemble.report.figures.histogram import bootstrap_distributions
from misfire.methods.retrieval.ensemble.report.figures.matrix import gain_matrix
from misfire.methods.retrieval.ensemble.report.figures.pooling import pooling_ablation
from misfire.methods.retrieval.ensemble.report.figures.temperature import temperature_sweep
from misfire.reporting.figure import Illustration
from misfire.methods.retrieval.ensemble.report.findings import Findings
from misfire.reporting.gallery import Gallery
from misfire.methods.retrieval.ensemble.report.ledger_table import ledger_table
from misfire.methods.retrieval.ensemble.report.rows import CellRow
from misfire.reporting.section import Section
from misfire.methods.retrieval.ensemble.report.series import cell_label, series_of, sorted_rows, without_tau_sweep
from misfire.methods.retrieval.ensemble.report.tables import bootstrap_table, improvement_table, taxonomy_table

_MOST_SERIES_AS_BARS = 12


def cell_sections(
    rows: Sequence[CellRow], taxonomy_counts: Mapping[str, int], findings: Findings | None
) -> list[Section]:
    """What the cells gained, what that is worth, what it looks like, and why retrieval failed.

    Args:
        rows: Finished cells, at least one, in any order.
        taxonomy_counts: Annotated failures a category; empty where none were annotated.
        findings: What was computed over all cells.
    """
    ordered, compared, worth = sorted_rows(rows), [], []
    if findings is not None and findings.compared:
        compared = [comparison_table(ordered, findings.compared)]
        best = decisive_row(rows, findings.compared)
        ledger = ledger_table(best, findings.k, name=cell_label(best, rows))
        worth = [table for table in (evidence_table(ordered, findings.k), ledger) if table is not None]
    is_annotated = sum(taxonomy_counts.values()) > 0
    return [
        Section(
            "gains",
            "What was gained, and what it cost",
            tables=(improvement_table(rows), *compared),
            illustrations=_drawn(_gains(rows), best_pooling(rows), temperature_sweep(rows)),
        ),
        Section(
            "worth",
            "What the gains are worth",
            tables=(*worth, bootstrap_table(rows)),
            illustrations=_drawn(bootstrap_distributions(rows)),
        ),
        *_galleries(findings.galleries if findings else ()),
        Section(
            "failures",
            "Why retrieval failed",
            tables=(taxonomy_table(taxonomy_counts),) if is_annotated else (),
            illustrations=(category_distribution(taxonomy_counts),) if is_annotated else (),
        ),
    ]


def _galleries(galleries: Sequence[Gallery]) -> list[Section]:
    return [
        Section(
            f"flips-{number}",
            "What it fixed and what it broke",
            gallery=gallery,
        )
        for number, gallery in enumerate(galleries, start=1)
    ]


def _gains(rows: Sequence[CellRow]) -> Illustration:
    is_crowded = len(series_of(without_tau_sweep(rows))) > _MOST_SERIES_AS_BARS
    return gain_matrix(rows) if is_crowded else pooling_ablation(rows)


def _drawn(*illustrations: Illustration | None) -> tuple[Illustration, ...]:
    return tuple(one for one in illustrations if one is not None)
