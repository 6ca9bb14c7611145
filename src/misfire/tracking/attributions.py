"""An attribution of a gain to templates as a run: what is logged of it, and how it's read back."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from misfire.evaluation import TemplateAttribution, attribution_name, attribution_sentence
from misfire.tracking.datasets import dataset_input
from misfire.tracking.store import CELL_ID, RunContent, TrackingStore

if TYPE_CHECKING:
    from mlflow.entities import Run

ATTRIBUTION_FILE = "attribution.json"


def log_attribution(
    store: TrackingStore,
    found: TemplateAttribution,
    *,
    config_yaml: str,
    files: Mapping[str, bytes],
    settings: Mapping[str, str],
    folder: Path,
) -> str:
    """Log an attribution with its table and figure as one flat run. Returns the run's identifier.

    Args:
        store: Where to.
        found: What was attributed.
        config_yaml: The composed configuration.
        files: Names and bytes of its tables and figures.
        settings: Params besides those that follow from it (seed, ...).
        folder: An empty folder to lay the artifacts out in.
    """
    (folder / "config.yaml").write_text(config_yaml, encoding="utf-8")
    (folder / ATTRIBUTION_FILE).write_text(json.dumps(found.to_json(), indent=1), encoding="utf-8")
    for name, content in files.items():
        (folder / name).write_bytes(content)
    params = {
        "subset": found.subset,
        "num_queries": str(found.num_queries),
        "templates": found.templates,
        "pooling": found.pooling,
        "backbone": found.backbone,
        "dataset": found.dataset,
        "k": str(found.k),
    }
    return store.log(
        RunContent(
            name=attribution_name(found),
            tags={
                **store.run_tags(kind="attribution", verb="attribute"),
                CELL_ID: found.attribution_id,
                "misfire.oracle": str(found.is_oracle).lower(),
                "misfire.failure_mined": str(found.is_failure_mined).lower(),
                "misfire.dataset_fingerprint": found.dataset_fingerprint,
                "mlflow.note.content": attribution_sentence(found),
            },
            params={**params, **settings},
            metrics={
                f"shapley_pp/{place:02d} {re.sub(r'[^A-Za-z0-9 ]', '', share.template)}".strip(): round(
                    100 * share.shapley.estimate, 4
                )
                for place, share in enumerate(found.shares, start=1)
            },
            artifacts=folder,
            datasets=(dataset_input(found.dataset, found.dataset_fingerprint, context="evaluation"),),
        )
    )


def read_attribution(store: TrackingStore, run: "Run") -> TemplateAttribution:
    """The attribution that a run holds."""
    with store.artifact(str(run.info.run_id), ATTRIBUTION_FILE) as path:
        return TemplateAttribution.from_json(json.loads(path.read_text(encoding="utf-8")))
