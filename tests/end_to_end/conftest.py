"""A small world in a store that is filled once a process; each test has an experiment or a root of its own."""

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import pandas as pd
import pytest
from filelock import FileLock

import misfire.embeddings
from misfire.cells import Logged
from misfire.cli import main
from misfire.tracking import MlflowLedger
from misfire.tracking.database import connect

SETTINGS = (
    "dataset.num_images=200",
    "num_failures=40",
    "complement.num_queries=50",
    "statistics.num_replicates=200",
    "annotators.overlap=5",
    "trainer=cpu",
)


@dataclass(frozen=True)
class Place:
    """A root with its report folder and backbone."""

    folder: Path
    backbone: Path
    failure_set_name: str = ""
    experiment: str = field(default_factory=lambda: f"experiment-{uuid4().hex[:8]}")

    @property
    def root(self) -> Path:
        """Where everything is kept."""
        return self.folder / "mlruns"

    @property
    def failure_set(self) -> Path:
        """The failures that its commands mine unless told otherwise; others may lie beside them."""
        return self.root / "failures" / self.failure_set_name

    @property
    def report(self) -> Path:
        """Where reports go."""
        return self.folder / "report"

    @property
    def words(self) -> list[str]:
        """What every command of this place says."""
        return [
            *SETTINGS,
            f"backbone.model=local-dir:{self.backbone}",
            f"paths.root={self.root}",
            f"paths.report={self.report}",
        ]

    def misfire(self, *words: str) -> int:
        """Run a command in this process, in an experiment of one's own."""
        return main([*words, *self.words_of(words[0], *words[1:])])

    def words_of(self, verb: str, *words: str) -> list[str]:
        """What a command of a verb says in this place: what the verb knows of it."""
        from misfire.config.composing import shared_out

        run = {"sweep": "ensemble", "search": "ensemble"}.get(verb, verb)
        own = [] if verb in ("sweep", "search", "report") else [f"tracking.experiment={self.experiment}"]
        asked = [word for word in words if "=" in word and "," not in word]
        everything = ("evaluate", "ensemble", "mine", "report", "annotate", "agree", "embed", "verify", run)
        shares = shared_out(everything, [*self.words, *own])
        return [word for word in shares[run] if word.partition("=")[0] not in {one.partition("=")[0] for one in asked}]

    def store(self, experiment: str | None = None) -> MlflowLedger:
        """The ledger of an experiment."""
        return MlflowLedger(
            uri=f"sqlite:///{self.root / 'mlflow.db'}",
            artifact_root=str(self.root / "artifacts"),
            lock_folder=str(self.root / "locks"),
            experiment=experiment or self.experiment,
        )

    def cells(self, experiment: str | None = None) -> list[Logged]:
        """Finished cells of an experiment."""
        return list(self.store(experiment).load())

    def records(self, key: str, experiment: str | None = None) -> pd.DataFrame:
        """The records of a run, a row a unit."""
        (found,) = [cell for cell in self.cells(experiment) if cell.key == key]
        return found.records


@pytest.fixture(scope="session")
def backbone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the bundled model, which has a name of its own."""
    bundled = Path(misfire.embeddings.__file__).parent / "world_clip"
    return Path(shutil.copytree(bundled, tmp_path_factory.mktemp("backbone") / "clip"))


@pytest.fixture(scope="session")
def filled(tmp_path_factory: pytest.TempPathFactory, backbone: Path, worker_id: str) -> Place:
    """A place with embeddings, failure set and database; beside it, what it is before any test has added to it."""
    place = Place(tmp_path_factory.mktemp("filled"), backbone)
    base = tmp_path_factory.getbasetemp()
    seed = (base if worker_id == "master" else base.parent) / "seed"  # one for all workers
    with FileLock(f"{seed}.lock"):
        if not seed.exists():
            fill(Place(tmp_path_factory.mktemp("first"), backbone), seed)
    shutil.copytree(seed, untouched(place))
    shutil.copytree(seed, place.root)
    (failure_set,) = [path.name for path in (place.root / "failures").iterdir() if path.is_dir()]
    return replace(place, failure_set_name=failure_set)


def fill(place: Place, seed: Path) -> None:
    """Run a first command, and keep what it leaves but for its run."""
    assert place.misfire("ensemble", "subset=failures", "templates=generic", "pooling=max") == 0
    unfinished = seed.with_name("unfinished")
    shutil.copytree(place.root, unfinished, ignore=shutil.ignore_patterns("mlflow.db*", "artifacts"))
    connect(f"sqlite:///{unfinished}/mlflow.db")
    unfinished.rename(seed)


def untouched(filled: Place) -> Path:
    """The root of the filled place as it was, without its runs."""
    return filled.folder / "untouched"


@pytest.fixture
def place(filled: Place) -> Place:
    """The filled store, with a new experiment."""
    return Place(filled.folder, filled.backbone, filled.failure_set_name)


@pytest.fixture
def own_place(filled: Place, tmp_path: Path) -> Place:
    """A root of the test's own: embeddings and failures are copied, the database holds no run."""
    own = Place(tmp_path, filled.backbone, filled.failure_set_name)
    shutil.copytree(untouched(filled), own.root)
    return own


@pytest.fixture
def written_sweep(tmp_path: Path) -> Callable[..., Path]:
    """Writes a sweep's file."""

    def write(*grids: dict[str, Sequence[Any]], name: str = "small", **changed: object) -> Path:
        import yaml

        content = {
            "title": "A small sweep",
            "question": "Does it work?",
            "decision_rule": "The interval of the gain in hit@10 lies above 0.",
            "k": 10,
            "fixed": {"templates": "matched"},
            "grids": list(grids) or [{"subset": ["failures"], "templates": ["generic"], "pooling": ["max", "mean"]}],
            **changed,
        }
        path = tmp_path / f"{name}.yaml"
        path.write_text(yaml.safe_dump(content))
        return path

    return write


@pytest.fixture
def written_search(tmp_path: Path) -> Callable[..., Path]:
    """Writes a search's file."""

    def write(name: str = "small", **changed: object) -> Path:
        import yaml

        content = {
            "title": "A small search",
            "question": "Does it work?",
            "decision_rule": "The gain in hit@1 on test has an exact p-value below 0.05.",
            "k": 1,
            "objectives": ["gain", "broken"],
            "walk": "tpe",
            "num_trials": 8,
            "fixed": {"subset": "failures", "templates": "generic"},
            "space": {
                "pooling": ["max", "mean", "logmeanexp"],
                "pooling.tau": {"low": 0.001, "high": 1, "log": True, "points": 3, "when": {"pooling": "logmeanexp"}},
                "templates": {"subset_of": "generic"},
            },
            **changed,
        }
        path = tmp_path / f"{name}.yaml"
        path.write_text(yaml.safe_dump(content, sort_keys=False))
        return path

    return write
