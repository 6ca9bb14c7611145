from misfire.methods.retrieval.attribution.figure import attribution_bars
from tests.methods.retrieval.gap.invented_gap import ATTRIBUTION


def test_bars_are_the_shapley_values_in_the_order_of_the_last_cut_off() -> None:
    at_5, at_10 = attribution_bars(ATTRIBUTION).figure.axes
    assert [round(bar.get_width(), 6) for bar in at_10.patches] == [5.0, -1.0]
    assert [round(bar.get_width(), 6) for bar in at_5.patches] == [2.0, -2.0]
    assert [label.get_text() for label in at_5.get_yticklabels()] == ["see {caption}", "{caption}"]
    assert at_10.get_title(loc="left") == "hit@10: +4.00 pp"
