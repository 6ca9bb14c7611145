"""A report as its reader gets it: words, corrected cells and pictures, out of the store."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import pytest

from misfire.cells import Cell, Lab, Outcome, Settings, run_cell
from misfire.cli import main
from misfire.config.settings import Settings as ComposedSettings
from misfire.methods.retrieval.ensemble.ensembling import REPLICATES_FILE
from misfire.methods.retrieval.ensemble.logged import LoggedEnsemble
from tests.end_to_end.conftest import Place
from tests.methods.retrieval.ensemble.simulated_sweeps import CLAIMS, Design, claims, simulated_sweep


@dataclass(frozen=True, eq=False)
class SimulatedEnsemble(Cell):
    """An ensemble whose outcome is known before it is run."""

    known: LoggedEnsemble
    kind: ClassVar[str] = "ensemble"
    schema: ClassVar[type] = object

    @classmethod
    def configured(cls, settings: Settings) -> "SimulatedEnsemble":
        raise NotImplementedError

    def identity(self) -> Mapping[str, Any]:
        return {"simulated": self.known.cell_id}

    def label(self) -> Mapping[str, str]:
        return {"pooling": self.known.pooling}

    def run(self, lab: Lab) -> Outcome:
        logged = self.known.logged
        return Outcome(logged.records, logged.estimates, logged.facts, {REPLICATES_FILE: logged.read(REPLICATES_FILE)})


@pytest.fixture
def reported(place: Place, capsys: pytest.CaptureFixture[str]) -> Path:
    words = ("ensemble", "-m", "subset=failures,object", "templates=generic", "pooling=max,mean")
    assert place.misfire(*words) == 0
    capsys.readouterr()
    return place.report / place.experiment


@pytest.mark.usefixtures("undrawn")
def test_a_report_says_what_may_be_concluded_and_shows_the_flips(reported: Path) -> None:
    text = (reported / "report.md").read_text()
    assert "## In plain words" in text
    assert "the best of 4 settings" in text
    assert "these queries were picked because the plain caption fails on them" in text
    assert "Corrected for having looked at 4 cells and for how their queries were chosen, " in text
    page = (reported / "report.html").read_text()
    assert "data:image/jpeg;base64," in page
    assert "What it fixed and what it broke" in page
    assert len(page) < 3_000_000
    table = pd.read_csv(reported / "tables" / "comparison.csv")
    assert len(table) == 4
    assert (table["p_adjusted"] >= table["p_exact"] - 0.05).all()
    assert (table["gain_low"] <= table["gain"]).all()
    for name in ("evidence", "ledger"):
        assert (reported / "tables" / f"{name}.csv").is_file()


def test_a_report_says_the_same_twice(place: Place, reported: Path) -> None:
    before = {path.name: path.read_bytes() for path in reported.rglob("*") if path.is_file()}
    assert place.misfire("report", f"tracking.experiment={place.experiment}") == 0
    assert {path.name: path.read_bytes() for path in reported.rglob("*") if path.is_file()} == before


@pytest.mark.usefixtures("undrawn")
def test_pictures_that_cannot_be_had_are_left_out_with_a_word(
    place: Place, reported: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(*_: object, **__: object) -> None:
        raise OSError("the pictures are gone")

    monkeypatch.setattr("misfire.methods.retrieval.ensemble.report_part.flip_gallery", gone)
    assert place.misfire("report", f"tracking.experiment={place.experiment}") == 0
    assert "No pictures of flips: the pictures are gone" in capsys.readouterr().err
    assert "data:image/jpeg" not in (reported / "report.html").read_text()


def test_an_audit_needs_no_store(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "counts.csv"
    path.write_text("label,n,baseline_percent,ensembled_percent\naction,24,45.83,66.7\naction,24,45.9,66.7\n")
    assert main(["report", f"audit={path}", f"paths.report={tmp_path}"]) == 2
    assert "counts.csv row 2 baseline_percent must be a count over n, got 45.9 %" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == [path]


PROFILE = ("ensemble", "subset=failures", "templates=generic", "pooling=profile", "pooling.num_taus=5")


@pytest.mark.usefixtures("undrawn")
def test_an_experiment_without_cells_is_reported(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    report = ("report", f"tracking.experiment={place.experiment}")
    assert place.misfire(*report) == 2
    assert f"a report needs a finished cell, experiment {place.experiment} has none" in capsys.readouterr().err
    assert not (place.report / place.experiment).exists()
    assert place.misfire(*PROFILE) == 0
    capsys.readouterr()
    assert place.misfire(*report) == 0
    printed = capsys.readouterr().out
    assert "Answer: " in printed
    folder = place.report / place.experiment
    text = (folder / "report.md").read_text()
    assert f"# Cells of {place.experiment}\n" in text
    assert "## What the temperature does" in text
    assert "In plain words" not in text
    assert (folder / "tables" / "tau_profile_1.csv").is_file()
    client, experiment = place.store().client, place.store().experiment_id
    note = client.get_experiment(experiment).tags["mlflow.note.content"]
    assert note.startswith(printed.partition("Answer: ")[2].partition("\n")[0][:60])
    before = {path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert place.misfire(*report) == 0
    assert {path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


@pytest.mark.usefixtures("undrawn")
def test_cells_and_a_profile_share_a_report(place: Place, reported: Path) -> None:
    assert "What the temperature does" not in (reported / "report.md").read_text()
    assert place.misfire(*PROFILE) == 0
    assert place.misfire("report", f"tracking.experiment={place.experiment}") == 0
    text = (reported / "report.md").read_text()
    assert text.index("## What was gained, and what it cost") < text.index("## What the temperature does")
    assert "In plain words" in text


@pytest.mark.usefixtures("undrawn")
@pytest.mark.parametrize("lift", [0.0, 1.2])
def test_a_stored_sweep_of_equal_cells_is_called_no_gain_and_one_of_better_cells_is(place: Place, lift: float) -> None:
    sweep = simulated_sweep(np.random.default_rng(8), Design(20, lift=lift))
    settings = ComposedSettings.of_words("ensemble", place.words_of("ensemble"))
    for known in sweep:
        run_cell(SimulatedEnsemble(known), settings.lab, place.store(), config=settings.to_yaml)
    assert place.misfire("report", f"tracking.experiment={place.experiment}") == 0
    text = (place.report / place.experiment / "report.md").read_text()
    assert "Corrected for having looked at 20 cells" in text
    assert claims(text) == (set(CLAIMS) if lift else set())
