"""How far queries' labels are in doubt, out of sheets, against counts by hand."""

from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest

from misfire.failures import (
    WORLD_TRUTH,
    Agreement,
    Expert,
    FailureSet,
    Label,
    Policy,
    agreement,
    label_doubt,
    read_sheets,
    sheet_text,
)
from misfire.stats import StatisticsSettings

SETTINGS = StatisticsSettings(num_replicates=50)


def found(
    folder: Path, failures: FailureSet, labels: dict[str, dict[int, str]], policy: Policy | None = None
) -> Agreement:
    paths = []
    for name, own in labels.items():
        paths.append(folder / f"{name}.csv")
        paths[-1].write_text(sheet_text(failures, list(own), lambda one, own=own: Label(own[one.query_id])))
    return agreement(read_sheets(paths), failure_set=failures, settings=SETTINGS, policy=policy)


def test_labels_share_a_query_and_one_alone_is_as_sure_as_annotators_agree(
    invented: ModuleType, tmp_path: Path
) -> None:
    failures = invented.failure_set(num_failures=6)
    a, b, c, d, e, _ = failures.query_ids
    labels = {
        "ann": {a: "Object", b: "Object", c: "Count", d: "Object"},
        "bob": {a: "Object", b: "Count", c: "Count", e: "Count"},
    }
    doubt = label_doubt(found(tmp_path, failures, labels))
    assert doubt is not None
    assert list(doubt.probability) == [a, b, c, d, e]
    assert [doubt.of(one, ["Object"]) for one in (a, b, c)] == [1.0, 0.5, 0.0]
    # Both ways: Object met Object twice and Count once, and one item more is added that agrees 2 times in 3.
    assert doubt.of(d, ["Object"]) == pytest.approx((2 + 2 / 3) / (3 + 1))
    assert doubt.of(e, ["Object"]) == pytest.approx((1 + 1 / 3) / (3 + 1))


def test_copies_leave_no_doubt_and_strangers_no_measure(invented: ModuleType, tmp_path: Path) -> None:
    failures = invented.failure_set(num_failures=6)
    ids = failures.query_ids
    same = {one: ("Object", "Count")[place % 2] for place, one in enumerate(ids)}
    copies = {"ann": same, "bob": {one: same[one] for one in ids[:4]}}
    doubt = label_doubt(found(tmp_path, failures, copies))
    assert doubt is not None
    assert {value for row in doubt.probability.values() for value in row} == {0.0, 1.0}
    apart = {"ann": {ids[0]: "Object"}, "bob": {ids[1]: "Count"}}
    assert label_doubt(found(tmp_path, failures, apart)) is None


def test_an_experts_ruling_is_sure(invented: ModuleType, tmp_path: Path) -> None:
    failures = invented.failure_set(num_failures=6)
    a, b, *_ = failures.query_ids
    labels = {"ann": {a: "Object", b: "Object"}, "bob": {a: "Count", b: "Count"}}
    item = found(tmp_path, failures, labels).linked.items[0]
    doubt = label_doubt(found(tmp_path, failures, labels, Expert({item: Label("Spatial")}, "eve")))
    assert doubt is not None
    assert (doubt.of(a, ["Spatial"]), doubt.of(b, ["Object"])) == (1.0, 0.5)


def test_annotators_are_held_against_a_source_that_is_not_theirs(invented: ModuleType, tmp_path: Path) -> None:
    failures = replace(invented.failure_set(num_failures=6), label_source=WORLD_TRUTH)
    labels = {name: dict.fromkeys(failures.query_ids, "Object") for name in ("ann", "bob")}
    record = found(tmp_path, failures, labels).to_json()
    assert record["drift_reference"] == {"source": WORLD_TRUTH, "num_queries": 6}
    assert "held against each other and world truth, on at least 6 labels each" in record["in_words"]
    own = replace(failures, label_source="2 annotators (ann, cem), disagreements by majority")
    for name in labels:
        (tmp_path / f"{name}.csv").unlink()
    record = found(tmp_path, own, labels).to_json()
    assert record["drift_reference"] is None
    assert "held against each other, on" in record["in_words"]
