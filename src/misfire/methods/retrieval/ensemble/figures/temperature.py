"""Gain against the temperature of a soft pooling."""

from collections.abc import Sequence

from matplotlib.axes import Axes

from misfire.methods.retrieval.ensemble.figures.tau_axis import as_tau_axis, band
from misfire.methods.retrieval.ensemble.logged import LoggedEnsemble
from misfire.methods.retrieval.ensemble.series import INTERVALS, cutoffs, sorted_rows, subset_label
from misfire.reporting.figure import INK, MARKERS, Illustration, colour, new_figure, styled

_MOST_LINES = 2
_MOST_PANELS = 12
_LIMITS = {"max": "--", "mean": ":"}

Setting = tuple[str, str, str, str, str]


@styled
def temperature_sweep(rows: Sequence[LoggedEnsemble]) -> Illustration | None:
    """Delta against tau on a logarithmic axis with the bootstrap band, a panel a subset; None for fewer than two tau.

    Args:
        rows: Finished cells; those of max and mean pooling, the limits for a small and a large tau, become level lines.
    """
    found = _settings(rows)
    if not found:
        return None
    settings = dict(list(found.items())[:_MOST_PANELS])
    ks = cutoffs(rows)[-_MOST_LINES:]
    num_columns = min(2, len(settings))
    num_lines = -(-len(settings) // num_columns)
    figure = new_figure(4.0 * num_columns, 0.5 + 2.5 * num_lines)
    panels = figure.subplots(num_lines, num_columns, squeeze=False, sharey=True).ravel()
    for axes, (setting, swept) in zip(panels, settings.items(), strict=False):
        limits = [row for row in rows if row.tau is None and _setting(row)[:-1] == setting[:-1]]
        _panel(axes, swept, limits, ks)
        axes.set_title(_title(swept[0], found))
    for axes in panels[len(settings) :]:
        axes.remove()
    handles = {
        label: handle for axes in panels for handle, label in zip(*axes.get_legend_handles_labels(), strict=True)
    }
    labels = sorted(handles, key=lambda label: not label.startswith("Δ"))
    figure.legend([handles[label] for label in labels], labels, loc="outside upper left", ncols=3)
    return Illustration(
        name="temperature_sweep",
        title=f"Gain against tau at {' and '.join(map(str, ks))}.",
        caption=(
            f"Δ in percentage points; bands are {INTERVALS}. A small tau pools like max, a large one "
            "like mean; their gains are the level lines where those poolings were run."
            + (f" The first {len(settings)} of {len(found)} settings." if len(settings) < len(found) else "")
        ),
        figure=figure,
    )


def _panel(axes: Axes, swept: list[LoggedEnsemble], limits: list[LoggedEnsemble], ks: list[int]) -> None:
    for index, k in enumerate(ks):
        known = [row for row in swept if k in row.ks]
        taus = [row.tau for row in known if row.tau is not None]
        ink = colour(index)
        axes.plot(
            taus, [100 * row.delta(k) for row in known], color=ink, marker=MARKERS[index], ms=4, label=f"Δ hit@{k}"
        )
        ends = [row.trusted(k) for row in known if row.tau is not None]
        band(
            axes,
            taus,
            [100 * low for low, _ in ends],
            [100 * high for _, high in ends],
            colour=ink,
            linewidth=0.8,
            linestyle=("-", "--")[index],
        )
        for row in limits:
            if row.pooling in _LIMITS and k in row.ks:
                axes.axhline(
                    100 * row.delta(k),
                    color=ink,
                    linestyle=_LIMITS[row.pooling],
                    lw=1,
                    label=f"{row.pooling}, hit@{k}",
                )
    axes.axhline(0, color=INK, linewidth=0.8)
    as_tau_axis(axes, ylabel="Δ (pp)")


def _settings(rows: Sequence[LoggedEnsemble]) -> dict[Setting, list[LoggedEnsemble]]:
    """Cells that differ in tau alone, where there are at least two."""
    groups: dict[Setting, list[LoggedEnsemble]] = {}
    for row in sorted_rows(rows):
        if row.tau is not None:
            groups.setdefault(_setting(row), []).append(row)
    return {setting: group for setting, group in groups.items() if len({row.tau for row in group}) > 1}


def _setting(row: LoggedEnsemble) -> Setting:
    return (row.subset, row.templates, row.backbone, row.dataset, row.pooling)


def _title(row: LoggedEnsemble, settings: dict[Setting, list[LoggedEnsemble]]) -> str:
    same_subset = [setting for setting in settings if setting[0] == row.subset]
    telling = [row.templates, row.backbone, row.dataset, row.pooling]
    varied = [
        fact for place, fact in enumerate(telling, start=1) if len({setting[place] for setting in same_subset}) > 1
    ]
    return " · ".join([f"{subset_label(row.subset)} (n={row.num_queries})", *varied])
