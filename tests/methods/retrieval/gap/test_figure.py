from misfire.methods.retrieval.gap.figure import oracle_gap_points
from misfire.reporting.figure import to_png
from tests.methods.retrieval.gap.invented_gap import GAP


def test_a_point_a_system_stands_at_its_net_change() -> None:
    drawn = oracle_gap_points(GAP)
    (axes,) = drawn.figure.axes
    labels = [label.get_text() for label in axes.get_yticklabels()]
    assert labels == ["same for all", "oracle", "predicted (zero-shot)", "gated (zero-shot)"]
    points = [line.get_xdata()[0] for line in axes.lines if line.get_marker() == "o"]
    assert [round(float(value), 6) for value in points] == [-2.0, 3.0, 1.5, 0.5]
    (legend,) = drawn.figure.legends
    assert [text.get_text() for text in legend.get_texts()] == [
        "no change: the plain caption",
        "the oracle's change",
        "same templates for all",
        "by gold label: an oracle",
        "by predicted category",
        "only where unsure",
    ]
    assert to_png(drawn.figure) == to_png(oracle_gap_points(GAP).figure)
