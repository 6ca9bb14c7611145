import io
from pathlib import Path
from types import ModuleType

import openpyxl
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from misfire.core.errors import UsageError
from misfire.core.formula import guarded, unguarded
from misfire.core.hashing import sha256_text
from misfire.failures import (
    SHEET_COLUMNS,
    CsvFormat,
    Label,
    SheetEntry,
    SheetFormat,
    XlsxFormat,
    answer_table,
    load_taxonomy,
    read_sheet,
    read_sheets,
    sheet_format,
    sheet_table,
    sheet_text,
)
from misfire.failures.sheets import SHEET_FORMATS, csv_text, text_key

TAXONOMY = load_taxonomy()
HEADER = ("caption", "gt_img_idx", "pred_img_idx", "category")


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


@pytest.mark.parametrize("name", list(SHEET_FORMATS))
def test_every_format_comes_back(invented: ModuleType, tmp_path: Path, name: str) -> None:
    failures, form = invented.failure_set(), sheet_format(name)
    labels = invented.label_of(failures)
    path = tmp_path / f"ann{form.suffix}"
    path.write_bytes(form.encode(sheet_table(failures, failures.query_ids), TAXONOMY))
    assert read_sheet(path, failures) == dict.fromkeys(failures.query_ids)
    path.write_bytes(form.encode(sheet_table(failures, failures.query_ids, lambda f: labels[f.query_id]), TAXONOMY))
    assert read_sheet(path, failures) == labels


def test_an_unknown_format_is_refused() -> None:
    with pytest.raises(UsageError, match="format must be one of csv, csv_bom, xlsx, got 'ods'; choose one"):
        sheet_format("ods")


def test_bom_is_there_when_asked_for() -> None:
    assert CsvFormat(bom=True).encode([("a",)], TAXONOMY) == b"\xef\xbb\xbfa\n"
    assert CsvFormat().encode([("a",)], TAXONOMY) == b"a\n"


EVIL = ["=1+1", "+1", "-1", "@SUM(A1)", '=HYPERLINK("http://x","y")', "'=1", "''+", "\t=1", "  =2", "\r=3", "\uff1d1"]


@pytest.mark.parametrize("text", EVIL)
def test_no_cell_is_a_formula(text: str) -> None:
    (cells,) = pd.read_csv(io.StringIO(csv_text([("x",), (text,)])), keep_default_na=False).itertuples(index=False)
    assert cells[0].startswith("'")
    assert unguarded(cells[0]) == text
    book = openpyxl.load_workbook(io.BytesIO(XlsxFormat().encode([("x",), (text,)], TAXONOMY)))
    cell = book.active["A2"]
    assert cell.data_type == "s"
    assert cell.quotePrefix
    assert cell.value.replace("\n", "\r") == text.replace("\n", "\r")


@given(text=st.text())
def test_a_guard_comes_off(text: str) -> None:
    assert unguarded(guarded(text)) == text
    assert not guarded(text).lstrip().startswith(("=", "+", "-", "@"))


CAPTIONS = st.text(
    st.characters(codec="utf-8", exclude_characters="\x00") | st.sampled_from(list("=+-@'\",;\n\r\t éß猫🐈“”")),
    min_size=1,
).filter(lambda text: text.strip() != "")


@settings(max_examples=150, deadline=None)
@given(captions=st.lists(CAPTIONS, min_size=1, max_size=4), bom=st.booleans())
def test_any_caption_comes_back_from_csv(
    tmp_path_factory: pytest.TempPathFactory, captions: list[str], bom: bool
) -> None:
    path = tmp_path_factory.mktemp("sheet") / "ann.csv"
    rows = [HEADER, *((caption, 1, 2, "Object") for caption in captions)]
    path.write_bytes(CsvFormat(bom=bom).encode(rows, TAXONOMY))
    assert [row.caption for row in read_sheets([path]).rows] == captions


@settings(max_examples=30, deadline=None)
@given(captions=st.lists(CAPTIONS, min_size=1, max_size=4))
def test_any_caption_comes_back_from_a_workbook(tmp_path_factory: pytest.TempPathFactory, captions: list[str]) -> None:
    path = tmp_path_factory.mktemp("sheet") / "ann.xlsx"
    rows = [HEADER, *((caption, 1, 2, "Object") for caption in captions)]
    path.write_bytes(XlsxFormat().encode(rows, TAXONOMY))
    # XML has no control characters and one kind of line end.
    assert [text_key(row.caption) for row in read_sheets([path]).rows] == [text_key(caption) for caption in captions]


def test_a_workbook_offers_the_taxonomys_names(invented: ModuleType) -> None:
    failures = invented.failure_set()
    book = openpyxl.load_workbook(io.BytesIO(XlsxFormat().encode(sheet_table(failures, failures.query_ids), TAXONOMY)))
    offers = {str(one.sqref): one.formula1 for one in book.active.data_validations.dataValidation}
    assert offers == {"H2:H11": f'"{",".join(TAXONOMY.names)}"', "I2:I11": '"underspecified,near_duplicate"'}


def test_answers_carry_notes_times_and_repeats(invented: ModuleType, tmp_path: Path) -> None:
    failures = invented.failure_set()
    first, second = failures.query_ids[:2]
    entries = [
        SheetEntry(second, Label("Count"), "=three?", 4.5, sequence=1),
        SheetEntry(first, None, sequence=2),
        SheetEntry(second, Label("Object"), is_repeat=True, seconds=2.0, sequence=3),
    ]
    form: SheetFormat = CsvFormat()
    path = tmp_path / "ann.csv"
    path.write_bytes(form.encode(answer_table(failures, entries), TAXONOMY))
    rows = read_sheets([path]).rows
    assert [(row.query_id, row.label, row.notes, row.seconds, row.is_repeat, row.sequence) for row in rows] == [
        (second, Label("Count"), "=three?", 4.5, False, 1),
        (first, None, "", None, False, 2),
        (second, Label("Object"), "", 2.0, True, 3),
    ]
    with pytest.raises(UsageError, match=r"entries must be of failure set \w{12}, got 1 \(77\) by query id"):
        answer_table(failures, [SheetEntry(77)])


def test_a_sheet_of_another_set_or_text_is_refused(invented: ModuleType, tmp_path: Path) -> None:
    failures = invented.failure_set()
    text = sheet_text(failures, failures.query_ids, label=lambda failure: Label("Count"))
    first = failures.failures[0]
    assert f"\n{first.query_id}," in text
    cases = {
        r"got 1 \(query 77: id isn't in the failure set; 77 is no query of": text.replace(
            f"\n{first.query_id},", "\n77,"
        ),
        rf"got 1 \(query {first.query_id}: text_sha256 differs from query {first.query_id}": text.replace(
            first.text_sha256, "0" * 64
        ),
        rf"got 1 \(query {first.query_id} by ann: Count and Object": text
        + text[text.index(f"\n{first.query_id},") + 1 :].replace(",Count,", ",Object,", 1).split(",Object,")[0]
        + ",Object,\n",
    }
    for message, changed in cases.items():
        with pytest.raises(UsageError, match=message):
            read_sheet(write(tmp_path / "ann.csv", changed), failures)
    # Another set's digest alone changes nothing, as text and images say what was labelled.
    other = write(tmp_path / "other.csv", text.replace(failures.digest, "0" * 64))
    assert read_sheet(other, failures) == dict.fromkeys(failures.query_ids, Label("Count"))
