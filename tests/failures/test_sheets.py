from pathlib import Path
from types import ModuleType

import pandas as pd
import pytest

from misfire.core.errors import UsageError
from misfire.core.hashing import sha256_text
from misfire.failures import SHEET_COLUMNS, Label, read_sheet, sheet_text


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8", newline="")
    return path


def test_another_reader_finds_every_column(invented: ModuleType, tmp_path: Path) -> None:
    failures = invented.failure_set()
    chosen = failures.query_ids[1::2]
    path = write(tmp_path / "ann.csv", sheet_text(failures, chosen))
    table = pd.read_csv(path, keep_default_na=False)
    assert tuple(table.columns) == SHEET_COLUMNS
    assert tuple(table["query_id"]) == chosen
    assert set(table["failure_set"]) == {failures.digest}
    for _, row in table.iterrows():
        failure = failures.failures[row["idx"]]
        assert row["query_id"] == failure.query_id
        assert row["caption"] == failure.caption
        assert row["text_sha256"] == sha256_text(failure.caption)
        assert (row["gt_img_idx"], row["pred_img_idx"]) == (failure.target_image_id, failure.retrieved_image_id)
        assert (row["category"], row["ambiguous_subtype"]) == ("", "")


def test_a_blank_sheet_reads_as_no_labels(invented: ModuleType, tmp_path: Path) -> None:
    failures = invented.failure_set()
    path = write(tmp_path / "ann.csv", sheet_text(failures, failures.query_ids))
    assert read_sheet(path, failures) == dict.fromkeys(failures.query_ids)


@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_a_filled_sheet_comes_back(invented: ModuleType, tmp_path: Path, mark: str) -> None:
    failures = invented.failure_set()
    labels = invented.label_of(failures)
    text = sheet_text(failures, failures.query_ids, label=lambda failure: labels[failure.query_id])
    assert read_sheet(write(tmp_path / "ann.csv", mark + text), failures) == labels


def test_a_sheet_saved_with_semicolons_comes_back(invented: ModuleType, tmp_path: Path) -> None:
    failures = invented.failure_set()
    labels = invented.label_of(failures)
    path = write(tmp_path / "ann.csv", sheet_text(failures, failures.query_ids, label=lambda f: labels[f.query_id]))
    pd.read_csv(path, keep_default_na=False).to_csv(path, sep=";", index=False, encoding="utf-8-sig")
    assert read_sheet(path, failures) == labels


def test_what_people_type_is_understood(invented: ModuleType, tmp_path: Path) -> None:
    failures = invented.failure_set(num_failures=1)
    text = sheet_text(failures, failures.query_ids)
    path = write(tmp_path / "ann.csv", text.removesuffix(",\n") + " object ,\n")
    assert read_sheet(path, failures) == {failures.query_ids[0]: Label("Object")}


def test_unknown_labels_are_counted_and_the_first_is_named(invented: ModuleType, tmp_path: Path) -> None:
    failures = invented.failure_set(num_failures=2)
    text = sheet_text(failures, failures.query_ids).replace(",,\n", ",Objet,\n")
    with pytest.raises(UsageError) as error:
        read_sheet(write(tmp_path / "ann.csv", text), failures)
    assert str(error.value).startswith(
        "labels in ann.csv must be in the taxonomy, got 2 that aren't; the first is "
        f"query {failures.query_ids[0]}: 'Objet' is not a category: did you mean Object?"
    )
    lone = sheet_text(failures, failures.query_ids).replace(",,\n", ",,underspecified\n")
    with pytest.raises(UsageError, match="a subtype needs a category, got 'underspecified' alone"):
        read_sheet(write(tmp_path / "ann.csv", lone), failures)


def test_a_sheet_of_another_set_or_text_is_refused(invented: ModuleType, tmp_path: Path) -> None:
    failures = invented.failure_set()
    text = sheet_text(failures, failures.query_ids)
    first = failures.failures[0]
    lines = text.split("\n")
    cases = {
        f"its rows must be of failure set {failures.digest[:12]}, got 10 ": text.replace(failures.digest, "other"),
        r"its queries must be in the failure set, got 1 \(77\)": text.replace(f"\n{first.query_id},", "\n77,"),
        rf"a caption's text_sha256 must match its query, got 1 \({first.query_id}\)": text.replace(
            first.text_sha256, "0" * 64
        ),
        rf"a query must stand once, got 1 \({first.query_id}\)": text + "\n".join(lines[1:3]) + "\n",
        r"must have the columns it was made with, got none named 1 \(category\)": text.replace("category", "label", 1),
    }
    for message, changed in cases.items():
        with pytest.raises(UsageError, match=message):
            read_sheet(write(tmp_path / "ann.csv", changed), failures)


def test_a_file_that_cannot_be_read_is_refused(invented: ModuleType, tmp_path: Path) -> None:
    path = tmp_path / "ann.csv"
    with pytest.raises(UsageError, match="must be a readable UTF-8 CSV file"):
        read_sheet(path, invented.failure_set())
    path.write_bytes(b"caf\xe9")
    with pytest.raises(UsageError, match="save it as UTF-8"):
        read_sheet(path, invented.failure_set())
