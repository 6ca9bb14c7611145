import base64
import io
import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any
from uuid import UUID
from xml.etree import ElementTree

import pytest
from PIL import Image as PillowImage

from misfire.annotation import (
    AnnotationEvent,
    append_annotations,
    embedded,
    fold,
    label_studio_config,
    label_studio_tasks,
    read_label_studio,
)
from misfire.core.errors import UsageError
from misfire.failures import FailureSet, load_taxonomy

TAXONOMY = load_taxonomy()


@pytest.fixture
def labelled(tmp_path: Path, invented: ModuleType) -> Path:
    """A folder in which two annotators labelled, skipped and noted."""
    for name in ("ann", "bob"):
        desk = invented.desk(tmp_path, name, repeats=0.25)
        for number, item in enumerate(desk.items[:20]):
            category = TAXONOMY.names[number % 7]
            subtype = "underspecified" if number == 7 else None
            desk.record(invented.label(item.id, category, f"{name}{number}", subtype=subtype, seconds=number / 4))
        desk.record({"id": f"{name}-s", "action": "skip", "item": desk.items[21].id, "seconds": 3.0})
        desk.record({"id": f"{name}-n", "action": "note", "item": desk.items[0].id, "notes": f"{name}: <odd>"})
    return tmp_path


def events(folder: Path, invented: ModuleType, name: str) -> tuple[AnnotationEvent, ...]:
    found: tuple[AnnotationEvent, ...] = invented.desk(folder, name).log.read().events
    return found


def exported(folder: Path, invented: ModuleType) -> list[dict[str, Any]]:
    failures = invented.failure_set()
    states = {name: fold(events(folder, invented, name)) for name in ("ann", "bob")}
    return label_studio_tasks(failures, failures.query_ids, states, embedded(invented.dataset()))


def written(tmp_path: Path, content: object) -> Path:
    path = tmp_path / "tasks.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def answers(folder: Path, invented: ModuleType, name: str) -> dict[int, tuple[object, ...]]:
    state = fold(events(folder, invented, name))
    return {
        key.query_id: (
            one.event,
            one.category,
            one.subtype,
            one.seconds,
            one.id,
            one.ground_truth,
            state.notes.get(key),
        )
        for key, one in state.answers.items()
        if not key.is_repeat
    }


def test_tasks_have_the_shape_that_label_studio_takes(labelled: Path, invented: ModuleType) -> None:
    tasks = exported(labelled, invented)
    failures = invented.failure_set()
    assert [task["data"]["query_id"] for task in tasks] == list(failures.query_ids)
    for task, failure in zip(tasks, failures.failures, strict=True):
        assert task["data"]["text_sha256"] == failure.text_sha256
        assert task["data"]["failure_set"] == failures.digest
        assert task["data"]["caption"] == failure.caption
        image = base64.b64decode(task["data"]["retrieved_image"].removeprefix("data:image/png;base64,"))
        colour = invented.dataset().images[failure.retrieved_image_id - 100].source.colour
        assert PillowImage.open(io.BytesIO(image)).getpixel((0, 0)) == colour
    annotations = [annotation for task in tasks for annotation in task["annotations"]]
    assert {annotation["completed_by"] for annotation in annotations} == {1, 2}
    assert {type(annotation[name]) for annotation in annotations for name in ("was_cancelled", "ground_truth")} == {
        bool
    }
    for annotation in annotations:
        UUID(annotation["unique_id"])
        for result in annotation["result"]:
            assert result["type"] in ("choices", "textarea")
            assert result["to_name"] == "caption"
    skips = [annotation for annotation in annotations if annotation["was_cancelled"]]
    assert len(skips) == 2
    assert {len(skip["result"]) for skip in skips} == {0}


def test_the_interface_asks_for_what_the_tasks_hold(labelled: Path, invented: ModuleType) -> None:
    root = ElementTree.fromstring(label_studio_config(TAXONOMY))
    data = exported(labelled, invented)[0]["data"]
    values = [element.get("value") for element in root.iter() if (element.get("value") or "").startswith("$")]
    assert (
        {str(value).removeprefix("$") for value in values}
        == {"caption", "target_image", "retrieved_image"}
        <= set(data)
    )
    choices = {element.get("name"): [choice.get("value") for choice in element] for element in root.iter("Choices")}
    assert choices == {"category": list(TAXONOMY.names), "subtype": ["underspecified", "near_duplicate"]}
    names = {element.get("name") for element in root.iter() if element.get("name")}
    used = {
        result["from_name"]
        for task in exported(labelled, invented)
        for annotation in task["annotations"]
        for result in annotation["result"]
    }
    assert used <= names


def test_there_and_back_is_the_same(
    labelled: Path, invented: ModuleType, tmp_path_factory: pytest.TempPathFactory
) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    failures = invented.failure_set()
    path = written(labelled, exported(labelled, invented))
    found = read_label_studio(path, failures, TAXONOMY)
    assert append_annotations(found, elsewhere, failures) == len(found)
    for name in ("ann", "bob"):
        assert answers(elsewhere, invented, name) == answers(labelled, invented, name)
    assert exported(elsewhere, invented) == exported(labelled, invented)


def test_importing_what_is_there_adds_nothing(labelled: Path, invented: ModuleType) -> None:
    path = written(labelled, exported(labelled, invented))
    before = {name: events(labelled, invented, name) for name in ("ann", "bob")}
    failures = invented.failure_set()
    found = read_label_studio(path, failures, TAXONOMY)
    desk = invented.desk(labelled, "ann", repeats=0.25)
    desk.record(invented.label(desk.items[0].id, "Spatial", "later"))
    assert append_annotations(found, labelled, failures) == 0
    assert events(labelled, invented, "ann")[:-1] == before["ann"]
    assert events(labelled, invented, "bob") == before["bob"]
    assert answers(labelled, invented, "ann")[desk.items[0].key.query_id][1] == "Spatial"


def test_a_label_that_was_changed_there_counts_once(labelled: Path, invented: ModuleType) -> None:
    tasks = exported(labelled, invented)
    annotation = next(
        one for task in tasks for one in task["annotations"] if one["annotator"] == "ann" and one["result"]
    )
    query_id = next(task["data"]["query_id"] for task in tasks if annotation in task["annotations"])
    annotation["result"][0]["value"]["choices"] = ["Spatial"]
    annotation["result"] = annotation["result"][:1]
    annotation["updated_at"] = "2099-01-01T00:00:00Z"
    failures = invented.failure_set()
    path = written(labelled, tasks)
    num_events = len(events(labelled, invented, "ann"))
    for _ in range(2):
        append_annotations(read_label_studio(path, failures, TAXONOMY), labelled, failures)
        assert answers(labelled, invented, "ann")[query_id][1] == "Spatial"
        assert len(events(labelled, invented, "ann")) == num_events + 1


def foreign(failures: FailureSet, **changed: Any) -> list[dict[str, Any]]:
    """A task as Label Studio itself exports it."""
    failure = failures.failures[0]
    annotation = {
        "id": 12,
        "completed_by": 7,
        "result": [
            {
                "id": "x",
                "from_name": "category",
                "to_name": "caption",
                "type": "choices",
                "value": {"choices": ["ambiguous"]},
            },
            {"from_name": "sub", "to_name": "caption", "type": "choices", "value": {"choices": ["near_duplicate"]}},
            {"from_name": "why", "to_name": "caption", "type": "textarea", "value": {"text": ["a", "b"]}},
        ],
        "was_cancelled": False,
        "ground_truth": True,
        "lead_time": 4.5,
        "created_at": "2026-01-02T03:04:05.678Z",
    }
    data = {"query_id": failure.query_id, "text_sha256": failure.text_sha256, "failure_set": failures.digest}
    task = {"id": 3, "data": data, "annotations": [{**annotation, **changed}], "drafts": [], "predictions": [{}]}
    return [task]


def test_a_foreign_export_is_read(tmp_path: Path, invented: ModuleType) -> None:
    failures = invented.failure_set()
    path = written(tmp_path, foreign(failures))
    (one,) = read_label_studio(path, failures, TAXONOMY)
    event = one.event
    assert (one.annotator, event.category, event.subtype) == ("user_7", "Ambiguous", "near_duplicate")
    assert (event.seconds, event.ground_truth, event.time) == (4.5, True, "2026-01-02T03:04:05.678+00:00")
    assert one.notes == "a\nb"
    for _ in range(2):
        append_annotations([one], tmp_path, failures)
        assert len(events(tmp_path, invented, "user_7")) == 2  # the label and the note


@pytest.mark.parametrize(
    ("completed_by", "name"),
    [
        (7, "user_7"),
        ("ann", "ann"),
        ("ann.b@lab.org", "ann_b"),
        ({"id": 3, "email": "cem@lab.org"}, "cem"),
        ("é ü", None),
    ],
)
def test_who_annotated(completed_by: object, name: str | None, tmp_path: Path, invented: ModuleType) -> None:
    failures = invented.failure_set()
    path = written(tmp_path, foreign(failures, completed_by=completed_by))
    if name is None:
        with pytest.raises(UsageError, match="completed_by must say who made it"):
            read_label_studio(path, failures, TAXONOMY)
        return
    assert [one.annotator for one in read_label_studio(path, failures, TAXONOMY)] == [name]
    assert [one.annotator for one in read_label_studio(path, failures, TAXONOMY, annotator="zoe")] == ["zoe"]


def changed_data(**changed: object) -> Callable[[list[dict[str, Any]]], object]:
    return lambda tasks: tasks[0]["data"].update(changed)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (changed_data(failure_set="0" * 64), "1 tasks that don't fit; task 1: its failure_set must be"),
        (changed_data(failure_set=None), "its failure_set must be"),
        (changed_data(query_id=999), "its query_id must be in the failure set, got 999"),
        (changed_data(text_sha256="0" * 64), "its text_sha256 must be that of query 1000, got 000000000000"),
        (lambda tasks: tasks[0]["annotations"][0].update(result=[]), "must have one category"),
        (
            lambda tasks: tasks[0]["annotations"][0]["result"][0]["value"].update(choices=["Object", "Count"]),
            r"query 1000 must have one category and at most one subtype, got 3 \(Object, Count, near_duplicate\)",
        ),
        (
            lambda tasks: tasks[0]["annotations"][0]["result"][0]["value"].update(choices=["Objekt"]),
            "must have one category",
        ),
        (
            lambda tasks: tasks[0]["annotations"][0]["result"][0]["value"].update(choices=["Object"]),
            "only an Ambiguous failure has a subtype",
        ),
        (lambda tasks: tasks[0].pop("data"), "an import must be Label Studio's JSON, tasks with data"),
        (lambda tasks: tasks.clear(), "an import must be Label Studio's JSON"),
    ],
)
def test_what_does_not_fit_is_refused(
    spoil: Callable[[list[dict[str, Any]]], object], message: str, tmp_path: Path, invented: ModuleType
) -> None:
    failures = invented.failure_set()
    tasks = foreign(failures)
    spoil(tasks)
    with pytest.raises(UsageError, match=message):
        read_label_studio(written(tmp_path, tasks), failures, TAXONOMY)


def test_two_annotators_are_not_taken_for_one(tmp_path: Path, labelled: Path, invented: ModuleType) -> None:
    failures = invented.failure_set()
    path = written(tmp_path, exported(labelled, invented))
    with pytest.raises(UsageError, match=r"an import for zoe must have one annotator, got 2 \(ann, bob\)"):
        read_label_studio(path, failures, TAXONOMY, annotator="zoe")
    assert {one.annotator for one in read_label_studio(path, failures, TAXONOMY, annotator="bob")} == {"bob"}


def test_a_file_that_is_no_json_is_refused(tmp_path: Path, invented: ModuleType) -> None:
    path = tmp_path / "tasks.json"
    path.write_text("{")
    with pytest.raises(UsageError, match=r"an import must be a readable JSON file, got .*; export it again"):
        read_label_studio(path, invented.failure_set(), TAXONOMY)


def by_two(failures: FailureSet, first: object, second: object) -> list[dict[str, Any]]:
    """The same item labelled by two accounts, each in its own way."""
    (task,) = foreign(failures, completed_by=first)
    choices = [{"type": "choices", "from_name": "category", "to_name": "x", "value": {"choices": ["Count"]}}]
    task["annotations"].append({**task["annotations"][0], "id": 13, "completed_by": second, "result": choices})
    return [task]


@pytest.mark.parametrize(
    ("first", "second", "names"),
    [
        ({"id": 1, "email": "info@lab-a.example"}, {"id": 2, "email": "info@lab-b.example"},
         ("info_lab-a_example", "info_lab-b_example")),
        ("a.b@lab.org", "a_b", ("a_b_lab_org", "a_b")),
        ("Info@lab.org", "info@lab.org", ("Info", "Info")),
        (7, "user_7", ("7", "user_7")),
        ("x y@lab.org", "x_y@lab.org", None),
    ],
)  # fmt: skip
def test_accounts_stay_apart_by_their_whole_identity(
    first: object, second: object, names: tuple[str, str] | None, tmp_path: Path, invented: ModuleType
) -> None:
    failures = invented.failure_set()
    path = written(tmp_path, by_two(failures, first, second))
    if names is None:
        with pytest.raises(UsageError, match=r"different names, got 2 \(x y@lab\.org, x_y@lab\.org\) in tasks"):
            read_label_studio(path, failures, TAXONOMY)
        return
    found = read_label_studio(path, failures, TAXONOMY)
    assert [one.annotator for one in found] == list(names)
    assert [one.event.category for one in found] == ["Ambiguous", "Count"]
    append_annotations(found, tmp_path, failures)
    labels = {name: [one.category for one in events(tmp_path, invented, name) if one.category] for name in set(names)}
    assert sorted(category for given in labels.values() for category in given) == ["Ambiguous", "Count"]


def test_an_account_of_another_file_is_not_merged_with_the_first(tmp_path: Path, invented: ModuleType) -> None:
    failures = invented.failure_set()
    task = foreign(failures, completed_by="info@lab-a.example")
    first = read_label_studio(written(tmp_path, task), failures, TAXONOMY)
    append_annotations(first, tmp_path, failures)
    other = written(tmp_path, foreign(failures, completed_by="info@lab-b.example", id=99))
    with pytest.raises(UsageError, match=r"got annotations of info@lab-b\.example for info, which is info@lab-a\.exa"):
        append_annotations(read_label_studio(other, failures, TAXONOMY), tmp_path, failures)
    beside = read_label_studio(other, failures, TAXONOMY, folder=tmp_path)
    assert [one.annotator for one in beside] == ["info_lab-b_example"]
    assert append_annotations(beside, tmp_path, failures) == 1
    both = written(tmp_path, by_two(failures, "info@lab-a.example", "info@lab-b.example"))
    again = read_label_studio(both, failures, TAXONOMY, folder=tmp_path)
    assert [one.annotator for one in again] == ["info", "info_lab-b_example"]


def test_labels_that_were_given_elsewhere_stay(tmp_path: Path, labelled: Path, invented: ModuleType) -> None:
    failures = invented.failure_set()
    given = {query_id: answer[1] for query_id, answer in answers(labelled, invented, "ann").items()}
    query_id, category = next((query_id, category) for query_id, category in given.items() if category is not None)
    failure = next(one for one in failures.failures if one.query_id == query_id)
    (task,) = foreign(failures, completed_by="ann@lab.org")
    task["data"] |= {"query_id": query_id, "text_sha256": failure.text_sha256}
    choice = next(name for name in TAXONOMY.names if name not in (category, "Ambiguous"))
    task["annotations"][0]["result"] = [{"type": "choices", "value": {"choices": [choice]}}]
    before = events(labelled, invented, "ann")
    with pytest.raises(UsageError, match=rf"must not replace labels that others gave, .* of 1 \({query_id}\)"):
        append_annotations(read_label_studio(written(tmp_path, [task]), failures, TAXONOMY), labelled, failures)
    assert events(labelled, invented, "ann") == before
