from pathlib import Path
from types import ModuleType

import pytest

from misfire.annotation import Opinion, annotators_with_logs, disagreements, opinions_of
from misfire.core.errors import UsageError
from misfire.failures import load_taxonomy

TAXONOMY = load_taxonomy()


def labelled(folder: Path, invented: ModuleType, annotator: str, *categories: str) -> None:
    """The first queries of the set labelled so, each shown where this annotator's order has it."""
    desk = invented.desk(folder, annotator)
    item_of = {item.key.query_id: item.id for item in desk.items}
    for number, category in enumerate(categories):
        desk.record(invented.label(item_of[1000 + 10 * number], category, f"{annotator}{number}"))


def test_logs_and_sheets_are_held_against_each_other(tmp_path: Path, invented: ModuleType) -> None:
    failures = invented.failure_set()
    labelled(tmp_path, invented, "ann", "Object", "Count", "Ambiguous", "Action")
    labelled(tmp_path, invented, "bob", "Object", "Spatial", "Ambiguous")
    sheet = tmp_path / "cem.csv"
    first, second = failures.failures[0], failures.failures[4]
    sheet.write_text(
        "idx,caption,gt_img_idx,pred_img_idx,category,ambiguous_subtype\n"
        f"0,{first.caption},{first.target_image_id},{first.retrieved_image_id},Object,\n"
        f"4,{second.caption},{second.target_image_id},{second.retrieved_image_id},Context,\n"
    )
    opinions = opinions_of(["ann", "bob", str(sheet)], tmp_path, failures, TAXONOMY)
    assert annotators_with_logs(tmp_path) == ["ann", "bob"]
    assert opinions[1010] == [Opinion("ann", "Count"), Opinion("bob", "Spatial")]
    assert [one.annotator for one in opinions[1000]] == ["ann", "bob", "cem"]
    assert opinions[1040] == [Opinion("cem", "Context")]
    assert disagreements(opinions) == (1010,)


def test_an_adjudication_shows_the_disagreements_and_who_said_what(tmp_path: Path, invented: ModuleType) -> None:
    labelled(tmp_path, invented, "ann", "Object", "Count")
    labelled(tmp_path, invented, "bob", "Object", "Spatial")
    ours = opinions_of(["ann", "bob"], tmp_path, invented.failure_set(), TAXONOMY)
    assert disagreements(ours) == (1010,)
    assert disagreements({}) == ()


def test_a_repeat_is_no_opinion_of_its_own(tmp_path: Path, invented: ModuleType) -> None:
    desk = invented.desk(tmp_path, "ann", repeats=0.25)
    repeat = next(item for item in desk.items if item.key.is_repeat)
    first = next(item for item in desk.items if item.key == (repeat.key.query_id, False))
    desk.record(invented.label(first.id, "Object", "e1"))
    desk.record(invented.label(repeat.id, "Count", "e2"))
    opinions = opinions_of(["ann"], tmp_path, invented.failure_set(), TAXONOMY)
    assert opinions == {repeat.key.query_id: [Opinion("ann", "Object")]}


def test_a_stranger_is_refused(tmp_path: Path, invented: ModuleType) -> None:
    labelled(tmp_path, invented, "ann", "Object")
    with pytest.raises(UsageError, match=r"annotators with a log \(ann\) or sheets, got 1 \(dan\); check the names"):
        opinions_of(["ann", "dan"], tmp_path, invented.failure_set(), TAXONOMY)


def test_a_sheet_of_another_set_is_refused(tmp_path: Path, invented: ModuleType) -> None:
    sheet = tmp_path / "cem.csv"
    sheet.write_text("query_id,category\n999,Object\n")
    with pytest.raises(UsageError, match=r"sheet cem.csv must be of failure set .*, got 1 \(999\) by query id"):
        opinions_of([str(sheet)], tmp_path, invented.failure_set(), TAXONOMY)
