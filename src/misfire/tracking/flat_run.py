"""A finished piece of work (a cell, a profile, a gap, ...) as one flat run: its marks, numbers and files."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from misfire.tracking.datasets import dataset_input
from misfire.tracking.store import CELL_ID, RunContent, TrackingStore

if TYPE_CHECKING:
    from pandas import DataFrame


@dataclass(frozen=True)
class FlatRun:
    """What a finished piece of work says of itself.

    Args:
        kind: What it is: ``cell``, ``profile``, ``gap``, ...
        verb: The verb of the command line that made it.
        id: SHA-256 of its scientific content, by which it's found again.
        name: What differs and what came out, for a table of runs.
        dataset: Name of the dataset that it read.
        dataset_fingerprint: The dataset's content.
        note: What a reader of the run's page should know, in Markdown; no note is logged of an empty one.
        marks: Further tags by their name after ``misfire.``; true and false are written in lower case.
        params: The configuration that matters.
        metrics: Numbers under tracked names.
        files: Artifacts by file name.
    """

    kind: str
    verb: str
    id: str
    name: str
    dataset: str
    dataset_fingerprint: str
    note: str
    marks: Mapping[str, str | bool]
    params: Mapping[str, str]
    metrics: Mapping[str, float]
    files: Mapping[str, bytes]


def log_flat_run(store: TrackingStore, made: FlatRun, *, config_yaml: str, folder: Path) -> str:
    """Log a finished piece of work and the configuration that made it. Returns the run's identifier.

    Args:
        store: Where to.
        made: What is logged.
        config_yaml: The composed configuration; it's kept as ``config.yaml``.
        folder: An empty folder to lay the artifacts out in.
    """
    for name, content in {"config.yaml": config_yaml.encode(), **made.files}.items():
        (folder / name).write_bytes(content)
    marks = {"dataset_fingerprint": made.dataset_fingerprint, **made.marks}
    return store.log(
        RunContent(
            name=made.name,
            tags={
                **store.run_tags(kind=made.kind, verb=made.verb),
                CELL_ID: made.id,
                **{f"misfire.{name}": _written(value) for name, value in marks.items()},
                **({"mlflow.note.content": made.note} if made.note else {}),
            },
            params=made.params,
            metrics=made.metrics,
            artifacts=folder,
            datasets=(dataset_input(made.dataset, made.dataset_fingerprint, context="evaluation"),),
        )
    )


def json_file(facts: Mapping[str, Any]) -> bytes:
    """The content of a JSON file of facts."""
    return json.dumps(facts, indent=1).encode()


def parquet_file(table: "DataFrame") -> bytes:
    """The content of a parquet file of a table, without its index."""
    return table.to_parquet(None, index=False)


def read_json(store: TrackingStore, run_id: str, name: str) -> Any:
    """What a run's JSON artifact holds."""
    with store.artifact(run_id, name) as path:
        return json.loads(path.read_text(encoding="utf-8"))


def _written(value: str | bool) -> str:
    return str(value).lower() if isinstance(value, bool) else value
