"""The verbs on a small world, as a user issues them."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from misfire.methods.retrieval.ensemble.logged import LoggedEnsemble
from tests.end_to_end.conftest import Place

pytestmark = pytest.mark.end_to_end


def test_evaluate_prints_what_it_logs_once(own_place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    assert own_place.misfire("evaluate") == 0
    first = capsys.readouterr().out
    assert own_place.misfire("evaluate") == 0
    assert capsys.readouterr().out == first
    (run,) = own_place.store().runs()
    records = own_place.records(run.info.run_id)
    assert len(records) == 1000 + 200
    ranks = records[records.direction == "t2i"]["rank"].to_numpy()
    for k in (1, 5, 10):
        estimate = run.data.metrics[f"t2i/hit_at_{k}"]
        assert estimate == pytest.approx((ranks <= k).mean())
        (line,) = [line for line in first.splitlines() if line.split()[:1] == [f"t2i/hit_at_{k}"]]
        assert line.split()[1] == f"{estimate:.4f}"
        assert run.data.metrics[f"t2i/hit_at_{k}_low"] <= estimate <= run.data.metrics[f"t2i/hit_at_{k}_high"]
    assert first.splitlines()[0].startswith("clip on world: 200 images, 1,000 captions; 95% intervals by image")


def test_embed_finds_everything(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    assert place.misfire("embed") == 0
    shown = capsys.readouterr()
    assert f"world with clip, in {place.root / 'embeddings'}" in shown.out
    assert [line.split()[:3] for line in shown.out.splitlines()[1:]] == [
        ["images", "0", "encoded"],
        ["captions", "0", "encoded"],
    ]
    assert "Encoding" not in shown.err


def test_mine_leaves_what_annotators_need(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    assert place.misfire("mine") == 0
    printed = capsys.readouterr().out
    assert "uniform sample without replacement of 40 of the" in printed
    folder = place.failure_set
    assert folder.name in printed
    failures = pd.read_parquet(folder / "failure_set.parquet")
    assert len(failures) == 40
    assert (failures["rank"] > 1).all()
    sheets = sorted((folder / "sheets").glob("*"))
    assert len(sheets) == 3
    assert not any("Object" in path.read_text() and "world truth" in path.read_text() for path in sheets)
    assert list((folder / "contact_sheets").iterdir())


def test_one_cell_is_run_once(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    words = ("ensemble", "subset=failures", "templates=generic", "pooling.tau=0.1")
    assert place.misfire(*words) == 0
    (cell,) = place.cells()
    first = capsys.readouterr().out
    assert first.startswith("failures · logmeanexp tau=0.1 · ")
    assert place.misfire(*words) == 0
    assert capsys.readouterr().out == first
    assert [again.key for again in place.cells()] == [cell.key]
    assert len(place.store().runs()) == 1


def test_a_runs_numbers_are_those_of_its_records(place: Place) -> None:
    assert place.misfire("ensemble", "subset=failures", "templates=generic", "pooling=mean") == 0
    (cell,) = place.cells()
    records = cell.records
    subset = records[records.part == "subset"]
    assert len(subset) == 40
    assert len(records) == 90
    assert (subset.baseline_rank > 1).all()
    view = LoggedEnsemble(cell)
    metrics = place.store().client.get_run(cell.key).data.metrics
    for k in (1, 5, 10):
        before, after = ((subset[f"{side}_rank"] <= k).mean() for side in ("baseline", "ensembled"))
        assert view.at("baseline", k).value == pytest.approx(before)
        assert view.at("ensembled", k).value == pytest.approx(after)
        assert metrics[f"t2i/hit_at_{k}/delta_pp"] == pytest.approx(100 * (after - before), abs=1e-4)
        assert view.at("delta", k).low == np.percentile(view.replicates[k], 2.5)


def test_a_spelling_of_tau_is_no_new_cell(place: Place) -> None:
    for tau in ("1", "1.0", "1e0"):
        assert place.misfire("ensemble", "subset=failures", "templates=generic", f"pooling.tau={tau}") == 0
    assert len(place.cells()) == 1


def test_the_device_and_the_folders_are_no_new_cell(place: Place, own_place: Place) -> None:
    words = ("ensemble", "subset=failures", "templates=generic", "pooling=max")
    assert place.misfire(*words) == 0
    assert own_place.misfire(*words, "trainer=auto", "trainer.batch_size=32") == 0
    (cell,), (elsewhere,) = place.cells(), own_place.cells()
    assert cell.id == elsewhere.id
    assert cell.read("estimates.csv") == elsewhere.read("estimates.csv")
    assert cell.facts == elsewhere.facts


def test_many_baselines_leave_nothing_in_the_current_folder(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert place.misfire("evaluate", "-m", "ks=[2],[3]") == 0
    assert list(tmp_path.iterdir()) == []
    assert sorted(cell.facts["ks"] for cell in place.cells()) == [[2], [3]]
    text = (place.report / place.experiment / "report.md").read_text()
    assert all(f"among the first {k} in " in text for k in (2, 3))


def test_a_file_of_failures_is_failure_mined(place: Place, tmp_path: Path) -> None:
    folder = place.failure_set
    ids = pd.read_parquet(folder / "failure_set.parquet").query_id[:20]
    (tmp_path / "some.txt").write_text("\n".join(map(str, ids)))
    words = ("ensemble", "subset=file", f"subset.path={tmp_path / 'some.txt'}", "templates=generic", "pooling=max")
    assert place.misfire(*words, f"failure_set={folder}") == 0
    (cell,) = place.cells()
    view = LoggedEnsemble(cell)
    assert (view.subset, view.num_queries, view.is_failure_mined) == ("some", 20, True)


@pytest.mark.usefixtures("undrawn")
def test_a_report_keeps_to_the_newest_cut_offs(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    words = ("ensemble", "subset=failures", "templates=generic")
    assert place.misfire(*words, "pooling=max", "ks=[2,4]") == 0
    assert place.misfire(*words, "-m", "pooling=mean") == 0
    assert "left out" not in capsys.readouterr().err  # a grid's report is about what that command ran
    assert place.misfire("report", f"tracking.experiment={place.experiment}") == 0
    shown = capsys.readouterr()
    assert "1 cells of other ks, weights, data or queries are left out of the report.\n" in shown.err
    assert "hit@4" not in (place.report / place.experiment / "report.md").read_text()


@pytest.mark.usefixtures("undrawn")
def test_a_report_keeps_to_the_newest_queries_of_a_subset(own_place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    words = ("ensemble", "-m", "subset=failures", "templates=generic")
    assert own_place.misfire(*words, "pooling=max", "seed=7") == 0
    assert own_place.misfire(*words, "pooling=max,mean") == 0
    assert own_place.misfire("report", f"tracking.experiment={own_place.experiment}") == 0
    assert "1 cells of other ks, weights, data or queries are left out of the report.\n" in capsys.readouterr().err
    assert len(own_place.cells()) == 3
    table = pd.read_csv(own_place.report / own_place.experiment / "tables" / "improvement.csv")
    assert len(table) == 2


@pytest.mark.usefixtures("undrawn")
def test_report_writes_its_files(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    assert place.misfire("ensemble", "-m", "subset=failures", "templates=generic", "pooling=max,mean") == 0
    capsys.readouterr()
    assert place.misfire("report", f"tracking.experiment={place.experiment}") == 0
    printed = capsys.readouterr().out
    folder = place.report / place.experiment
    assert f"Report: {folder / 'report.html'}" in printed
    written = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert "report.html" in written
    assert {Path(name).suffix for name in written} >= {".html", ".md", ".tex", ".csv", ".png"}
    assert all(str(folder / name) in printed for name in written)
    page = (folder / "report.html").read_text()
    assert "failures" in page
    assert "http://127.0.0.1:5000/#/experiments/" in page


def test_doctor_finds_everything_in_order(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    assert place.misfire("doctor", "doctor.num_images=40", "dataset.num_images=60") == 0
    lines = capsys.readouterr().out.splitlines()
    assert all(line.startswith(("ok ", " " * 22)) for line in lines)
    assert any(line.startswith("ok    dataset         world: 60 images, 300 captions, fingerprint ") for line in lines)
    (flips,) = [line.split() for line in lines if line.split()[:1] == ["t2i/hit_at_1"]]
    assert int(flips[1]) <= int(flips[3].replace(",", "")) == 200
    assert any(place.experiment in line or "sqlite:///" in line for line in lines)
