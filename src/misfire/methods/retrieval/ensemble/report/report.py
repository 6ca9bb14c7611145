"""A report of an experiment: its cells, and whatever else was measured in it."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from misfire.core.errors import UsageError
from misfire.methods.retrieval.ensemble.report.cell_sections import cell_sections
from misfire.reporting.conclusion import Conclusion
from misfire.methods.retrieval.ensemble.report.conclusion import conclude
from misfire.reporting.document import Document, made_on
from misfire.methods.retrieval.ensemble.report.facts import decisive_facts
from misfire.methods.retrieval.ensemble.report.findings import Findings
from misfire.methods.retrieval.ensemble.report.further_sections import further_sections
from misfire.methods.retrieval.ensemble.report.rows import CellRow
from misfire.methods.retrieval.ensemble.report.series import listed, sorted_rows
from misfire.methods.retrieval.method_of_numbers import METHOD_OF_CELLS
from misfire.reporting.story import Story


def write_report(
    rows: Sequence[CellRow],
    taxonomy_counts: Mapping[str, int],
    destination: Path,
    *,
    title: str,
    question: str,
    decision_rule: str,
    answer: str,
    findings: Findings | None = None,
) -> list[Path]:
    """Write ``report.md``, ``report.html``, ``tables/`` and ``figures/``; the same bytes for the same input.

    Args:
        rows: Finished cells, in any order; none where the experiment holds only profiles, gaps or attributions.
        taxonomy_counts: Annotated failures a category; empty where none were annotated.
        destination: The folder, made if need be.
        title: Heading of the report.
        question: What was asked.
        decision_rule: What would count as which answer.
        answer: What came out.
        findings: What was computed over all cells, and what else was measured.

    Returns:
        The files written, the page and the text first.

    Raises:
        UsageError: If there is nothing to report; nothing is written then.
    """
    if not rows and not (findings and findings.num_further):
        raise UsageError(
            "a report needs at least one finished cell, profile, gap or attribution, got none; run the sweep first, or "
            "widen the filter."
        )
    story = Story(title=title, question=question, decision_rule=decision_rule, answer=answer)
    return Document(
        story=story,
        sections=(
            *(cell_sections(rows, taxonomy_counts, findings) if rows else ()),
            *(further_sections(findings) if findings else ()),
        ),
        about=made_on(
            [(row.backbone, row.dataset) for row in sorted_rows(rows)] + (findings.further_on if findings else [])
        ),
        cells=listed(rows),
        conclusion=_conclusion(rows, findings),
        method=METHOD_OF_CELLS,
    ).write(destination)


def _conclusion(rows: Sequence[CellRow], findings: Findings | None) -> Conclusion | None:
    if findings is None or not findings.compared:
        return None
    return conclude(decisive_facts(sorted_rows(rows), findings.compared, findings.k))
