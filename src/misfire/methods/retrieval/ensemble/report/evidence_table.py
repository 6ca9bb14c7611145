"""What speaks for and against each gain: placebos, the change over all queries, unmined images, ceilings."""

from collections.abc import Callable, Sequence

from misfire.methods.retrieval.baseline.ceilings import HitBounds
from misfire.methods.retrieval.ensemble.outcome import CutoffOutcome
from misfire.methods.retrieval.ensemble.placebo import NOISE, PARAPHRASE
from misfire.methods.retrieval.flips import Flips
from misfire.core.words import UNDEFINED, interval_percent, percent, percentage_points, probability
from misfire.methods.retrieval.ensemble.report.rows import CellRow
from misfire.reporting.table import Entry, Column, Table
from misfire.methods.retrieval.ensemble.report.tables import NAME_COLUMNS, names_of, origin_columns, origin_of, sources_of

Part = tuple[tuple[Column, ...], Callable[[CutoffOutcome], tuple[Entry, ...]]]


def evidence_table(rows: Sequence[CellRow], k: int) -> Table | None:
    """Each gain beside what changes of no worth show on the same queries, and beside what bounds it.

    Args:
        rows: Finished cells, in the order of print.
        k: Cut-off.

    Returns:
        None where no cell stored any of it.
    """
    known = [(row, row.outcome.at(k)) for row in rows if row.outcome is not None and k in row.ks]
    parts = [part for part, is_known in _PARTS if any(is_known(cutoff) for _, cutoff in known)]
    if not parts:
        return None
    printed = [row for row, _ in known]
    return Table(
        name="evidence",
        title=f"What the gain in hit@{k} is worth: placebos, the whole, and its bounds.",
        columns=(
            *NAME_COLUMNS,
            Column("Δ (pp)", ("gain",)),
            *(column for columns, _ in parts for column in columns),
            *origin_columns(printed),
        ),
        rows=tuple(
            (
                *names_of(row),
                Entry(percentage_points(cutoff.delta), (cutoff.delta,)),
                *(cell for _, cells in parts for cell in cells(cutoff)),
                *origin_of(row),
            )
            for row, cutoff in known
        ),
        note=(
            "A placebo is a change of no worth on the same queries: noise is systems of equal quality that flip as "
            "many queries, paraphrases are single prompts that only say 'a photo of'. What lies inside a band, such a "
            "change shows as well; P is the share of placebos that show as much. The ceiling is the best that the "
            "texts allow, since some stand on several images. Label noise widens the interval by the doubt about "
            "labels. Hits on rounding lead by less than bf16 can tell apart."
        ),
        sources=sources_of(printed),
    )


def _placebo(kind: str, name: str) -> Part:
    key = f"{kind}_placebo"

    def cells(cutoff: CutoffOutcome) -> tuple[Entry, ...]:
        band = cutoff.placebo(kind)
        if band is None:
            return Entry(UNDEFINED, (None, None)), Entry(UNDEFINED, (None,))
        return (
            Entry(interval_percent(band.low, band.high), (band.low, band.high), band.how),
            Entry(probability(band.p_at_least), (band.p_at_least,)),
        )

    columns = (
        Column("Band", (f"{key}_low", f"{key}_high"), group=f"Placebo: {name}"),
        Column("P", (f"{key}_p",), group=f"Placebo: {name}"),
    )
    return columns, cells


def _net(cutoff: CutoffOutcome) -> tuple[Entry, ...]:
    net = cutoff.net
    if net is None:
        return Entry(UNDEFINED, (None,)), Entry(UNDEFINED, (None, None))
    return (
        Entry(percentage_points(net.estimate), (net.estimate,), net.how),
        Entry(interval_percent(net.low, net.high), (net.low, net.high)),
    )


def _confirmation(cutoff: CutoffOutcome) -> tuple[Entry, ...]:
    if cutoff.confirmation is None:
        return Entry(UNDEFINED, (None,)), Entry(UNDEFINED, (None, None))
    gain = cutoff.confirmation.queries
    interval = UNDEFINED if gain.low is None or gain.high is None else interval_percent(gain.low, gain.high)
    return (*_delta(gain.flips, cutoff.confirmation.how_split), Entry(interval, (gain.low, gain.high)))


def _without_ambiguous(cutoff: CutoffOutcome) -> tuple[Entry, ...]:
    flips = cutoff.without_ambiguous
    return (Entry(UNDEFINED, (None,)),) if flips is None else _delta(flips, f"of {flips.num_queries} queries")


def _label_noise(cutoff: CutoffOutcome) -> tuple[Entry, ...]:
    noisy = cutoff.label_noise
    if noisy is None:
        return (Entry(UNDEFINED, (None, None)),)
    remark = f"from what annotators called {noisy.num_in_doubt} labelled queries"
    return (Entry(interval_percent(noisy.low, noisy.high), (noisy.low, noisy.high), remark),)


def _delta(flips: Flips, remark: str) -> tuple[Entry, ...]:
    if not flips.num_queries:
        return (Entry(UNDEFINED, (None,), remark),)
    return (Entry(percentage_points(flips.net_fraction), (flips.net_fraction,), remark),)


def _bounds(cutoff: CutoffOutcome) -> tuple[Entry, ...]:
    total, ceiling = cutoff.subset.num_queries, cutoff.ceiling
    top = Entry(UNDEFINED, (None,)) if ceiling is None else Entry(f"{100 * ceiling:.1f}", (ceiling,))
    return top, _on_ties(cutoff.ensembled_bounds, total), _on_rounding(cutoff.ensembled_bounds, total)


def _on_ties(bounds: HitBounds | None, total: int) -> Entry:
    if bounds is None:
        return Entry(UNDEFINED, (None,))
    hanging = bounds.if_ties_win - bounds.if_ties_lose
    return Entry(str(hanging), (hanging,), f"{percent(hanging, total)} % of the queries")


def _on_rounding(bounds: HitBounds | None, total: int) -> Entry:
    if bounds is None:
        return Entry(UNDEFINED, (None,))
    return Entry(
        str(bounds.within_bf16), (bounds.within_bf16,), f"{percent(bounds.within_bf16, total)} % of the queries"
    )


_PARTS: tuple[tuple[Part, Callable[[CutoffOutcome], bool]], ...] = (
    (_placebo(NOISE, "noise"), lambda cutoff: cutoff.placebo(NOISE) is not None),
    (_placebo(PARAPHRASE, "paraphrases"), lambda cutoff: cutoff.placebo(PARAPHRASE) is not None),
    (
        (
            (
                Column("Δ", ("net_everywhere",), group="All queries (pp)"),
                Column("Interval", ("net_low", "net_high"), group="All queries (pp)"),
            ),
            _net,
        ),
        lambda cutoff: cutoff.net is not None,
    ),
    (
        (
            (
                Column("Δ", ("confirmed_gain",), group="Unmined images (pp)"),
                Column("Interval", ("confirmed_low", "confirmed_high"), group="Unmined images (pp)"),
            ),
            _confirmation,
        ),
        lambda cutoff: cutoff.confirmation is not None,
    ),
    (
        ((Column("Δ", ("gain_without_ambiguous",), group="Not Ambiguous (pp)"),), _without_ambiguous),
        lambda cutoff: cutoff.without_ambiguous is not None,
    ),
    (
        ((Column("Interval", ("noisy_low", "noisy_high"), group="Label noise (pp)"),), _label_noise),
        lambda cutoff: cutoff.label_noise is not None,
    ),
    (
        (
            (
                Column("Ceiling (%)", ("ceiling",), group="Bounds"),
                Column("On ties", ("hits_on_ties",), group="Bounds"),
                Column("On rounding", ("hits_within_bf16",), group="Bounds"),
            ),
            _bounds,
        ),
        lambda cutoff: cutoff.ceiling is not None or cutoff.ensembled_bounds is not None,
    ),
)
