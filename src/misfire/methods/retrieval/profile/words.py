"""What a tau profile lets one say, in plain words."""

import math

from misfire.methods.retrieval.logged import notes_of
from misfire.methods.retrieval.profile.logged import LoggedProfile, ProfilePoint

_LEVEL = 0.05


def profile_conclusion(profile: LoggedProfile, *, num_profiles: int = 1) -> str:
    """One sentence on the best of the grid at the largest cut-off: what may be concluded, and what may not.

    Args:
        profile: A finished profile.
        num_profiles: How many profiles are looked at together; the p-value is multiplied by as many (Bonferroni).
    """
    k = profile.ks[-1]
    best = profile.best(k)
    if best.gain <= 0:
        return (
            f"No pooling between max and mean hits more of the {profile.num_queries} queries at {k} than the plain "
            "caption does."
        )
    p_adjusted = min(1.0, num_profiles * best.p_adjusted)
    several = f" in each of {num_profiles} profiles" if num_profiles > 1 else ""
    found = (
        f"The best at {k}, {_best_label(profile, k)}, gains {100 * best.gain:+.2f} pp on {profile.num_queries} queries "
        f"({best.fixed} fixed, {best.broken} broken); with {profile.num_points} looks{several} counted its p-value is "
        f"{_p_value(p_adjusted)}"
    )
    if p_adjusted >= _LEVEL:
        return f"{found}: it can't be told from no change, so nothing here speaks for one tau over another."
    if profile.is_failure_mined:
        return (
            f"{found}: more than the luck of choosing a tau, but these queries were chosen because the plain caption "
            f"fails on them, where any change of the scores fixes more than it breaks{_elsewhere(profile, best)}."
        )
    return f"{found}: more than the luck of choosing a tau{_elsewhere(profile, best)}."


def transition_sentence(profile: LoggedProfile) -> str:
    """One sentence on where the ranks go over from the max's to the mean's."""
    transition = profile.transition
    low, high = (profile.at(profile.ks[0])[place].tau for place in (1, -2))
    if not transition["num_movable"]:
        return f"Max and mean rank each of the {transition['num_queries']:,} queries alike, so no tau matters."
    moving = (
        f"the {transition['num_movable']:,} of {transition['num_queries']:,} queries that max and mean rank differently"
    )
    start = f"leave max's ranks above tau = {high:g}"
    if transition["start"] is not None:
        is_first = transition["start"] == low
        start = (
            f"leave max's ranks {'at or below' if is_first else 'at'} tau = {transition['start']:.3g} (a tenth gone)"
        )
    end = (
        f"haven't reached mean's at tau = {high:g}"
        if transition["end"] is None
        else f"have mean's from tau = {transition['end']:.3g} on (nine tenths there)"
    )
    return f"The ranks of {moving} {start} and {end}."


def reference_sentence(profile: LoggedProfile) -> str:
    """One sentence on what tau = 1 is on these scores: how much of the mean."""
    alike = f"{profile.num_as_mean:,} of {profile.transition['num_queries']:,} queries rank as under mean"
    tau, shift, largest, gap = profile.published_tau, *map(profile.spread, ("shift", "largest_shift", "gap"))
    if largest <= 0:
        return f"At tau = {tau:g} LogMeanExp is the mean, since the prompts' scores don't differ: {alike}."
    rival = "" if math.isnan(gap) else f" (the nearest rival of a target is {gap:.1e} away)"
    return (
        f"At tau = {tau:g} LogMeanExp is the mean {_digits(shift)} as a rule: scores spread by "
        f"{profile.spread('deviation'):.4f} over the prompts, so it stands {shift:.1e} above the mean, at most "
        f"{largest:.1e}{rival}, and {alike}."
    )


def _digits(shift: float) -> str:
    decimals = math.floor(-math.log10(2 * shift)) if shift > 0 else 7  # as many as float32 holds
    return f"to {decimals} decimals" if decimals >= 1 else "in no decimal"


def _best_label(profile: LoggedProfile, k: int) -> str:
    """The best point, and how many others do as well."""
    others = len(profile.as_good(k)) - 1
    rest = f" (as good as {others} of the other {len(profile.at(k)) - 1} poolings)" if others else ""
    return profile.best(k).label + rest


def _p_value(value: float) -> str:
    return f"{value:.3f}" if value >= 0.001 else f"{value:.1g}"


def _elsewhere(profile: LoggedProfile, best: ProfilePoint) -> str:
    if not profile.num_others_asked:
        return "; what it does to the other queries wasn't asked" if profile.num_others else ""
    return (
        f"; on {profile.num_others_asked:,} other queries it fixed {best.complement_fixed} and broke "
        f"{best.complement_broken}"
    )


def told(profile: LoggedProfile) -> str:
    """The best at each cut-off beside the profile's ends and tau = 1, the decisive one first, and what it comes to."""
    from misfire.methods.retrieval.profile.table import profile_table
    from misfire.reporting.table import to_text

    mined = (
        ["No p-value here knows that these queries were chosen because the plain caption fails on them."]
        if profile.is_failure_mined
        else []
    )
    return "\n".join(
        [
            profile.logged.name,
            f"{profile.subset}: hits of {profile.num_queries} queries at {profile.num_taus} taus. "
            f"{profile_conclusion(profile)}",
            *mined,
            *notes_of([profile.logged]),
            "",
            to_text(profile_table(profile)),
            "",
            transition_sentence(profile),
            reference_sentence(profile),
            "",
        ]
    )
