from misfire.reporting.figures import attribution_bars
from tests.reporting.invented_gap import ATTRIBUTION


def test_bars_are_the_shapley_values_the_largest_first() -> None:
    (axes,) = attribution_bars(ATTRIBUTION).figure.axes
    assert [round(bar.get_width(), 6) for bar in axes.patches] == [5.0, -1.0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["a photo of {caption}", "see {caption}"]
