"""Addresses inside the MLflow UI, relative to its root."""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING
from urllib.parse import quote

if TYPE_CHECKING:
    from mlflow import MlflowClient


# Name of the saved view that a sweep's summary leaves in its experiment.
VIEW = "cells"
# MLflow's UI opens on its side for language-model traces unless an address says otherwise.
_SIDE = "workflowType=machine_learning"


def experiment_link(experiment_id: str) -> str:
    """The runs of an experiment."""
    return f"#/experiments/{experiment_id}/runs?{_SIDE}"


def view_link(experiment_id: str, view: str, *, mode: str = "TABLE") -> str:
    """The runs of an experiment in a saved view; ``mode`` is ``TABLE`` or ``CHART``.

    Example:
        >>> view_link("1", "cells")
        '#/experiments/1/runs?workflowType=machine_learning&compareRunsMode=TABLE&viewStateShareKey=cells'
    """
    return f"{experiment_link(experiment_id)}&compareRunsMode={mode}&viewStateShareKey={quote(view, safe='')}"


def run_link(experiment_id: str, run_id: str) -> str:
    """One run's page."""
    return f"#/experiments/{experiment_id}/runs/{run_id}?{_SIDE}"


def compare_link(experiment_id: str, run_ids: Sequence[str]) -> str:
    """The comparison of some runs: parallel coordinates, scatter and box plots.

    Example:
        >>> compare_link("1", ["a", "b"])
        '#/compare-runs?runs=%5B%22a%22%2C%22b%22%5D&experiments=%5B%221%22%5D'
    """
    runs = quote(json.dumps(list(run_ids), separators=(",", ":")), safe="")
    experiments = quote(json.dumps([experiment_id], separators=(",", ":")), safe="")
    return f"#/compare-runs?runs={runs}&experiments={experiments}"


def experiment_links(client: "MlflowClient") -> list[tuple[str, str]]:
    """Title and address of what to look at: all experiments, then each sweep's cells and charts, the newest first."""
    experiments = client.search_experiments(order_by=["last_update_time DESC"])
    links = [("all experiments", f"#/experiments?{_SIDE}")]
    for experiment in experiments:
        identifier, name = str(experiment.experiment_id), str(experiment.name)
        if f"mlflow.sharedViewState.{VIEW}" in experiment.tags:
            links.append((f"{name}: cells and outcomes", view_link(identifier, VIEW)))
            links.append((f"{name}: charts", view_link(identifier, VIEW, mode="CHART")))
        elif "misfire.sweep" in experiment.tags:
            links.append((name, experiment_link(identifier)))
    return links
