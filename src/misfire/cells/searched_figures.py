"""A search's trials: in the order they ran, against each other, and along a number that was searched."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from misfire.cells.objective import Objective
from misfire.cells.searched import TrialRow
from misfire.reporting.figure import INK, MARKERS, Illustration, colour, new_figure, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@styled
def search_history(trials: Sequence[TrialRow], objective: Objective, k: int | None, *, units: str) -> Illustration:
    """The first objective trial by trial, and the best so far."""
    figure = new_figure(6.4, 2.9)
    axes = figure.subplots()
    finished, pruned = _apart(trials)
    numbers = [trial.number for trial in finished]
    values = [trial.values[0] for trial in finished]
    better = max if objective.is_maximised else min
    best = [better(values[: place + 1]) for place in range(len(values))]
    axes.step(numbers, best, where="post", color=INK, lw=1, label="best so far")
    axes.plot(numbers, values, linestyle="none", marker=MARKERS[0], ms=4, color=colour(0), label="trial")
    _plot_pruned(axes, [(float(trial.number), trial.values[0]) for trial in pruned])
    chosen = next(trial for trial in trials if trial.is_winner)
    axes.plot([chosen.number], [chosen.values[0]], linestyle="none", marker="*", ms=12, color=colour(5), label="winner")
    axes.set_xlabel("trial")
    axes.set_ylabel(objective.title_at(k))
    axes.grid(axis="y")
    figure.legend(loc="outside upper left", ncols=4)
    return Illustration(
        name="search_history",
        title="The search, trial by trial.",
        caption=f"Values on dev {units}. The best so far can only improve, even where no setting is better."
        + _caption(pruned),
        figure=figure,
    )


@styled
def pareto_front_figure(
    trials: Sequence[TrialRow], objectives: Sequence[Objective], k: int | None, *, units: str
) -> Illustration | None:
    """One objective against the other, the front marked; None for a single objective."""
    if len(objectives) < 2:
        return None
    figure = new_figure(5.2, 3.6)
    axes = figure.subplots()
    finished, pruned = _apart(trials)
    groups = (
        ("trial", [trial for trial in finished if not trial.is_on_front], MARKERS[0], "#999999", 4.0),
        ("front", [trial for trial in trials if trial.is_on_front], MARKERS[1], colour(0), 5.5),
        ("winner", [trial for trial in trials if trial.is_winner], "*", colour(5), 12.0),
    )
    for name, members, marker, ink, size in groups:
        axes.plot(
            [trial.values[1] for trial in members],
            [trial.values[0] for trial in members],
            linestyle="none",
            marker=marker,
            ms=size,
            color=ink,
            label=name,
        )
    _plot_pruned(axes, [(trial.values[1], trial.values[0]) for trial in pruned])
    line = sorted((trial.values[1], trial.values[0]) for trial in trials if trial.is_on_front)
    # A staircase: between two settings of the front lies what one of them reaches, not a mixture of both.
    axes.step(
        [x for x, _ in line], [y for _, y in line], where=_where(objectives), color=colour(0), lw=0.8, linestyle=":"
    )
    axes.set_xlabel(objectives[1].title_at(k))
    axes.set_ylabel(objectives[0].title_at(k))
    axes.grid()
    figure.legend(loc="outside upper left", ncols=4)
    return Illustration(
        name="pareto_front",
        title="What is gained, and what it costs elsewhere.",
        caption=f"Values on dev {units}. No other trial beats those of the front in both; equal ones coincide."
        + _caption(pruned),
        figure=figure,
    )


@styled
def searched_number(
    trials: Sequence[TrialRow], objective: Objective, k: int | None, *, key: str, units: str
) -> Illustration | None:
    """The first objective against a number that was searched; None where fewer than two trials have it."""
    found = [trial for trial in trials if isinstance(trial.setting.get(key), float)]
    if len(found) < 2:
        return None
    figure = new_figure(6.4, 2.9)
    axes = figure.subplots()
    finished, pruned = _apart(found)
    numbers = [float(trial.setting[key]) for trial in found]
    axes.plot(
        [float(trial.setting[key]) for trial in finished],
        [trial.values[0] for trial in finished],
        linestyle="none",
        marker=MARKERS[0],
        ms=4,
        color=colour(0),
        label="trial",
    )
    _plot_pruned(axes, [(float(trial.setting[key]), trial.values[0]) for trial in pruned])
    if min(numbers) > 0 and max(numbers) > 10 * min(numbers):
        axes.set_xscale("log")
    axes.set_xlabel("τ" if key == "pooling.tau" else key)
    axes.set_ylabel(objective.title_at(k))
    axes.grid(axis="y")
    if pruned:
        figure.legend(loc="outside upper left", ncols=2)
    return Illustration(
        name=f"search_{key.replace('.', '_')}",
        title=f"Trials along {key}.",
        caption=f"Values on dev {units}; whatever else was searched differs between the trials." + _caption(pruned),
        figure=figure,
    )


def _where(objectives: Sequence[Objective]) -> Literal["pre", "post"]:
    """Whether a step's level belongs to the setting on its left or on its right."""
    return "post" if not objectives[1].is_maximised else "pre"


def _apart(trials: Sequence[TrialRow]) -> tuple[list[TrialRow], list[TrialRow]]:
    """Finished trials, and those that were cut short."""
    return [one for one in trials if not one.is_pruned], [one for one in trials if one.is_pruned]


def _plot_pruned(axes: "Axes", points: Sequence[tuple[float, float]]) -> None:
    if points:
        axes.plot(
            *zip(*points, strict=True),
            linestyle="none",
            marker=MARKERS[0],
            ms=4,
            color="#999999",
            fillstyle="none",
            label="cut short: at best",
        )


def _caption(pruned: Sequence[TrialRow]) -> str:
    return " An empty mark is the best that a trial may be that was cut short." if pruned else ""
