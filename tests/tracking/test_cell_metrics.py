"""What is logged of a cell, by hand and by the tracker's rules for names."""

import re
from dataclasses import replace

import pytest

from misfire.methods.retrieval.flips import Flips
from misfire.tracking.cell_metrics import metrics
from tests.methods.retrieval.outcomes import cutoff, outcome, with_evidence

AT_5 = {
    "delta_pp": 20.0,
    "fixed": 3.0,
    "all_net_low_pp": -2.0,
    "all_net_high_pp": 4.0,
    "placebo_noise/low_pp": 0.0,
    "placebo_noise/high_pp": 19.0,
    "placebo_noise/mean_pp": 10.0,
    "placebo_noise/p_at_least": 0.02,
    "placebo_noise/is_outside": 1.0,
    "placebo_paraphrase/is_outside": 0.0,
    "ceiling": 0.98,
    "baseline_if_ties_lose": 0.2,
    "baseline_if_ties_win": 0.4,
    "baseline_hits_within_bf16": 1.0,
    "ensembled_hits_within_fp32": 0.0,
    "category_object/fixed": 1.0,
    "category_ambiguous/broken": 1.0,
    "without_ambiguous/num_queries": 4.0,
    "without_ambiguous/ensembled": 0.5,
    "without_ambiguous/delta_pp": 25.0,
    "confirm_queries/delta_pp": 20.0,
    "confirm_queries/delta_low_pp": 0.0,
    "confirm_queries/delta_high_pp": 30.0,
    "confirm_failures/num_queries": 10.0,
}


def test_the_evidence_is_logged_by_hand() -> None:
    found = metrics(outcome(with_evidence(1), with_evidence(5)))
    for name, value in AT_5.items():
        assert found[f"t2i/hit_at_5/{name}"] == pytest.approx(value), name
    assert "t2i/hit_at_5/confirm_failures/delta_low_pp" not in found  # undefined is left out, and isn't 0


def test_names_are_those_that_the_tracker_takes() -> None:
    odd = replace(with_evidence(5), by_category={"Größe & Form": Flips(1, 0, 1, 2), "B": Flips(1, 0, 0, 1)})
    found = metrics(outcome(odd))
    assert all(re.fullmatch(r"[A-Za-z0-9_\-./]+", name) for name in found)
    assert found["t2i/hit_at_5/category_gr__e___form/fixed"] == 1
    assert next(iter(found)) == "t2i/hit_at_5/delta_pp"


def test_a_lenient_score_never_stands_without_its_strict_twin() -> None:
    found = metrics(outcome(with_evidence(1), with_evidence(5)))
    lenient = [name for name in found if "without_ambiguous" in name and not name.endswith("num_queries")]
    assert len(lenient) == 4
    assert all(name.replace("without_ambiguous/", "") in found for name in lenient)


def test_one_category_is_the_subset_itself() -> None:
    alone = replace(with_evidence(5), by_category={"Object": Flips(3, 1, 2, 4)})
    assert not any("category_" in name for name in metrics(outcome(alone)))


def test_a_cell_of_an_earlier_version_has_the_metrics_it_had() -> None:
    assert {name.split("/")[2] for name in metrics(outcome(cutoff(5)))} == {
        "delta_pp",
        "baseline",
        "ensembled",
        "delta_mean_pp",
        "delta_low_pp",
        "delta_high_pp",
        "p_positive",
        "fixed",
        "broken",
        "complement_fixed",
        "complement_broken",
        "complement_net_pp",
        "all_net_pp",
    }
