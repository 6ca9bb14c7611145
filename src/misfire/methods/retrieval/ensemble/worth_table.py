"""What a gain is worth: placebos, the change over all queries, unmined images, label noise, and what bounds it."""

import math
from collections.abc import Callable, Sequence

from misfire.cells import Estimate
from misfire.core.words import UNDEFINED, interval_percent, percent, percentage_points, probability
from misfire.methods.retrieval.ensemble.logged import LoggedEnsemble
from misfire.methods.retrieval.ensemble.tables import NAME_COLUMNS, names_of, origin_columns, origin_of, sources_of
from misfire.reporting.table import Column, Entry, Table

Entries = tuple[Entry, ...]


def worth_table(rows: Sequence[LoggedEnsemble], k: int) -> Table | None:
    """Each gain beside what changes of no worth show on the same queries, and beside what bounds it.

    Args:
        rows: Finished cells, in the order of print.
        k: Cut-off.

    Returns:
        None where no cell knows any of it.
    """
    known = [row for row in rows if k in row.ks]
    shown = [group for _, group in _PARTS if any(_is_known(row.find(group, k)) for row in known)]
    parts = [part for part, group in _PARTS if group in shown]
    if not parts:
        return None
    return Table(
        name="evidence",
        title=f"What the gain in hit@{k} is worth: placebos, the whole, and its bounds.",
        columns=(
            *NAME_COLUMNS,
            Column("Δ (pp)", ("gain",)),
            *(column for columns, _ in parts for column in columns),
            *origin_columns(known),
        ),
        rows=tuple(
            (
                *names_of(row),
                Entry(percentage_points(row.delta(k)), (row.delta(k),)),
                *(cell for _, cells in parts for cell in cells(row, k)),
                *origin_of(row),
            )
            for row in known
        ),
        note=" ".join(note for group, note in _NOTES if group in shown),
        sources=sources_of(known),
    )


def _is_known(one: Estimate | None) -> bool:
    # A change over all queries is shown with its interval, or not at all.
    return one is not None and not math.isnan(one.low if one.group == "all/net" else one.value)


def _interval(one: Estimate | None, remark: str = "") -> Entry:
    if one is None or math.isnan(one.low):
        return Entry(UNDEFINED, (None, None), remark)
    return Entry(interval_percent(one.low, one.high), (one.low, one.high), remark)


def _points(value: float | None, remark: str = "") -> Entry:
    if value is None or math.isnan(value):
        return Entry(UNDEFINED, (None,), remark)
    return Entry(percentage_points(value), (value,), remark)


def _placebo(group: str) -> Callable[[LoggedEnsemble, int], Entries]:
    def cells(row: LoggedEnsemble, k: int) -> Entries:
        share = row.find(f"{group}/p_at_least", k)
        chance = Entry(UNDEFINED, (None,)) if share is None else Entry(probability(share.value), (share.value,))
        return _interval(row.find(group, k), PLACEBOS[group] if share else ""), chance

    return cells


PLACEBOS = {
    "placebo_noise": (
        "systems of equal quality that flip as many queries, half of them each way, drawn for the subset by the ranks "
        "that the baseline gave it"
    ),
    "placebo_paraphrase": "single prompts that only paraphrase, over resamples of the subset's images",
}
"""What each placebo is, by its group of estimates."""


def _net(row: LoggedEnsemble, k: int) -> Entries:
    net = row.at("all/net", k)
    # Where its interval can't be made, the change isn't worth much either.
    value = None if math.isnan(net.low) else net.value
    return _points(value, "" if value is None else row.how_net), _interval(net)


def _confirmed(row: LoggedEnsemble, k: int) -> Entries:
    gain = row.find("confirm/queries/delta", k)
    return _points(None if gain is None else gain.value, row.how_confirmed or ""), _interval(gain)


def _without_ambiguous(row: LoggedEnsemble, k: int) -> Entries:
    if not row.has_flips(k, "without_ambiguous"):
        return (_points(None),)
    flips = row.flips(k, "without_ambiguous")
    return (_points(flips.net_fraction, f"of {flips.num_units} queries"),)


def _label_noise(row: LoggedEnsemble, k: int) -> Entries:
    noisy = row.find("label_noise", k)
    return (_interval(noisy, "" if noisy is None else f"from what annotators called {noisy.n} labelled queries"),)


def _bounds(row: LoggedEnsemble, k: int) -> Entries:
    total, ceiling = row.num_queries, row.find("ceiling", k)
    top = Entry(UNDEFINED, (None,)) if ceiling is None else Entry(f"{100 * ceiling.value:.1f}", (ceiling.value,))
    ties = [row.find(f"ensembled/{name}", k) for name in ("if_ties_win", "if_ties_lose")]
    hanging = None if None in ties else round(ties[0].value - ties[1].value)  # type: ignore[union-attr]
    rounding = row.find("ensembled/within_bf16", k)
    return top, _share(hanging, total), _share(None if rounding is None else round(rounding.value), total)


def _share(count: int | None, total: int) -> Entry:
    if count is None:
        return Entry(UNDEFINED, (None,))
    return Entry(str(count), (count,), f"{percent(count, total)} % of the queries")


_PARTS: tuple[tuple[tuple[tuple[Column, ...], Callable[[LoggedEnsemble, int], Entries]], str], ...] = (
    *(
        (
            (
                (
                    Column("Band", (f"{key}_placebo_low", f"{key}_placebo_high"), group=f"Placebo: {name}"),
                    Column("P", (f"{key}_placebo_p",), group=f"Placebo: {name}"),
                ),
                _placebo(f"placebo_{key}"),
            ),
            f"placebo_{key}",
        )
        for key, name in (("noise", "noise"), ("paraphrase", "paraphrases"))
    ),
    (
        (
            (
                Column("Δ", ("net_everywhere",), group="All queries (pp)"),
                Column("Interval", ("net_low", "net_high"), group="All queries (pp)"),
            ),
            _net,
        ),
        "all/net",
    ),
    (
        (
            (
                Column("Δ", ("confirmed_gain",), group="Unmined images (pp)"),
                Column("Interval", ("confirmed_low", "confirmed_high"), group="Unmined images (pp)"),
            ),
            _confirmed,
        ),
        "confirm/queries/delta",
    ),
    (
        ((Column("Δ", ("gain_without_ambiguous",), group="Not Ambiguous (pp)"),), _without_ambiguous),
        "without_ambiguous/fixed",
    ),
    (((Column("Interval", ("noisy_low", "noisy_high"), group="Label noise (pp)"),), _label_noise), "label_noise"),
    (
        (
            (
                Column("Ceiling (%)", ("ceiling",), group="Bounds"),
                Column("On ties", ("hits_on_ties",), group="Bounds"),
                Column("On rounding", ("hits_within_bf16",), group="Bounds"),
            ),
            _bounds,
        ),
        "ceiling",
    ),
)
"""Columns with what fills them, and the group of estimates without which they are left out."""

_NOTES = (
    (
        "placebo_noise",
        "A placebo is a change of no worth on the same queries; what lies inside a band, such a change shows as well, "
        "and P is the share of placebos that show as much. Noise is systems of equal quality that flip as many.",
    ),
    ("placebo_paraphrase", "Paraphrases are single prompts that only say 'a photo of'."),
    ("all/net", "The change over all queries is estimated from the subset and the sample of the others."),
    ("confirm/queries/delta", "Unmined images had no part in choosing the queries."),
    ("without_ambiguous/fixed", "Not Ambiguous leaves out queries whose caption fits another image as well."),
    ("label_noise", "Label noise widens the interval by the doubt about labels."),
    (
        "ceiling",
        "The ceiling is the best that the texts allow, since some stand on several images. Hits on ties hang on which "
        "of equal scores stands first; hits on rounding lead by less than bf16 can tell apart.",
    ),
)
"""What is said below the table of each group of columns that is there."""
