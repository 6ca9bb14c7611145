import csv
from pathlib import Path
from types import ModuleType

import pytest

from misfire.core.errors import UsageError
from misfire.failures import (
    Drop,
    Expert,
    First,
    Label,
    Majority,
    Policy,
    adjudicate,
    adjudicated_set,
    expert_policy,
    load_taxonomy,
    policy_named,
    read_failure_set,
    read_sheets,
    sheet_text,
    write_failure_set,
)
from misfire.failures.consensus import Adjudication, Item, link

ITEM = Item(7, "a cat", "1", "2")
TAXONOMY = load_taxonomy()


def given(*words: str) -> dict[str, Label]:
    """One label an annotator, ``Category`` or ``Category/subtype``."""
    pairs = [(*word.split("/"), None)[:2] for word in words]
    return {f"annotator_{place}": Label(str(one), other) for place, (one, other) in enumerate(pairs)}


CASES: list[tuple[Policy, tuple[str, ...], str | None, str, bool]] = [
    (Majority(), ("Object", "Object"), "Object", "all 2 agree", False),
    (Majority(), ("Object",), "Object", "annotator_0 alone labelled it", False),
    (Majority(), ("Object", "Count", "Object"), "Object", "2 of 3 say Object", True),
    (Majority(), ("Object", "Count"), None, "a tie: 1 each for Count and Object", True),
    (Majority(), ("Object", "Count", "Spatial"), None, "a tie: 1 each for Count and Object and Spatial", True),
    (Majority(), ("Count", "Object", "Count", "Spatial"), "Count", "2 of 4 say Count", True),
    (First(), ("Count", "Object", "Object"), "Count", "annotator_0 comes first", True),
    (Drop(), ("Count", "Object", "Object"), None, "3 annotators differ", True),
    (Drop(), ("Object", "Object"), "Object", "all 2 agree", False),
    (Expert({ITEM: Label("Spatial")}, "eve"), ("Count", "Object"), "Spatial", "eve decides", True),
    (Expert({ITEM: Label("Spatial")}, "eve"), ("Count", "Count"), "Spatial", "eve decides", False),
    (Expert({}, "eve"), ("Count", "Object"), None, "2 annotators differ, and eve doesn't say", True),
    (Expert({}, "eve"), ("Count", "Count"), "Count", "all 2 agree", False),
    (Majority(), (), None, "nobody labelled it, or only by a conflict with themselves", False),
]


@pytest.mark.parametrize(("policy", "words", "category", "why", "is_disputed"), CASES)
def test_each_policy_decides_and_says_why(
    policy: Policy, words: tuple[str, ...], category: str | None, why: str, is_disputed: bool
) -> None:
    decision = policy.decide(ITEM, given(*words), TAXONOMY)
    assert (None if decision.label is None else decision.label.category) == category
    assert decision.why == why
    assert decision.is_disputed == is_disputed
    assert decision.to_json()["given"] == {name: label.category for name, label in given(*words).items()}


@pytest.mark.parametrize(
    ("words", "subtype"),
    [
        (("Ambiguous/near_duplicate", "Ambiguous"), "near_duplicate"),
        (("Ambiguous/near_duplicate", "Ambiguous/underspecified"), None),
        (("Ambiguous/near_duplicate", "Ambiguous/underspecified", "Ambiguous/near_duplicate"), "near_duplicate"),
        (("Ambiguous", "Ambiguous"), None),
    ],
)
def test_the_subtype_is_that_of_most(words: tuple[str, ...], subtype: str | None) -> None:
    assert Majority().decide(ITEM, given(*words), TAXONOMY).label == Label("Ambiguous", subtype)


def test_a_policy_is_found_by_name() -> None:
    assert [policy_named(name).name for name in ("majority", "first", "drop")] == ["majority", "first", "drop"]
    with pytest.raises(UsageError, match="policy must be one of majority, first, drop or expert, got 'vote'"):
        policy_named("vote")


def filled(folder: Path, invented: ModuleType, **labels: list[str]) -> list[Path]:
    """A sheet an annotator, all of the same failures."""
    failures = invented.failure_set()
    paths = []
    for name, words in labels.items():
        rows = dict(zip(failures.query_ids, words, strict=False))
        text = sheet_text(
            failures, list(rows), lambda f, rows=rows: Label(rows[f.query_id]) if rows[f.query_id] else None
        )
        paths.append(folder / f"{name}.csv")
        paths[-1].write_text(text)
    return paths


def test_decisions_become_a_labelled_failure_set(invented: ModuleType, tmp_path: Path) -> None:
    failures = invented.failure_set()
    paths = filled(tmp_path, invented, ann=["Object", "Count", "Action", ""], bob=["Object", "Object"])
    decided = adjudicate(link(read_sheets(paths), failures), Majority())
    labelled = adjudicated_set(failures, decided)
    assert [failure.category for failure in labelled.failures[:5]] == ["Object", None, "Action", None, None]
    assert labelled.label_source == "2 annotators (ann, bob), disagreements by majority"
    assert labelled.digest != failures.digest
    assert read_failure_set(write_failure_set(labelled, tmp_path)) == labelled
    assert [one.item.query_id for one in decided.undecided] == [failures.query_ids[1], failures.query_ids[3]]
    log = decided.to_json()
    assert (log["num_labelled"], log["num_disputed"], log["num_undecided"]) == (2, 1, 2)


def test_an_expert_decides_what_the_others_leave(invented: ModuleType, tmp_path: Path) -> None:
    failures = invented.failure_set()
    *own, said = filled(tmp_path, invented, ann=["Object", "Count"], bob=["Object", "Object"], eve=["Spatial", "Count"])
    # The expert's sheet has the columns that people know alone, and stands in another order.
    with said.open(newline="") as file:
        rows = [{key: row[key] for key in list(row)[3:]} for row in csv.DictReader(file)]
    with said.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows[::-1])
    for failure_set in (failures, None):
        sheets = read_sheets(own)
        policy = expert_policy(sheets, read_sheets([said]), failure_set)
        decided = adjudicate(link(sheets, failure_set), policy)
        assert [one.label for one in decided.decisions] == [Label("Spatial"), Label("Count")]
        assert decided.label_source == "2 annotators (ann, bob), disagreements by eve"


def test_an_expert_who_is_of_no_use_is_refused(invented: ModuleType, tmp_path: Path) -> None:
    own, empty = filled(tmp_path, invented, ann=["Object"], eve=[""])
    with pytest.raises(UsageError, match="an expert must have decided something, got no label"):
        expert_policy(read_sheets([own]), read_sheets([empty]))
    empty.write_text(own.read_text() + own.read_text().split("\n", 1)[1].replace("Object", "Count"))
    with pytest.raises(UsageError, match=r"an expert's rows must each decide one query, got 1 \(query"):
        expert_policy(read_sheets([own]), read_sheets([empty]))


def test_a_labelled_set_needs_ids_and_labels(invented: ModuleType) -> None:
    failures = invented.failure_set()
    nameless = Majority().decide(Item(-1, "a", "1", "2"), given("Object"), TAXONOMY)
    with pytest.raises(UsageError, match=r"a labelled failure set needs query ids, got 1 \('a'\) without"):
        adjudicated_set(failures, Adjudication(Majority(), ("ann",), TAXONOMY, (nameless,)))
    with pytest.raises(UsageError, match="a labelled failure set needs a label, got none decided"):
        adjudicated_set(failures, Adjudication(Majority(), ("ann",), TAXONOMY, ()))
