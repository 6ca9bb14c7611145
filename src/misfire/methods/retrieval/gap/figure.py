"""The oracle gap as points with intervals: what each way of choosing templates changes over all queries."""

from misfire.methods.retrieval.gap.logged import LoggedGap
from misfire.reporting.figure import INK, PALE, Illustration, colour, new_figure, styled

_KINDS = ("none", "same for all", "predicted", "gated", "oracle")
_CALLED = {
    "same for all": "same templates for all",
    "predicted": "by predicted category",
    "gated": "only where unsure",
    "oracle": "by gold label: an oracle",
}


@styled
def oracle_gap_points(gap: LoggedGap) -> Illustration:
    """Change of hit@k over all queries with its interval, a row a system and a panel a cut-off.

    Args:
        gap: What was measured.
    """
    systems = [system for system in gap.systems if system.kind != "none"]
    figure = new_figure(2.4 * len(gap.ks) + 2.0, 0.34 * len(systems) + 1.6)
    panels = figure.subplots(1, len(gap.ks), squeeze=False, sharex=True, sharey=True)[0]
    for axes, k in zip(panels, gap.ks, strict=True):
        axes.axvline(0, color=PALE, linewidth=0.9, label="no change: the plain caption")
        oracle = 100 * gap.oracle.at("net", k).value
        axes.axvline(oracle, color=INK, linewidth=0.9, linestyle=":", label="the oracle's change")
        for row, system in enumerate(systems):
            net, ink = system.at("net", k), colour(_KINDS.index(system.kind))
            axes.plot([100 * net.low, 100 * net.high], [row, row], color=ink, linewidth=1.6)
            filled = "white" if system.is_oracle else ink
            axes.plot(
                100 * net.value,
                row,
                marker="o",
                color=ink,
                markerfacecolor=filled,
                markersize=5,
                linestyle="none",
                label=_CALLED[system.kind],
            )
        axes.set_title(f"hit@{k}")
        axes.set_xlabel("Δ on all queries (pp)")
        axes.grid(axis="x")
    panels[0].set_yticks(range(len(systems)), [system.label for system in systems])
    panels[0].invert_yaxis()
    handles, labels = panels[0].get_legend_handles_labels()
    named = dict(zip(labels, handles, strict=True))  # each once
    figure.legend(named.values(), named.keys(), loc="outside upper left", ncols=3)
    return Illustration(
        name="oracle_gap",
        title="What gold labels are worth, and what is left of it without them.",
        caption=(
            f"Estimated change over all {gap.num_queries:,} queries against the plain caption, with intervals that "
            f"hold for all systems at once ({gap.confidence:.0%}), from {gap.num_labelled} labelled failures and "
            f"{gap.num_others_asked:,} of the queries that the plain caption gets right. The open circle and the "
            "dotted line are the oracle, which reads gold labels at query time."
        ),
        figure=figure,
    )
