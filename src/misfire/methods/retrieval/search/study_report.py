"""A study's report in one folder: a page, a text, tables and figures."""

from collections.abc import Sequence
from pathlib import Path

from misfire.core.errors import UsageError
from misfire.methods.retrieval.ensemble.comparison import ComparedCell
from misfire.methods.retrieval.ensemble.report.rows import CellRow
from misfire.methods.retrieval.ensemble.report.series import listed, sorted_rows
from misfire.methods.retrieval.method_of_numbers import METHOD
from misfire.methods.retrieval.search.figure import pareto_front_figure, search_history, searched_number
from misfire.methods.retrieval.search.honesty import Verdict
from misfire.methods.retrieval.search.objective import Objective
from misfire.methods.retrieval.search.study_conclusion import conclude_study
from misfire.methods.retrieval.search.study_tables import trials_table, verdict_table
from misfire.methods.retrieval.search.trial_row import TrialRow
from misfire.reporting.conclusion import Conclusion
from misfire.reporting.document import Document, made_on
from misfire.reporting.figure import Illustration
from misfire.reporting.section import Section
from misfire.reporting.story import Story


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
    compared: ComparedCell | None = None,
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
        compared: The test of its cell on test, as of one that stands alone; without it nothing is concluded in words.

    Returns:
        The files written, the page and the text first.

    Raises:
        UsageError: If there is no finished trial.
    """
    if not trials:
        raise UsageError("a study's report needs finished trials, got none; run the search first.")
    return Document(
        story=Story(title=title, question=question, decision_rule=decision_rule, answer=answer),
        sections=(
            Section("verdict", "The winner on both sides", tables=(verdict_table(verdict),) if verdict else ()),
            Section(
                "trials",
                "What was tried",
                tables=(
                    *((trials_table(trials, objectives, front_only=True),) if len(objectives) > 1 else ()),
                    trials_table(trials, objectives),
                ),
                illustrations=tuple(_illustrations(trials, objectives)),
            ),
        ),
        about=made_on([(row.backbone, row.dataset) for row in sorted_rows(rows)]),
        cells=listed(rows),
        conclusion=_conclusion(rows, trials, verdict, compared),
        method=METHOD,
    ).write(destination)


def _conclusion(
    rows: Sequence[CellRow], trials: Sequence[TrialRow], verdict: Verdict | None, compared: ComparedCell | None
) -> Conclusion | None:
    if verdict is None or compared is None:
        return None
    [row] = [row for row in rows if row.cell_id == compared.cell_id]
    [name] = [trial.label for trial in trials if trial.is_winner]
    return conclude_study(verdict, row, compared, name=name)


def _illustrations(trials: Sequence[TrialRow], objectives: Sequence[Objective]) -> list[Illustration]:
    numbers = dict.fromkeys(key for trial in trials for key, value in trial.setting.items() if isinstance(value, float))
    drawn = [
        search_history(trials, objectives[0]),
        pareto_front_figure(trials, objectives),
        *(searched_number(trials, objectives[0], key=key) for key in numbers),
    ]
    return [illustration for illustration in drawn if illustration is not None]
