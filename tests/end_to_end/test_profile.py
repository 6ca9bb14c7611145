"""The tau profile as a user issues it, against cells that are run one by one."""

import re
import shlex
from pathlib import Path

import pytest

from misfire.methods.retrieval.ensemble.logged import LoggedEnsemble
from misfire.methods.retrieval.profile.logged import LoggedProfile, point_name
from tests.end_to_end.conftest import Place

pytestmark = [pytest.mark.end_to_end, pytest.mark.usefixtures("undrawn")]

GUIDE = (Path(__file__).parents[2] / "docs" / "tau.md").read_text(encoding="utf-8")
SUBSET = ("ensemble", "subset=failures", "templates=generic")
PROFILE = (*SUBSET, "pooling=profile", "pooling.low=0.005", "pooling.high=0.5", "pooling.num_taus=5")


def profiles(place: Place) -> list[LoggedProfile]:
    return [LoggedProfile(one) for one in place.store().load("profile")]


def test_a_profile_is_run_once_and_told_twice(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    assert place.misfire(*PROFILE) == 0
    first = capsys.readouterr().out
    assert place.misfire(*PROFILE) == 0
    assert capsys.readouterr().out == first
    (profile,) = profiles(place)
    assert first.startswith(f"{profile.logged.name}\nfailures: hits of 40 queries at 5 taus. ")
    rows = {line.split()[0]: line for line in first.splitlines() if line.split()[:1] in (["1"], ["5"], ["10"])}
    assert set(rows) == {"1", "5", "10"}
    assert f"{100 * profile.best(10).gain:+.2f}" in rows["10"]
    assert "No p-value here knows that these queries were chosen because the plain caption fails on them." in first
    assert "At tau = 1 LogMeanExp is the mean to " in first
    assert profile.logged.name.startswith("failures · profile of 5 taus")


def test_its_points_are_those_of_cells_run_one_by_one(place: Place) -> None:
    assert place.misfire(*PROFILE) == 0
    (profile,) = profiles(place)
    taus = profile.taus
    ranks = profile.logged.records
    assert place.misfire(*SUBSET, "-m", "pooling=max,mean") == 0
    assert place.misfire(*SUBSET, "-m", "pooling=logmeanexp", f"pooling.tau={taus[1]},{taus[3]}") == 0
    cells = [LoggedEnsemble(one) for one in place.store().load("ensemble")]
    assert [cell.pooling_label for cell in cells] == [
        "max",
        "mean",
        f"logmeanexp tau={taus[1]:g}",
        f"logmeanexp tau={taus[3]:g}",
    ]
    for cell in cells:
        tau = {"max": 0.0, "mean": float("inf")}.get(cell.pooling, cell.tau)
        assert ranks[f"rank_{point_name(tau)}"].tolist() == cell.logged.records.ensembled_rank.tolist()
        for k in profile.ks:
            (point,) = [one for one in profile.at(k) if one.tau == tau]
            own, elsewhere = cell.flips(k), cell.flips(k, "complement")
            assert (point.fixed, point.broken) == (own.fixed, own.broken)
            assert (point.complement_fixed, point.complement_broken) == (elsewhere.fixed, elsewhere.broken)
            assert (point.low, point.high) == (cell.at("delta", k).low, cell.at("delta", k).high)


def test_its_headline_is_a_metric(place: Place) -> None:
    assert place.misfire(*PROFILE) == 0
    (profile,) = profiles(place)
    metrics = profile.logged.estimates.metrics()
    assert 0 < len(metrics) <= 60
    assert any(value == pytest.approx(100 * profile.best(10).gain, abs=1e-4) for value in metrics.values())


def test_profiles_and_cells_share_a_grid(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    assert place.misfire(*PROFILE, "-m", "ks=[1,10],[5]") == 0
    assert "2 cells: 2 done" in capsys.readouterr().out
    assert place.misfire(*SUBSET, "-m", "pooling=max,profile", "ks=[1,10]") == 0
    shown = capsys.readouterr().out
    assert "2 cells: 2 done" in shown
    assert "Answer: " in shown
    assert [one.num_taus for one in profiles(place)] == [5, 5, 64]
    assert len(place.store().load("ensemble")) == 1


def test_a_grid_that_is_none_is_refused_before_anything_is_written(
    place: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    assert place.misfire(*SUBSET, "pooling=profile", "pooling.low=0") == 2
    assert (
        "pooling.low and pooling.high must be finite with 0 < low < high, got 0.0 and 10.0" in capsys.readouterr().err
    )
    assert place.misfire(*SUBSET, "pooling=profile", "pooling.num_tau=3") == 2
    assert profiles(place) == []


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
    table = shown.index("") + 1
    assert [line.split() for line in printed[table : table + 2]] == [line.split() for line in shown[table : table + 2]]
    assert [line.split()[:1] for line in shown] == [line.split()[:1] for line in printed[: len(shown)]]


def test_the_guide_shows_a_picture() -> None:
    pictures = re.findall(r"!\[[^\]]+\]\(([^)]+)\)", GUIDE)
    assert pictures
    assert all((Path(__file__).parents[2] / "docs" / picture).is_file() for picture in pictures)


def _without_numbers(line: str) -> str:
    return re.sub(r"\d[\d,.e+-]*", "#", line)
