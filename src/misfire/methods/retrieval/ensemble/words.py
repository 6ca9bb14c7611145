"""What is said of one finished ensemble where nothing stands beside it."""

import math

from misfire.cells import Logged
from misfire.core.words import UNDEFINED, interval_percent, percentage_points, plain_count
from misfire.methods.retrieval.ensemble.logged import LoggedEnsemble
from misfire.methods.retrieval.logged import notes_of
from misfire.methods.retrieval.prompted_cell import MATCHED
from misfire.reporting.table import Column, Entry, Table, to_text

CHOSEN_BY_FAILING = (
    "Its queries were picked because the plain caption fails on them; any other way of asking, better or not, wins "
    "some of those back."
)
"""What must be said with a gain on mined failures."""

ORACLE = "The templates were chosen by gold labels: an oracle, not a system."
"""What must be said with a gain of templates that gold labels choose."""


def caveats(cell: LoggedEnsemble) -> tuple[str, ...]:
    """What must be said with the cell's gain."""
    return (*((CHOSEN_BY_FAILING,) if cell.is_failure_mined else ()), *((ORACLE,) if cell.is_oracle else ()))


def named(cell: LoggedEnsemble) -> str:
    """The cell in a sentence: ``object with logmeanexp (tau 1) over the generic templates``."""
    tau = "" if cell.tau is None else f" (tau {cell.tau:g})"
    over = "" if cell.templates == MATCHED else f" over the {cell.templates} templates"
    return f"{cell.subset} with {cell.pooling}{tau}{over}"


def told(logged: Logged) -> str:
    """The gain with its interval, what the same mend does elsewhere, and what must be known beside it; then a table."""
    cell = LoggedEnsemble(logged)
    k = cell.ks[-1]
    gain, subset = cell.at("delta", k), cell.flips(k)
    lines = [
        logged.name,
        f"{named(cell)}: {percentage_points(gain.value)} pp hit@{k} on {plain_count(cell.num_queries)} queries, "
        f"{100 * cell.confidence:g} % bootstrap interval {interval_percent(gain.low, gain.high)}: fixed "
        f"{subset.fixed}, broke {subset.broken}.",
        _elsewhere(cell, k),
        *caveats(cell),
        *notes_of([logged]),
        "",
        to_text(_table(cell)),
        "",
    ]
    return "\n".join(lines)


def _elsewhere(cell: LoggedEnsemble, k: int) -> str:
    if not cell.num_others:
        return "There are no other queries."
    if not cell.num_others_asked:
        return f"What it does to the other {plain_count(cell.num_others)} queries was not asked."
    others, net = cell.flips(k, "complement"), cell.at("all/net", k)
    whole = "" if math.isnan(net.low) else f" {interval_percent(net.low, net.high)}"
    return (
        f"Elsewhere, on {plain_count(others.num_units)} of {plain_count(cell.num_others)} other queries, it fixed "
        f"{others.fixed} and broke {others.broken}; over all queries that is {percentage_points(net.value)} pp{whole}."
    )


def _table(cell: LoggedEnsemble) -> Table:
    """The decisive cut-off first."""
    columns = (
        Column("k", ("k",)),
        Column("before", ("before",), group="hits"),
        Column("after", ("after",), group="hits"),
        Column("pp", ("gain",), group="gain"),
        Column("interval", ("low", "high"), group="gain"),
        Column("equals show", ("placebo_low", "placebo_high"), group="gain"),
        Column("fixed", ("fixed",), group="elsewhere"),
        Column("broken", ("broken",), group="elsewhere"),
    )
    return Table("cell", "", columns, tuple(_row(cell, k) for k in reversed(cell.ks)), note="")


def _row(cell: LoggedEnsemble, k: int) -> tuple[Entry, ...]:
    gain, flips, band = cell.at("delta", k), cell.flips(k), cell.find("placebo_noise", k)
    equals = UNDEFINED if band is None else interval_percent(band.low, band.high)
    others = cell.flips(k, "complement") if cell.num_others_asked else None
    return (
        Entry(str(k), (k,)),
        Entry(plain_count(flips.right_before), (flips.right_before,)),
        Entry(plain_count(flips.right_after), (flips.right_after,)),
        Entry(percentage_points(gain.value), (gain.value,)),
        Entry(interval_percent(gain.low, gain.high), (gain.low, gain.high)),
        Entry(equals, (None, None) if band is None else (band.low, band.high)),
        *(
            (Entry(UNDEFINED, (None,)),) * 2
            if others is None
            else (Entry(str(others.fixed), (others.fixed,)), Entry(str(others.broken), (others.broken,)))
        ),
    )
