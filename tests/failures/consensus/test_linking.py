"""Joining sheets that hold other queries, other texts, other ids, or the same query twice."""

from pathlib import Path
from types import ModuleType

import pandas as pd
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from misfire.core.hashing import sha256_text
from misfire.failures import FailureSet, Label, agreement, read_sheets, sheet_text
from misfire.failures.consensus import LinkedLabels, link
from misfire.failures.consensus.record import agreement_record

SIX = ["idx", "caption", "gt_img_idx", "pred_img_idx", "category", "ambiguous_subtype"]
NAMES = ["Object", "Attribute", "Action", "Count", "Ambiguous"]


def six_columns(indices: range | list[int], *, start: int = 0, shift: int = 0) -> pd.DataFrame:
    """Rows whose content depends on the index; ``start`` is the first idx, ``shift`` rotates the labels."""
    rows = [
        [start + i, f"caption {index}, said", 1000 + index, 2000 + index, NAMES[(index + shift) % 5], ""]
        for i, index in enumerate(indices)
    ]
    return pd.DataFrame(rows, columns=SIX)


def linked(folder: Path, failure_set: FailureSet | None = None, **frames: pd.DataFrame) -> LinkedLabels:
    paths = []
    for name, frame in frames.items():
        frame.to_csv(folder / f"{name}.csv", index=False)
        paths.append(folder / f"{name}.csv")
    return link(read_sheets(paths), failure_set)


def test_thirty_items_of_which_only_twenty_are_the_same(tmp_path: Path) -> None:
    first, second = six_columns(range(30)), six_columns([*range(20), *range(100, 110)])
    result = linked(tmp_path, ann=first, bob=second)
    assert (result.num_rows, len(result.items), len(result.common)) == (60, 40, 20)
    # The same idx for another caption: every such row is named, and none is compared.
    assert len(result.mismatches) == 10
    one = result.mismatches[0]
    assert one.line() == (
        "idx 20: text and target and retrieved image differ; "
        "text: 'caption 20, said' in ann.csv row 22 against 'caption 100, said' in bob.csv row 22; "
        "target: 1020 in ann.csv row 22 against 1100 in bob.csv row 22; "
        "retrieved image: 2020 in ann.csv row 22 against 2100 in bob.csv row 22"
    )
    assert not one.is_joined
    record = agreement_record(agreement(read_sheets([tmp_path / "ann.csv", tmp_path / "bob.csv"])))
    assert (record["num_rows"], record["num_unique"], record["num_common"]) == (60, 40, 20)
    assert record["num_only_in"] == {"ann": 10, "bob": 10}
    assert record["only_in"]["bob"][0] == "idx 20: 'caption 100, said'"
    assert (record["raw_agreement"], record["kappa"], record["kappa_num_queries"]) == (1.0, 1.0, 20)


def test_sheets_that_count_their_own_rows_are_joined_without_a_mismatch(tmp_path: Path) -> None:
    first, second = six_columns(range(30)), six_columns(range(10, 40))
    result = linked(tmp_path, ann=first, bob=second)
    assert (len(result.items), len(result.common)) == (40, 20)
    assert result.mismatches == ()


def test_position_never_joins(tmp_path: Path) -> None:
    first = six_columns(range(12))
    second = first.sample(frac=1, random_state=0)
    result = linked(tmp_path, ann=first, bob=second)
    assert len(result.common) == 12
    assert all(result.labels["ann"][item] == result.labels["bob"][item] for item in result.items)


def test_a_column_that_was_sorted_by_itself_is_found(invented: ModuleType, tmp_path: Path) -> None:
    failures = invented.failure_set()
    (tmp_path / "ann.csv").write_text(sheet_text(failures, failures.query_ids, lambda _: Label("Count")))
    frame = pd.read_csv(tmp_path / "ann.csv", keep_default_na=False)
    frame["caption"] = frame["caption"][::-1].to_numpy()
    alone = linked(tmp_path, bob=frame)
    assert len(alone.mismatches) == 10
    assert all("text_sha256 is of another text" in one.what for one in alone.mismatches)
    within = linked(tmp_path, failures, bob=frame)
    assert len(within.mismatches) == 10
    assert within.items == ()


def test_a_shifted_target_or_retrieved_image_is_named(tmp_path: Path) -> None:
    first, second = six_columns(range(6)), six_columns(range(6))
    second.loc[2, "gt_img_idx"] = 7
    second.loc[4, "pred_img_idx"] = 8
    result = linked(tmp_path, ann=first, bob=second)
    assert [one.what for one in result.mismatches] == ["target differs", "retrieved image differs"]
    assert [one.item for one in result.mismatches] == ["idx 2", "idx 4"]
    assert len(result.common) == 4


def test_an_id_that_disagrees_is_named_and_joined_by_content(tmp_path: Path) -> None:
    first, second = six_columns(range(6)), six_columns(range(6))
    second.loc[[1, 2], "idx"] = [2, 1]
    result = linked(tmp_path, ann=first, bob=second)
    assert len(result.common) == 6
    assert sum(one.is_joined for one in result.mismatches) == 2


def test_a_text_that_differs_under_one_idx_is_named_even_where_nothing_else_is_shared(tmp_path: Path) -> None:
    first = six_columns(range(5))
    result = linked(tmp_path, ann=first, bob=first.assign(caption=first["caption"] + "!"))
    assert len(result.common) == 0
    assert [one.what for one in result.mismatches] == ["text differs"] * 5


@pytest.mark.parametrize(
    ("column", "value", "what"),
    [
        ("caption", "another caption", "text differs from query"),
        ("gt_img_idx", 5, "target differs from query"),
        ("pred_img_idx", 5, "retrieved image differs from query"),
        ("text_sha256", sha256_text("x"), "text_sha256 differs from query"),
        ("query_id", 5, "id isn't in the failure set"),
    ],
)
def test_each_disagreement_with_the_failure_set_is_named(
    invented: ModuleType, tmp_path: Path, column: str, value: object, what: str
) -> None:
    failures = invented.failure_set()
    (tmp_path / "ann.csv").write_text(sheet_text(failures, failures.query_ids, lambda _: Label("Count")))
    frame = pd.read_csv(tmp_path / "ann.csv", keep_default_na=False).astype({column: object})
    frame.loc[3, column] = value
    result = linked(tmp_path, failures, ann=frame)
    (mismatch,) = result.mismatches
    assert mismatch.what.startswith(what)
    assert [str(place) for place in mismatch.places] == ["ann.csv row 5"]
    assert len(result.items) == 9


def test_mangled_hashes_and_lost_columns_fall_back_on_the_text(invented: ModuleType, tmp_path: Path) -> None:
    failures = invented.failure_set()
    (tmp_path / "ann.csv").write_text(sheet_text(failures, failures.query_ids, lambda _: Label("Count")))
    frame = pd.read_csv(tmp_path / "ann.csv", keep_default_na=False)
    mangled = frame.assign(text_sha256="1.23E+45", caption=frame["caption"] + "  ")
    assert len(linked(tmp_path, failures, ann=mangled).items) == 10
    people_know = frame[SIX]
    result = linked(tmp_path, failures, ann=people_know)
    assert [item.query_id for item in result.items] == list(failures.query_ids)
    assert result.mismatches == ()
    strange = people_know.assign(gt_img_idx=people_know["gt_img_idx"] + 50)
    assert len(linked(tmp_path, failures, ann=strange).mismatches) == 10


def test_a_wrong_encoding_is_seen_through(invented: ModuleType, tmp_path: Path) -> None:
    failures = invented.failure_set()  # every caption has an é
    text = sheet_text(failures, failures.query_ids, lambda _: Label("Count"))
    (tmp_path / "ann.csv").write_text(text.encode("utf-8").decode("cp1252"), encoding="utf-8")
    result = link(read_sheets([tmp_path / "ann.csv"]), failures)
    assert (len(result.items), result.mismatches) == (10, ())


@pytest.mark.parametrize("scheme", ["id", "position"])
def test_rows_that_the_dataset_contradicts_are_named_and_left_out(
    invented: ModuleType, tmp_path: Path, scheme: str
) -> None:
    data = invented.dataset()
    place = {image.id: n for n, image in enumerate(data.images)}
    rows = [
        [n, one.text, one.image_id, data.images[0].id, "Object", ""] for n, one in enumerate(data.captions) if n % 2
    ]
    frame = pd.DataFrame(rows, columns=SIX)
    if scheme == "position":
        frame["gt_img_idx"], frame["pred_img_idx"] = frame["gt_img_idx"].map(place), 0
    frame.loc[1, "caption"] = "something else"
    frame.loc[2, "gt_img_idx"] = frame.loc[8, "gt_img_idx"]
    frame.loc[3, "pred_img_idx"] = 5000
    frame.loc[[4, 5], "idx"] = [frame.loc[5, "idx"], frame.loc[4, "idx"]]
    frame.to_csv(tmp_path / "ann.csv", index=False)
    found = link(read_sheets([tmp_path / "ann.csv"]), dataset=data)
    assert [one.places[0].row for one in found.mismatches] == [3, 4, 5, 6, 7]
    assert found.mismatches[0].what == "text isn't in the dataset and idx isn't the caption's"
    assert [one.what for one in found.mismatches[1:]] == [
        "target isn't the caption's image",
        "retrieved image isn't in the dataset",
        "idx isn't the caption's",
        "idx isn't the caption's",
    ]
    assert len(found.items) == len(frame) - 5


def test_sheets_with_and_without_ids_are_joined(invented: ModuleType, tmp_path: Path) -> None:
    failures = invented.failure_set()
    (tmp_path / "a.csv").write_text(sheet_text(failures, failures.query_ids, lambda _: Label("Count")))
    frame = pd.read_csv(tmp_path / "a.csv", keep_default_na=False)
    result = linked(tmp_path, ann=frame, bob=frame[SIX[::-1]].sample(frac=1, random_state=1))
    assert len(result.common) == 10
    assert [item.query_id for item in result.items] == list(failures.query_ids)


def test_one_id_for_two_texts_is_named_and_not_joined(tmp_path: Path) -> None:
    first = six_columns(range(4)).assign(query_id=range(50, 54))
    second = six_columns([0, 1, 2, 9]).assign(query_id=range(50, 54))
    result = linked(tmp_path, ann=first, bob=second)
    (mismatch,) = result.mismatches
    assert mismatch.item == "query 53"
    assert mismatch.what == "text and target and retrieved image differ"
    assert (len(result.items), len(result.common)) == (5, 3)


def test_equal_captions_of_different_images_stay_apart(tmp_path: Path) -> None:
    first = six_columns(range(4)).assign(caption="a man on a wave")
    result = linked(tmp_path, ann=first, bob=first.copy())
    assert (len(result.items), len(result.common), result.mismatches) == (4, 4, ())


def test_a_query_labelled_twice_counts_once(tmp_path: Path) -> None:
    frame = six_columns([0, 1, 2, 0, 1, 2])
    frame["category"] = ["Object", "Count", "", "object", "Action", "Spatial"]
    result = linked(tmp_path, ann=frame)
    by_name = {item.target: label for item, label in result.labels["ann"].items()}
    assert by_name == {"1000": Label("Object"), "1001": None, "1002": Label("Spatial")}
    assert [one.is_conflict for one in result.duplicates] == [False, True, False]
    assert "Count and Action (ann.csv row 3, ann.csv row 6), a conflict" in result.duplicates[1].line()


def test_hidden_repeats_are_no_duplicates(tmp_path: Path) -> None:
    frame = six_columns([0, 1, 0, 1]).assign(repeat_of=["", "", 0, 1])
    frame["category"] = ["Object", "Count", "Object", "Action"]
    result = linked(tmp_path, ann=frame)
    assert result.duplicates == ()
    assert [label.category for label in result.labels["ann"].values() if label] == ["Object", "Count"]
    (report,) = agreement(read_sheets([tmp_path / "ann.csv"])).annotators
    assert report.repeats.agreement.raw_agreement == 0.5


def test_rows_without_anything_to_hold_on_to_are_named(tmp_path: Path) -> None:
    frame = six_columns(range(3)).astype(object)
    frame.loc[1, "pred_img_idx"] = ""
    result = linked(tmp_path, ann=frame)
    (mismatch,) = result.mismatches
    assert mismatch.what == "row can't be tied to a query"
    assert len(result.items) == 2


@settings(max_examples=10, deadline=None, phases=[Phase.generate])
@given(data=st.data())
def test_the_order_of_rows_columns_and_sheets_changes_nothing(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    first = six_columns([*range(12), 3]).assign(idx=[*range(12), 3])
    second = six_columns(range(6, 18), start=6, shift=0)
    second.loc[2, "category"], second.loc[4, "gt_img_idx"] = "Spatial", 7
    frames = {"ann": first, "bob": second}
    plain = tmp_path_factory.mktemp("plain")
    shuffled = tmp_path_factory.mktemp("shuffled")
    for name, frame in frames.items():
        frame.to_csv(plain / f"{name}.csv", index=False)
        rows = data.draw(st.permutations(range(len(frame))))
        frame.iloc[rows][data.draw(st.permutations(SIX))].to_csv(shuffled / f"{name}.csv", index=False)
    order = data.draw(st.permutations(["ann.csv", "bob.csv"]))
    results = [
        agreement_record(agreement(read_sheets([plain / "ann.csv", plain / "bob.csv"]))),
        agreement_record(agreement(read_sheets([shuffled / name for name in order]))),
    ]
    for result in results:
        del result["categories"]["after_by_policy"]["first"]  # who comes first is the sheets' order
    kept = set(results[0]) - {"mismatched", "duplicated", "import", "annotators_in_order", "adjudication", "in_words"}
    kept -= {"held_by", "only_in"}
    for name in sorted(kept):
        assert results[0][name] == results[1][name], name
    for name in ("mismatched", "duplicated"):
        assert len(results[0][name]) == len(results[1][name]) > 0
