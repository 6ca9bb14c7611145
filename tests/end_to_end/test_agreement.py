"""From mined failures over sheets to labels that an ensemble uses."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from misfire.cells import Logged
from misfire.failures import read_failure_set
from tests.end_to_end.conftest import Place

pytestmark = [pytest.mark.end_to_end, pytest.mark.usefixtures("undrawn")]
KS = (1, 5, 10)


def mined(place: Place) -> Path:
    assert place.misfire("mine") == 0
    assert (place.failure_set / "manifest.json").is_file()
    return place.failure_set


def sheets(folder: Path) -> list[Path]:
    return sorted((folder / "simulated_sheets").glob("*.csv"))


def listed(paths: list[Path]) -> str:
    return f"sheets=[{','.join(map(str, paths))}]"


def test_sheets_become_a_labelled_set_that_an_ensemble_uses(
    own_place: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = mined(own_place)
    capsys.readouterr()
    assert own_place.misfire("agree", listed(sheets(folder))) == 0
    printed = capsys.readouterr().out
    (record_path,) = folder.glob("agreement/*/agreement.json")
    record = json.loads(record_path.read_text())
    assert "kappa" in printed
    assert f"go on with                misfire ensemble failure_set={own_place.root}" in printed
    assert (record["num_common"], record["num_unique"]) == (5, 40)
    assert (record_path.parent / "agreement.md").read_text().startswith("# How far the labels can be trusted")
    assert {path.name for path in (record_path.parent / "figures").iterdir()} == {
        "categories.png",
        "categories.svg",
        "confusion.png",
        "confusion.svg",
    }
    labelled_folder = own_place.root / "failures" / record["labelled_failure_set"][:12]
    labelled = read_failure_set(labelled_folder)
    counts = pd.Series([failure.category for failure in labelled.failures]).value_counts()
    assert counts.to_dict() == {name: n for name, n in record["categories"]["after"].items() if n}
    words = ("ensemble", f"failure_set={labelled_folder}", "subset=ambiguous", "templates=generic", "pooling=mean")
    assert own_place.misfire(*words) == 0
    (cell,) = own_place.cells()
    assert cell.records.query("part == 'subset'").shape[0] == counts["Ambiguous"]


def test_label_noise_widens_an_interval_and_vanishes_with_it(own_place: Place, tmp_path: Path) -> None:
    """Three readings of the same failures: copies of one sheet, simulated annotators, and worse ones."""
    folder = mined(own_place)
    drawn = [pd.read_csv(path, keep_default_na=False) for path in sheets(folder)]
    everything = pd.concat(drawn).drop_duplicates("query_id").sort_values("idx")
    rng = np.random.default_rng(0)
    for name, wrong in (("copies", 0.0), ("good", 0.1), ("bad", 0.4)):
        (tmp_path / name).mkdir()
        for annotator in ("ann", "bob"):
            sheet = everything.copy()
            slips = (rng.random(len(sheet)) < wrong) & (annotator == "bob")
            sheet.loc[slips, "category"] = "Context"
            sheet.loc[slips, "ambiguous_subtype"] = ""
            sheet["annotator"] = annotator
            sheet.to_csv(tmp_path / name / f"{annotator}.csv", index=False)
        out = f"agree.out={tmp_path / name / 'out'}"
        assert own_place.misfire("agree", listed(sorted((tmp_path / name).glob("*.csv"))), "policy=first", out) == 0
        record = json.loads((tmp_path / name / "out" / "agreement.json").read_text())
        labelled = own_place.root / "failures" / record["labelled_failure_set"][:12]
        words = (f"failure_set={labelled}", "subset=ambiguous", "templates=generic", "pooling=mean")
        assert own_place.misfire("ensemble", *words) == 0
    copies, good, bad = sorted(own_place.cells(), key=doubt_of)
    for k in KS:
        noisy, plain = (copies.estimates.at("t2i/hit", k=k, group=group) for group in ("label_noise", "delta"))
        assert (noisy.low, noisy.high) == (plain.low, plain.high)
    widths = [[noisy_width(one, k) for one in (copies, good, bad)] for k in KS]
    assert all(plain <= some <= more for plain, some, more in widths)
    assert any(plain < some < more for plain, some, more in widths)


def doubt_of(cell: Logged) -> float:
    """How far labels are in doubt, at the cut-off where this moves the gain most."""
    return max(cell.estimates.at("t2i/hit", k=k, group="label_noise/deviation").value for k in KS)


def noisy_width(cell: Logged, k: int) -> float:
    """Width of the gain's interval with the doubt about labels in it."""
    noisy = cell.estimates.at("t2i/hit", k=k, group="label_noise")
    return noisy.high - noisy.low


def test_slips_are_refused_or_named(own_place: Place, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first, second, _ = (pd.read_csv(path, keep_default_na=False) for path in sheets(mined(own_place)))
    people_know = ["idx", "caption", "gt_img_idx", "pred_img_idx", "category", "ambiguous_subtype"]
    common = set(first.idx) & set(second.idx)
    first.loc[0, ["category", "ambiguous_subtype"]] = "Ambigs", ""
    second.loc[second.idx.isin(common), "caption"] += "!"
    paths = [tmp_path / "ann.csv", tmp_path / "bob.xlsx"]
    first[people_know].to_csv(paths[0], index=False)
    second[people_know].to_excel(paths[1], index=False)
    capsys.readouterr()
    out = f"agree.out={tmp_path / 'out'}"
    assert own_place.misfire("agree", listed(paths), out) == 2
    refused = capsys.readouterr().err
    assert "Ambigs -> Ambiguous, 1 row" in refused
    assert "ann.csv row 2" in refused
    assert not (tmp_path / "out").exists()
    assert own_place.misfire("agree", listed(paths), out, "accept=[Ambigs]") == 0
    assert "Ambigs -> Ambiguous" in capsys.readouterr().out
    record = json.loads((tmp_path / "out" / "agreement.json").read_text())
    assert record["num_common"] == 0
    assert len(record["mismatched"]) == len(common) == 5
    assert all(one["what"] == "text differs" for one in record["mismatched"])


def test_wrong_words_are_refused(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    for words, message in [
        ((), "agree must have sheets, got none"),
        (("sheets=[absent.csv]",), "a sheet must be a readable file, got absent.csv"),
        (("sheets=[absent.csv]", "taxonomy=absent.yaml"), "a taxonomy must be a readable YAML file"),
    ]:
        assert place.misfire("agree", *words) == 2
        assert message in capsys.readouterr().err
