"""A tau profile as a table: its ends, tau = 1 and its best at each cut-off."""

from misfire.core.words import UNDEFINED, interval_percent, p_value, percentage_points, plain_count
from misfire.methods.retrieval.ensemble.series import subset_label
from misfire.methods.retrieval.profile.logged import LoggedProfile
from misfire.reporting.table import Column, Entry, Source, Table


def profile_table(profile: LoggedProfile) -> Table:
    """Hits of the plain caption, max, tau = 1, mean and the best tau, and what the best is worth: a row a cut-off.

    Args:
        profile: A finished profile.
    """
    oracle = ", chosen by gold labels" if profile.is_oracle else ""
    mined = (
        " The queries were picked because the plain caption fails on them, which no p-value here knows."
        if profile.is_failure_mined
        else ""
    )
    return Table(
        name="tau_profile",
        title=f"Hits on {subset_label(profile.subset)} from max to mean, and at the best tau.",
        columns=(
            Column("k", ("k",)),
            Column("Plain", ("baseline_hits",), group="Hits"),
            Column("max", ("max_hits",), group="Hits"),
            Column("τ=1", ("tau_1_hits",), group="Hits"),
            Column("mean", ("mean_hits",), group="Hits"),
            Column("Best", ("best_hits",), group="Hits"),
            Column("at", ("best_pooling", "best_tau"), group="Best", is_number=False),
            Column("Δ (pp)", ("gain",), group="Best"),
            Column("Percentile", ("gain_low", "gain_high"), group="Best"),
            Column("p, all taus", ("p_adjusted",), group="Best"),
            Column("Fixed", ("complement_fixed",), group="other queries"),
            Column("Broken", ("complement_broken",), group="other queries"),
        ),
        rows=tuple(_row(profile, k) for k in profile.ks),
        note=(
            f"{plain_count(profile.num_queries)} queries: {profile.how_chosen}. {profile.num_templates} templates "
            f"({profile.templates}{oracle}). max and mean are the ends of LogMeanExp. The best of "
            f"{profile.num_taus + 2} was chosen by looking; its p-value is adjusted for them all, its interval isn't."
            f"{mined}"
        ),
        sources=(Source(profile.cell_id, profile.run_url),),
    )


def _row(profile: LoggedProfile, k: int) -> tuple[Entry, ...]:
    points, best = profile.at(k), profile.best(k)
    hits = (
        profile.baseline(k),
        points[0].hits,
        profile.published_hits(k),
        points[-1].hits,
        best.hits,
    )
    asked = profile.num_others_asked
    elsewhere = (best.complement_fixed, best.complement_broken) if asked else (None, None)
    remark = f"of {plain_count(asked)}" if asked else "the other queries were not asked"
    return (
        Entry(str(k), (k,)),
        *(Entry(plain_count(count), (count,), f"of {plain_count(profile.num_queries)}") for count in hits),
        Entry(best.label, (best.pooling, best.tau if best.is_soft else None)),
        Entry(percentage_points(best.gain), (best.gain,)),
        Entry(interval_percent(best.low, best.high), (best.low, best.high)),
        Entry(p_value(best.p_adjusted), (best.p_adjusted,)),
        *(Entry(UNDEFINED if count is None else plain_count(count), (count,), remark) for count in elsewhere),
    )
