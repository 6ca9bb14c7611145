"""How a method's numbers hang on its settings: one panel a setting, the others as they mostly are."""

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from misfire.reporting.figure import MARKERS, Illustration, colour, new_figure, styled

if TYPE_CHECKING:
    from misfire.cells import Logged

SETTINGS = {
    "K": "sentences a cluster, K",
    "C": "clusters, C",
    "o": "severity of what describes a failure, o",
    "split": "split by",
    "sentences": "sentence set",
}
"""Settings whose effect is drawn, by their key in a cell's label."""
_METRICS = {"ahr": "AHR", "acr": "ACR", "tpr": "TPR", "ji": "JI", "coverage": "coverage"}
_FEWEST_VALUES = 2


@styled
def sensitivity(cells: "Sequence[Logged]") -> Illustration | None:
    """AHR, ACR, TPR, JI and coverage against each setting that varies, of the method with the most cells.

    Cells are compared that differ in one setting alone from what most of them have; seeds are averaged, and bars say
    their standard deviation.

    Args:
        cells: Finished cells.

    Returns:
        The figure, or None where no setting varies.
    """
    method, _ = Counter(cell.label["method"] for cell in cells).most_common(1)[0]
    own = [cell for cell in cells if cell.label["method"] == method]
    panels = {key: found for key in SETTINGS if len(found := _by_value(own, key)) >= _FEWEST_VALUES}
    if not panels:
        return None
    num_columns = min(3, len(panels))
    num_rows = -(-len(panels) // num_columns)
    figure = new_figure(0.6 + 3.1 * num_columns, 0.5 + 2.6 * num_rows)
    grid = figure.subplots(num_rows, num_columns, squeeze=False).ravel()
    for axes, (key, found) in zip(grid, panels.items(), strict=False):
        places = np.arange(len(found))
        is_words = any(not _is_number(value) for value in found)
        for place, (metric, name) in enumerate(_METRICS.items()):
            values = [_values(group, metric) for group in found.values()]
            if not all(len(one) for one in values):
                continue
            axes.errorbar(
                places,
                [float(np.mean(one)) for one in values],
                yerr=[float(np.std(one)) for one in values],
                color=colour(place),
                marker=MARKERS[place],
                markersize=4.5,
                linewidth=1.4,
                linestyle="none" if is_words else "-",
                capsize=2,
                label=name,
            )
        axes.set_xticks(places, list(found), rotation=20 if is_words else 0, ha="right" if is_words else "center")
        axes.set_xlabel(SETTINGS[key])
        axes.set_ylim(bottom=0)
        axes.grid(axis="y")
    for axes in grid[len(panels) :]:
        axes.set_axis_off()
    if len(grid) > len(panels):  # an empty place has room for what the markers mean
        grid[-1].legend(*grid[0].get_legend_handles_labels(), fontsize=8, loc="center left")
    else:
        grid[0].legend(fontsize=7.5, ncols=2)
    usual = ", ".join(f"{key} {value}" for key, value in _usual(own).items() if key in panels)
    return Illustration(
        name="modes_sensitivity",
        title=f"How {method} hangs on its settings.",
        caption=(
            f"One setting varies a panel; the others are what most cells have ({usual}). Markers are means over seeds, "
            "bars their standard deviations. AHR, ACR, TPR and JI are equations 3 to 5 of Csurka et al.; coverage is "
            "the share of the failures that lie in a mode."
        ),
        figure=figure,
    )


def _usual(cells: "Sequence[Logged]") -> dict[str, str]:
    return {
        key: Counter(cell.label[key] for cell in cells if key in cell.label).most_common(1)[0][0]
        for key in SETTINGS
        if any(key in cell.label for cell in cells)
    }


def _by_value(cells: "Sequence[Logged]", key: str) -> "dict[str, list[Logged]]":
    """Cells that differ from the usual ones in this setting alone, by its value."""
    usual = _usual(cells)
    found: dict[str, list[Logged]] = {}
    for cell in cells:
        if all(cell.label.get(other) == value for other, value in usual.items() if other != key) and key in cell.label:
            found.setdefault(cell.label[key], []).append(cell)
    order = sorted(found, key=lambda value: (not _is_number(value), float(value) if _is_number(value) else 0.0))
    return {value: found[value] for value in order}


def _values(cells: "Sequence[Logged]", metric: str) -> list[float]:
    found = [cell.estimates.find(metric) for cell in cells]
    return [one.value for one in found if one is not None and one.value == one.value]


def _is_number(value: str) -> bool:
    return value.replace(".", "", 1).isdigit()
