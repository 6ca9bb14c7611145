"""What figures over temperatures share: a logarithmic axis, and a curve's bootstrap band."""

from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes

from misfire.reporting.figure import PALE


def as_tau_axis(axes: Axes, *, ylabel: str) -> None:
    """Make x a logarithmic axis of tau."""
    axes.set_xscale("log")
    axes.set_xlabel("τ")
    axes.set_ylabel(ylabel)
    axes.grid(axis="y")
    axes.spines["left"].set_color(PALE)


def band(
    axes: Axes,
    taus: Sequence[float],
    low: Sequence[float],
    high: Sequence[float],
    *,
    colour: str,
    **options: Any,
) -> None:
    """Shade between the ends of the intervals."""
    axes.fill_between(taus, low, high, color=colour, alpha=0.15, **options)
