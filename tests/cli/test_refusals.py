"""Wrong words and wrong input end with exit code 2, one line on standard error, and an untouched folder."""

from pathlib import Path

import pytest

from misfire.cli import main

SMALL = ("dataset.num_images=6", "num_failures=2", "trainer=cpu")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def refusal(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """The sentence with which a command is refused."""
    assert main(words) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith("misfire: ")
    assert shown.err.count("\n") == 1
    return shown.err.removeprefix("misfire: ").rstrip("\n")


@pytest.mark.parametrize("verb", ["embed", "evaluate", "mine", "ensemble", "doctor", "ui"])
def test_an_unknown_key_is_refused_by_every_verb(verb: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    near = "`misfire VERB --help` lists the keys." if verb in ("embed", "evaluate", "ui") else "did you mean seed?"
    assert refusal(capsys, verb, "sede=3") == f"a key must be one of the configuration's, got sede; {near}"
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (("pooling=softmax",), "softmax"),
        (("pooling.tau=-1",), "tau must be a positive finite number, got -1.0;"),
        (("pooling.tau=0",), "tau must be a positive finite number, got 0.0;"),
        (("pooling.tau=nan",), "pooling.tau must be a number, got nan;"),
        (("ks=[0,5]",), "ks must be different cut-offs from 1, got [0, 5]; write ks=[1,5,10]."),
        (("ks=[]",), "ks must be different cut-offs from 1, got [];"),
        (("complement.num_queries=some",), "complement.num_queries must be a count or all, got 'some';"),
        (("statistics.confidence=95",), "confidence"),
        (("statistics.num_replicates=0",), "num_replicates"),
        (("templates=generic", "templates.templates=['a photo']"), "must hold {caption} exactly once, got 'a photo'"),
        (("templates=generic", "templates.templates=[]"), "template set generic must hold a template, got none;"),
        (("templates=file",), "templates.path must be given, got nothing; add templates.path=... to the command."),
        (("templates=file", "templates.path=none.yaml"), "templates.path must name a YAML file, got none.yaml;"),
        (("subset=file",), "subset.path must be given, got nothing; add subset.path=... to the command."),
        (
            ("subset=file", "subset.path=none.csv", "templates=generic"),
            "a subset's file must exist, got none.csv; check subset.path.",
        ),
        (("subset=object", "subset.categories=[colour]"), "colour"),
        (("subset=all",), "templates=matched needs a subset with a category out of"),
        (("dataset.num_images=0",), "num_images"),
        (("backbone=local_dir",), "backbone.model must be given, got nothing;"),
        (("backbone.precision=fp8",), "precision must be one of fp32, bf16, got fp8;"),
        (("tracking.uri=mlruns",), "tracking.uri must be a database or a server, got mlruns;"),
        (("pooling._target_=os.system",), "_target_ must name something of misfire, got os.system for pooling;"),
    ],
)
def test_a_cell_is_refused_before_anything_is_written(
    words: tuple[str, ...], part: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert part in refusal(capsys, "ensemble", *SMALL, *words)
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("words", [("sede=3,4",), ("pooling=max,softmax",), ("pooling=max,mean", "pooling.tau=1")])
def test_a_grid_that_does_not_compose_runs_no_cell(
    words: tuple[str, ...], folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    refusal(capsys, "ensemble", "-m", *SMALL, *words)
    assert [path for path in folder.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize(
    ("words", "part"),
    [
        ((), "sweep needs a name, got none; try `misfire sweep "),
        (("seed=1",), "sweep needs a name, got none;"),
        (("tabel1",), "the sweep must be one of "),
        (("none.yaml",), "or a YAML file, got none.yaml."),
        (("table1", "ks=[1,5]"), "ks must hold 10, by which sweep table1 decides, got [1, 5]; add it."),
        (("table1", "sede=3"), "got sede; did you mean seed?"),
    ],
)
def test_a_sweep_is_refused(
    words: tuple[str, ...], part: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["sweep", *words]) == 2
    error = capsys.readouterr().err
    assert part in error
    assert error.count("\n") == 1
    assert [path for path in folder.rglob("*") if path.is_file()] == []


def test_a_share_of_the_images_that_cannot_be(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = refusal(capsys, "mine", *SMALL, "mined_share=0")
    assert said == (
        "mined_share must be a fraction in (0, 1], got 0.0; 0.5 mines one half of the images, 1 all of them."
    )
    assert not list(folder.rglob("*.safetensors"))


def test_an_empty_subset_says_what_there_is(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ("dataset.num_images=30", "num_failures=2", "trainer=cpu", "seed=0")
    for category in ("object", "attribute", "action", "count", "context", "spatial"):
        code = main(["ensemble", *words, f"subset={category}", "statistics.num_replicates=10"])
        error = capsys.readouterr().err
        if code == 2:
            break
    assert f"misfire: subset {category} must have queries, got 0 of the 150 of world (failure set " in error
    assert "; choose another subset or mine more failures.\n" in error
    assert "Traceback" not in error


def test_a_file_of_no_query_is_refused(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "empty.csv").write_text("query_id\n")
    words = ("subset=file", "subset.path=empty.csv", "templates=generic")
    assert "subset empty must have queries, got 0 of the 30 of world" in refusal(capsys, "ensemble", *SMALL, *words)
    assert [path.name for path in folder.rglob("*")] == ["empty.csv"]


def test_a_query_of_another_dataset_is_refused(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "far.txt").write_text("999999999\n")
    said = refusal(capsys, "ensemble", *SMALL, "subset=file", "subset.path=far.txt", "templates=generic")
    assert said.startswith("the queries of far.txt must belong to dataset world, got 1 (999999999) by id")


def test_doctor_says_how_to_mend_what_does_not_work(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "nothing").mkdir()
    assert main(["doctor", "dataset.num_images=6", "backbone=local_dir", "backbone.model=local-dir:nothing"]) == 1
    lines = capsys.readouterr().out.splitlines()
    (line,) = [line for line in lines if line.startswith("MEND")]
    assert line.split()[1] == "backbone"
    assert "a model's folder must hold open_clip_config.json and its weights, got nothing;" in line


def test_a_report_without_cells_is_refused(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = "a report needs one experiment, got none with a finished cell; run `misfire demo`."
    assert said in refusal(capsys, "report")
    assert not (folder / "report").exists()


def test_a_sweep_s_file_may_look_like_a_setting_to_report_too(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "v1,x=2.yaml").write_text(
        "{title: t, question: q, decision_rule: r, k: 10, fixed: {seed: 1}, space: {pooling: [max]}}"
    )
    assert refusal(capsys, "report", "v1,x=2.yaml").startswith("a report needs a finished cell, experiment v1,x=2 has")


def test_a_summary_is_left_alone_where_the_store_can_only_be_read(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from types import SimpleNamespace

    from misfire.config.settings import Settings

    ledger = Settings.of_words("ensemble", ["subset=all", "templates=generic"])["tracking"]
    monkeypatch.setattr("misfire.tracking.ledger.exists", lambda _: True)
    monkeypatch.setattr("misfire.tracking.ledger.connect", lambda _: SimpleNamespace(is_read_only=True))
    ledger.summarise(SimpleNamespace(), "", {}, report=folder, made_of="")
    assert list(folder.iterdir()) == []
