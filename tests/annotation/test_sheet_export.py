from pathlib import Path
from types import ModuleType

import pytest

from misfire.annotation import ItemKey, fold, sheet_bytes, sheet_entries
from misfire.core.errors import UsageError
from misfire.failures import load_taxonomy
from misfire.failures.sheets import read_sheets

TAXONOMY = load_taxonomy()


@pytest.mark.parametrize("suffix", [".csv", ".xlsx"])
def test_a_sheet_reads_back_what_was_labelled(suffix: str, tmp_path: Path, invented: ModuleType) -> None:
    desk = invented.desk(tmp_path, repeats=0.25)
    for number, item in enumerate(desk.items[:-1]):
        category = TAXONOMY.names[number % 7]
        subtype = "near_duplicate" if category == "Ambiguous" else None
        desk.record(invented.label(item.id, category, f"e{number}", subtype=subtype, seconds=1.5 * number))
    desk.record({"id": "n", "action": "note", "item": desk.items[0].id, "notes": '=1+1, "so"\nand é'})
    state = fold(desk.log.read().events)
    entries = {"ann": sheet_entries(state, desk.failure_set.query_ids, TAXONOMY)}
    path = tmp_path / f"ann{suffix}"
    path.write_bytes(sheet_bytes(desk.failure_set, entries, TAXONOMY, path=path))
    rows = read_sheets([path]).rows
    assert {row.annotator for row in rows} == {"ann"}
    assert {row.failure_set for row in rows} == {desk.failure_set.digest}
    assert len(rows) == 24 + 6 - desk.items[-1].key.is_repeat
    for row in rows:
        event = state.label(ItemKey(row.query_id or 0, row.is_repeat))
        assert (row.label.category if row.label else None) == (event.category if event else None)
        assert (row.label.ambiguous_subtype if row.label else None) == (event.subtype if event else None)
        assert (row.seconds, row.sequence) == ((event.seconds, event.sequence) if event else (None, None))
    (noted,) = [row.notes for row in rows if row.notes]
    assert noted == '=1+1, "so"\nand é'


def test_several_annotators_stand_in_one_sheet(tmp_path: Path, invented: ModuleType) -> None:
    entries = {}
    for name in ("ann", "bob"):
        desk = invented.desk(tmp_path, name)
        desk.record(invented.label(desk.items[0].id, "Count", "e1"))
        entries[name] = sheet_entries(fold(desk.log.read().events), desk.failure_set.query_ids[:5], TAXONOMY)
    path = tmp_path / "all.csv"
    path.write_bytes(sheet_bytes(desk.failure_set, entries, TAXONOMY, path=path))
    assert read_sheets([path]).annotators == ("ann", "bob")


def test_another_suffix_is_refused(tmp_path: Path, invented: ModuleType) -> None:
    with pytest.raises(UsageError, match=r"a sheet's file must end in .csv or .xlsx, got a.txt; rename it"):
        sheet_bytes(invented.failure_set(), {"ann": []}, TAXONOMY, path=tmp_path / "a.txt")
