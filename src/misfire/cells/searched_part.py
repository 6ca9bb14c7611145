"""A search's part of a report, whatever its cells are: the winner on both sides, the front, every trial."""

from collections.abc import Sequence

from misfire.cells.objective import Objective
from misfire.cells.part import ReportPart
from misfire.cells.searched import Searched, TrialRow
from misfire.cells.searched_figures import pareto_front_figure, search_history, searched_number
from misfire.core.words import UNDEFINED
from misfire.reporting.figure import Illustration
from misfire.reporting.section import Section
from misfire.reporting.table import Column, Entry, Source, Table


def searched_part(found: Searched) -> ReportPart:
    """What can be said of any search: how the winner's objectives stand on dev and test, and what was tried."""
    cells = [cell for cell in (found.test, *found.tried.values()) if cell is not None]
    return ReportPart(
        sections=(
            Section("verdict", "The winner on both sides", tables=(sides_table(found),) if found.test else ()),
            trials_section(found),
        ),
        answer=found.sentence(),
        decides=True,
        sources=tuple(Source(cell.id, cell.url, cell.label) for cell in cells),
    )


def trials_section(found: Searched, *, of_beaten: str = "") -> Section:
    """What was tried: the front, every trial, and figures of both.

    Args:
        found: The search.
        of_beaten: What else must be known of trials that were cut short, a sentence.
    """
    several = len(found.objectives) > 1
    return Section(
        "trials",
        "What was tried",
        tables=(
            *((trials_table(found, front_only=True),) if several else ()),
            trials_table(found, of_beaten=of_beaten),
        ),
        illustrations=tuple(_illustrations(found)),
    )


def sides_table(found: Searched) -> Table:
    """The objectives of the winner where it was chosen and where it was not."""
    rows = []
    for name, cell in (("dev, chosen here", found.dev), ("test, held back", found.test)):
        values = [None if cell is None else one.of(cell.estimates, k=found.k) for one in found.objectives]
        texts = [UNDEFINED if value is None else f"{value:z.2f}" for value in values]
        rows.append((Entry(name, (name,)), *(Entry(text, (value,)) for text, value in zip(texts, values, strict=True))))
    return Table(
        name="verdict",
        title=f"The winner on the {found.units} that chose it, and on those that didn't.",
        columns=(
            Column(found.units.capitalize(), ("side",), is_number=False),
            *(Column(one.title_at(found.k), (one.name,)) for one in found.objectives),
        ),
        rows=tuple(rows),
        note="",
        sources=tuple(Source(cell.id, cell.url) for cell in (found.dev, found.test) if cell is not None),
    )


def trials_table(found: Searched, *, front_only: bool = False, of_beaten: str = "") -> Table:
    """Every trial in order, or those that no other beats, best first.

    Args:
        found: The search; of a trial that was cut short the bound is shown, as such.
        front_only: Whether to keep to the front, equal values once.
        of_beaten: What else must be known of trials that were cut short, a sentence.
    """
    kept = list(found.trials)
    if front_only:
        first = {trial.values: trial for trial in reversed(kept) if trial.is_on_front}
        kept = sorted(first.values(), key=lambda trial: trial.values, reverse=True)
    columns = (
        Column("Trial", ("trial",)),
        Column("Setting", ("setting",), is_number=False),
        *(Column(objective.title_at(found.k), (objective.name,)) for objective in found.objectives),
        Column("", ("is_on_front", "is_winner", "is_pruned"), is_number=False),
        Column("Cell", ("cell_id",), is_number=False, is_printed=False),
    )
    rows = tuple(
        (
            Entry(str(trial.number), (trial.number,)),
            Entry(trial.label, (trial.label,)),
            *(
                Entry(_value(value, objective, trial), (value,))
                for value, objective in zip(trial.values, found.objectives, strict=True)
            ),
            Entry(_mark(trial), (trial.is_on_front, trial.is_winner, trial.is_pruned)),
            Entry(trial.cell_id, (trial.cell_id,)),
        )
        for trial in kept
    )
    num_pruned = sum(trial.is_pruned for trial in kept)
    note = f"All numbers are of dev {found.units}."
    if num_pruned:
        note += f"{_how_pruned(num_pruned, len(kept), found.units)}{f' {of_beaten}' if of_beaten else ''}"
    return Table(
        name="front" if front_only else "trials",
        title="What is gained and what it costs: trials that no other beats." if front_only else "Every trial.",
        columns=columns,
        rows=rows,
        note=f"{note} Of trials with equal values the first is shown." if front_only else note,
    )


def _value(value: float, objective: Objective, trial: TrialRow) -> str:
    limit = ("≤ " if objective.is_maximised else "≥ ") if trial.is_pruned else ""
    return f"{limit}{value:z.2f}"


def _how_pruned(num_pruned: int, num_trials: int, units: str) -> str:
    return (
        f" {num_pruned} of {num_trials} trials were cut short: ≤ and ≥ are the best that they may be, which another "
        f"trial beats whatever the {units} that weren't asked would have said."
    )


def _mark(trial: TrialRow) -> str:
    if trial.is_pruned:
        return "pruned"
    if trial.is_winner:
        return "winner"
    return "not allowed" if not trial.is_allowed else "front" if trial.is_on_front else ""


def _illustrations(found: Searched) -> Sequence[Illustration]:
    trials, objectives, k = found.trials, found.objectives, found.k
    numbers = dict.fromkeys(key for trial in trials for key, value in trial.setting.items() if isinstance(value, float))
    drawn = [
        search_history(trials, objectives[0], k, units=found.units),
        pareto_front_figure(trials, objectives, k, units=found.units),
        *(searched_number(trials, objectives[0], k, key=key, units=found.units) for key in numbers),
    ]
    return [illustration for illustration in drawn if illustration is not None]
