"""A study's report in one folder: a page, a text, tables and figures."""

from collections.abc import Sequence
from pathlib import Path

from misfire.core.errors import UsageError
from misfire.core.files import write_bytes, write_text
from misfire.evaluation import Objective, Verdict
from misfire.reporting.figures import Illustration, to_png, to_svg
from misfire.reporting.figures.study import pareto_front_figure, search_history, searched_number
from misfire.reporting.page import EmbeddedFigure, render_page
from misfire.reporting.rows import CellRow
from misfire.reporting.series import sorted_rows
from misfire.reporting.story import METHOD, Story
from misfire.reporting.study_tables import trials_table, verdict_table
from misfire.reporting.table import Table, to_csv, to_latex, to_markdown
from misfire.reporting.trial_row import TrialRow


def write_study_report(
    rows: Sequence[CellRow],
    trials: Sequence[TrialRow],
    destination: Path,
    *,
    title: str,
    question: str,
    decision_rule: str,
    answer: str,
    objectives: Sequence[Objective],
    verdict: Verdict | None,
) -> list[Path]:
    """Write ``report.md``, ``report.html``, ``tables/`` and ``figures/`` of a study.

    Args:
        rows: The study's cells, those of dev and the winner's on test.
        trials: Its finished trials, in order.
        destination: The folder, made if need be.
        title: Heading of the report.
        question: What was asked.
        decision_rule: What would count as which answer.
        answer: What came out.
        objectives: What the trials' values are.
        verdict: The winner on both sides; ``None`` while trials are missing.

    Returns:
        The files written, the page and the text first.

    Raises:
        UsageError: If there is no finished trial.
    """
    if not trials:
        raise UsageError("a study's report needs finished trials, got none; run the search first.")
    story = Story(title=title, question=question, decision_rule=decision_rule, answer=answer)
    tables = [
        *([verdict_table(verdict)] if verdict else []),
        *([trials_table(trials, objectives, front_only=True)] if len(objectives) > 1 else []),
        trials_table(trials, objectives),
    ]
    illustrations = _illustrations(trials, objectives)
    figures = [EmbeddedFigure(one.name, one.title, one.caption, to_svg(one.figure)) for one in illustrations]
    files: dict[str, bytes | str] = {
        "report.html": render_page(story, tables, figures, sorted_rows(rows)),
        "report.md": _text(story, tables, illustrations),
    }
    for table in tables:
        files[f"tables/{table.name}.md"] = to_markdown(table)
        files[f"tables/{table.name}.tex"] = to_latex(table)
        files[f"tables/{table.name}.csv"] = to_csv(table)
    for illustration, figure in zip(illustrations, figures, strict=True):
        files[f"figures/{figure.name}.png"] = to_png(illustration.figure)
        files[f"figures/{figure.name}.svg"] = figure.svg
    return [_write(destination / name, content) for name, content in files.items()]


def _illustrations(trials: Sequence[TrialRow], objectives: Sequence[Objective]) -> list[Illustration]:
    numbers = dict.fromkeys(key for trial in trials for key, value in trial.setting.items() if isinstance(value, float))
    drawn = [
        search_history(trials, objectives[0]),
        pareto_front_figure(trials, objectives),
        *(searched_number(trials, objectives[0], key=key) for key in numbers),
    ]
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
