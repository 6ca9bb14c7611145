"""A dataset as MLflow names it."""

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mlflow.entities import DatasetInput

_MOST_DIGEST_LETTERS = 36


def dataset_input(name: str, fingerprint: str, *, context: str) -> "DatasetInput":
    """MLflow's record that a run read a dataset, for its "Datasets used" column."""
    from mlflow.entities import Dataset, DatasetInput, InputTag

    dataset = Dataset(
        name=name,
        digest=fingerprint[:_MOST_DIGEST_LETTERS],
        source_type="misfire",
        source=json.dumps({"name": name, "fingerprint": fingerprint}),
    )
    return DatasetInput(dataset=dataset, tags=[InputTag("mlflow.data.context", context)])
