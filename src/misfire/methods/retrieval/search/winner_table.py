"""The winner of a search as a table: where it was chosen, and where it was not."""

from misfire.core.words import (
    UNDEFINED,
    interval_percent,
    percent,
    percentage_points,
    plain_count,
    probability,
    signed_count,
)
from misfire.methods.retrieval.ensemble.logged import LoggedEnsemble
from misfire.methods.retrieval.ensemble.tables import sources_of
from misfire.methods.retrieval.search.winner import Winner
from misfire.reporting.table import Column, Entry, Table


def winner_table(winner: Winner) -> Table:
    """The winner on the queries that chose it, and on those that didn't: a row a side."""
    k = winner.k
    return Table(
        name="verdict",
        title="The winner on the queries that chose it, and on those that didn't.",
        columns=(
            Column("Queries", ("side",), is_number=False),
            Column("n", ("num_queries",)),
            Column("Base", (f"baseline_hits_at_{k}",), group=f"hit@{k}"),
            Column("Imp.", (f"ensembled_hits_at_{k}",), group=f"hit@{k}"),
            Column("Δ", (f"delta_hit_at_{k}",), group=f"hit@{k}"),
            Column("Interval", (f"low_at_{k}", f"high_at_{k}"), group=f"hit@{k}"),
            Column("p", ("p",)),
            Column("n", ("complement_num_queries",), group="elsewhere"),
            Column("Fixed", ("complement_fixed",), group="elsewhere"),
            Column("Broken", ("complement_broken",), group="elsewhere"),
            Column("Net", ("complement_net",), group="elsewhere"),
        ),
        rows=(
            _row("dev, chosen here", winner.dev, k, winner.p_selected),
            _row("test, held back", winner.test, k, winner.p_test),
        ),
        note=(
            f"The p-value on dev is adjusted for {winner.num_settings} settings by max-T, the captions of an image "
            f"swapped together (unadjusted: {probability(winner.p_unadjusted)}); on test it is McNemar's exact one. "
            f"Optimism, the gain on dev less that on test: {percentage_points(winner.optimism)} pp. The gallery is "
            "all images on either side."
        ),
        sources=sources_of([winner.dev, winner.test]),
    )


def _row(name: str, cell: LoggedEnsemble, k: int, p_value: float) -> tuple[Entry, ...]:
    flips, gain, others = cell.flips(k), cell.at("delta", k), cell.flips(k, "complement")
    counts = (others.fixed, others.broken, others.net)
    told = (plain_count(others.fixed), plain_count(others.broken), signed_count(others.net))
    return (
        Entry(name, (name,)),
        Entry(plain_count(flips.num_units), (flips.num_units,)),
        Entry(percent(flips.right_before, flips.num_units), (flips.right_before,)),
        Entry(percent(flips.right_after, flips.num_units), (flips.right_after,)),
        Entry(percentage_points(gain.value), (gain.value,)),
        Entry(interval_percent(gain.low, gain.high), (gain.low, gain.high)),
        Entry(probability(p_value), (p_value,)),
        Entry(plain_count(others.num_units), (others.num_units,)),
        *(
            Entry(text, (count,)) if others.num_units else Entry(UNDEFINED, (None,))
            for text, count in zip(told, counts, strict=True)
        ),
    )
