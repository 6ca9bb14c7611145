from dataclasses import asdict, replace
from types import ModuleType
from typing import Any

import pytest

from misfire.core.errors import UsageError
from misfire.core.hashing import sha256_json, sha256_text
from misfire.data import Caption, Dataset
from misfire.failures import Category, Label, Subtype, Taxonomy, load_taxonomy

CHANGES: list[dict[str, Any]] = [
    {"dataset_fingerprint": "other"},
    {"backbone_fingerprint": "other"},
    {"precision": "bf16"},
    {"seed": 43},
    {"num_queries": 25},
    {"num_top1_failures": 11},
    {"label_source": "two annotators"},
    {"tie_rule": "another"},
    {"part": "the captions of some images"},
]
FAILURE_CHANGES: list[dict[str, Any]] = [
    {"query_id": 1},
    {"caption": "another"},
    {"target_image_id": 1},
    {"retrieved_image_id": 1},
    {"rank": 8, "worst_rank": 9},
    {"best_rank": 1},
    {"worst_rank": 9},
    {"category": "Spatial", "ambiguous_subtype": None},
    {"category": "Ambiguous", "ambiguous_subtype": "underspecified"},
    {"category": None, "ambiguous_subtype": None},
]


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: next(iter(change)))
def test_digest_changes_with_the_header(invented: ModuleType, change: dict[str, Any]) -> None:
    failures = invented.failure_set()
    assert replace(failures, **change).digest != failures.digest


@pytest.mark.parametrize("change", FAILURE_CHANGES, ids=lambda change: next(iter(change)))
def test_digest_changes_with_every_field_of_a_failure(invented: ModuleType, change: dict[str, Any]) -> None:
    mined = invented.failure_set()
    failures = replace(mined, failures=(replace(mined.failures[0], best_rank=2, worst_rank=8), *mined.failures[1:]))
    changed = replace(failures, failures=(replace(failures.failures[0], **change), *failures.failures[1:]))
    assert changed.digest != failures.digest


@pytest.mark.parametrize("change", [{"target_score": -0.5}, {"retrieved_score": 5.0}])
def test_digest_ignores_the_scores(invented: ModuleType, change: dict[str, float]) -> None:
    failures = invented.failure_set()
    changed = replace(failures, failures=(replace(failures.failures[0], **change), *failures.failures[1:]))
    assert changed != failures
    assert changed.digest == failures.digest


def test_digest_ignores_the_name_and_the_order_of_rows(invented: ModuleType) -> None:
    failures = invented.failure_set()
    assert replace(failures, dataset_name="renamed").digest == failures.digest
    assert replace(failures, failures=failures.failures[::-1]).digest == failures.digest


def test_a_set_of_the_whole_dataset_has_the_digest_of_one_without_parts(invented: ModuleType) -> None:
    failures = invented.failure_set()
    known = ("dataset_fingerprint", "backbone_fingerprint", "precision", "seed", "num_queries", "num_top1_failures")
    content = {name: getattr(failures, name) for name in (*known, "label_source", "tie_rule")}
    scores = {"target_score", "retrieved_score"}
    rows = [{name: x for name, x in asdict(one).items() if name not in scores} for one in failures.failures]
    how_chosen = "uniform sample without replacement of 10 of the 10 top-1 failures among 24 queries, seed 42"
    assert failures.digest == sha256_json({**content, "failures": rows, "how_chosen": how_chosen})


def test_how_chosen_says_the_part(invented: ModuleType) -> None:
    failures = replace(invented.failure_set(), part="the captions of 4 of 8 images")
    assert "among 24 queries (the captions of 4 of 8 images), seed 42" in failures.how_chosen


def test_how_chosen_says_the_population(invented: ModuleType) -> None:
    failures = invented.failure_set(num_failures=4)
    assert failures.how_chosen == (
        "uniform sample without replacement of 4 of the 10 top-1 failures among 24 queries, seed 42"
    )
    assert failures.tie_rule == (
        "rank = 1 + images scored higher + equal-scored images that stand earlier in the gallery"
    )


def test_a_failure_knows_its_text_hash_and_spells_its_label(invented: ModuleType) -> None:
    failures = invented.failure_set()
    failure = failures.failures[0]
    assert failure.text_sha256 == sha256_text(failure.caption)
    typed = replace(failure, category="object", ambiguous_subtype=None)
    assert replace(failures, failures=(typed, *failures.failures[1:])).failures[0].category == "Object"


def test_positions_are_where_the_captions_stand(invented: ModuleType) -> None:
    data = invented.dataset()
    failures = invented.failure_set(data)
    assert [data.captions[p].id for p in failures.positions(data)] == list(failures.query_ids)


def test_a_set_fits_what_it_was_mined_from(invented: ModuleType) -> None:
    data = invented.dataset()
    invented.failure_set(data).check_fits(data, "encoder/fp32/abc")
    invented.failure_set(data).check_fits(replace(data, name="renamed"), "encoder/fp32/abc")


def test_a_set_of_another_backbone_is_refused(invented: ModuleType) -> None:
    data = invented.dataset()
    with pytest.raises(UsageError, match="got backbone encoder/bf16/abc, not encoder/fp32/abc; mine") as error:
        invented.failure_set(data).check_fits(data, "encoder/bf16/abc")
    assert error.value.exit_code == 2
    assert "dataset" not in str(error.value).split(", got ")[1]


def test_a_set_of_another_dataset_is_refused_and_the_queries_are_counted(invented: ModuleType) -> None:
    data = invented.dataset()
    failures = invented.failure_set(data)
    changed, moved, gone = failures.query_ids[:3]
    captions = []
    for caption in data.captions:
        if caption.id == changed:
            captions.append(replace(caption, text="changed"))
        elif caption.id == moved:
            captions.append(replace(caption, image_id=107 if caption.image_id == 100 else 100))
        elif caption.id != gone:
            captions.append(caption)
    other = Dataset("edited", data.images, tuple(captions))
    with pytest.raises(UsageError) as error:
        failures.check_fits(other, "encoder/bf16/abc")
    message = str(error.value)
    assert (
        f"dataset edited with fingerprint {other.fingerprint[:12]}, not invented with {data.fingerprint[:12]}"
        in message
    )
    assert f"queries that the dataset lacks: 1 ({gone})" in message
    assert f"queries with another text: 1 ({changed})" in message
    assert f"queries with another target: 1 ({moved})" in message
    assert "backbone encoder/bf16/abc" in message
    with pytest.raises(UsageError, match=rf"1 \({gone}\) by id among 10"):
        failures.positions(other)


def test_a_larger_gallery_alone_makes_another_dataset(invented: ModuleType) -> None:
    data = invented.dataset()
    larger = Dataset(
        data.name,
        (*data.images, replace(data.images[0], id=999)),
        (*data.captions, Caption(9999, 999, "one more")),
    )
    with pytest.raises(UsageError, match="must fit its dataset and backbone"):
        invented.failure_set(data).check_fits(larger, "encoder/fp32/abc")


def test_relabelling_replaces_every_label(invented: ModuleType) -> None:
    failures = invented.failure_set()
    first, second = failures.query_ids[:2]
    relabelled = failures.relabelled(
        {first: Label("Ambiguous", "near_duplicate"), second: Label("Count")}, label_source="two annotators"
    )
    assert invented.label_of(relabelled) == {first: Label("Ambiguous", "near_duplicate"), second: Label("Count")}
    assert relabelled.label_source == "two annotators"
    assert relabelled.query_ids == failures.query_ids
    assert relabelled.digest != failures.digest


def test_a_label_for_a_stranger_is_refused(invented: ModuleType) -> None:
    with pytest.raises(UsageError, match=r"labels must belong to failure set \w{12}, got 2 \(1, 2\) by query id"):
        invented.failure_set().relabelled({1: Label("Count"), 2: Label("Count")}, label_source="x")


BAD_FAILURES: list[tuple[dict[str, Any], str]] = [
    ({"rank": 1, "best_rank": 1}, "rank above 1 within its tie bounds, got rank 1"),
    ({"rank": 3, "best_rank": 4, "worst_rank": 4}, r"got rank 3 in \[4, 4\]"),
    ({"target_score": float("nan")}, "scores must be finite"),
    ({"retrieved_score": float("inf")}, "scores must be finite"),
    ({"target_score": 0.9, "retrieved_score": 0.8}, "the retrieved image's at least the target's, got 0.9"),
    ({"category": None, "ambiguous_subtype": "underspecified"}, "a subtype needs a category"),
]


@pytest.mark.parametrize(("change", "message"), BAD_FAILURES)
def test_an_impossible_failure_is_refused(invented: ModuleType, change: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        replace(invented.failure_set().failures[0], **change)


TEAM = Taxonomy(
    "Choose the first that fits.",
    (
        Category("object", 1, True, "A thing is missing.", "", "", ()),
        Category("Style", 2, True, "Another style.", "", "", (), (Subtype("drawing", "It is drawn."),)),
    ),
)


def test_labels_are_held_against_the_sets_taxonomy(invented: ModuleType) -> None:
    failures = invented.failure_set()
    first, second = failures.query_ids[:2]
    labels = {first: TEAM.label("OBJECT"), second: TEAM.label("style", "Drawing")}
    relabelled = failures.relabelled(labels, label_source="a team", taxonomy=TEAM)
    assert [(f.category, f.ambiguous_subtype) for f in relabelled.failures[:2]] == [
        ("object", None),
        ("Style", "drawing"),
    ]
    assert relabelled.label_taxonomy == TEAM
    assert failures.label_taxonomy == load_taxonomy()
    with pytest.raises(UsageError, match="'Style' is not a category: known are Ambiguous, Object"):
        failures.relabelled({first: TEAM.label("Style")}, label_source="a team")
    with pytest.raises(UsageError, match="'Spatial' is not a category: known are object, Style"):
        failures.relabelled({first: Label("Spatial")}, label_source="a team", taxonomy=TEAM)


def test_the_digest_knows_a_teams_taxonomy_and_none_of_ours(invented: ModuleType) -> None:
    failures = invented.failure_set()
    first = failures.query_ids[0]
    by_team = failures.relabelled({first: TEAM.label("object")}, label_source="a team", taxonomy=TEAM)
    other = Taxonomy("Another rule.", TEAM.categories)
    by_other = failures.relabelled({first: TEAM.label("object")}, label_source="a team", taxonomy=other)
    assert by_team.digest != by_other.digest
    assert replace(failures, taxonomy=load_taxonomy()).digest == failures.digest
    assert replace(failures, taxonomy=load_taxonomy()) == failures


def test_an_impossible_set_is_refused(invented: ModuleType) -> None:
    failures = invented.failure_set()
    twice = (*failures.failures, failures.failures[0])
    with pytest.raises(UsageError, match="must have failures, got none"):
        replace(failures, failures=())
    with pytest.raises(UsageError, match=rf"once in a failure set, got 1 \({failures.query_ids[0]}\) twice"):
        replace(failures, failures=twice)
    with pytest.raises(UsageError, match="can't be larger than its population, got 10 of 9 top-1 failures among 24"):
        replace(failures, num_top1_failures=9)
    strange = replace(failures.failures[0], category="Objects", ambiguous_subtype=None)
    with pytest.raises(UsageError, match="did you mean Object"):
        replace(failures, failures=(strange, *failures.failures[1:]))
    with pytest.raises(UsageError, match="can't be larger than its population"):
        replace(failures, num_queries=9)
    with pytest.raises(UsageError, match="labels must have a label_source, got 10"):
        replace(failures, label_source=None)
