"""What is written of an agreement, held against its record."""

import csv
import json
import re
from pathlib import Path
from typing import Any

import pytest

from misfire.annotation.agreement_report import agreement_summary, write_agreement
from misfire.failures import agreement, load_taxonomy, read_sheets
from misfire.failures.consensus.record import agreement_record
from misfire.stats import StatisticsSettings, wilson_interval

HEADER = ["idx", "caption", "gt_img_idx", "pred_img_idx", "category", "ambiguous_subtype"]
ANN = ["Object", "Object", "Count", "Ambiguou", "Spatial", "Object", "Count", "Object"]
BOB = ["Object", "Count", "Count", "Ambiguous", "Spatial", "Object", "Action", "Object"]


def record_of(folder: Path, **labels: list[str]) -> dict[str, Any]:
    paths = []
    for name, words in labels.items():
        paths.append(folder / f"{name}.csv")
        with paths[-1].open("w", newline="") as file:
            rows = [[i, f"caption | {i}", 100 + i, 200 + i, word, ""] for i, word in enumerate(words)]
            csv.writer(file).writerows([HEADER, *rows])
    return agreement_record(agreement(read_sheets(paths), settings=StatisticsSettings(num_replicates=100)))


@pytest.fixture
def record(tmp_path: Path) -> dict[str, Any]:
    return record_of(tmp_path, ann=ANN, bob=BOB)


def test_the_folder_holds_record_text_tables_and_figures(record: dict[str, Any], tmp_path: Path) -> None:
    files = write_agreement(record, load_taxonomy(), tmp_path / "out")
    assert files[0] == tmp_path / "out" / "agreement.json"
    assert json.loads(files[0].read_text()) == record
    names = {path.relative_to(tmp_path / "out").as_posix() for path in files}
    assert names == {
        "agreement.json",
        "agreement.md",
        *(f"tables/{name}.{kind}" for name in ("pairs", "per_category", "categories") for kind in ("md", "csv")),
        *(f"figures/{name}.{kind}" for name in ("confusion", "categories") for kind in ("png", "svg")),
    }
    text = (tmp_path / "out" / "agreement.md").read_text()
    assert record["in_words"] in text
    assert "- Ambiguou -> Ambiguous, 1 row (one typing slip away)" in text
    assert "- idx 1: 'caption | 1': left open; a tie: 1 each for Count and Object (ann: Object, bob: Count)" in text


def test_the_same_record_gives_the_same_bytes(record: dict[str, Any], tmp_path: Path) -> None:
    for name in ("one", "two"):
        write_agreement(record, load_taxonomy(), tmp_path / name)
    one, two = ({p.name: p.read_bytes() for p in (tmp_path / name).rglob("*.*")} for name in ("one", "two"))
    assert one == two


def test_the_distribution_has_wilsons_intervals(record: dict[str, Any], tmp_path: Path) -> None:
    write_agreement(record, load_taxonomy(), tmp_path)
    with (tmp_path / "tables" / "categories.csv").open() as file:
        rows = {row["category"]: row for row in csv.DictReader(file)}
    assert (rows["Object"]["num_rows"], rows["Object"]["num_queries"]) == ("7", "3")
    low, high = wilson_interval(3, 6, confidence=0.95)
    assert (float(rows["Object"]["share_low"]), float(rows["Object"]["share_high"])) == (low, high)


def test_the_summary_says_counts_and_names(record: dict[str, Any]) -> None:
    summary = agreement_summary(record)
    assert "rows             16 (0 queries unlabelled)" in summary
    assert "queries          8 different, 8 in all sheets" in summary
    assert "Ambiguou -> Ambiguous, 1 row" in summary
    assert "same label       0.750" in summary
    assert re.search(r"left open +2$", summary, flags=re.MULTILINE)


def test_one_annotator_alone_has_no_agreement_to_show(tmp_path: Path) -> None:
    record = record_of(tmp_path, ann=ANN)
    files = write_agreement(record, load_taxonomy(), tmp_path / "out")
    assert {path.stem for path in files} == {"agreement", "categories"}
    assert "kappa  " not in agreement_summary(record)


def test_a_sheet_without_a_label_is_shown_as_that(tmp_path: Path) -> None:
    record = record_of(tmp_path, ann=["", ""], bob=["", ""])
    assert {path.stem for path in write_agreement(record, load_taxonomy(), tmp_path / "out")} == {
        "agreement",
        "pairs",
        "per_category",
        "categories",
    }
    assert "kappa            \N{EN DASH}" in agreement_summary(record)
