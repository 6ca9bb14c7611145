from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from misfire.annotation import AnnotationDesk, Opinion
from misfire.core.errors import UsageError


@pytest.fixture
def desk(tmp_path: Path, invented: ModuleType) -> AnnotationDesk:
    made: AnnotationDesk = invented.desk(tmp_path)
    return made


def state_of(desk: AnnotationDesk, item_id: str) -> dict[str, Any]:
    (state,) = [item for item in desk.overview()["items"] if item["id"] == item_id]
    return dict(state)


def test_a_label_is_kept_in_the_taxonomys_spelling(desk: AnnotationDesk, invented: ModuleType) -> None:
    first = desk.items[0]
    reply = desk.record(invented.label(first.id, "ambiguous", "e1", subtype="near_duplicate", seconds=3))
    assert reply["item"] == state_of(desk, first.id)
    assert (reply["item"]["status"], reply["item"]["category"]) == ("labelled", "Ambiguous")
    assert (reply["num_labelled"], reply["num_items"], reply["version"]) == (1, 24, 1)
    (event,) = desk.log.read().events
    failure = desk.failure(first.id)
    assert (event.query_id, event.text_sha256) == (failure.query_id, failure.text_sha256)
    assert (event.failure_set, event.subtype, event.seconds) == (desk.failure_set.digest, "near_duplicate", 3.0)
    assert event.time.endswith("+00:00")


def test_the_same_request_twice_is_one_label(desk: AnnotationDesk, invented: ModuleType) -> None:
    request = invented.label(desk.items[0].id, "Object", "e1")
    assert desk.record(request) == desk.record(request)
    assert len(desk.log.read().events) == 1


def test_a_second_label_counts_and_both_are_kept(desk: AnnotationDesk, invented: ModuleType) -> None:
    first = desk.items[0].id
    desk.record(invented.label(first, "Object", "e1"))
    desk.record(invented.label(first, "Count", "e2"))
    assert state_of(desk, first)["category"] == "Count"
    assert [event.category for event in desk.log.read().events] == ["Object", "Count"]
    reply = desk.record({"id": "e3", "action": "undo"})
    assert (reply["item"]["category"], reply["took_back"]) == ("Object", "label")
    assert desk.record({"id": "e3", "action": "undo"})["item"]["category"] == "Object"
    assert desk.record({"id": "e4", "action": "undo"})["item"]["status"] == "open"
    with pytest.raises(UsageError, match="an undo needs something to take back, got nothing; label an item first"):
        desk.record({"id": "e5", "action": "undo"})


def test_notes_and_skips_are_kept_beside_the_label(desk: AnnotationDesk, invented: ModuleType) -> None:
    first, second = desk.items[0].id, desk.items[1].id
    desk.record({"id": "e1", "action": "note", "item": first, "notes": "  <b>odd</b> "})
    desk.record(invented.label(first, "Object", "e2"))
    assert (state_of(desk, first)["notes"], state_of(desk, first)["category"]) == ("<b>odd</b>", "Object")
    reply = desk.record({"id": "e3", "action": "skip", "item": second})
    assert (reply["item"]["status"], reply["num_skipped"], reply["num_labelled"]) == ("skipped", 1, 1)
    assert desk.record({"id": "e4", "action": "undo"})["took_back"] == "skip"
    desk.record({"id": "e5", "action": "note", "item": first, "notes": ""})
    assert state_of(desk, first)["notes"] == ""


def test_an_undo_leaves_alone_what_is_not_of_the_session(desk: AnnotationDesk, invented: ModuleType) -> None:
    desk.record(invented.label(desk.items[0].id, "Object", "e1"))
    desk.record(invented.label(desk.items[1].id, "Count", "e2"))
    narrower = replace(desk, items=desk.items[:1])
    assert narrower.record({"id": "e3", "action": "undo"})["item"]["id"] == desk.items[0].id
    assert state_of(desk, desk.items[1].id)["category"] == "Count"
    assert not narrower.overview()["can_undo"]


def test_two_desks_on_one_log_are_one_session(desk: AnnotationDesk, tmp_path: Path, invented: ModuleType) -> None:
    other = invented.desk(tmp_path)
    desk.record(invented.label(desk.items[0].id, "Object", "e1"))
    assert other.overview() == desk.overview()
    assert other.record(invented.label(desk.items[1].id, "Object", "e2"))["num_labelled"] == 2


def test_a_blind_page_is_told_nothing_of_others_or_of_scores(desk: AnnotationDesk) -> None:
    shown = desk.item(desk.items[0].id)
    assert set(shown) == {"id", "caption", "opinions", "scores"}
    assert (shown["opinions"], shown["scores"]) == ([], None)
    assert "".join(text for text, _ in shown["caption"]) == desk.failure(desk.items[0].id).caption
    query_id = desk.items[0].key.query_id
    seeing = replace(desk, opinions={query_id: [Opinion("bob", "Count")]}, shows_scores=True)
    shown = seeing.item(desk.items[0].id)
    assert shown["opinions"] == [{"annotator": "bob", "category": "Count", "subtype": None, "notes": ""}]
    assert shown["scores"] == {"rank": 2, "target": 0.21, "retrieved": 0.25}


def test_a_repeat_looks_like_any_other_item(tmp_path: Path, invented: ModuleType) -> None:
    desk = invented.desk(tmp_path, repeats=0.25)
    repeat = next(item for item in desk.items if item.key.is_repeat)
    desk.record(invented.label(repeat.id, "Object", "e1"))
    (event,) = desk.log.read().events
    assert (event.repeat_of, event.query_id) == (repeat.key.query_id,) * 2
    overview = desk.overview()
    assert {frozenset(item) for item in overview["items"]} == {
        frozenset({"id", "status", "category", "subtype", "notes"})
    }
    assert "repeat" not in str({name: value for name, value in overview.items() if name != "taxonomy"})


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"category": "Objekt"}, "'Objekt' is not a category: did you mean Object"),
        ({"category": "Object", "subtype": "near_duplicate"}, "only an Ambiguous failure has a subtype"),
        ({"category": "Ambiguous", "subtype": "vague"}, "'vague' is not a subtype of Ambiguous"),
        ({"category": 7}, "category must be a text of at most 2000 characters, got int"),
        ({"item": "1000"}, "an item must be of this session of ann, got '1000'; reload the page"),
        ({"item": None}, "item must be a text"),
        ({"action": "drop"}, "a request must have an id and one of the actions label, skip, note, undo, got 'drop'"),
        ({"id": ""}, "a request must have an id"),
        ({"id": "x" * 65}, "id must be a text of at most 64 characters, got 65 characters"),
        ({"seconds": -1}, "seconds must be a number from 0 to 86400, got -1"),
        ({"seconds": float("nan")}, "seconds must be a number"),
        ({"seconds": True}, "seconds must be a number"),
        ({"seconds": 10**400}, "seconds must be a number"),
        ({"action": "note", "notes": "x" * 2001}, "notes must be a text of at most 2000 characters, got 2001"),
        ({"action": "note", "notes": "\ud800"}, "notes must be text that UTF-8 can hold"),
    ],
)
def test_a_wrong_request_writes_nothing(
    changed: dict[str, Any], message: str, desk: AnnotationDesk, invented: ModuleType
) -> None:
    with pytest.raises(UsageError, match=message.replace("(", r"\(")):
        desk.record({**invented.label(desk.items[0].id, "Object", "e1"), **changed})
    assert not desk.log.path.exists()
