import numpy as np
from matplotlib.axes import Axes

from misfire.annotation.confusion_figure import confusion_matrix
from misfire.failures.category_report import category_distribution

COUNTS = np.array([[5, 2], [0, 3]])


def test_every_cell_shows_its_count() -> None:
    drawn = confusion_matrix(COUNTS, ["Object", "Count"], rows="ann", columns="bob")
    (axes,) = drawn.figure.axes
    assert isinstance(axes, Axes)
    shown = {(round(text.get_position()[1]), round(text.get_position()[0])): text.get_text() for text in axes.texts}
    assert shown == {(0, 0): "5", (0, 1): "2", (1, 0): "·", (1, 1): "3"}
    assert (axes.get_ylabel(), axes.get_xlabel()) == ("ann", "bob")
    assert [tick.get_text() for tick in axes.get_yticklabels()] == ["Object", "Count"]
    assert "8 of 10 pairs of labels agree" in drawn.caption


def test_whiskers_end_where_the_intervals_do() -> None:
    intervals = {"Object": (0.4, 0.9), "Rest": (0.1, 0.6)}
    drawn = category_distribution({"Object": 15, "Rest": 5}, intervals=intervals, not_actionable=["Rest"])
    (axes,) = drawn.figure.axes
    ends = [segment[:, 0].tolist() for lines in axes.collections for segment in lines.get_segments()]
    assert np.allclose(ends, [[8, 18], [2, 12]])
    assert [bool(bar.get_hatch()) for bar in axes.patches] == [False, True]
    assert "Whiskers" in drawn.caption
