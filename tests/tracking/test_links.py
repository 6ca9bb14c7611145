import json
from urllib.parse import parse_qs, unquote, urlparse

from misfire.tracking import compare_link, view_link


def test_a_link_names_the_side_of_the_ui_the_mode_and_the_view() -> None:
    fragment = urlparse(view_link("7", "cells", mode="CHART")).fragment
    path, _, query = fragment.partition("?")
    assert path == "/experiments/7/runs"
    assert parse_qs(query) == {
        "workflowType": ["machine_learning"],
        "compareRunsMode": ["CHART"],
        "viewStateShareKey": ["cells"],
    }


def test_a_comparison_names_its_runs() -> None:
    query = parse_qs(unquote(compare_link("7", ["x", "y"])).partition("?")[2])
    assert json.loads(query["runs"][0]) == ["x", "y"]
    assert json.loads(query["experiments"][0]) == ["7"]
