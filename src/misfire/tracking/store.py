"""The tracking store: experiments of flat cells, each cell once."""

import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, final

from misfire.core.errors import UsageError
from misfire.core.files import locked
from misfire.tracking.client import absolute_uri, connect
from misfire.tracking.revision import source_revision

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import DatasetInput, Run

CELL_ID = "misfire.cell_id"
KIND = "misfire.kind"
SWEEP = "misfire.sweep"


@dataclass(frozen=True)
class RunContent:
    """What one run says, ready to be logged."""

    name: str
    tags: Mapping[str, str]
    params: Mapping[str, str]
    metrics: Mapping[str, float]
    artifacts: Path
    datasets: tuple["DatasetInput", ...] = ()


@final
@dataclass(frozen=True)
class TrackingStore:
    """One experiment (a sweep) of an MLflow store.

    Args:
        uri: Tracking URI: ``sqlite:///path``, another database, or a server's address.
        artifact_root: Folder of the artifacts, used when the experiment is created; ``None`` leaves it to the server.
        lock_folder: Folder of the locks by which processes of this machine share the cells.
        experiment: Name of the experiment: the sweep.
    """

    uri: str
    artifact_root: str | None
    lock_folder: str
    experiment: str = "ensemble"
    _artifact_uris: dict[str, str] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        absolute_uri(self.uri)
        if not self.experiment.strip():
            raise UsageError("tracking.experiment must be a name, got an empty one; give the sweep's name.")

    def for_experiment(self, name: str) -> "TrackingStore":
        """The same store, another experiment."""
        return replace(self, experiment=name)

    @property
    def client(self) -> "MlflowClient":
        """MLflow's client of this store."""
        return connect(self.uri)

    @cached_property
    def experiment_id(self) -> str:
        """Identifier of the experiment, which is created when it's new.

        Raises:
            UsageError: If an experiment of this name was deleted and still stands in the bin.
        """
        with self._lock("experiments"):
            found = self.client.get_experiment_by_name(self.experiment)
            if found is None:
                return self._create_experiment()
        if found.lifecycle_stage != "active":
            raise UsageError(
                f"tracking.experiment must not be a deleted one, got {self.experiment}; restore it in the MLflow UI, "
                "or choose another name."
            )
        return str(found.experiment_id)

    def _create_experiment(self) -> str:
        location = None
        if self.artifact_root is not None:
            folder = "".join(letter if letter.isalnum() or letter in "-_" else "-" for letter in self.experiment)
            location = (Path(self.artifact_root).resolve() / folder).as_uri()
        tags = {"mlflow.experimentKind": "custom_model_development", SWEEP: self.experiment}
        return str(self.client.create_experiment(self.experiment, artifact_location=location, tags=tags))

    @contextmanager
    def claimed(self, cell_id: str) -> Iterator["Run | None"]:
        """Hold a cell against other processes; yields its finished run, if there is one.

        Runs of the cell that a killed process left unfinished are removed: the lock proves that nobody works on them.
        """
        with self._lock(f"{self.experiment_id}-{cell_id[:32]}"):
            runs = self.runs(f"tags.`{CELL_ID}` = '{cell_id}'")
            finished = [run for run in runs if run.info.status == "FINISHED"]
            for run in runs:
                if run not in finished[:1]:
                    self.client.delete_run(run.info.run_id)
            yield finished[0] if finished else None

    def run_tags(self, *, kind: str, verb: str) -> dict[str, str]:
        """What every run says of itself: its kind, its sweep, and which source and command made it."""
        return {
            KIND: kind,
            SWEEP: self.experiment,
            "misfire.revision": source_revision(),
            "mlflow.source.name": f"misfire {verb}",
            "mlflow.source.type": "LOCAL",
        }

    def log(self, content: RunContent) -> str:
        """Log a whole run: one batch for what is small, one copy for the artifacts. Returns its identifier."""
        from mlflow.entities import Metric, Param

        now = int(1000 * time.time())
        run = self.client.create_run(self.experiment_id, start_time=now, tags=dict(content.tags), run_name=content.name)
        run_id = str(run.info.run_id)
        self.client.log_batch(
            run_id,
            metrics=[Metric(key, value, now, 0) for key, value in content.metrics.items()],
            params=[Param(key, value) for key, value in content.params.items()],
        )
        if content.datasets:
            self.client.log_inputs(run_id, datasets=list(content.datasets))
        self.client.log_artifacts(run_id, str(content.artifacts))
        self.client.set_terminated(run_id, status="FINISHED")
        return run_id

    def supersede(self, kind: str, content: RunContent) -> str:
        """Log a run that stands once in the experiment, in place of the one of the same kind."""
        with self._lock(f"{self.experiment_id}-{kind}"):
            for run in self.runs(f"tags.`{KIND}` = '{kind}'"):
                self.client.delete_run(run.info.run_id)
            return self.log(content)

    def runs(self, filter_string: str = "") -> list["Run"]:
        """Runs of the experiment, deleted ones excepted, oldest first."""
        found: list[Run] = []
        token = None
        while True:
            page = self.client.search_runs(
                [self.experiment_id],
                filter_string,
                max_results=1000,
                order_by=["attributes.start_time ASC"],
                page_token=token,
            )
            found.extend(page)
            self._artifact_uris.update({str(run.info.run_id): str(run.info.artifact_uri) for run in page})
            token = page.token
            if not token:
                return found

    def finished(self, kind: str) -> list["Run"]:
        """Finished runs of a kind (``cell``, ``profile``, ...), oldest first."""
        return self.runs(f"tags.`{KIND}` = '{kind}' and attributes.status = 'FINISHED'")

    @contextmanager
    def artifact(self, run_id: str, name: str) -> Iterator[Path]:
        """A run's artifact as a local file, removed afterwards where it had to be fetched."""
        here = self._artifact_folder(run_id)
        if here is not None and (here / name).is_file():
            yield here / name
            return
        with tempfile.TemporaryDirectory() as folder:
            yield Path(self.client.download_artifacts(run_id, name, dst_path=folder))

    def _artifact_folder(self, run_id: str) -> Path | None:
        """Where a run's artifacts lie; None unless that's a folder of this machine."""
        from mlflow.utils.file_utils import local_file_uri_to_path
        from mlflow.utils.uri import is_local_uri

        # MLflow's own reading asks the database for the whole run, each time; where its artifacts are never changes.
        if run_id not in self._artifact_uris:
            self._artifact_uris[run_id] = str(self.client.get_run(run_id).info.artifact_uri)
        address = self._artifact_uris[run_id]
        is_here = is_local_uri(address)  # type: ignore[no-untyped-call]
        return Path(local_file_uri_to_path(address)) if is_here else None  # type: ignore[no-untyped-call]

    def tag(self, tags: Mapping[str, str]) -> None:
        """Set tags of the experiment."""
        for key, value in tags.items():
            self.client.set_experiment_tag(self.experiment_id, key, value)

    @contextmanager
    def _lock(self, name: str) -> Iterator[None]:
        with locked(Path(self.lock_folder) / f"{name}.lock"):
            yield
