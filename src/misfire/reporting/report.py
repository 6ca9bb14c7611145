"""A report in one folder: a page, a text, tables and figures."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from misfire.core.files import write_bytes, write_text
from misfire.evaluation import profile_conclusion
from misfire.reporting.comparison_table import comparison_table
from misfire.reporting.conclusion import Conclusion, conclude
from misfire.reporting.evidence_table import evidence_table
from misfire.reporting.facts import decisive_facts, decisive_row
from misfire.reporting.figures import (
    Illustration,
    best_pooling,
    bootstrap_distributions,
    category_distribution,
    gain_matrix,
    pooling_ablation,
    tau_profile_curves,
    temperature_sweep,
    to_png,
    to_svg,
)
from misfire.reporting.findings import Findings
from misfire.reporting.gap_table import gap_table
from misfire.reporting.ledger_table import ledger_table
from misfire.reporting.page import EmbeddedFigure, render_page
from misfire.reporting.rows import CellRow
from misfire.reporting.series import series_of, sorted_rows, without_tau_sweep
from misfire.reporting.story import METHOD, Story
from misfire.reporting.table import Table, to_csv, to_latex, to_markdown
from misfire.reporting.tables import bootstrap_table, improvement_table, taxonomy_table

_MOST_SERIES_AS_BARS = 12


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

    Each file is written whole or not at all. Everything is drawn before the first file is written.

    Args:
        rows: Finished cells, in any order.
        taxonomy_counts: Annotated failures a category; empty where none were annotated.
        destination: The folder, made if need be.
        title: Heading of the report.
        question: What was asked.
        decision_rule: What would count as which answer.
        answer: What came out, one sentence.
        findings: What was computed over all cells: their comparison, pictures of flips, profiles.

    Returns:
        The files written, the page and the text first.

    Raises:
        UsageError: If there are no rows.
    """
    story = Story(title=title, question=question, decision_rule=decision_rule, answer=answer)
    tables = [improvement_table(rows), *_compared(rows, findings), bootstrap_table(rows)]
    illustrations = [*_illustrations(rows), *_profiles(findings)]
    if sum(taxonomy_counts.values()):
        tables.append(taxonomy_table(taxonomy_counts))
        illustrations.insert(0, category_distribution(taxonomy_counts))
    files: dict[str, bytes | str] = {}
    figures = [EmbeddedFigure(one.name, one.title, one.caption, to_svg(one.figure)) for one in illustrations]
    conclusion = _conclusion(rows, findings)
    galleries = findings.galleries if findings else ()
    files["report.html"] = render_page(story, tables, figures, sorted_rows(rows), conclusion, galleries)
    files["report.md"] = _text(story, tables, illustrations, conclusion)
    for table in tables:
        files[f"tables/{table.name}.md"] = to_markdown(table)
        files[f"tables/{table.name}.tex"] = to_latex(table)
        files[f"tables/{table.name}.csv"] = to_csv(table)
    for illustration, figure in zip(illustrations, figures, strict=True):
        files[f"figures/{figure.name}.png"] = to_png(illustration.figure)
        files[f"figures/{figure.name}.svg"] = figure.svg
    return [_write(destination / name, content) for name, content in files.items()]


def _illustrations(rows: Sequence[CellRow]) -> list[Illustration]:
    is_crowded = len(series_of(without_tau_sweep(rows))) > _MOST_SERIES_AS_BARS
    gains = gain_matrix(rows) if is_crowded else pooling_ablation(rows)
    drawn = [gains, bootstrap_distributions(rows), best_pooling(rows), temperature_sweep(rows)]
    return [illustration for illustration in drawn if illustration is not None]


def _compared(rows: Sequence[CellRow], findings: Findings | None) -> list[Table]:
    if findings is None:
        return []
    ordered = sorted_rows(rows)
    evidence = evidence_table(ordered, findings.k)
    ledger = ledger_table(decisive_row(rows, findings.compared), findings.k)
    gaps = [
        replace(gap_table(gap), name="oracle_gap" if number == 1 else f"oracle_gap_{number}")
        for number, gap in enumerate(findings.gaps, start=1)
    ]
    tables = [comparison_table(ordered, findings.compared), evidence, ledger, *gaps]
    return [table for table in tables if table is not None]


def _profiles(findings: Findings | None) -> list[Illustration]:
    """A figure a profile, each under a name of its own."""
    profiles = findings.profiles if findings else ()
    drawn = [
        replace(tau_profile_curves(profile), name=f"tau_profile_{number}")
        for number, profile in enumerate(profiles, start=1)
    ]
    return [
        replace(one, caption=f"{profile_conclusion(profile)} {one.caption}")
        for one, profile in zip(drawn, profiles, strict=True)
    ]


def _conclusion(rows: Sequence[CellRow], findings: Findings | None) -> Conclusion | None:
    return conclude(decisive_facts(sorted_rows(rows), findings.compared, findings.k)) if findings else None


def _text(
    story: Story, tables: Sequence[Table], illustrations: Sequence[Illustration], conclusion: Conclusion | None
) -> str:
    in_words = (
        [
            "## In plain words",
            conclusion.paragraph,
            f"**May be concluded.** {conclusion.may}",
            f"**May not.** {conclusion.may_not}",
        ]
        if conclusion
        else []
    )
    parts = [
        f"# {story.title}",
        f"**Question.** {story.question}",
        f"**Answer.** {story.answer}",
        f"**Decision rule.** {story.decision_rule}",
        *in_words,
        "## Tables",
        *(to_markdown(table).strip() for table in tables),
        "## Figures",
        *(f"![{one.title}](figures/{one.name}.png)\n\n**{one.title}** {one.caption}" for one in illustrations),
        "## How each number was made",
        "\n".join(f"- {sentence}" for sentence in METHOD),
    ]
    return "\n\n".join(parts) + "\n"


def _write(path: Path, content: bytes | str) -> Path:
    if isinstance(content, bytes):
        write_bytes(path, content)
    else:
        write_text(path, content)
    return path
