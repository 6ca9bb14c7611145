"""An attribution of a gain to templates as a run: what is logged of it, and how it's read back."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from misfire.core.errors import IntegrityError
from misfire.methods.retrieval.attribution.outcome import TemplateAttribution
from misfire.methods.retrieval.attribution.words import attribution_name, attribution_sentence
from misfire.tracking.flat_run import FlatRun, json_file, log_flat_run, read_json
from misfire.tracking.store import KIND, TrackingStore

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
    params = {
        "subset": found.subset,
        "num_queries": str(found.num_queries),
        "templates": found.templates,
        "pooling": found.pooling,
        "backbone": found.backbone,
        "dataset": found.dataset,
        "ks": " ".join(map(str, found.ks)),
    }
    made = FlatRun(
        kind="attribution",
        verb="attribute",
        id=found.attribution_id,
        name=attribution_name(found),
        dataset=found.dataset,
        dataset_fingerprint=found.dataset_fingerprint,
        note=attribution_sentence(found),
        marks={"oracle": found.is_oracle, "failure_mined": found.is_failure_mined},
        params={**params, **settings},
        metrics={
            _metric(cutoff.k, place, share.template): round(100 * share.shapley.estimate, 4)
            for cutoff in found.cutoffs
            for place, share in enumerate(cutoff.shares, start=1)
        },
        files={ATTRIBUTION_FILE: json_file(found.to_json()), **files},
    )
    return log_flat_run(store, made, config_yaml=config_yaml, folder=folder)


def read_attributions(store: TrackingStore) -> list[TemplateAttribution]:
    """All finished attributions of the store's experiment, oldest first."""
    runs = store.runs(f"tags.`{KIND}` = 'attribution' and attributes.status = 'FINISHED'")
    return [read_attribution(store, run) for run in runs]


def read_attribution(store: TrackingStore, run: "Run") -> TemplateAttribution:
    """The attribution that a run holds.

    Raises:
        IntegrityError: If its file has another form than this version writes.
    """
    facts = read_json(store, str(run.info.run_id), ATTRIBUTION_FILE)
    try:
        return TemplateAttribution.from_json(facts)
    except (KeyError, TypeError) as error:
        raise IntegrityError(
            f"{ATTRIBUTION_FILE} of run {run.info.run_id} must have the form that this version writes, got one that it "
            "can't read; delete the run in `misfire ui` and attribute again."
        ) from error


def _metric(k: int, place: int, template: str) -> str:
    return f"shapley_pp_at_{k}/{place:02d} {re.sub(r'[^A-Za-z0-9 ]', '', template)}".strip()
