import math
from pathlib import Path

import pandas as pd

from misfire.methods.retrieval.profile.outcome import TauProfile, Transition
from misfire.methods.retrieval.profile.profile import ProfileResult
from misfire.tracking import TrackingStore, log_profile, read_cells, read_profiles
from misfire.tracking.profiles import profile_metrics
from tests.methods.retrieval.profile.invented_profile import profile


def log(store: TrackingStore, folder: Path, made: TauProfile) -> str:
    folder.mkdir()
    return log_profile(
        store,
        ProfileResult(made, pd.DataFrame({"query_id": [1, 2], "rank_max": [1, 3], "rank_mean": [2, 1]})),
        config_yaml="seed: 42\n",
        figures={"tau_profile.png": b"png", "tau_profile.svg": b"<svg/>"},
        settings={"seed": "42"},
        folder=folder,
    )


def test_a_profile_is_read_back_as_it_was_logged(store: TrackingStore, tmp_path: Path) -> None:
    with_gap = profile()
    alone = profile(
        profile_id="e" * 64, transition=Transition(240, 0, None, None), subset="other", is_failure_mined=False
    )
    run_ids = [log(store, tmp_path / "a", with_gap), log(store, tmp_path / "b", alone)]
    found = read_profiles(store)
    assert [logged.run_id for logged in found] == run_ids
    assert [logged.profile for logged in found] == [with_gap, alone]
    assert all(math.isinf(logged.profile.at(10)[-1].tau) for logged in found)


def test_a_missing_gap_is_read_back_as_missing(store: TrackingStore, tmp_path: Path) -> None:
    log(store, tmp_path / "a", profile(spread={"gap": math.nan}))
    (found,) = read_profiles(store)
    assert math.isnan(found.profile.reference.spread.gap)


def test_a_profile_is_no_cell(store: TrackingStore, tmp_path: Path) -> None:
    run = store.client.get_run(log(store, tmp_path / "a", profile()))
    assert read_cells(store) == []
    assert run.info.run_name == "object · profile of 4 taus · +7.5 pp @10 at tau=0.1"
    assert run.data.params["taus"] == "4 from 0.01 to 10"
    assert (run.data.params["best_at_1"], run.data.params["best_at_10"]) == ("mean", "tau=0.1")
    assert {artifact.path for artifact in store.client.list_artifacts(run.info.run_id)} == {
        "config.yaml",
        "profile.json",
        "profile.parquet",
        "records.parquet",
        "tau_profile.png",
        "tau_profile.svg",
    }


def test_the_note_starts_with_the_conclusion(store: TrackingStore, tmp_path: Path) -> None:
    run = store.client.get_run(log(store, tmp_path / "a", profile()))
    note = run.data.tags["mlflow.note.content"].splitlines()
    assert note[0].startswith("The best at 10, tau=0.1, gains +7.50 pp")
    assert "| 10 | 20 | 23 | tau=0.1 | +7.50 | [2.50, 12.50] | 0.400 | 5 | 5 |" in note
    assert note[-1] == "Gold labels chose the templates: an oracle, which no deployed system is."


def test_metrics_are_finite_numbers() -> None:
    found = profile_metrics(profile(transition=Transition(240, 50, 0.1, None)))
    assert found == {
        "t2i/hit_at_10/best_delta_pp": 7.5,
        "t2i/hit_at_10/best_tau": 0.1,
        "t2i/hit_at_10/best_p_adjusted": 0.4,
        "t2i/hit_at_10/max_delta_pp": 0.0,
        "t2i/hit_at_10/mean_delta_pp": 5.0,
        "t2i/hit_at_10/tau_1_delta_pp": 5.0,
        "t2i/hit_at_1/best_delta_pp": 5.0,
        "t2i/hit_at_1/best_p_adjusted": 0.4,
        "t2i/hit_at_1/max_delta_pp": 2.5,
        "t2i/hit_at_1/mean_delta_pp": 5.0,
        "t2i/hit_at_1/tau_1_delta_pp": 5.0,
        "profile/transition_start_tau": 0.1,
        "profile/prompt_spread": 0.012,
        "profile/tau_1_largest_shift": 9e-4,
        "profile/tau_1_share_as_mean": 239 / 240,
    }
