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
from misfire.failures.consensus.record import agreement_record
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


@pytest.mark.parametrize(
    ("labels", "reason"),
    [
        (
            {"ann": (0, 1)},
            "one annotator's labels can be held against nobody else's; let somebody else label some of them too.",
        ),
        (
            {"ann": (0, 1), "bob": (2, 3)},
            "no query was labelled by two annotators; let several label some of the same (annotators.overlap).",
        ),
        ({"ann": (0, 1), "bob": (1, 2)}, ""),
    ],
)
def test_what_cannot_be_measured_is_said_with_its_reason(
    invented: ModuleType, tmp_path: Path, labels: dict[str, tuple[int, ...]], reason: str
) -> None:
    failures = invented.failure_set(num_failures=6)
    given = {name: {failures.query_ids[one]: "Object" for one in own} for name, own in labels.items()}
    agreed = found(tmp_path, failures, given)
    record = agreement_record(agreed)
    assert record["label_doubt"] == {"is_measured": not reason, "reason": reason}
    assert (label_doubt(agreed) is None) is bool(reason)
    sentence = f"Label noise can't be measured, so that a gain on a category won't have an interval with it: {reason}"
    assert record["in_words"].endswith(sentence) is bool(reason)
    assert ("Label noise" in record["in_words"]) is bool(reason)


def test_queries_without_an_id_have_no_doubt_and_say_so(tmp_path: Path) -> None:
    for name in ("ann", "bob"):
        rows = "caption,gt_img_idx,pred_img_idx,category\na cat,7,9,Object\ntwo dogs,4,5,Count\n"
        (tmp_path / f"{name}.csv").write_text(rows)
    agreed = agreement(read_sheets([tmp_path / "ann.csv", tmp_path / "bob.csv"]), settings=SETTINGS)
    assert label_doubt(agreed) is None
    assert agreement_record(agreed)["label_doubt"]["reason"] == (
        "no labelled query is known by its id; name the failure set that the sheets are of."
    )


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
    record = agreement_record(found(tmp_path, failures, labels))
    assert record["drift_reference"] == {"source": WORLD_TRUTH, "num_queries": 6}
    assert "held against each other and world truth, on at least 6 labels each" in record["in_words"]
    own = replace(failures, label_source="2 annotators (ann, cem), disagreements by majority")
    for name in labels:
        (tmp_path / f"{name}.csv").unlink()
    record = agreement_record(found(tmp_path, own, labels))
    assert record["drift_reference"] is None
    assert "held against each other, on" in record["in_words"]
