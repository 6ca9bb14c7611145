"""Tables of ensembles: what a row is called, hit rates with what they cost elsewhere, and the stored bootstraps."""

from collections.abc import Sequence

from misfire.core.errors import UsageError
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
from misfire.methods.retrieval.ensemble.series import cutoffs, pooling_label, sorted_rows, subset_label
from misfire.methods.retrieval.logged import notes_of
from misfire.reporting.table import Column, Entry, Source, Table

_SIDE_EFFECT_K = 10

NAME_COLUMNS = (
    Column("Subset", ("subset",), is_number=False),
    Column("n", ("num_queries",)),
    Column("Templates", ("templates", "num_templates", "is_oracle"), is_number=False),
    Column("Pooling", ("pooling", "tau"), is_number=False),
)

_ORACLE_NOTE = " † marks an oracle: its templates were chosen by gold labels, so it bounds what a method could reach."


def improvement_table(rows: Sequence[LoggedEnsemble]) -> Table:
    """Hit rates of baseline and ensemble on each subset, with what the same change does outside the subset.

    Deltas are differences of counts, rounded once; a gain on mined failures never stands without its side effects.

    Args:
        rows: Finished cells, in any order.

    Raises:
        UsageError: If there are none.
    """
    ordered = _not_empty(rows)
    ks = cutoffs(ordered)
    side_effect_k = _SIDE_EFFECT_K if _SIDE_EFFECT_K in ks else ks[-1]
    has_net = any(_is_net_known(row, side_effect_k) for row in ordered)
    note = (
        "hit@k is the share of queries whose image is among the first k, in percent; Δ is ensembled minus baseline in "
        "percentage points. Outside the subset, fixed queries are hit only by the ensemble and broken ones only by the "
        f"plain caption, at {side_effect_k}.{_sample_note(ordered, has_net=has_net)}"
    )
    return Table(
        name="improvement",
        title="What prompt ensembling gains on each subset, and what it costs elsewhere.",
        columns=(
            *NAME_COLUMNS,
            *(column for k in ks for column in _hit_columns(k)),
            *_side_effect_columns(side_effect_k, has_net=has_net),
            *origin_columns(ordered),
        ),
        rows=tuple(
            (
                *names_of(row),
                *(cell for k in ks for cell in _hits(row, k)),
                *_side_effects(row, side_effect_k),
                *origin_of(row),
            )
            for row in ordered
        ),
        note=note + _oracle_note(ordered) + _data_note(ordered),
        sources=sources_of(ordered),
    )


def bootstrap_table(rows: Sequence[LoggedEnsemble]) -> Table:
    """Mean, percentile interval and probability of a gain for each cell and k, as stored with the cell.

    Args:
        rows: Finished cells, in any order.

    Raises:
        UsageError: If there are none.
    """
    ordered = _not_empty(rows)
    ks = cutoffs(ordered)
    levels = sorted({f"{100 * row.confidence:g} %" for row in ordered})
    replicates = sorted({row.num_replicates for row in ordered})
    note = (
        f"Mean of the bootstrap distribution of Δ hit@k and its {', '.join(levels)} percentile interval in percentage "
        f"points, and the share of resamples in which Δ > 0 from {', '.join(map(str, replicates))} resamples of the "
        "queries."
    )
    return Table(
        name="bootstrap",
        title="How far the gain depends on which queries were drawn.",
        columns=(*NAME_COLUMNS, *(column for k in ks for column in _bootstrap_columns(k)), *origin_columns(ordered)),
        rows=tuple(
            (*names_of(row), *(cell for k in ks for cell in _bootstrap(row, k)), *origin_of(row)) for row in ordered
        ),
        note=note + _oracle_note(ordered),
        sources=sources_of(ordered),
    )


def names_of(row: LoggedEnsemble) -> tuple[Entry, ...]:
    """What a row is: subset, queries, templates, pooling."""
    oracle = " †" if row.is_oracle else ""
    return (
        Entry(subset_label(row.subset), (row.subset,)),
        Entry(plain_count(row.num_queries), (row.num_queries,)),
        Entry(f"{row.templates} ({row.num_templates}){oracle}", (row.templates, row.num_templates, row.is_oracle)),
        Entry(pooling_label(row), (row.pooling, row.tau)),
    )


def origin_columns(rows: Sequence[LoggedEnsemble]) -> tuple[Column, ...]:
    """Model, data and cell, printed where they differ; the cell never."""
    return (
        Column("Backbone", ("backbone",), is_number=False, is_printed=len({row.backbone for row in rows}) > 1),
        Column("Dataset", ("dataset",), is_number=False, is_printed=len({row.dataset for row in rows}) > 1),
        Column("Cell", ("cell_id",), is_number=False, is_printed=False),
    )


def origin_of(row: LoggedEnsemble) -> tuple[Entry, ...]:
    """Model, data and cell of a row."""
    return (
        Entry(row.backbone, (row.backbone,)),
        Entry(row.dataset, (row.dataset,)),
        Entry(row.cell_id, (row.cell_id,)),
    )


def sources_of(rows: Sequence[LoggedEnsemble]) -> tuple[Source, ...]:
    """The rows as sources of a table."""
    return tuple(Source(row.cell_id, row.run_url) for row in rows)


def _not_empty(rows: Sequence[LoggedEnsemble]) -> list[LoggedEnsemble]:
    if not rows:
        raise UsageError(
            "a report needs at least one finished cell, got none; run the sweep first, or widen the filter."
        )
    return sorted_rows(rows)


def _hit_columns(k: int) -> tuple[Column, ...]:
    return (
        Column("Base", (f"baseline_hits_at_{k}", f"baseline_hit_at_{k}"), group=f"hit@{k}"),
        Column("Imp.", (f"ensembled_hits_at_{k}", f"ensembled_hit_at_{k}"), group=f"hit@{k}"),
        Column("Δ", (f"delta_hit_at_{k}",), group=f"hit@{k}"),
    )


def _hits(row: LoggedEnsemble, k: int) -> tuple[Entry, ...]:
    if k not in row.ks:
        return Entry(UNDEFINED, (None, None)), Entry(UNDEFINED, (None, None)), Entry(UNDEFINED, (None,))
    flips = row.flips(k)
    total, before, after = flips.num_units, flips.right_before, flips.right_after
    return (
        Entry(percent(before, total), (before, before / total), f"{before} of {total}"),
        Entry(percent(after, total), (after, after / total), f"{after} of {total}"),
        Entry(percentage_points(row.delta(k)), (row.delta(k),), f"{signed_count(flips.net)} of {total}"),
    )


def _side_effect_columns(k: int, *, has_net: bool) -> tuple[Column, ...]:
    outside, everywhere = f"outside, hit@{k}", f"all, hit@{k}"
    return (
        Column("n", ("complement_num_queries", "num_others"), group=outside),
        Column("Fixed", (f"complement_fixed_at_{k}",), group=outside),
        Column("Broken", (f"complement_broken_at_{k}",), group=outside),
        Column("Net", (f"complement_net_at_{k}",), group=outside),
        Column("Δ", (f"delta_hit_at_{k}_over_all",), group=everywhere, is_printed=has_net),
    )


def _side_effects(row: LoggedEnsemble, k: int) -> tuple[Entry, ...]:
    asked = row.num_others_asked
    outside = Entry(plain_count(asked), (asked, row.num_others), f"of {plain_count(row.num_others)} queries outside")
    net = row.at("all/net", k).value if _is_net_known(row, k) else None
    everywhere = Entry(UNDEFINED if net is None else percentage_points(net), (net,))
    if not asked or k not in row.ks:
        unknown = Entry(UNDEFINED, (None,))
        return outside, unknown, unknown, unknown, everywhere
    flips = row.flips(k, "complement")
    return (
        outside,
        Entry(plain_count(flips.fixed), (flips.fixed,)),
        Entry(plain_count(flips.broken), (flips.broken,)),
        Entry(signed_count(flips.net), (flips.net,)),
        everywhere,
    )


def _is_net_known(row: LoggedEnsemble, k: int) -> bool:
    return k in row.ks and row.at("all/net", k).value == row.at("all/net", k).value


def _bootstrap_columns(k: int) -> tuple[Column, ...]:
    return (
        Column("Mean Δ", (f"mean_delta_hit_at_{k}",), group=f"hit@{k}"),
        Column("Interval", (f"low_delta_hit_at_{k}", f"high_delta_hit_at_{k}"), group=f"hit@{k}"),
        Column("P(Δ>0)", (f"p_positive_at_{k}",), group=f"hit@{k}"),
    )


def _bootstrap(row: LoggedEnsemble, k: int) -> tuple[Entry, ...]:
    if k not in row.ks:
        return Entry(UNDEFINED, (None,)), Entry(UNDEFINED, (None, None)), Entry(UNDEFINED, (None,))
    gain, mean, share = row.at("delta", k), row.at("delta_mean", k).value, row.at("p_positive", k).value
    return (
        Entry(f"{100 * mean:z.2f}", (mean,)),
        Entry(interval_percent(gain.low, gain.high), (gain.low, gain.high)),
        Entry(probability(share), (share,)),
    )


def _sample_note(rows: Sequence[LoggedEnsemble], *, has_net: bool) -> str:
    is_sampled = any(row.num_others_asked < row.num_others for row in rows)
    return (" The queries outside are a random sample." if is_sampled else "") + (
        " The last column estimates the change over all queries of the dataset." if has_net else ""
    )


def _data_note(rows: Sequence[LoggedEnsemble]) -> str:
    """What must be known of the data, each sentence once."""
    return "".join(f" {note}" for note in notes_of([row.logged for row in rows]))


def _oracle_note(rows: Sequence[LoggedEnsemble]) -> str:
    return _ORACLE_NOTE if any(row.is_oracle for row in rows) else ""
