"""What a cell's numbers say, by hand."""

import json
import math

import pytest

from misfire.methods.retrieval.ensemble.outcome import CellOutcome, run_name
from misfire.methods.retrieval.flips import Flips
from tests.evaluation.outcomes import cutoff, outcome, with_evidence


def test_json_and_back() -> None:
    noted = outcome(dataset_notes=("1 of 5 images were skipped (a.jpg: missing).",))
    for made in (outcome(), outcome(tau=None, pooling="max", failure_counts={}), noted):
        assert CellOutcome.from_json(json.loads(json.dumps(made.to_json()))) == made


def test_evidence_survives_json() -> None:
    made = outcome(with_evidence(1), with_evidence(5))
    read = CellOutcome.from_json(json.loads(json.dumps(made.to_json())))
    assert read == made
    noise, paraphrase = read.at(5).placebos
    assert (read.at(5).placebo("noise"), read.at(5).placebo("paraphrase")) == (noise, paraphrase)
    assert (noise.is_outside, paraphrase.is_outside) == (True, False)


def test_an_outcome_of_an_earlier_version_has_no_evidence_and_is_read() -> None:
    made = outcome()
    old = made.to_json()
    known = ("k", "subset", "gain", "complement")
    old["cutoffs"] = [{name: cutoff[name] for name in known} for cutoff in old["cutoffs"]]
    del old["dataset_notes"]
    assert CellOutcome.from_json(old) == made
    assert made.at(5).placebo("noise") is None


def test_hits_and_gain_by_hand() -> None:
    found = cutoff(subset=Flips(fixed=3, broken=1, still_right=2, still_wrong=4))
    assert (found.baseline_hits, found.ensembled_hits, found.delta) == (3, 5, 0.2)


def test_the_net_of_all_by_hand() -> None:
    # 10 queries of the subset win 2; a sample of 20 of the 90 others loses 1, so the 90 lose 4.5: -2.5 of 100.
    found = cutoff(subset=Flips(3, 1, 2, 4), others=Flips(1, 2, 10, 7))
    assert found.net_of_all(90) == pytest.approx(-0.025)


def test_the_net_of_all_with_every_other_query_is_exact() -> None:
    found = cutoff(subset=Flips(3, 1, 2, 4), others=Flips(1, 2, 10, 7))
    assert found.net_of_all(20) == pytest.approx((2 - 1) / 30)


def test_the_net_of_all_without_others_is_the_subset_alone() -> None:
    found = cutoff(subset=Flips(3, 1, 2, 4), others=Flips(0, 0, 0, 0))
    assert found.net_of_all(0) == pytest.approx(0.2)


def test_the_net_of_all_is_undefined_where_others_were_not_tried() -> None:
    assert math.isnan(cutoff(others=Flips(0, 0, 0, 0)).net_of_all(90))


def test_an_outcome_is_found_by_its_cut_off() -> None:
    made = outcome()
    assert [made.at(k).k for k in (10, 1)] == [10, 1]
    assert made.num_queries == 10
    with pytest.raises(KeyError):
        made.at(3)


@pytest.mark.parametrize(
    ("made", "name"),
    [
        (outcome(), "object · logmeanexp tau=1 · +20.0 pp @5"),
        (outcome(tau=0.003), "object · logmeanexp tau=0.003 · +20.0 pp @5"),
        (outcome(subset="action", pooling="max", tau=None), "action · max · +20.0 pp @5"),
        (outcome(cutoff(1), pooling="mean", tau=None), "object · mean · +20.0 pp @1"),
        (outcome(cutoff(1), pooling="mean", tau=None, templates="gated"), "object · mean · gated · +20.0 pp @1"),
        (outcome(cutoff(5, subset=Flips(0, 1, 20, 0))), "object · logmeanexp tau=1 · -4.8 pp @5"),
        (outcome(cutoff(5, subset=Flips(0, 0, 21, 0))), "object · logmeanexp tau=1 · +0.0 pp @5"),
    ],
)
def test_a_run_is_named_by_what_differs_and_what_came_out(made: CellOutcome, name: str) -> None:
    assert run_name(made) == name
