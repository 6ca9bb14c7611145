import pickle
from pathlib import Path
from typing import Any

import pytest
from hydra._internal.config_loader_impl import ConfigLoaderImpl
from omegaconf import DictConfig, OmegaConf

from hydra_plugins.misfire_grid._loader import ComposedOnce
from misfire.cli._application import run_jobs
from misfire.core.errors import UsageError

GRID = ["seed=1,2", "pooling=max,mean"]


def jobs_of(words: list[str], root: Path) -> list[Any]:
    """The configuration and the words that each job of a grid gets."""
    from hydra.core.hydra_config import HydraConfig

    seen: list[Any] = []

    def job(config: DictConfig) -> None:
        hydra = OmegaConf.to_container(HydraConfig.get(), resolve=False)
        assert isinstance(hydra, dict)
        # Where a job lies and which sweeper made it are all that may differ.
        del hydra["sweeper"], hydra["runtime"]["output_dir"], hydra["sweep"], hydra["overrides"]["hydra"]
        hydra["runtime"]["choices"].pop("hydra/sweeper")
        hydra["runtime"]["config_sources"] = None
        seen.append((OmegaConf.to_container(config, resolve=True), hydra))

    run_jobs("ensemble", job, [f"paths.root={root}", *words], root=root)
    return seen


def test_jobs_are_those_of_hydras_own_sweeper(tmp_path: Path) -> None:
    found = jobs_of(GRID, tmp_path)
    assert [config["seed"] for config, _ in found] == [1, 1, 2, 2]
    assert found == jobs_of([*GRID, "hydra/sweeper=basic"], tmp_path)


def test_each_job_is_composed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    composed: list[list[str]] = []
    compose = ConfigLoaderImpl.load_sweep_config

    def counted(self: ConfigLoaderImpl, master_config: DictConfig, sweep_overrides: list[str]) -> DictConfig:
        composed.append(sweep_overrides)
        return compose(self, master_config, sweep_overrides)

    monkeypatch.setattr(ConfigLoaderImpl, "load_sweep_config", counted)
    assert len(jobs_of([*GRID, "hydra.sweeper.max_batch_size=3"], tmp_path)) == 4
    assert len(composed) == 4


def test_a_job_that_does_not_compose_is_refused_before_any_runs(tmp_path: Path) -> None:
    ran: list[DictConfig] = []
    with pytest.raises(UsageError, match="pooling"):
        run_jobs("ensemble", ran.append, [f"paths.root={tmp_path}", "pooling=max,nothing_known"], root=tmp_path)
    assert not ran


class Loader(ConfigLoaderImpl):
    """Counts instead of composing."""

    def __init__(self) -> None:
        self.num_composed = 0

    def load_sweep_config(self, master_config: DictConfig, sweep_overrides: list[str]) -> DictConfig:
        self.num_composed += 1
        return DictConfig({"words": sweep_overrides, "number": self.num_composed})


def test_what_is_kept_is_handed_out_once_and_does_not_travel() -> None:
    loader = Loader()
    once, master = ComposedOnce(loader), DictConfig({})
    once.check(master, ["a=1"])
    there = pickle.loads(pickle.dumps(once))
    assert [once.load_sweep_config(master, ["a=1"]).number for _ in range(2)] == [1, 2]
    assert there.load_sweep_config(master, ["a=1"]).number == 2
