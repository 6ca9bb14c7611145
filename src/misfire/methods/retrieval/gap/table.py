"""The oracle gap as a table: a row a system and cut-off."""

from misfire.cells import Estimate, Flips
from misfire.methods.retrieval.gap.logged import LoggedGap, LoggedSystem
from misfire.reporting.table import Column, Entry, Source, Table


def gap_table(gap: LoggedGap) -> Table:
    """Hits, fixed and broken on the failures and on the other queries, and the change over all, of every system.

    Args:
        gap: What was measured.
    """
    return Table(
        name="oracle_gap",
        title=(
            f"What gold labels are worth: templates chosen by them, without them, and not at all "
            f"({gap.backbone} on {gap.dataset}, {gap.pooling})."
        ),
        columns=(
            Column("k", ("k",)),
            Column("templates chosen", ("kind", "router", "is_oracle"), is_number=False),
            Column("applied to", ("share_applied",)),
            Column("hits", ("failure_hits_before", "failure_hits", "num_failures"), f"{gap.num_labelled} failures"),
            Column("fixed", ("failures_fixed",), f"{gap.num_labelled} failures"),
            Column("broken", ("failures_broken",), f"{gap.num_labelled} failures"),
            Column("hits", ("other_hits_before", "other_hits", "num_others"), f"{gap.num_others_asked:,} others"),
            Column("fixed", ("others_fixed",), f"{gap.num_others_asked:,} others"),
            Column("broken", ("others_broken",), f"{gap.num_others_asked:,} others"),
            Column("Δ pp", ("net", "net_low", "net_high"), f"all {gap.num_queries:,}"),
            Column("behind oracle pp", ("behind", "behind_low", "behind_high"), f"all {gap.num_queries:,}"),
            Column("category right", ("num_right", "num_routable")),
        ),
        rows=tuple(_row(gap, system, k) for k in gap.ks for system in gap.systems),
        note=_note(gap),
        sources=(Source(gap.cell_id, gap.run_url),),
    )


def _row(gap: LoggedGap, system: LoggedSystem, k: int) -> tuple[Entry, ...]:
    right = "" if system.num_right is None else f"{system.num_right}/{gap.num_routable}"
    return (
        Entry(str(k), (k,)),
        Entry(system.label + (" †" if system.is_oracle else ""), (system.kind, system.router, system.is_oracle)),
        Entry(f"{100 * system.share_applied:.0f} %", (system.share_applied,)),
        *_flips(system.flips("failures", k)),
        *_flips(system.flips("others", k)),
        _points(system.at("net", k)),
        _points(system.at("behind_oracle", k)),
        Entry(right, (system.num_right, gap.num_routable)),
    )


def _flips(flips: Flips) -> tuple[Entry, ...]:
    before, after = flips.right_before, flips.right_after
    return (
        Entry(f"{before}→{after}", (before, after, flips.num_units)),
        Entry(str(flips.fixed), (flips.fixed,)),
        Entry(str(flips.broken), (flips.broken,)),
    )


def _points(net: Estimate) -> Entry:
    numbers = (net.value, net.low, net.high)
    return Entry(f"{100 * net.value:+.2f} [{100 * net.low:.2f}, {100 * net.high:.2f}]", numbers)


def _note(gap: LoggedGap) -> str:
    gold = ", ".join(f"{count} {name}" for name, count in gap.gold.items())
    return (
        f"Failures: {gap.num_labelled} labelled by {gap.label_source} ({gold}), a {gap.how_chosen}; they stand for all "
        f"{gap.num_failures:,} queries that the plain caption doesn't rank first. Others: {gap.num_others_asked:,} of "
        f"the {gap.num_hits:,} that it does. † reads gold labels at query time: it is told which queries fail, too, "
        f"and leaves the others and failures without a template set as they are. A gated system {gap.gate}. "
        "Applied to: share of all queries that are asked with templates, not with the plain caption. "
        f"Δ and what is behind the oracle are estimates over all queries with score intervals, captions clustered by "
        f"image, those of all {len(gap.systems) - 1} systems at a cut-off together at {gap.confidence:.0%} "
        "(Bonferroni's). Category right: labelled failures routed to their gold category, "
        "of those whose category has templates; no label of a query's own image takes part in its route."
    )
