from misfire.tracking.charts import saved_charts

METRICS = [f"t2i/hit_at_{k}/{name}" for k in (10, 1, 5) for name in ("delta_pp", "all_net_pp", "placebo_noise/low_pp")]


def test_the_charts_that_decide_stand_first_and_the_rest_is_folded() -> None:
    saved = saved_charts(k=5, params=("subset", "pooling"), metrics=METRICS)
    sections = saved["compareRunSections"]
    assert [section["name"] for section in sections] == [
        "What decides at 5",
        "t2i/hit_at_1",
        "t2i/hit_at_1/placebo_noise",
        "t2i/hit_at_5",
        "t2i/hit_at_5/placebo_noise",
        "t2i/hit_at_10",
        "t2i/hit_at_10/placebo_noise",
    ]
    assert [section["display"] for section in sections] == [True] + [False] * 6
    # The UI sorts the sections by name, and ours away from the top, unless it is told that somebody ordered them.
    assert saved["isAccordionReordered"] is True


def test_only_metrics_that_the_cells_have_are_drawn() -> None:
    whole = saved_charts(k=5, params=("subset",), metrics=METRICS)["compareRunCharts"]
    assert [chart["type"] for chart in whole] == ["SCATTER", "PARALLEL", "BAR", "BAR"]
    assert [chart["metricKey"] for chart in whole[2:]] == ["t2i/hit_at_5/delta_pp", "t2i/hit_at_5/all_net_pp"]
    assert len({chart["uuid"] for chart in whole}) == 4

    alone = saved_charts(k=5, params=("subset",), metrics=["t2i/hit_at_5/delta_pp"])["compareRunCharts"]
    assert [chart["type"] for chart in alone] == ["PARALLEL", "BAR"]
    assert alone[0]["selectedMetrics"] == ["t2i/hit_at_5/delta_pp"]
