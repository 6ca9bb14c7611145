"""Which templates a gain comes from, as a user gets it: printed, written, logged once, read again, killed."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from misfire.tracking import read_attributions
from tests.end_to_end.conftest import Place

pytestmark = pytest.mark.end_to_end

WORDS = ("attribute", "subset=failures", "templates=generic", "pooling=mean")
FILES = {"attribution.md", "attribution.csv", "attribution.png", "attribution.svg"}
KILLED = """
import os, signal, sys
from mlflow import MlflowClient
MlflowClient.log_artifacts = lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL)
from misfire.cli import main
main(sys.argv[1:])
"""


def test_the_parts_are_those_of_the_cell_at_every_cut_off(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    assert place.misfire("ensemble", *WORDS[1:]) == 0
    assert place.misfire(*WORDS) == 0
    printed = capsys.readouterr().out
    (cell,) = place.cells()
    (found,) = read_attributions(place.store())
    assert found.ks == (1, 5, 10)
    for cutoff in found.cutoffs:
        expected = cell.outcome.at(cutoff.k)
        assert cutoff.num_fixed_less_broken == expected.subset.net
        assert sum(share.shapley.estimate for share in cutoff.shares) == pytest.approx(expected.delta, abs=1e-9)
        for name, flips in expected.by_category.items():
            part = sum(share.by_category[name].estimate for share in cutoff.shares)
            assert part * flips.num_queries == pytest.approx(flips.net, abs=1e-9)
    assert "all 32 sets of these templates were ranked" in printed
    assert "(sign-flip tests by image, corrected for 5 templates at 3 cut-offs)." in printed
    assert printed.count("\n| 5 | a photo of {caption} | ") == 1

    run = next(run for run in place.store().runs() if run.data.tags["misfire.kind"] == "attribution")
    assert {name for name in run.data.metrics if name.startswith("shapley_pp_at_5/")} == {
        "shapley_pp_at_5/01 caption",
        "shapley_pp_at_5/02 a photo of caption",
        "shapley_pp_at_5/03 a picture of caption",
        "shapley_pp_at_5/04 an image of caption",
        "shapley_pp_at_5/05 a photo showing caption",
    }
    logged = {file.path for file in place.store().client.list_artifacts(run.info.run_id)}
    assert logged == {*FILES, "attribution.json", "config.yaml"}
    assert {path.name for path in place.report.glob("attribution.*")} == FILES
    assert (place.report / "attribution.png").read_bytes().startswith(b"\x89PNG")
    table = pd.read_csv(place.report / "attribution.csv")
    assert table.groupby("k")["shapley"].sum().tolist() == pytest.approx([cell.outcome.at(k).delta for k in (1, 5, 10)])


def test_the_second_time_it_is_read_from_the_store(
    place: Place, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert place.misfire(*WORDS) == 0
    first = capsys.readouterr().out

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("it was attributed again")

    monkeypatch.setattr("misfire.methods.retrieval.attribution.attribution.coalition_hits", refuse)
    assert place.misfire(*WORDS) == 0
    assert capsys.readouterr().out == first
    assert len(place.store().runs()) == 1


def test_killed_on_the_way_nothing_is_half_logged(own_place: Place) -> None:
    words = [*WORDS, *own_place.words, f"tracking.experiment={own_place.experiment}"]
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, *words],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert [run.info.status for run in own_place.store().runs()] == ["RUNNING"]
    assert read_attributions(own_place.store()) == []
    assert not list(own_place.report.rglob("attribution.*"))
    assert own_place.misfire(*WORDS) == 0
    (run,) = own_place.store().runs()
    assert run.info.status == "FINISHED"
    with own_place.store().artifact(run.info.run_id, "attribution.json") as path:
        assert len(json.loads(path.read_text())["cutoffs"]) == 3


def test_faulty_templates_are_warned_of_before_they_are_attributed(
    place: Place, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mine = tmp_path / "mine.yaml"
    mine.write_text('name: mine\ntemplates: ["{caption}", "{caption}, two of them"]\n')
    assert place.misfire("attribute", "subset=failures", "templates=file", f"templates.path={mine}") == 0
    assert "Warning: template '{caption}, two of them': adds content" in capsys.readouterr().err


def test_the_plain_caption_alone_is_refused_and_nothing_is_logged(
    place: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    assert place.misfire("attribute", "subset=failures", "templates=caption_only") == 2
    assert "an attribution needs a template besides the plain caption, got none in caption_only" in (
        capsys.readouterr().err
    )
    assert place.store().runs() == []
