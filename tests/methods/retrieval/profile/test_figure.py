"""What the figure shows is read back from its artists; how it looks was checked by eye."""

from io import BytesIO

import pytest
from matplotlib.axes import Axes
from PIL import Image

from misfire.methods.retrieval.profile.figure import tau_profile_curves
from misfire.reporting.figure import to_png, to_svg
from misfire.stats import paired_score_interval
from tests.methods.retrieval.profile.invented_profile import TAUS, profile, transition


def curve(axes: Axes) -> tuple[list[float], list[float]]:
    (line,) = [line for line in axes.lines if line.get_drawstyle() == "steps-mid"]
    return list(line.get_xdata()), list(line.get_ydata())


def ends(axes: Axes) -> dict[str, float]:
    return {str(line.get_marker()): line.get_ydata()[0] for line in axes.lines if line.get_marker() in ("<", ">")}


def test_the_upper_panels_show_hits_and_the_lower_ones_the_other_queries() -> None:
    drawn = tau_profile_curves(profile())
    at_1, at_10, others_at_1, others_at_10 = drawn.figure.axes
    assert [axes.get_title(loc="left") for axes in (at_1, at_10)] == ["hit@1", "hit@10"]
    assert curve(at_10) == (list(TAUS), pytest.approx([52.5, 57.5, 55.0, 55.0]))
    assert ends(at_10) == {"<": 50.0, ">": 55.0}  # max and mean
    assert curve(others_at_10)[1] == curve(others_at_1)[1] == pytest.approx([-0.5, 0.0, 0.5, 1.0])
    assert ends(others_at_10) == {"<": -1.0, ">": 1.5}
    assert at_10.get_xscale() == "log"
    assert "Below, net change on 200 other queries." in drawn.caption


def test_the_landmarks_are_named() -> None:
    drawn = tau_profile_curves(profile())
    for axes in drawn.figure.axes:
        vertical = {line.get_label(): line.get_xdata()[0] for line in axes.lines if line.get_ydata()[0] == 0}
        assert vertical.get("τ = 1") == 1.0
        assert vertical.get("spread over prompts, 0.012") == 0.012
        (span,) = axes.patches
        assert (span.get_x(), span.get_x() + span.get_width()) == pytest.approx((0.01, 1.0))
    before = [line for line in drawn.figure.axes[1].lines if line.get_label() == "plain caption"]
    assert before[0].get_ydata()[0] == 50.0
    (legend,) = drawn.figure.legends
    assert [text.get_text() for text in legend.get_texts()] == [
        "max's ranks become mean's",
        "spread over prompts, 0.012",
        "τ = 1",
        "plain caption",
    ]


def test_the_band_is_the_interval_about_the_plain_captions_hits() -> None:
    at_10 = tau_profile_curves(profile()).figure.axes[1]
    (band,) = at_10.collections
    heights = {round(float(height), 6) for height in band.get_paths()[0].vertices[:, 1]}
    found = profile()
    ends = [paired_score_interval(p.fixed, p.broken, found.num_queries) for p in found.at(10)[1:-1]]
    assert heights == {round(50 + 100 * end, 6) for both in ends for end in both}


def test_the_panels_of_a_row_have_one_scale() -> None:
    at_1, at_10, others_at_1, others_at_10 = tau_profile_curves(profile()).figure.axes
    for one, other in ((at_1, at_10), (others_at_1, others_at_10)):
        spans = [high - low for low, high in (one.get_ylim(), other.get_ylim())]
        assert spans[0] == pytest.approx(spans[1])


def test_the_ends_stand_outside_of_the_grid_and_are_named() -> None:
    axes = tau_profile_curves(profile()).figure.axes[-1]
    labels = [label.get_text() for label in axes.get_xticklabels()]
    assert labels == ["max", "0.01", "0.1", "1", "10", "mean"]
    assert axes.get_xticks()[0] < TAUS[0] < TAUS[-1] < axes.get_xticks()[-1]


def test_without_others_there_is_one_row() -> None:
    drawn = tau_profile_curves(profile(num_others_asked=0))
    assert len(drawn.figure.axes) == 2
    assert "Below" not in drawn.caption


def test_a_transition_without_an_end_is_shaded_to_the_grids() -> None:
    beyond = profile(transition=transition(50, 0.1, None))
    (span,) = tau_profile_curves(beyond).figure.axes[0].patches
    assert span.get_x() + span.get_width() == pytest.approx(10.0)
    nowhere = profile(transition=transition(0, None, None))
    assert not tau_profile_curves(nowhere).figure.axes[0].patches


def test_its_bytes_are_the_same_again() -> None:
    one, other = tau_profile_curves(profile()).figure, tau_profile_curves(profile()).figure
    assert to_png(one) == to_png(other)
    assert to_svg(one) == to_svg(other)
    assert Image.open(BytesIO(to_png(one))).size[0] > 1000
