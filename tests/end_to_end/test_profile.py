"""The tau profile as a user issues it, against cells that are run one by one."""

import re
import shlex
from pathlib import Path

import pandas as pd
import pytest
from PIL import Image

from misfire.tracking import read_profiles
from tests.end_to_end.conftest import Place

pytestmark = pytest.mark.end_to_end

GUIDE = (Path(__file__).parents[2] / "docs" / "tau.md").read_text(encoding="utf-8")
SUBSET = ("ensemble", "subset=failures", "templates=generic")
PROFILE = (*SUBSET, "pooling=profile", "pooling.low=0.005", "pooling.high=0.5", "pooling.num_taus=5")


def test_a_profile_is_run_once_and_told_twice(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    assert place.misfire(*PROFILE) == 0
    first = capsys.readouterr().out
    assert place.misfire(*PROFILE) == 0
    second = capsys.readouterr().out
    (logged,) = read_profiles(place.store())
    gist, _, done = first.strip().rpartition("\n")
    assert done.startswith("done  failures · profile of 5 taus · ")
    assert second.strip() == f"{gist}\n{done.replace('done', 'finished before', 1)}"
    lines = gist.splitlines()
    assert lines[0] == "failures: hits of 40 queries at 5 taus"
    best = logged.profile.best(10)
    assert lines[4].split()[:6] == [
        "hit@10",
        *map(str, (logged.profile.baseline(10), logged.profile.at(10)[0].hits, logged.profile.reference.hits[-1])),
        *map(str, (logged.profile.at(10)[-1].hits, best.hits)),
    ]
    assert lines[5] == "No p-value here knows that these queries were chosen because the plain caption fails on them."
    assert lines[-1].startswith("At tau = 1 LogMeanExp is the mean to ")


def test_its_artifacts_are_those_of_cells_run_one_by_one(place: Place) -> None:
    assert place.misfire(*PROFILE) == 0
    (logged,) = read_profiles(place.store())
    store, taus = place.store(), [point.tau for point in logged.profile.at(10) if point.is_soft]
    with store.artifact(logged.run_id, "profile.parquet") as path:
        points = pd.read_parquet(path)
    ranks = place.records(logged.run_id)
    assert points.groupby("k").size().to_dict() == {1: 7, 5: 7, 10: 7}
    assert place.misfire(*SUBSET, "-m", "pooling=max,mean") == 0
    assert place.misfire(*SUBSET, "-m", "pooling=logmeanexp", f"pooling.tau={taus[1]},{taus[3]}") == 0
    cells = place.cells()
    assert [cell.outcome.pooling_label for cell in cells] == [
        "max",
        "mean",
        f"logmeanexp tau={taus[1]:g}",
        f"logmeanexp tau={taus[3]:g}",
    ]
    for cell in cells:
        outcome = cell.outcome
        name = outcome.pooling if outcome.tau is None else f"tau_{outcome.tau}"
        assert ranks[f"rank_{name}"].tolist() == place.records(cell.run_id).ensembled_rank.tolist()
        tau = {"max": 0.0, "mean": float("inf")}.get(outcome.pooling, outcome.tau)
        for cutoff in outcome.cutoffs:
            (row,) = points[(points.k == cutoff.k) & (points.tau == tau)].to_dict("records")
            assert (row["fixed"], row["broken"]) == (cutoff.subset.fixed, cutoff.subset.broken)
            assert (row["complement_fixed"], row["complement_broken"]) == (
                cutoff.complement.fixed,
                cutoff.complement.broken,
            )
            assert (row["low"], row["high"]) == (cutoff.gain.low, cutoff.gain.high)


def test_its_figure_and_headline_are_in_the_store(place: Place) -> None:
    assert place.misfire(*PROFILE) == 0
    (logged,) = read_profiles(place.store())
    run = place.store().client.get_run(logged.run_id)
    assert run.data.metrics["t2i/hit_at_10/best_delta_pp"] == pytest.approx(
        100 * logged.profile.best(10).gain, abs=1e-4
    )
    with place.store().artifact(logged.run_id, "tau_profile.png") as path, Image.open(path) as picture:
        assert picture.size[0] > 1000
    with place.store().artifact(logged.run_id, "tau_profile.svg") as path:
        assert path.read_text().count("<svg") == 1


def test_profiles_and_cells_share_a_grid(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    assert place.misfire(*PROFILE, "-m", "ks=[1,10],[5]") == 0
    shown = capsys.readouterr().out
    assert "2 cells: 2 done" in shown
    assert "Answer" not in shown  # no cell to sum up
    assert place.misfire(*SUBSET, "-m", "pooling=max,profile", "ks=[1,10]") == 0
    shown = capsys.readouterr().out
    assert "2 cells: 2 done" in shown
    assert "Answer: " in shown
    assert [logged.profile.num_taus for logged in read_profiles(place.store())] == [5, 5, 64]
    assert len(place.cells()) == 1


def test_a_grid_that_is_none_is_refused_before_anything_is_written(
    place: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    assert place.misfire(*SUBSET, "pooling=profile", "pooling.low=0") == 2
    assert (
        "pooling.low and pooling.high must be finite with 0 < low < high, got 0.0 and 10.0" in capsys.readouterr().err
    )
    assert place.misfire(*SUBSET, "pooling=profile", "pooling.num_tau=3") == 2
    assert read_profiles(place.store()) == []


def test_the_guides_commands_run_and_print_what_it_shows(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    commands = [
        line for block in re.findall(r"^```bash\n(.*?)^```$", GUIDE, re.M | re.S) for line in block.splitlines()
    ]
    shown = re.findall(r"^```text\n(.*?)^```$", GUIDE, re.M | re.S)[0].splitlines()
    assert len(commands) >= 2
    for command in commands:
        assert place.misfire(*shlex.split(command)[1:]) == 0
    printed = capsys.readouterr().out.splitlines()
    assert _without_numbers(shown[0]) == _without_numbers(printed[0])
    assert shown[1] == printed[1]
    assert [line.split()[0] for line in shown[2:5]] == [line.split()[0] for line in printed[2:5]]
    assert _without_numbers(shown[-2]) == _without_numbers(printed[8])
    assert shown[-1].startswith("done  object · profile of 64 taus · ")


def test_the_guide_shows_a_picture() -> None:
    pictures = re.findall(r"!\[[^\]]+\]\(([^)]+)\)", GUIDE)
    assert pictures
    assert all((Path(__file__).parents[2] / "docs" / picture).is_file() for picture in pictures)


def _without_numbers(line: str) -> str:
    return re.sub(r"\d[\d,.e+-]*", "#", line)
