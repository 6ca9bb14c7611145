"""All cells of a sweep at the decisive cut-off, each held against having looked at all of them."""

import math
from collections.abc import Callable, Mapping, Sequence

from misfire.cells.comparison import Compared, Verdict
from misfire.core.words import (
    UNDEFINED,
    counted,
    interval_percent,
    odds,
    p_value,
    percentage_points,
    plain_count,
    unsigned_points,
)
from misfire.methods.retrieval.ensemble.logged import LoggedEnsemble
from misfire.methods.retrieval.ensemble.measured import SUBSET
from misfire.methods.retrieval.ensemble.tables import NAME_COLUMNS, names_of, origin_columns, origin_of, sources_of
from misfire.methods.retrieval.percentiles import leaves_out_zero_alone
from misfire.reporting.table import Column, Entry, Table

MARKS: Mapping[Verdict, str] = {Verdict.GAIN: "▲", Verdict.LOSS: "▼", Verdict.CHOSEN: "(▲)", Verdict.NONE: ""}


def comparison_table(rows: Sequence[LoggedEnsemble], compared: Mapping[str, Compared], *, k: int) -> Table:
    """Hits, gain, tests adjusted for all cells, wins and losses, effect and what could have been seen: a row a cell.

    Args:
        rows: Finished cells, in the order of print.
        compared: The comparison of each, by cell id.
        k: The cut-off that was compared.
    """
    chosen = [(row, compared[row.cell_id]) for row in rows if row.cell_id in compared]
    first = chosen[0][1]
    columns = (
        *NAME_COLUMNS,
        Column("Before", ("baseline_hits",), group="Hits", is_printed=False),
        Column("After", ("ensembled_hits",), group="Hits", is_printed=False),
        Column("Fixed", ("fixed",), group="Hits"),
        Column("Broken", ("broken",), group="Hits"),
        Column("Δ", ("gain",), group="Gain (pp)"),
        Column("Score interval", ("gain_low", "gain_high"), group="Gain (pp)"),
        Column("Percentile", ("percentile_low", "percentile_high"), group="Gain (pp)"),
        Column("Holds", ("claim",), group="Gain (pp)", is_number=False),
        Column("exact", ("p_exact", "p_mid"), group="p, subset"),
        Column("all cells", ("p_adjusted", "p_holm"), group="p, subset"),
        Column("Δ (pp)", ("net_everywhere",), group="All queries"),
        Column("p, all cells", ("p_everywhere",), group="All queries"),
        Column("W/T/L", ("wins", "ties", "losses"), group="Ranks", is_number=False, is_printed=False),
        Column(
            "Fixed : broken",
            ("odds_ratio", "odds_ratio_low", "odds_ratio_high", "cohen_g"),
            group="Effect",
            is_printed=False,
        ),
        Column("Shows from", ("detectable_gain", "least_gain"), group="Power (pp)"),
    )
    level = f"{100 * first.confidence:g} %"
    return Table(
        name="comparison",
        title=f"Every cell at hit@{k}, corrected for having looked at {counted(first.num_compared, 'cell')}.",
        columns=(*columns, *origin_columns(rows)),
        rows=tuple((*names_of(row), *_compared(row, one, k), *origin_of(row)) for row, one in chosen),
        note=(
            "▲ a gain and ▼ a loss that hold after correction; (▲) more hits on queries that were chosen because the "
            "baseline misses them, without proof of more hits over all queries: no gain. No mark: can't be told from "
            f"no change. Score intervals ({level}) count the captions of an image together; beside them stand the "
            "published protocol's bootstrap percentiles, which are too short where few queries flip. p exact is "
            "McNemar's for the cell alone; p for all cells is Westfall and Young's max-T, on the same swaps in all "
            "cells. The last column is the gain that this many queries show in 4 of 5 tries, if as large a share "
            "breaks. The CSV has more: hits before and after, ranks won and lost, odds." + _percentile_note(chosen, k)
        ),
        sources=sources_of([row for row, _ in chosen]),
    )


def _percentile_note(chosen: Sequence[tuple[LoggedEnsemble, Compared]], k: int) -> str:
    """Why a row's percentiles may leave 0 out while its exact p is above 0.05, where one does."""
    ends = [(one.test.p_exact, row.at("delta", k)) for row, one in chosen]
    count = sum(leaves_out_zero_alone(p_exact, stored.low, stored.high) for p_exact, stored in ends)
    if not count:
        return ""
    rows = "1 row's percentiles leave" if count == 1 else f"{count} rows' percentiles leave"
    return (
        f" {rows} 0 out though the exact p is above 0.05: resamples of a few flips that go one way all go that way, "
        "which says little of other queries. The exact test counts."
    )


def _compared(row: LoggedEnsemble, one: Compared, k: int) -> tuple[Entry, ...]:
    flips, effect, stored = one.flips, one.effect, row.at("delta", k)
    before, after = flips.right_before, flips.right_after
    wins, ties, losses = ranking(row)
    return (
        Entry(plain_count(before), (before,)),
        Entry(plain_count(after), (after,)),
        Entry(plain_count(flips.fixed), (flips.fixed,)),
        Entry(plain_count(flips.broken), (flips.broken,)),
        Entry(percentage_points(flips.net_fraction), (flips.net_fraction,)),
        Entry(interval_percent(one.low, one.high), (one.low, one.high)),
        Entry(interval_percent(stored.low, stored.high), (stored.low, stored.high)),
        Entry(MARKS[one.verdict], (one.verdict.value,)),
        Entry(p_value(one.test.p_exact), (one.test.p_exact, one.test.p_mid)),
        Entry(p_value(one.p_adjusted), (one.p_adjusted, one.p_holm), f"Holm: {p_value(one.p_holm)}"),
        _defined(percentage_points, one.net_everywhere),
        _defined(p_value, one.p_everywhere),
        Entry(f"{wins} / {ties} / {losses}", (wins, ties, losses)),
        Entry(
            odds(effect.odds_ratio, effect.odds_ratio_low, effect.odds_ratio_high),
            tuple(map(_raw, (effect.odds_ratio, effect.odds_ratio_low, effect.odds_ratio_high, effect.cohen_g))),
            "" if math.isnan(effect.cohen_g) else f"Cohen's g {effect.cohen_g:+.2f}",
        ),
        Entry(
            UNDEFINED if math.isnan(one.detectable.gain) else unsigned_points(one.detectable.gain),
            (_raw(one.detectable.gain), _raw(one.least_gain)),
            one.detectable.reason,
        ),
    )


def ranking(row: LoggedEnsemble) -> tuple[int, int, int]:
    """How many of the subset's targets stand higher, as high and lower than before."""
    records = row.records[(row.records["part"] == SUBSET).to_numpy()]
    before, after = records["baseline_rank"].to_numpy(), records["ensembled_rank"].to_numpy()
    return int((after < before).sum()), int((after == before).sum()), int((after > before).sum())


def _defined(printed: Callable[[float], str], value: float) -> Entry:
    if math.isnan(value):
        return Entry(UNDEFINED, (None,), "the other queries were not asked")
    return Entry(printed(value), (value,))


def _raw(value: float) -> float | None:
    return None if math.isnan(value) else value
