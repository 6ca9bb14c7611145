from collections.abc import Callable
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from types import ModuleType

import numpy as np
import pandas as pd
import pytest
import yaml

from misfire.cells import Slice
from misfire.core.errors import UsageError
from misfire.core.hashing import sha256_text
from misfire.failures import (
    AllFailures,
    AllQueries,
    CategorySubset,
    FileSubset,
    QuerySubset,
    load_taxonomy,
    sheet_text,
)

CONF = Path(__file__).parents[2] / "conf" / "subset"
CATEGORY_FILES = [name.lower() for name in load_taxonomy().names]


def from_file(tmp_path: Path) -> QuerySubset:
    (tmp_path / "mine.txt").write_text("1020\n1000\n")
    return FileSubset(str(tmp_path / "mine.txt"))


MAKERS: dict[str, Callable[[Path], QuerySubset]] = {
    "AllQueries": lambda _: AllQueries(),
    "AllFailures": lambda _: AllFailures(),
    "CategorySubset": lambda _: CategorySubset(["attribute", "object"]),
    "FileSubset": from_file,
}


def test_every_subset_is_held_to_the_contract() -> None:
    assert {subclass.__name__ for subclass in QuerySubset.__subclasses__()} == set(MAKERS)


@pytest.mark.parametrize("kind", MAKERS)
def test_contract(invented: ModuleType, tmp_path: Path, kind: str) -> None:
    subset = MAKERS[kind](tmp_path)
    data = invented.dataset()
    failures = invented.failure_set(data)
    selection = subset.select(data, failures)
    assert selection.name == subset.name
    assert selection.how_chosen
    assert len(selection) > 0
    assert selection.positions.dtype == np.int64
    assert (np.diff(selection.positions) > 0).all()
    assert selection.query_ids(data) == tuple(data.captions[p].id for p in selection.positions)
    if selection.is_failure_mined:
        assert set(selection.query_ids(data)) <= set(failures.query_ids)
    np.testing.assert_array_equal(subset.select(data, failures).positions, selection.positions)


@pytest.mark.parametrize("kind", MAKERS)
def test_contract_without_a_failure_set(invented: ModuleType, tmp_path: Path, kind: str) -> None:
    subset = MAKERS[kind](tmp_path)
    if subset.needs_failure_set:
        with pytest.raises(UsageError, match=f"subset {subset.name} must have a failure set, got none; run misfire"):
            subset.select(invented.dataset())
    else:
        assert not subset.select(invented.dataset()).is_failure_mined


@pytest.mark.parametrize("kind", MAKERS)
def test_contract_with_another_datasets_failures(invented: ModuleType, tmp_path: Path, kind: str) -> None:
    with pytest.raises(UsageError, match="must fit its dataset and backbone"):
        MAKERS[kind](tmp_path).select(invented.dataset(), invented.failure_set(invented.dataset(num_images=9)))


def test_all_queries_are_all_of_them(invented: ModuleType) -> None:
    selection = AllQueries().select(invented.dataset())
    assert selection.positions.tolist() == list(range(24))
    assert selection.how_chosen == "all 24 queries of the dataset"
    assert not selection.uses_oracle_labels


def test_all_failures_say_how_they_were_sampled(invented: ModuleType) -> None:
    data, failures = invented.dataset(), invented.failure_set(num_failures=7)
    selection = AllFailures().select(data, failures)
    assert selection.query_ids(data) == failures.query_ids
    assert selection.how_chosen == failures.how_chosen
    assert selection.is_failure_mined
    assert not selection.uses_oracle_labels


def test_categories_are_a_union_by_gold_labels(invented: ModuleType) -> None:
    data, failures = invented.dataset(), invented.failure_set()
    union = CategorySubset(["Attribute", "object"]).select(data, failures)
    expected = [f.query_id for f in failures.failures if f.category in ("Object", "Attribute")]
    assert list(union.query_ids(data)) == expected
    assert union.name == "object_attribute"
    assert union.categories == ("Object", "Attribute")
    assert union.uses_oracle_labels
    assert union.how_chosen == (
        f"the {len(expected)} that are Object or Attribute by world truth in a {failures.how_chosen}"
    )


def test_the_categories_partition_the_labelled_failures(invented: ModuleType) -> None:
    data, failures = invented.dataset(), invented.failure_set()
    present = {failure.category for failure in failures.failures}
    parts = [CategorySubset([name]).select(data, failures).query_ids(data) for name in sorted(present)]
    assert sorted(sum(parts, ())) == list(failures.query_ids)


def test_an_empty_category_is_refused_with_what_there_is(invented: ModuleType) -> None:
    data = invented.dataset()
    failures = invented.failure_set(data, is_labelled=False)
    with pytest.raises(
        UsageError,
        match=r"subset object must have queries, got 0 of the 24 of invented \(failure set \w{12} has 10 unlabelled\)",
    ):
        CategorySubset(["object"]).select(data, failures)


def test_unknown_or_no_categories_are_refused() -> None:
    with pytest.raises(UsageError, match="'spacial' is not a category: did you mean Spatial"):
        CategorySubset(["spacial"])
    with pytest.raises(UsageError, match="categories must name at least one of Ambiguous, Object"):
        CategorySubset([])


def test_categories_of_a_teams_own_taxonomy(invented: ModuleType, tmp_path: Path) -> None:
    path = tmp_path / "ours.yaml"
    path.write_text("categories: [{name: object, definition: gone}, {name: Style, definition: other}]\n")
    ours = load_taxonomy(path)
    data, failures = invented.dataset(), invented.failure_set()
    first, second = failures.query_ids[:2]
    labels = {first: ours.label("Style"), second: ours.label("object")}
    labelled = failures.relabelled(labels, label_source="us", taxonomy=ours)
    by_style = CategorySubset(["style"], taxonomy=str(path))
    assert (by_style.name, by_style.categories) == ("style", ("Style",))
    assert by_style.select(data, labelled).query_ids(data) == (first,)
    assert CategorySubset(["object"]).select(data, labelled).query_ids(data) == (second,)  # the name is in both
    with pytest.raises(UsageError, match="'Style' is not a category: known are Ambiguous"):
        by_style.select(data, failures)
    with pytest.raises(UsageError, match="'style' is not a category: known are Ambiguous"):
        CategorySubset(["style"])


def table(invented: ModuleType) -> pd.DataFrame:
    captions = invented.dataset().captions[5:1:-1]
    return pd.DataFrame(
        {"query_id": [c.id for c in captions], "note": "é", "text_sha256": [sha256_text(c.text) for c in captions]}
    )


def as_csv(frame: pd.DataFrame, path: Path) -> None:
    frame.to_csv(path, index=False, encoding="utf-8-sig")


def as_parquet(frame: pd.DataFrame, path: Path) -> None:
    frame.to_parquet(path)


def as_text(frame: pd.DataFrame, path: Path) -> None:
    path.write_text("\n".join(str(value) for value in frame["query_id"]))


WRITERS = {".csv": as_csv, ".parquet": as_parquet, ".txt": as_text}


@pytest.mark.parametrize("suffix", WRITERS)
def test_a_file_names_queries(invented: ModuleType, tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"chosen{suffix}"
    WRITERS[suffix](table(invented), path)
    selection = FileSubset(str(path)).select(invented.dataset())
    assert selection.positions.tolist() == [2, 3, 4, 5]
    assert selection.name == "chosen"
    assert selection.how_chosen.startswith(f"the 4 queries in chosen{suffix} (SHA-256 ")
    assert not selection.is_failure_mined
    assert FileSubset(str(path), is_failure_mined=True).select(invented.dataset()).is_failure_mined


def test_an_annotation_sheet_is_a_subset_and_known_to_be_mined(invented: ModuleType, tmp_path: Path) -> None:
    data, failures = invented.dataset(), invented.failure_set()
    path = tmp_path / "ann.csv"
    path.write_text(sheet_text(failures, failures.query_ids[:4]), newline="")
    assert FileSubset(str(path)).select(data, failures).is_failure_mined
    assert FileSubset(str(path)).select(data).query_ids(data) == failures.query_ids[:4]


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_a_caption_that_changed_since_is_found(invented: ModuleType, tmp_path: Path, suffix: str) -> None:
    frame = table(invented)
    frame.loc[0, "text_sha256"] = "0" * 64
    path = tmp_path / f"chosen{suffix}"
    WRITERS[suffix](frame, path)
    with pytest.raises(UsageError, match=r"text_sha256 must match its query, got 1 \(1050\) by id in chosen"):
        FileSubset(str(path)).select(invented.dataset())


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.txt", "1000\n7\n8\n", r"queries of a.txt must belong to dataset invented, got 2 \(7, 8\) by id among 3"),
        ("a.txt", "1000 1000 1010", r"a query must stand once in a.txt, got 1 \(1000\) repeated"),
        ("a.txt", "1000 1010.5 x", r"query ids must be whole numbers, got 2 \('1010.5', 'x'\) in a.txt"),
        ("a.txt", "", "subset a must have queries, got 0 of the 24 of invented; choose"),
        ("a.csv", "query_id\n", "subset a must have queries, got 0"),
        ("a.csv", "id,text\n1000,x\n", r"must have a query_id column, or one image_id, got 2 \(id, text\) in a.csv"),
        ("a.csv", "", r"must have a query_id column, or one image_id, got 0 \(\) in a.csv"),
        ("a.ods", "[1000]", "must end in .csv, .tsv, .txt, .parquet or .json, got a.ods"),
        ("a.json", "[1000]", r"a slice must state of, members, .* a.json lacks or mistakes of, members, how_chosen"),
        ("a.json", "{", r"a slice must be JSON, got a.json \(Expecting"),
        ("a.parquet", "no", "must be Parquet, got a.parquet"),
        ("a.csv", "query_id,query_id\n1000,1010\n", r"must have different names, got 1 \(query_id\) more than once"),
        (
            "a.csv",
            'query_id\n"1000\n',
            "a subset's file must be whole CSV, got a.csv: unexpected end of data near line",
        ),
        ("a.csv", "query_id,x\n1000," + "y" * 140_000, "must be whole CSV, got a.csv: field larger than field limit"),
        ("a.txt", "9" * 5000, r"query ids must be whole numbers, got 1 \('9{40}'\) in a.txt; mend them"),
        (
            "a.csv",
            "image_id\n3\n999999\n",
            r"images in a.csv must be of invented, got 2 \(3, 999999\) by id that aren't",
        ),
    ],
)
def test_a_bad_file_is_refused(invented: ModuleType, tmp_path: Path, name: str, content: str, message: str) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(UsageError, match=message):
        FileSubset(str(tmp_path / name)).select(invented.dataset())


def test_a_missing_file_is_refused(invented: ModuleType, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"a subset's file must exist, got .*a.csv; check subset.path"):
        FileSubset(str(tmp_path / "a.csv")).select(invented.dataset())


@pytest.mark.parametrize("path", sorted(CONF.glob("*.yaml")), ids=lambda path: path.stem)
def test_every_configuration_builds_the_subset_it_is_named_after(path: Path) -> None:
    settings = yaml.safe_load(path.read_text()) | (
        {"categories": ["count"], "taxonomy": None} if path.stem == "category" else {}
    )
    module, _, name = settings.pop("_target_").rpartition(".")
    subset = getattr(import_module(module), name)(**settings)
    assert isinstance(subset, QuerySubset)
    assert path.stem == "file" or subset.name == {"category": "count"}.get(path.stem, path.stem)


def test_there_is_a_configuration_for_each_category() -> None:
    names = {path.stem for path in CONF.glob("*.yaml")}
    assert names == {"all", "failures", "object_attribute", "file", "category", *CATEGORY_FILES}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_a_table_is_read_however_a_program_saved_it(
    invented: ModuleType, tmp_path: Path, encoding: str, separator: str
) -> None:
    path = tmp_path / "chosen.csv"
    rows = [("caption", "query_id"), ("un caf\u00e9, noir", "1050"), ("x", "1020")]
    path.write_bytes("\r\n".join(f'"{separator}"'.join(row).join('""') for row in rows).encode(encoding))
    assert FileSubset(str(path)).select(invented.dataset()).query_ids(invented.dataset()) == (1020, 1050)


def test_a_table_that_is_no_text_is_one_sentence(invented: ModuleType, tmp_path: Path) -> None:
    path = tmp_path / "chosen.csv"
    path.write_bytes(b"query_id\n1000\n\x81\x8d")
    with pytest.raises(UsageError, match=r"a subset's file must be text in UTF-8, UTF-16 or cp1252, got .*chosen\.csv"):
        FileSubset(str(path)).select(invented.dataset())


@pytest.mark.parametrize("suffix", WRITERS)
def test_ids_of_another_dataset_are_refused_though_they_exist_here(
    invented: ModuleType, tmp_path: Path, suffix: str
) -> None:
    data, path = invented.dataset(), tmp_path / f"chosen{suffix}"

    def write(fingerprint: str) -> None:
        WRITERS[suffix](table(invented).assign(dataset_fingerprint=fingerprint), path)
        if suffix == ".txt":
            path.write_text(f"# dataset_fingerprint: {fingerprint}\n{path.read_text()}")

    for own in (data.fingerprint, data.fingerprint[:12]):
        write(own)
        assert len(FileSubset(str(path)).select(data)) == 4
    for strange in ("0" * 64, "0" * 12, data.fingerprint[:11], data.image_set.fingerprint):
        write(strange)
        with pytest.raises(UsageError) as caught:
            FileSubset(str(path)).select(data)
        assert str(caught.value) == (
            f"a subset's ids must be of the dataset in use, invented with fingerprint {data.fingerprint[:12]}, got ids "
            f"of 1 ({strange[:40]}) in {path.name}; choose the dataset that the file was made from."
        )


def test_images_stand_for_their_captions(invented: ModuleType, tmp_path: Path) -> None:
    data = invented.dataset()
    images = [data.images[5].id, data.images[2].id]
    path = tmp_path / "night.csv"
    path.write_text("".join(f"{one},{data.image_set.fingerprint}\n" for one in ["image_id", *images]).replace(
        f"image_id,{data.image_set.fingerprint}", "image_id,dataset_fingerprint"
    ))  # fmt: skip
    chosen = FileSubset(str(path)).select(data)
    expected = [place for place, caption in enumerate(data.captions) if caption.image_id in images]
    assert chosen.positions.tolist() == expected
    assert chosen.how_chosen.startswith(f"the {len(expected)} queries of the 2 images in night.csv")


def test_the_small_table_that_is_not_utf_8(invented: ModuleType) -> None:
    path = Path(__file__).parents[2] / "../shared/inputs/slice_cp1252.csv"
    if not path.is_file():
        pytest.skip("needs slice_cp1252.csv beside the repository, in ../shared/inputs")
    with pytest.raises(UsageError, match=r"queries of slice_cp1252.csv must belong to dataset invented, got 2 \("):
        FileSubset(str(path)).select(invented.dataset())


def test_a_slice_that_a_method_wrote_is_a_subset_and_says_how_it_was_chosen(
    invented: ModuleType, tmp_path: Path
) -> None:
    data, path = invented.dataset(), tmp_path / "worst.json"
    captions = Slice("worst", "captions", (1050, 1020), "the two of the lowest score", True, False, data.fingerprint)
    captions.write(path)
    chosen = FileSubset(str(path)).select(data)
    assert chosen.query_ids(data) == (1020, 1050)
    assert (chosen.is_failure_mined, chosen.uses_oracle_labels) == (True, False)
    assert chosen.how_chosen.endswith(": the two of the lowest score")
    members = (data.images[2].id, data.images[5].id)
    images = replace(captions, of="images", members=members, is_chosen_by_failing=False, uses_oracle_labels=True)
    for fingerprint in (data.fingerprint, data.image_set.fingerprint):
        replace(images, dataset_fingerprint=fingerprint).write(path)
        found = FileSubset(str(path)).select(data)
        assert {data.captions[place].image_id for place in found.positions} == set(members)
        assert (found.is_failure_mined, found.uses_oracle_labels) == (False, True)
    replace(images, dataset_fingerprint="0" * 64).write(path)
    with pytest.raises(UsageError, match="a subset's ids must be of the dataset in use, invented with fingerprint"):
        FileSubset(str(path)).select(data)
    replace(images, members=("a.jpg", "b.jpg"), dataset_fingerprint=data.fingerprint).write(path)
    with pytest.raises(UsageError, match=r"image ids must be whole numbers, got 2 \('a.jpg', 'b.jpg'\) in worst.json"):
        FileSubset(str(path)).select(data)
