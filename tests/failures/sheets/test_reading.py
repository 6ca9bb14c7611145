"""Sheets with every slip that people and spreadsheets make."""

import csv
import io
from pathlib import Path

import openpyxl
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from misfire.core.errors import UsageError
from misfire.failures import Category, Label, Taxonomy, load_taxonomy, read_sheets
from misfire.failures.sheets import SheetRow, acceptance
from misfire.failures.sheets.spelling import Speller, is_one_slip

SIX = ["idx", "caption", "gt_img_idx", "pred_img_idx", "category", "ambiguous_subtype"]
CAPTIONS = ["a cat, asleep", 'a "red" bus', "two\ndogs", "café au lait", "=1+1 on a sign"]
WRITTEN = ["Object", "Attribute", "Count", "Ambiguous", ""]
SUBTYPES = ["", "", "", "near_duplicate", ""]
LABELS = [Label("Object"), Label("Attribute"), Label("Count"), Label("Ambiguous", "near_duplicate"), None]


def table() -> pd.DataFrame:
    rows = zip(range(5), CAPTIONS, range(100, 105), range(200, 205), WRITTEN, SUBTYPES, strict=True)
    return pd.DataFrame(list(rows), columns=SIX)


def as_csv(frame: pd.DataFrame, *, sep: str = ",", end: str = "\n") -> str:
    # The writer quotes a line feed only where it's the line's end.
    quoting = csv.QUOTE_ALL if end == "\r" else csv.QUOTE_MINIMAL
    return frame.to_csv(index=False, sep=sep, lineterminator=end, quoting=quoting)


def sheet(folder: Path, content: str | bytes, name: str = "ann.csv") -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
    return path


def read(path: Path, **options: object) -> tuple[SheetRow, ...]:
    return read_sheets([path], **options).rows  # type: ignore[arg-type]


def labelled(folder: Path, category: str, subtype: str = "") -> Path:
    """A sheet of one row with this label."""
    text = io.StringIO(newline="")
    csv.writer(text).writerows([SIX, [0, "a cat", 1, 2, category, subtype]])
    return sheet(folder, text.getvalue())


def check(rows: tuple[SheetRow, ...]) -> None:
    assert [row.caption.replace("\r\n", "\n") for row in rows] == CAPTIONS
    assert [row.label for row in rows] == LABELS
    assert [(row.idx, row.target, row.retrieved) for row in rows] == [
        (str(i), str(100 + i), str(200 + i)) for i in range(5)
    ]


@pytest.mark.parametrize("sep", [",", ";", "\t", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_any_delimiter_and_line_end(tmp_path: Path, sep: str, end: str) -> None:
    check(read(sheet(tmp_path, as_csv(table(), sep=sep, end=end))))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_any_unicode_encoding(tmp_path: Path, encoding: str) -> None:
    check(read(sheet(tmp_path, as_csv(table(), sep="\t", end="\r\n").encode(encoding))))


def test_an_old_encoding_is_read_with_a_remark(tmp_path: Path) -> None:
    sheets = read_sheets([sheet(tmp_path, as_csv(table()).encode("cp1252"))])
    check(sheets.rows)
    assert sheets.sheets[0].remarks == ("it isn't UTF-8 and was read as cp1252, which gave é; save it as UTF-8",)


def test_a_workbook_by_its_content_whatever_its_name(tmp_path: Path) -> None:
    frame = table()
    frame.loc[4, "caption"] = "'" + CAPTIONS[4]  # pandas would write a formula
    path = tmp_path / "book.csv"
    with pd.ExcelWriter(tmp_path / "book.xlsx") as writer:
        frame.to_excel(writer, index=False)
    (tmp_path / "book.xlsx").rename(path)
    rows = read(path)
    assert [row.label for row in rows] == LABELS
    assert rows[4].content == ("=1+1 on a sign", "104", "204")


def test_columns_in_any_order_case_and_company(tmp_path: Path) -> None:
    frame = table()[SIX[::-1]].rename(columns={"gt_img_idx": "GT img idx", "category": "Category ", "idx": "IDX"})
    frame.insert(0, "Unnamed: 0", range(5))
    frame["page"] = "x"
    sheets = read_sheets([sheet(tmp_path, as_csv(frame))])
    check(sheets.rows)
    assert sheets.sheets[0].ignored_columns == ("Unnamed: 0", "page")


def test_blank_rows_titles_and_repeated_headers_are_passed_over(tmp_path: Path) -> None:
    lines = as_csv(table())
    head = lines.split("\n", 1)[0]
    sheets = read_sheets([sheet(tmp_path, f"Annotation of Ann\n\n{lines},,,,,\n\n{head}\n ,,,,,\n5,,,,,\n")])
    check(sheets.rows)
    assert len(sheets.sheets[0].remarks) == 2
    assert "repeats the columns' names" in sheets.sheets[0].remarks[0]
    assert "has neither a query nor a label" in sheets.sheets[0].remarks[1]


def test_a_delimiter_that_is_declared(tmp_path: Path) -> None:
    check(read(sheet(tmp_path, "sep=;\r\n" + as_csv(table(), sep=";", end="\r\n"))))


@pytest.mark.parametrize(
    "written", ["12", "12.0", " 12 ", "0012", "12,0", "1.2E+1", "0000012.jpg", "x/COCO_val2014_012.jpg"]
)
def test_ids_in_a_spreadsheets_spelling(tmp_path: Path, written: str) -> None:
    frame = table().astype(object)
    frame["gt_img_idx"] = written
    assert {row.target for row in read(sheet(tmp_path, as_csv(frame)))} == {"12"}


@pytest.mark.parametrize(("written", "number"), [("7.0", 7), ("007", 7), ("", None)])
def test_query_ids_in_a_spreadsheets_spelling(tmp_path: Path, written: str, number: int | None) -> None:
    (row,) = read(sheet(tmp_path, f"query_id,caption,gt_img_idx,pred_img_idx,category\n{written},a cat,1,2,Object\n"))
    assert row.query_id == number


UNAMBIGUOUS = [
    ("object ", "", "Object", None),
    ("OBJECT", "", "Object", None),
    ("Objects", "", "Object", None),
    ("Ambiguou", "", "Ambiguous", None),
    ("Sptial", "", "Spatial", None),
    ("Obejct", "", "Object", None),
    ("attr.", "", "Attribute", None),
    ("near_duplicate", "", "Ambiguous", "near_duplicate"),
    ("nearduplicate", "", "Ambiguous", "near_duplicate"),
    ("missing_info", "", "Ambiguous", "underspecified"),
    ("Ambiguous", "missing_info", "Ambiguous", "underspecified"),
    ("Ambiguous", "Near Duplicate", "Ambiguous", "near_duplicate"),
    ("ambiguous (near-duplicate)", "", "Ambiguous", "near_duplicate"),
    ("near duplicate / ambiguous", "", "Ambiguous", "near_duplicate"),
    ("", "near_duplicate", "Ambiguous", "near_duplicate"),
    ("near_duplicate", "Ambiguous", "Ambiguous", "near_duplicate"),
    ("Object", "near_duplicate", "Object", None),
    ("Ambiguous", "n/a", "Ambiguous", None),
]


@pytest.mark.parametrize(("category", "subtype", "expected", "finer"), UNAMBIGUOUS)
def test_what_people_type_is_read_and_listed(
    tmp_path: Path, category: str, subtype: str, expected: str, finer: str | None
) -> None:
    sheets = read_sheets([labelled(tmp_path, category, subtype)])
    assert sheets.rows[0].label == Label(expected, finer)
    (proposal,) = sheets.proposals
    assert proposal.is_applied
    assert proposal.written == (category, subtype)
    assert [str(place) for place in proposal.places] == ["ann.csv row 2"]
    (listed,) = sheets.log()["normalisations"]
    assert listed["proposal"] == proposal.line()
    assert "1 row (" in proposal.line()


def test_a_proposal_counts_its_rows_over_all_sheets(tmp_path: Path) -> None:
    frame = table()
    frame["category"], frame["ambiguous_subtype"] = ["Ambiguou", "Ambiguou", "Object", "Object", "Object"], ""
    paths = [sheet(tmp_path, as_csv(frame), name) for name in ("a.csv", "b.csv")]
    (proposal,) = read_sheets(paths).proposals
    assert proposal.line() == "Ambiguou -> Ambiguous, 4 rows (one typing slip away)"


@pytest.mark.parametrize("written", ["", " ", "-", "?", "n/a", "NaN", "none"])
def test_no_label_is_no_label(tmp_path: Path, written: str) -> None:
    sheets = read_sheets([labelled(tmp_path, written)])
    assert sheets.rows[0].label is None
    assert len(sheets.proposals) == (written.strip() != "")
    assert sheets.log()["sheets"][0]["num_unlabelled"] == 1


DOUBTFUL = [("obj", "Object"), ("2", "Object"), ("atribut", "Attribute"), ("actn", "Action"), ("ambig", "Ambiguous")]


@pytest.mark.parametrize(("written", "expected"), DOUBTFUL)
def test_what_is_not_certain_needs_a_word(tmp_path: Path, written: str, expected: str) -> None:
    path = labelled(tmp_path, written)
    with pytest.raises(UsageError, match="a reading that isn't certain must be confirmed, got 1") as error:
        read_sheets([path])
    assert f"{written} -> {expected}, 1 row" in str(error.value)
    assert "1 (ann.csv row 2)" in str(error.value)
    assert f"confirm with accept=[{written}] or accept=all" in str(error.value)
    for accept in ("all", [written], [f"{written} -> {expected}"], {written: expected.lower()}):
        sheets = read_sheets([path], accept=accept)  # type: ignore[arg-type]
        assert sheets.rows[0].label == Label(expected)
        assert sheets.proposals[0].is_applied
    with pytest.raises(UsageError, match="must be confirmed"):
        read_sheets([path], accept=["another"])


def test_an_unknown_word_names_row_and_sheet(tmp_path: Path) -> None:
    frame = table()
    frame.loc[1, "category"] = "Weather"
    frame.loc[3, "ambiguous_subtype"] = "tricky"
    with pytest.raises(UsageError) as error:
        read_sheets([sheet(tmp_path, as_csv(frame))], accept="all")
    assert str(error.value) == (
        "labels must be among Ambiguous, Object, Attribute, Action, Count, Context, Spatial, got 2 ('Ambiguous' + "
        "'tricky' in ann.csv row 5, 'Weather' in ann.csv row 3); mend them in the sheet, or give each a label in a "
        "mapping: accept=mapping.yaml."
    )


@pytest.mark.parametrize("written", ["Object/Attribute", "Object, Action", "Con", "A", "Coount Object"])
def test_what_could_be_two_things_is_nothing(tmp_path: Path, written: str) -> None:
    with pytest.raises(UsageError):
        read_sheets([labelled(tmp_path, written)])


def test_a_mapping_file_says_what_a_team_means(tmp_path: Path) -> None:
    mapping = tmp_path / "words.yaml"
    mapping.write_text("Weather: Context\nObject/Attribute: object\ntwins: ambiguous/near_duplicate\nlater:\n")
    for written, label in [
        ("weather ", Label("Context")),
        ("object/attribute", Label("Object")),
        ("Twins", Label("Ambiguous", "near_duplicate")),
        ("later", None),
    ]:
        assert read(labelled(tmp_path, written), accept=mapping)[0].label == label
        assert read(labelled(tmp_path, written), accept=["x", str(mapping)])[0].label == label
    mapping.write_text("Weather: Wether\n")
    with pytest.raises(UsageError, match="a mapping must lead to labels of the taxonomy, got 'Wether' for 'Weather'"):
        read(labelled(tmp_path, "Weather"), accept=mapping)
    mapping.write_text("[Weather]")
    with pytest.raises(UsageError, match="a mapping must give each word a label"):
        acceptance(mapping)


def test_a_teams_own_taxonomy(tmp_path: Path) -> None:
    path = tmp_path / "team.yaml"
    path.write_text(
        "categories:\n"
        "- {name: Style, definition: d, subtypes: [{name: drawn, definition: d}]}\n"
        "- {name: None, definition: d}\n"
    )
    team = load_taxonomy(path)
    assert read(labelled(tmp_path, "Drawn"), taxonomy=team)[0].label == team.label("Style", "drawn")
    assert read(labelled(tmp_path, "none"), taxonomy=team)[0].label == team.label("None")
    with pytest.raises(UsageError, match="labels must be among Style, None, got 1"):
        read(labelled(tmp_path, "Object"), taxonomy=team)


BROKEN = [
    (b"", "must have a row that names its columns"),
    (b"a,b\n1,2\n", r"got 2 \('a', 'b'\) in the first row of ann.csv"),
    (b"caption,category\na,Object\n", r"got none named 2 \(gt_img_idx, pred_img_idx\)"),
    (b"query_id,category,Category\n1,a,b\n", r"must have a column once, got 1 \(category\) repeated"),
    (b"query_id,category\nseven,Object\n", "ann.csv row 2: query_id must be a whole number, got 'seven'"),
    (b"query_id,category\n1.5,Object\n", "query_id must be a whole number, got '1.5'"),
    (b"query_id,category\n,Object\n", "ann.csv row 2: a label without an item"),
    (b"query_id,caption,category\n1,a cat, asleep,Object\n", r"at most the 3 cells of the header, got 1 \(2\)"),
    (b'query_id,caption,category\n1,"a cat,Object\n2,a,Count\n', "must be whole CSV, got ann.csv: unexpected end"),
    (b"query_id,category,seconds\n1,Object,fast\n", "seconds must be a number of at least 0, got 'fast'"),
    (b"\xd0\xcf\x11\xe0rest", "got an old or locked Office file"),
    (b"PK\x03\x04rest", "must be a whole XLSX file"),
    (b"query_id,category\n1,\x81\n", "must be text in UTF-8, UTF-16 or cp1252"),
]


@pytest.mark.parametrize(("content", "message"), BROKEN)
def test_a_broken_sheet_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        read_sheets([sheet(tmp_path, content)])


def test_a_missing_file_and_none_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"must be a readable file, got .*absent.csv: No such file"):
        read_sheets([tmp_path / "absent.csv"])
    with pytest.raises(UsageError, match="there must be a sheet to read, got none"):
        read_sheets([])
    path = labelled(tmp_path, "Object")
    with pytest.raises(UsageError, match=r"a sheet must be named once, got 1"):
        read_sheets([path, path])


def test_formulas_count_as_what_they_showed_and_are_refused_without(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    for cells in (SIX, [0, "a cat", 1, 2, '="Obj"&"ect"', ""]):
        book.active.append(cells)
    book.save(tmp_path / "ann.xlsx")
    with pytest.raises(UsageError, match=r"must have been worked out, got 1 \(E2\) in ann.xlsx without a value"):
        read_sheets([tmp_path / "ann.xlsx"])


def test_annotators_are_named_by_file_worksheet_mapping_or_column(tmp_path: Path) -> None:
    one, other = labelled(tmp_path, "Object"), sheet(tmp_path, labelled(tmp_path, "Count").read_bytes(), "bob.csv")
    assert read_sheets([one, other]).annotators == ("ann", "bob")
    assert read_sheets({"eve": [one, other]}).annotators == ("eve",)
    assert read_sheets({"eve": one, "sam": other}).annotators == ("eve", "sam")
    column = sheet(tmp_path, "annotator,query_id,category\nann,1,Object\nbob,1,Count\n", "both.csv")
    assert read_sheets([column]).annotators == ("ann", "bob")
    with pd.ExcelWriter(tmp_path / "team.xlsx") as writer:
        pd.DataFrame({"a": [1]}).to_excel(writer, sheet_name="notes", index=False)
        for name in ("ann", "bob"):
            table().iloc[:3].to_excel(writer, sheet_name=name, index=False)
    sheets = read_sheets([tmp_path / "team.xlsx"])
    assert sheets.annotators == ("ann", "bob")
    assert [one.name for one in sheets.sheets] == ["team.xlsx [ann]", "team.xlsx [bob]"]
    (tmp_path / "x").mkdir()
    same = sheet(tmp_path / "x", one.read_bytes())
    assert len(set(read_sheets([one, same]).annotators)) == 2


def brute_force_slips(word: str) -> set[str]:
    letters = "abcdefghijklmnopqrstuvwxyz"
    splits = [(word[:i], word[i:]) for i in range(len(word) + 1)]
    deletes = [a + b[1:] for a, b in splits if b]
    swaps = [a + b[1] + b[0] + b[2:] for a, b in splits if len(b) > 1]
    replaces = [a + c + b[1:] for a, b in splits if b for c in letters]
    inserts = [a + c + b for a, b in splits for c in letters]
    return {*deletes, *swaps, *replaces, *inserts} - {word}


WORDS = st.text("abc", max_size=5)


@given(first=WORDS, second=WORDS)
def test_a_slip_is_what_brute_force_finds(first: str, second: str) -> None:
    assert is_one_slip(first, second) == (second in brute_force_slips(first))


def test_every_single_slip_of_every_name_is_read_or_refused_never_mistaken() -> None:
    taxonomy = load_taxonomy()
    speller = Speller(taxonomy, acceptance([]))
    names = {name.lower() for name in taxonomy.names}
    for name in taxonomy.names:
        for slip in brute_force_slips(name.lower()):
            near = {other for other in names if slip in brute_force_slips(other)} or {name.lower()}
            reading = speller.read(slip, "")
            if reading.is_unambiguous and slip not in names:
                assert reading.label is not None
                assert len(near) == 1
                assert reading.label.category == name


def test_a_slip_of_a_short_word_or_between_two_names_is_not_decided() -> None:
    names = ("Cat", "Counting", "Mounting")
    team = Taxonomy("", tuple(Category(name, n, True, "d", "", "", ()) for n, name in enumerate(names, start=1)))
    speller = Speller(team, acceptance([]))
    assert speller.read("Countin", "").label == team.label("Counting")
    for written in ("Car", "Ca", "Ounting", "Founting"):
        assert not speller.read(written, "").is_unambiguous
