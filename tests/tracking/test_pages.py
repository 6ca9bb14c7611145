"""What ``misfire ui`` serves: MLflow's page, which chooses the side of runs before MLflow's own script reads it."""

import json
from importlib.metadata import entry_points
from pathlib import Path

from misfire.tracking.pages import CHOICES, first_page
from misfire.tracking.server import _PAGES


def test_the_first_page_chooses_runs_before_the_ui_starts_and_where_nothing_was_chosen() -> None:
    page = first_page().get_data(as_text=True)
    choice = page.index("if (localStorage.getItem(key) === null) localStorage.setItem(key, JSON.stringify(choice))")
    assert f"Object.entries({json.dumps(CHOICES)})" in page
    assert CHOICES["mlflow.workflowType_v1"] == "machine_learning"
    assert choice < page.index("static/js/main.")


def test_the_ui_still_keeps_its_choices_where_they_are_made_for_it() -> None:
    import mlflow.server

    (script,) = (Path(mlflow.server.__file__).parent / "js" / "build" / "static" / "js").glob("main.*.js")
    text = script.read_text(encoding="utf-8")
    for choice in CHOICES:
        key, _, version = choice.rpartition("_v")
        assert f'key:"{key}",version:{version},' in text
    assert '"machine_learning"' in text


def test_the_server_knows_the_page_by_an_entry_point() -> None:
    (entry,) = entry_points(group="mlflow.app", name=_PAGES)
    assert entry.value == "misfire.tracking.pages:app"
    assert entry.load().title == "MLflow Tracking Server"
