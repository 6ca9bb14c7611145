"""Which categories annotators confuse."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Int
from matplotlib.patches import Rectangle

from misfire.reporting.figure import INK, PALE, Illustration, new_figure, styled

# The darkest cell is still light enough for dark digits.
_HEADROOM = 1.9


@styled
def confusion_matrix(
    counts: Int[np.ndarray, "row column"], categories: Sequence[str], *, rows: str, columns: str
) -> Illustration:
    """One cell a pair of categories with how often they met; agreement lies on the framed diagonal.

    Args:
        counts: Queries a pair of categories.
        categories: Names of both axes, in order.
        rows: Whose categories the rows are.
        columns: Whose categories the columns are.
    """
    size = len(categories)
    figure = new_figure(1.6 + 0.62 * size, 1.2 + 0.52 * size)
    axes = figure.subplots()
    axes.imshow(counts, cmap="Blues", vmin=0, vmax=_HEADROOM * max(1, int(counts.max())), aspect="auto")
    for (row, column), count in np.ndenumerate(counts):
        axes.text(column, row, f"{count}" if count else "·", ha="center", va="center", color=INK if count else PALE)
    for place in range(size):
        axes.add_patch(
            Rectangle((place - 0.5, place - 0.5), 1, 1, fill=False, edgecolor=INK, linewidth=1.0, clip_on=False)
        )
    axes.set_xticks(range(size), categories, rotation=30, ha="right", rotation_mode="anchor")
    axes.set_yticks(range(size), categories)
    axes.set_xlabel(columns)
    axes.set_ylabel(rows)
    axes.tick_params(length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)
    return Illustration(
        name="confusion",
        title=f"Categories of {rows} (rows) against {columns} (columns).",
        caption=f"{int(np.trace(counts))} of {int(counts.sum())} pairs of labels agree; they lie on the diagonal.",
        figure=figure,
    )
