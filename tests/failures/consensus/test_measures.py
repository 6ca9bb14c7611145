"""Annotators whose confusion is known: what is measured must be what is true."""

import math
import re
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score

from misfire.core.seeding import generator
from misfire.failures import (
    Failure,
    FailureSet,
    Label,
    SheetEntry,
    SimulatedAnnotator,
    agreement,
    answer_table,
    load_taxonomy,
    plan_assignment,
    read_sheets,
    sheet_text,
    typical_confusion,
)
from misfire.failures.consensus.record import agreement_record
from misfire.failures.sheets import csv_text
from misfire.stats import StatisticsSettings

NAMES = load_taxonomy().names
PREVALENCE = np.array([0.36, 0.25, 0.13, 0.10, 0.06, 0.05, 0.05])


def large_set(invented: ModuleType, *, seed: int, size: int = 200) -> FailureSet:
    """Failures whose true categories are drawn."""
    (template, *_) = invented.failure_set(num_failures=1).failures
    truth = generator(seed, "truth").choice(NAMES, size=size, p=PREVALENCE)
    failures = tuple(
        replace(template, query_id=10 * i, caption=f"caption {i}", category=str(category), ambiguous_subtype=None)
        for i, category in enumerate(truth)
    )
    return replace(invented.failure_set(), failures=failures, num_queries=5000, num_top1_failures=1000)


def true_kappa(confusion: np.ndarray) -> float:
    """Of two annotators who err independently given the truth, over all failures there could be."""
    joint = np.einsum("t,ta,tb->ab", PREVALENCE, confusion, confusion)
    chance = float((joint.sum(axis=0) * joint.sum(axis=1)).sum())
    return (float(np.trace(joint)) - chance) / (1 - chance)


def sheets_of(folder: Path, failures: FailureSet, names: list[str], *, seed: int, overlap: int) -> list[Path]:
    plan = plan_assignment(failures.query_ids, names, overlap=overlap, seed=seed)
    paths = []
    for name, ids in plan.query_ids.items():
        annotator = SimulatedAnnotator(name, seed=seed, confusion=typical_confusion(0.85))
        paths.append(folder / f"{name}.csv")
        paths[-1].write_text(sheet_text(failures, ids, annotator.label))
    return paths


def test_the_interval_covers_the_true_kappa(invented: ModuleType, tmp_path: Path) -> None:
    truth, num_worlds = true_kappa(typical_confusion(0.85)), 40
    settings = StatisticsSettings(num_replicates=150)
    covered = 0
    for seed in range(num_worlds):
        failures = large_set(invented, seed=seed, size=100)
        found = agreement(
            read_sheets(sheets_of(tmp_path, failures, ["ann", "bob"], seed=seed, overlap=100)), settings=settings
        ).overall
        covered += found.low <= truth <= found.high
    # 95 % of 40 is 38; fewer than 33 has a chance of about 1 in 1,000.
    assert covered >= 33


def test_kappa_and_confusion_are_the_librarys(invented: ModuleType, tmp_path: Path) -> None:
    failures = large_set(invented, seed=0)
    sheets = read_sheets(sheets_of(tmp_path, failures, ["ann", "bob"], seed=0, overlap=120))
    found = agreement_record(agreement(sheets, failure_set=failures))
    given = {row.annotator: {} for row in sheets.rows}
    for row in sheets.rows:
        given[row.annotator][row.query_id] = row.label.category
    common = sorted(given["ann"].keys() & given["bob"].keys())
    one, other = ([given[name][query] for query in common] for name in ("ann", "bob"))
    assert found["num_common"] == len(common) == 120
    assert found["kappa"] == pytest.approx(cohen_kappa_score(one, other))
    assert found["raw_agreement"] == pytest.approx(np.mean([a == b for a, b in zip(one, other, strict=True)]))
    assert found["confusion"]["rows"] == "ann"
    assert found["confusion"]["counts"] == [
        [sum((a, b) == (x, y) for a, b in zip(one, other, strict=True)) for y in NAMES] for x in NAMES
    ]
    assert found["categories"]["num_before"] == 320
    assert found["categories"]["num_after"] + found["categories"]["num_undecided"] == 200
    assert found["categories"]["before"]["Object"] == one.count("Object") + other.count("Object") + sum(
        label == "Object" for name in given for query, label in given[name].items() if query not in common
    )
    shares = found["categories"]["shares"]["Object"]
    assert shares["of_all_failures"] == pytest.approx(1000 * shares["share"])
    assert shares["low"] < shares["share"] < shares["high"]


class Drifting:
    """Calls 30 % of Object Attribute after the 40th item."""

    def __init__(self, annotator: SimulatedAnnotator, ids: tuple[int, ...], seed: int) -> None:
        self.annotator, self.late, self.seed = annotator, set(ids[40:]), seed

    def label(self, failure: Failure) -> Label:
        label = self.annotator.label(failure)
        rng = generator(self.seed, "drift", failure.query_id)
        drifts = failure.query_id in self.late and label.category == "Object" and rng.random() < 0.3
        return Label("Attribute") if drifts else label


def flagged(invented: ModuleType, folder: Path, *, seed: int, is_drifting: bool) -> list[str]:
    """Annotators of 400 failures, half of them shared, against whom drift is reported."""
    failures = large_set(invented, seed=seed, size=400)
    plan = plan_assignment(failures.query_ids, ["ann", "bob", "cem"], overlap=300, seed=seed)
    paths = []
    for name, ids in plan.query_ids.items():
        annotator = SimulatedAnnotator(name, seed=seed, confusion=typical_confusion(0.9))
        label = Drifting(annotator, ids, seed).label if is_drifting and name == "bob" else annotator.label
        paths.append(folder / f"{name}.csv")
        paths[-1].write_text(sheet_text(failures, ids, label))
    found = agreement(read_sheets(paths), failure_set=failures, settings=StatisticsSettings(num_replicates=300))
    record = agreement_record(found)
    for name, one in record["annotators"].items():
        drift = one["drift"]["against_others"]
        if drift["p_value"] < 0.05 and name == "bob" and is_drifting:
            assert (drift["from"], drift["to"]) == ("Object", "Attribute")
            assert "bob says Attribute where others say Object" in record["in_words"]
    return [name for name, one in record["annotators"].items() if one["drift"]["against_others"]["p_value"] < 0.05]


def test_who_drifts_is_flagged_and_who_does_not_is_not(invented: ModuleType, tmp_path: Path) -> None:
    drifting = [flagged(invented, tmp_path, seed=seed, is_drifting=True) for seed in range(5)]
    assert sum("bob" in names for names in drifting) >= 4
    steady = [flagged(invented, tmp_path, seed=seed, is_drifting=False) for seed in range(5)]
    assert sum(bool(names) for names in steady) <= 1


def test_one_annotator_alone_has_no_agreement(invented: ModuleType, tmp_path: Path) -> None:
    failures = large_set(invented, seed=0, size=20)
    found = agreement_record(agreement(read_sheets(sheets_of(tmp_path, failures, ["ann"], seed=0, overlap=0))))
    assert (found["kappa"], found["raw_agreement"]) == (None, None)
    assert found["pairs"] == []
    assert "With one annotator nothing can be said about agreement" in found["in_words"]
    assert found["num_common"] == found["num_unique"] == 20


def test_an_undefined_kappa_is_null_with_a_reason(invented: ModuleType, tmp_path: Path) -> None:
    failures = large_set(invented, seed=0, size=20)
    paths = [tmp_path / "ann.csv", tmp_path / "bob.csv"]
    for path in paths:
        path.write_text(sheet_text(failures, failures.query_ids, lambda _: Label("Count")))
    found = agreement_record(agreement(read_sheets(paths)))
    assert found["raw_agreement"] == 1.0
    assert found["kappa"] is None
    assert "gave every item the label 'Count'" in found["kappa_reason"]
    assert "Kappa is undefined" in found["in_words"]


def test_times_and_repeats_are_reported(invented: ModuleType, tmp_path: Path) -> None:
    failures = large_set(invented, seed=0, size=60)
    entries = [SheetEntry(i, Label("Count"), seconds=8.0 + n % 5, sequence=n) for n, i in enumerate(failures.query_ids)]
    entries += [
        SheetEntry(i, Label("Object"), seconds=0.2, is_repeat=True, sequence=100 + n)
        for n, i in enumerate(failures.query_ids[:10])
    ]
    (tmp_path / "ann.csv").write_text(csv_text(answer_table(failures, entries)))
    one = agreement_record(agreement(read_sheets([tmp_path / "ann.csv"]), failure_set=failures))["annotators"]["ann"]
    assert (one["self_agreement"]["raw_agreement"], one["self_agreement"]["num_queries"]) == (0.0, 10)
    assert len(one["self_agreement"]["changed"]) == 10
    assert one["fast"]["num_timed"] == 70
    assert len(one["fast"]["queries"]) == 10
    assert any("repeats their own label on only 0 % of 10" in warning for warning in one["warnings"])
    assert any(re.fullmatch(r"ann took under \d\.\d s for 14 % of the items\.", warning) for warning in one["warnings"])
    assert not math.isnan(one["fast"]["share"])


def test_drift_goes_by_the_order_of_labelling(invented: ModuleType, tmp_path: Path) -> None:
    failures = large_set(invented, seed=0, size=60)
    backwards = failures.query_ids[::-1]
    paths = []
    for name in ("ann", "bob", "cem"):
        entries = [
            SheetEntry(i, Label("Attribute" if name == "bob" and n >= 40 else "Object"), sequence=n)
            for n, i in enumerate(backwards)
        ]
        paths.append(tmp_path / f"{name}.csv")
        paths[-1].write_text(csv_text(answer_table(failures, sorted(entries, key=lambda one: one.query_id))))
    bob = agreement(read_sheets(paths), failure_set=failures).annotators[1]
    assert bob.departure.p_value < 0.05
    assert 30 <= bob.departure.start <= 45
    assert 30 <= bob.change.cut <= 45
