"""Addresses inside the MLflow UI, relative to its root."""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING
from urllib.parse import quote

if TYPE_CHECKING:
    from mlflow import MlflowClient


def experiment_link(experiment_id: str) -> str:
    """The runs of an experiment."""
    return f"#/experiments/{experiment_id}/runs"


def sorted_link(experiment_id: str, metric: str) -> str:
    """The runs of an experiment, best first by a metric.

    Example:
        >>> sorted_link("1", "t2i/hit_at_10/delta_pp")
        '#/experiments/1/runs?orderByKey=metrics.%60t2i%2Fhit_at_10%2Fdelta_pp%60&orderByAsc=false'
    """
    return f"{experiment_link(experiment_id)}?orderByKey=metrics.{quote(f'`{metric}`', safe='')}&orderByAsc=false"


def run_link(experiment_id: str, run_id: str) -> str:
    """One run's page."""
    return f"#/experiments/{experiment_id}/runs/{run_id}"


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
    """Title and address of each sweep's runs, the newest first."""
    experiments = client.search_experiments(order_by=["last_update_time DESC"])
    return [
        (str(experiment.name), experiment_link(str(experiment.experiment_id)))
        for experiment in experiments
        if "misfire.sweep" in experiment.tags
    ]
