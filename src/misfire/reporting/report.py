"""A report in one folder: a page, a text, tables and figures."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from misfire.core.files import write_bytes, write_text
from misfire.reporting.figures import (
    Illustration,
    best_pooling,
    bootstrap_distributions,
    category_distribution,
    gain_matrix,
    pooling_ablation,
    temperature_sweep,
    to_png,
    to_svg,
)
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

    Returns:
        The files written, the page and the text first.

    Raises:
        UsageError: If there are no rows.
    """
    story = Story(title=title, question=question, decision_rule=decision_rule, answer=answer)
    tables = [improvement_table(rows), bootstrap_table(rows)]
    illustrations = _illustrations(rows)
    if sum(taxonomy_counts.values()):
        tables.append(taxonomy_table(taxonomy_counts))
        illustrations.insert(0, category_distribution(taxonomy_counts))
    files: dict[str, bytes | str] = {}
    figures = [EmbeddedFigure(one.name, one.title, one.caption, to_svg(one.figure)) for one in illustrations]
    files["report.html"] = render_page(story, tables, figures, sorted_rows(rows))
    files["report.md"] = _text(story, tables, illustrations)
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


def _text(story: Story, tables: Sequence[Table], illustrations: Sequence[Illustration]) -> str:
    parts = [
        f"# {story.title}",
        f"**Question.** {story.question}",
        f"**Answer.** {story.answer}",
        f"**Decision rule.** {story.decision_rule}",
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
