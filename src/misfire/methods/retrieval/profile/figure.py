"""Hit rates against the temperature of LogMeanExp, from max to mean."""

from matplotlib.axes import Axes

from misfire.methods.retrieval.ensemble.figures.tau_axis import as_tau_axis, band
from misfire.methods.retrieval.ensemble.series import subset_label
from misfire.methods.retrieval.profile.logged import LoggedProfile, ProfilePoint
from misfire.methods.retrieval.profile.profile import PUBLISHED_TAU
from misfire.reporting.figure import INK, PALE, Illustration, colour, new_figure, styled
from misfire.stats import paired_score_interval

_ROOM = 8.0  # between the grid's ends and the markers of max and mean, as a factor of tau
_SHADE = "#eeeeee"


@styled
def tau_profile_curves(profile: LoggedProfile) -> Illustration:
    """hit@k on the subset over the net change on the other queries, a column a cut-off; tau is logarithmic.

    Args:
        profile: A finished profile.
    """
    is_cost_known = profile.num_others_asked > 0
    figure = new_figure(2.75 * len(profile.ks) + 0.4, 5.0 if is_cost_known else 3.2)
    panels = figure.subplots(1 + is_cost_known, len(profile.ks), squeeze=False, sharex=True)
    for place, k in enumerate(profile.ks):
        points, ink = profile.at(k), colour(place)
        for axes in panels[:, place]:
            _landmarks(axes, profile)
        _hit_rate(panels[0][place], points, profile, ink)
        panels[0][place].set_title(f"hit@{k}")
        as_tau_axis(panels[0][place], ylabel="" if place else "hits on the subset (%)")
        if is_cost_known:
            _net_elsewhere(panels[1][place], points, profile, ink)
            as_tau_axis(panels[1][place], ylabel="" if place else "Δ on other queries (pp)")
        for axes in panels[:-1, place]:
            axes.set_xlabel("")
        panels[-1][place].tick_params(axis="x", labelsize=8)
    for row in panels:
        _same_scale(list(row))
    _ticks(panels[-1][0], profile)
    handles, labels = panels[0][0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper left", ncols=4)
    return Illustration(
        name="tau_profile",
        title=f"Hits on {subset_label(profile.subset)} against tau, from max to mean.",
        caption=(
            f"{profile.num_taus} temperatures, n={profile.num_queries} queries. Bands are the plain caption's hits "
            f"plus the {profile.confidence:.0%} score interval of the gain, each by itself. A row has one scale: a "
            "point is as high in each of its panels. "
            + (f"Below, net change on {profile.num_others_asked:,} other queries. " if is_cost_known else "")
            + "The highest point of a curve was chosen by looking; its max-T p-value counts all looks."
        ),
        figure=figure,
    )


def _same_scale(row: list[Axes]) -> None:
    """Give neighbours the same height of a point, each about its own middle."""
    limits = [axes.get_ylim() for axes in row]
    span = max(high - low for low, high in limits)
    for axes, (low, high) in zip(row, limits, strict=True):
        middle = (low + high) / 2
        axes.set_ylim(middle - span / 2, middle + span / 2)


def _hit_rate(axes: Axes, points: list[ProfilePoint], profile: LoggedProfile, ink: str) -> None:
    places, total = _places(points), profile.num_queries
    before = profile.baseline(points[0].k) / total
    # The ends of the gain's score interval, which has a width where nothing flips, too.
    ends = [paired_score_interval(p.fixed, p.broken, total, confidence=profile.confidence) for p in points]
    # No hit rate lies outside of 0 and 1, though a gain that leads there can't be ruled out by its interval alone.
    low, high = ([100 * min(max(before + end, 0.0), 1.0) for end in side] for side in zip(*ends, strict=True))
    band(axes, places[1:-1], low[1:-1], high[1:-1], colour=ink, linewidth=0, step="mid")
    for end in (0, -1):
        axes.plot([places[end]] * 2, [low[end], high[end]], color=ink, alpha=0.3, linewidth=2)
    axes.axhline(100 * before, color=INK, linewidth=0.9, linestyle="--", label="plain caption")
    _curve(axes, places, [100 * point.hits / total for point in points], ink)


def _net_elsewhere(axes: Axes, points: list[ProfilePoint], profile: LoggedProfile, ink: str) -> None:
    net = [100 * (point.complement_fixed - point.complement_broken) / profile.num_others_asked for point in points]
    axes.axhline(0, color=INK, linewidth=0.9, linestyle="--")
    _curve(axes, _places(points), net, ink)


def _curve(axes: Axes, places: list[float], values: list[float], ink: str) -> None:
    axes.plot(places[1:-1], values[1:-1], color=ink, linewidth=1.4, drawstyle="steps-mid")
    for end, marker in ((0, "<"), (-1, ">")):
        axes.plot(places[end], values[end], color=ink, marker=marker, markersize=6, linestyle="none")


def _landmarks(axes: Axes, profile: LoggedProfile) -> None:
    """Where ranks change, the prompts' spread, and the published temperature."""
    start, end = profile.transition["start"], profile.transition["end"]
    if start is not None:
        last = profile.at(profile.ks[0])[-2].tau if end is None else end
        axes.axvspan(start, last, color=_SHADE, zorder=0, label="max's ranks become mean's")
    spread = profile.spread("deviation")
    low, high = _limits(profile)
    if low < spread < high:
        axes.axvline(spread, color=PALE, linestyle=":", linewidth=1.1, label=f"spread over prompts, {spread:.2g}")
    if low < PUBLISHED_TAU < high:
        axes.axvline(PUBLISHED_TAU, color=INK, linestyle="-.", linewidth=1.1, label=f"τ = {PUBLISHED_TAU:g}")


def _places(points: list[ProfilePoint]) -> list[float]:
    """Abscissae: the taus, and for the ends a place just outside of them."""
    taus = [point.tau for point in points[1:-1]]
    return [taus[0] / _ROOM, *taus, taus[-1] * _ROOM]


def _limits(profile: LoggedProfile) -> tuple[float, float]:
    places = _places(profile.at(profile.ks[0]))
    return places[0], places[-1]


def _ticks(axes: Axes, profile: LoggedProfile) -> None:
    """Powers of ten within the grid, and the ends by name; the panels share their axis."""
    from matplotlib.ticker import FixedFormatter, FixedLocator, NullLocator

    low, high = _limits(profile)
    powers = [
        10.0**exponent for exponent in range(-12, 13) if low * _ROOM <= 1.0001 * 10.0**exponent <= 1.001 * high / _ROOM
    ]
    axes.set_xlim(low / 2, high * 2)
    axes.xaxis.set_major_locator(FixedLocator([low, *powers, high]))
    axes.xaxis.set_major_formatter(FixedFormatter(["max", *(f"{power:g}" for power in powers), "mean"]))
    axes.xaxis.set_minor_locator(NullLocator())
