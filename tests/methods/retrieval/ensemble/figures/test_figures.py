"""What the figures show is read back from their artists; how they look was checked by eye."""

from collections.abc import Callable

import matplotlib
import numpy as np
import pytest
from matplotlib.axes import Axes

from misfire.cells.comparison import score_interval
from misfire.failures.category_report import category_distribution
from misfire.methods.retrieval.ensemble.figures.best import best_pooling
from misfire.methods.retrieval.ensemble.figures.histogram import bootstrap_distributions
from misfire.methods.retrieval.ensemble.figures.matrix import gain_matrix
from misfire.methods.retrieval.ensemble.figures.pooling import pooling_ablation
from misfire.methods.retrieval.ensemble.figures.temperature import temperature_sweep
from misfire.methods.retrieval.ensemble.logged import LoggedEnsemble
from misfire.methods.retrieval.ensemble.series import pooling_label, subset_label
from misfire.reporting.figure import Illustration, to_png, to_svg

MakeRow = Callable[..., LoggedEnsemble]
SUBSETS = ("object_attribute", "object", "attribute", "action")


def texts(axes: Axes) -> list[str]:
    return [text.get_text() for text in axes.texts]


def panels(illustration: Illustration | None) -> list[Axes]:
    assert illustration is not None
    return list(illustration.figure.axes)


def test_pooling_bars_are_the_published_deltas(paper_rows: list[LoggedEnsemble]) -> None:
    at_5, at_10 = panels(pooling_ablation(paper_rows))
    heights = [[round(bar.get_height(), 2) for bar in container] for container in at_5.containers]
    assert heights == [[3.45, 3.23, 0.0, 4.17], [6.9, 3.23, 4.0, 0.0], [6.9, 4.84, 4.0, 0.0]]
    assert [round(bar.get_height(), 2) for bar in at_10.containers[0]] == [1.15, 1.61, 0.0, 20.83]
    assert (at_5.get_title(loc="left"), at_10.get_title(loc="left")) == ("Δ hit@5", "Δ hit@10")
    labels = [tick.get_text() for tick in at_10.get_xticklabels()]
    assert labels == ["Object+Attribute\n(n=87)", "Object\n(n=62)", "Attribute\n(n=25)", "Action\n(n=24)"]


def test_a_bar_of_nothing_is_labelled_zero_and_drawn(paper_rows: list[LoggedEnsemble]) -> None:
    at_5, at_10 = panels(pooling_ablation(paper_rows))
    assert texts(at_5).count("0") == 3
    assert texts(at_10).count("0") == 3
    assert sum(len(stubs.get_segments()) for stubs in at_10.collections) == 3


def test_a_loss_hangs_below_the_line(make_row: MakeRow) -> None:
    _, at_10 = panels(pooling_ablation([make_row(after={1: 0, 5: 8, 10: 9})]))
    assert texts(at_10) == ["-8.33"]
    assert at_10.texts[0].get_va() == "top"


def test_poolings_differ_in_colour_and_in_hatch(paper_rows: list[LoggedEnsemble]) -> None:
    at_5, _ = panels(pooling_ablation(paper_rows))
    bars = [container[0] for container in at_5.containers]
    assert len({bar.get_facecolor() for bar in bars}) == len({bar.get_hatch() for bar in bars}) == 3


def test_a_tau_sweep_does_not_flood_the_bars(paper_rows: list[LoggedEnsemble], tau_rows: list[LoggedEnsemble]) -> None:
    assert len(panels(pooling_ablation(tau_rows))[0].containers) == 3
    assert to_svg(pooling_ablation(tau_rows).figure) == to_svg(pooling_ablation(paper_rows).figure)


def test_every_bar_has_the_interval_that_the_report_trusts_and_no_number_stands_on_it(
    paper_rows: list[LoggedEnsemble],
) -> None:
    for k, axes in zip((5, 10), panels(pooling_ablation(paper_rows)), strict=True):
        whiskers = {tuple(line.get_ydata()) for line in axes.lines if len(set(line.get_xdata())) == 1}
        expected = {tuple(100 * end for end in score_interval(r.paired(k), confidence=0.95)) for r in paper_rows}
        assert whiskers == expected
        assert all(low < high for low, high in whiskers)
        for text in axes.texts:
            assert all(not low < text.xy[1] < high for low, high in whiskers if text.xy[1] in (low, high))
            assert text.get_bbox_patch() is None


def test_panels_that_are_compared_share_a_scale(
    paper_rows: list[LoggedEnsemble], tau_rows: list[LoggedEnsemble]
) -> None:
    for drawn in (panels(pooling_ablation(paper_rows)), panels(temperature_sweep(tau_rows))):
        assert len({axes.get_ylim() for axes in drawn}) == 1
    images = [axes.images[0] for axes in panels(gain_matrix(paper_rows))]
    assert len({image.get_clim() for image in images}) == 1


def test_distributions_hold_every_resample_and_mark_both_intervals(paper_rows: list[LoggedEnsemble]) -> None:
    rows = [row for row in paper_rows if row.subset == "action"]
    drawn = panels(bootstrap_distributions(paper_rows, rows[0], 10))
    assert len(drawn) == len(rows) == 3
    for axes, row in zip(drawn, rows, strict=True):
        values, edges, _ = axes.patches[0].get_data()
        assert values.sum() == len(row.replicates[10])
        assert np.allclose(np.diff(edges), 100 / 24)
        score, *lines = [line.get_xdata() for line in axes.lines]
        assert list(score) == pytest.approx([100 * end for end in row.trusted(10)])
        stored, mean = row.at("delta", 10), row.at("delta_mean", 10).value
        assert [line[0] for line in lines] == pytest.approx([100 * stored.low, 100 * stored.high, 100 * mean, 0])


def test_distributions_are_of_the_subset_that_the_answer_is_about(paper_rows: list[LoggedEnsemble]) -> None:
    for answer in (paper_rows[4], paper_rows[-1]):
        drawn = bootstrap_distributions(paper_rows, answer, 10)
        assert drawn.title == f"Bootstrap distribution of Δ hit@10 on {subset_label(answer.subset)}."
        first = panels(drawn)[0].get_title(loc="left")
        assert first.startswith(f"{pooling_label(answer)}: average ")


def test_best_pooling_names_every_winner(paper_rows: list[LoggedEnsemble]) -> None:
    (axes,) = panels(best_pooling(paper_rows))
    expected = ["+1.15  all equal", "+3.23  mean = logmeanexp (τ=1)", "0  all equal", "+20.83  all equal"]
    assert texts(axes) == expected
    whiskers = [tuple(line.get_xdata()) for line in axes.lines if len(set(line.get_ydata())) == 1]
    first = {row.subset: row for row in reversed(paper_rows) if row.pooling in ("mean", "max")}
    assert len(whiskers) == 4
    for ends, text, row in zip(whiskers, axes.texts, [first[name] for name in SUBSETS], strict=True):
        assert text.xy[0] == max(ends[1], 0)
        assert ends[0] < 100 * row.delta(10) < ends[1]


def test_a_single_winner_wears_its_colour(make_row: MakeRow) -> None:
    rows = [make_row(pooling=pooling, after={1: 0, 5: 8, 10: hits}) for pooling, hits in (("max", 12), ("mean", 16))]
    (axes,) = panels(best_pooling(rows))
    assert texts(axes) == ["+20.83  mean"]
    assert axes.patches[0].get_hatch() == "////"


def test_many_series_stay_apart(make_row: MakeRow) -> None:
    rows = [make_row(pooling=f"pooling_{index:02}") for index in range(12)]
    at_5, _ = panels(pooling_ablation(rows))
    bars = [container[0] for container in at_5.containers]
    assert len({(bar.get_facecolor(), bar.get_hatch()) for bar in bars}) == 12
    distributions = bootstrap_distributions(rows, rows[0], 10)
    assert len(panels(distributions)) == 6
    assert distributions.caption.endswith("The first 6 of 12 cells.")


def test_a_matrix_holds_every_delta_and_leaves_gaps(paper_rows: list[LoggedEnsemble]) -> None:
    at_5, at_10 = panels(gain_matrix([row for row in paper_rows if (row.subset, row.pooling) != ("action", "max")]))
    assert texts(at_5) == ["+3.45", "+3.23", "0", "+6.90", "+3.23", "+4.00", "0", "+6.90", "+4.84", "+4.00", "0"]
    assert [tick.get_text() for tick in at_5.get_yticklabels()] == ["max", "mean", "logmeanexp (τ=1)"]
    assert [tick.get_text() for tick in at_10.get_xticklabels()][-1] == "Action (n=24)"


def test_many_settings_of_a_tau_sweep_are_counted(make_row: MakeRow) -> None:
    rows = [
        make_row(subset=f"subset_{index:02}", pooling="logmeanexp", tau=tau)
        for index in range(14)
        for tau in (0.1, 1.0)
    ]
    sweep = temperature_sweep(rows)
    assert len(panels(sweep)) == 12
    assert sweep is not None
    assert sweep.caption.endswith("The first 12 of 14 settings.")


def test_many_winners_are_counted(make_row: MakeRow) -> None:
    rows = [
        make_row(pooling=name, after={10: hits}, before={10: 11})
        for name, hits in zip("abcd", (16, 16, 16, 12), strict=True)
    ]
    (axes,) = panels(best_pooling(rows))
    assert texts(axes) == ["+20.83  3 of 4 equal"]


def test_categories_are_sorted_and_labelled_with_count_and_share(taxonomy: dict[str, int]) -> None:
    (axes,) = panels(category_distribution(taxonomy))
    assert texts(axes)[:2] == ["67 (32 %, 26 to 38)", "62 (30 %, 24 to 36)"]
    assert [tick.get_text() for tick in axes.get_yticklabels()][-1] == "Spatial"
    assert axes.patches[0].get_hatch()
    assert not axes.patches[1].get_hatch()
    (capitals,) = panels(category_distribution({"Ambiguous": 2, "Object": 1}))
    assert capitals.patches[0].get_hatch()


def test_tau_curves_go_through_the_stored_gains(tau_rows: list[LoggedEnsemble]) -> None:
    drawn = panels(temperature_sweep(tau_rows))
    assert drawn[0].get_title(loc="left") == "Object+Attribute (n=87)"
    curve = next(line for line in drawn[0].lines if line.get_label() == "Δ hit@5")
    assert list(curve.get_xdata()) == pytest.approx([10.0**power for power in range(-4, 5)])
    assert [round(value, 2) for value in curve.get_ydata()][:5] == [3.45, 4.6, 4.6, 5.75, 6.9]
    assert all(axes.get_xscale() == "log" for axes in drawn)


def test_one_tau_is_no_sweep(paper_rows: list[LoggedEnsemble]) -> None:
    assert temperature_sweep(paper_rows) is None


def test_odd_panels_leave_no_empty_axes(make_row: MakeRow) -> None:
    rows = [
        make_row(subset=subset, pooling="logmeanexp", tau=tau)
        for subset in ("object", "action", "count")
        for tau in (0.1, 1.0)
    ]
    assert len(panels(temperature_sweep(rows))) == 3


def test_same_input_same_bytes_and_no_trace_of_time_or_global_state(paper_rows: list[LoggedEnsemble]) -> None:
    before = dict(matplotlib.rcParams)
    first, second = (pooling_ablation(paper_rows).figure for _ in range(2))
    assert to_png(first) == to_png(second)
    assert to_svg(first) == to_svg(second)
    assert b"<dc:date>" not in to_svg(first)
    assert dict(matplotlib.rcParams) == before
