from misfire.cli.ui import where_to_look
from misfire.tracking.links import experiment_link, view_link


def test_every_address_opens_on_runs_and_the_columns_are_aligned() -> None:
    links = [
        ("all experiments", "#/experiments?workflowType=machine_learning"),
        ("table1: cells", view_link("1", "cells")),
        ("ensemble-world-world_clip", experiment_link("2")),
    ]
    first, *experiments = where_to_look("http://127.0.0.1:5000", links)
    assert first == ("MLflow UI on http://127.0.0.1:5000/#/experiments?workflowType=machine_learning (Ctrl-C ends it)")
    assert all("/runs?workflowType=machine_learning" in line for line in experiments)
    assert len({line.index("http") for line in experiments}) == 1
