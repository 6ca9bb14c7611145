"""A dataset as MLflow names it."""

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mlflow.entities import DatasetInput

_DIGEST_LETTERS = 8  # as many as MLflow's own digests have; the whole fingerprint stands in the source


def dataset_input(name: str, fingerprint: str, *, context: str) -> "DatasetInput":
    """MLflow's record that a run read a dataset, for its "Datasets used" column."""
    from mlflow.entities import Dataset, DatasetInput, InputTag

    dataset = Dataset(
        name=name,
        digest=fingerprint[:_DIGEST_LETTERS],
        source_type="misfire",
        source=json.dumps({"name": name, "fingerprint": fingerprint}),
    )
    return DatasetInput(dataset=dataset, tags=[InputTag("mlflow.data.context", context)])
