"""A kind's part of a report, and what it may be made with."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, final

from misfire.cells.estimates import Estimate
from misfire.core.words import UNDEFINED, counted, interval_percent, p_value, percentage_points, plain_count
from misfire.reporting.table import Column, Entry, Source, Table

if TYPE_CHECKING:
    from misfire.cells.logged import Logged
    from misfire.cells.settings import Settings
    from misfire.reporting.conclusion import Conclusion
    from misfire.reporting.section import Section


@final
@dataclass(frozen=True, eq=False)
class Question:
    """What an experiment asks.

    Args:
        name: The experiment's name.
        title: Heading of its report.
        question: What was asked.
        decision_rule: What will count as which answer, written before the cells ran; empty where nobody wrote one.
        k: Cut-off that decides; None where the sweep names none.
        seed: Of whatever a report draws.
        settings: The report's own configuration; ``settings.of(logged)`` is that of a finished cell, its data included.
    """

    name: str
    title: str
    question: str
    decision_rule: str
    k: int | None
    seed: int
    settings: "Settings"


@final
@dataclass(frozen=True, eq=False)
class ReportPart:
    """What one kind has to say in a report.

    Args:
        sections: Text, tables and figures under headings, in the order of print.
        answer: The answer to the question as far as this kind gives one, in a few sentences.
        decides: Whether the answer is held to a decision rule. Answers that describe stand only where none decides.
        decision_rule: What the kind decides by where the question sets no rule.
        conclusion: What may be concluded and what may not; None where nothing was tested.
        about: What the cells were made on, each under a short name: model, data.
        sources: The cells that the numbers come from, as the report lists them at its end.
        method: How the numbers were made, a sentence each.
        deciding: The estimate that decides, by which a table of runs is sorted; None where none does.
        columns: Further estimates that a table of runs shows, in order.
    """

    sections: "tuple[Section, ...]"
    answer: str = ""
    decides: bool = False
    decision_rule: str = ""
    conclusion: "Conclusion | None" = None
    about: tuple[tuple[str, str], ...] = ()
    sources: tuple[Source, ...] = ()
    method: tuple[str, ...] = ()
    deciding: Estimate | None = None
    columns: tuple[Estimate, ...] = ()


def plain_part(kind: str, cells: "Sequence[Logged]") -> ReportPart:
    """One table: a row a cell, its label and its tracked estimates.

    Args:
        kind: The kind's name.
        cells: Finished cells of that kind, at least one.
    """
    from misfire.reporting.section import Section  # with what figures need, which no command needs that only runs cells

    labels = list(dict.fromkeys(name for cell in cells for name in cell.label))
    keys = list(dict.fromkeys(row.key for cell in cells for row in cell.estimates if row.is_tracked))
    named = [Estimate(metric, 0.0, k=k, group=group).tracked_name for metric, k, group in keys]
    rows = []
    for cell in cells:
        found = [cell.estimates.find(metric, k=k, group=group) for metric, k, group in keys]
        rows.append(
            (
                *(Entry(cell.label.get(name, ""), (cell.label.get(name),)) for name in labels),
                *(_entry(one) for one in found),
            )
        )
    table = Table(
        name=kind,
        title=f"Estimates of {counted(len(cells), f'{kind} cell')}.",
        columns=(
            *(Column(name, (name,), is_number=False) for name in labels),
            *(Column(name, (name, f"{name}_low", f"{name}_high")) for name in named),
        ),
        rows=tuple(rows),
        note="",
        sources=tuple(Source(cell.id, cell.url) for cell in cells),
    )
    return ReportPart(sections=(Section(kind, kind.capitalize(), tables=(table,)),), sources=table.sources)


def estimates_as_text(logged: "Logged") -> str:
    """A finished cell's tracked estimates, a line each under its name, aligned."""
    rows = [(row.tracked_name, in_words(row)) for row in logged.estimates if row.is_tracked]
    width = max((len(name) for name, _ in rows), default=0)
    return "\n".join([logged.name, *(f"  {name:<{width}}  {told}" for name, told in rows)])


def in_words(estimate: Estimate) -> str:
    """An estimate as a reader sees it, in its unit, with its interval if it has one."""
    if estimate.value != estimate.value:
        return UNDEFINED
    has_interval = estimate.low == estimate.low and estimate.high == estimate.high
    if estimate.unit == "difference":
        interval = f" {interval_percent(estimate.low, estimate.high)}" if has_interval else ""
        return f"{percentage_points(estimate.value)} pp{interval}"
    if estimate.unit == "count":
        return plain_count(round(estimate.value))
    if estimate.unit == "p":
        return p_value(estimate.value)
    interval = f" [{estimate.low:.4f}, {estimate.high:.4f}]" if has_interval else ""
    return f"{estimate.value:.4f}{interval}"


def _entry(estimate: Estimate | None) -> Entry:
    if estimate is None:
        return Entry(UNDEFINED, (None, None, None))
    return Entry(
        in_words(estimate), tuple(None if one != one else one for one in (estimate.value, estimate.low, estimate.high))
    )
