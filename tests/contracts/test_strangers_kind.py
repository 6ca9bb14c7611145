"""A method that nobody here has heard of: one room, one kind of cell, its configuration and its part of the report.

It lies in ``toy/toyroom`` and is found as an installed package is, by an entry point. Nothing under ``src/`` knows it.
"""

import os
import signal
from collections.abc import Sequence
from pathlib import Path

import pytest

from misfire.cells import Logged, Question, ReportPart
from misfire.cli import main

SEVERAL = ("-m", "rule=at_least,at_most", "rule.num_words=1,2,3")


def test_its_verb_is_listed_and_explained(toyroom: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    assert "wordiness   Say how many of some texts pass a rule.\n" in capsys.readouterr().out
    assert main(["wordiness", "--help"]) == 0
    said = capsys.readouterr().out
    assert "rule        at_least; at_most" in said
    assert "misfire wordiness rule=at_most rule.num_words=3" in said
    (line,) = [line for line in said.splitlines() if "rule.num_words  " in line]
    assert line.split() == ["rule.num_words", "3", "the", "bound"]
    assert "backbone" not in said
    assert not list(toyroom.iterdir())


def test_one_cell_is_run_once_and_told_every_time(toyroom: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from toyroom.cell import INTERRUPTIONS

    ran: list[str] = []
    INTERRUPTIONS.append(lambda rule: ran.append(rule.name))
    for _ in range(2):
        assert main(["wordiness", "rule=at_most", "rule.num_words=2"]) == 0
        said = capsys.readouterr().out.splitlines()
        assert said[0] == "at most 2: 50% of the texts pass."
        assert "misfire report wordiness" in said[1]
    assert ran == ["at most 2"]


def test_a_grid_runs_each_cell_once_and_writes_a_report(toyroom: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["wordiness", *SEVERAL]) == 0
    out, err = capsys.readouterr()
    assert "6 cells: 6 done" in out
    assert "Answer: Most texts pass at least 1." in out
    assert err.count("           done  ") == 6
    page = (toyroom / "report" / "wordiness" / "report.html").read_text()
    assert "Which rule most texts pass" in page
    assert "at most 3" in page
    assert main(["wordiness", *SEVERAL]) == 0
    out, err = capsys.readouterr()
    assert "6 cells: 6 finished before" in out
    assert (toyroom / "report" / "wordiness" / "report.html").read_text() == page


def test_a_failing_cell_stops_no_other_and_can_be_repeated(toyroom: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["wordiness", "-m", "rule.num_words=1,-1"]) == 1
    out, err = capsys.readouterr()
    assert "2 cells: 1 done, 1 failed" in out
    assert "failed: rule.num_words must be >= 0, got -1; take 3." in err
    assert "again: misfire wordiness rule.num_words=-1" in err


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["sede=3"], "a key must be one of the configuration's, got sede; did you mean seed?"),
        (
            ["rule.num_word=3"],
            "a key must be one of the configuration's, got rule.num_word; did you mean rule.num_words?",
        ),
        (
            ["rule=at_leest"],
            "rule must be one of its choices, got at_leest; did you mean at_least? There are at_least, at_most.",
        ),
        (["seed=abc"], "seed must be a whole number, got abc; write seed=3."),
        (["seed=-1"], "seed must be a whole number from 0, got -1; write seed=42."),
        (["side=left"], "side must be one of dev, test or null, got left; write side=dev."),
        (["rule.num_words=many"], "rule.num_words must be a whole number, got many; write rule.num_words=3."),
        (
            ["pooling=max"],
            "a key must be one that misfire wordiness reads, got pooling, which it doesn't; "
            "`misfire wordiness --help` lists its keys.",
        ),
        (
            ["rule.num_words=1,2"],
            "rule.num_words must have one value, got 1,2; add -m to run one job for each, or quote it.",
        ),
    ],
)
def test_what_is_wrong_is_one_sentence_and_leaves_nothing(
    toyroom: Path, capsys: pytest.CaptureFixture[str], words: list[str], sentence: str
) -> None:
    assert main(["wordiness", *words]) == 2
    assert capsys.readouterr().err == f"misfire: {sentence}\n"
    assert not list(toyroom.iterdir())


def test_a_killed_grid_goes_on_where_it_was(toyroom: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from toyroom.cell import INTERRUPTIONS

    child = os.fork()
    if child == 0:
        INTERRUPTIONS.append(lambda rule: os.kill(os.getpid(), signal.SIGKILL) if rule.name == "at most 1" else None)
        main(["wordiness", *SEVERAL])
        os._exit(0)
    _, status = os.waitpid(child, 0)
    assert os.WTERMSIG(status) == signal.SIGKILL
    assert main(["wordiness", *SEVERAL]) == 0
    assert "6 cells: 3 done, 3 finished before" in capsys.readouterr().out


def write_sweep(folder: Path, **changed: object) -> str:
    import yaml

    content = {
        "title": "Words",
        "question": "Which rule do most texts pass?",
        "decision_rule": "The greatest share.",
        "verb": "wordiness",
        "space": {"rule": ["at_least", "at_most"], "rule.num_words": [1, 2]},
        **changed,
    }
    path = folder / "größe, (1).yaml"
    path.write_text(yaml.safe_dump(content, sort_keys=False, allow_unicode=True))
    return str(path)


def test_a_sweep_asks_its_question_of_it(toyroom: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write_sweep(toyroom)
    for ending in ("4 done", "4 finished before"):
        assert main(["sweep", path]) == 0
        out = capsys.readouterr().out
        assert out.startswith("Words\nQuestion: Which rule do most texts pass?\nDecision rule: The greatest share.\n")
        assert f"4 cells: {ending}" in out
    page = (toyroom / "report" / "größe, (1)" / "report.html").read_text()
    assert "Which rule do most texts pass?" in page
    assert "The greatest share." in page
    assert main(["report", path, "tracking=toy"]) == 0
    assert "Answer: Most texts pass at least 1." in capsys.readouterr().out
    assert (toyroom / "report" / "größe, (1)" / "report.html").read_text() == page


def test_a_report_is_made_again_only_where_something_in_it_has_changed(
    toyroom: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from toyroom.cell import WordinessCell

    made: list[int] = []
    original = WordinessCell.report

    def report(cells: Sequence[Logged], question: Question) -> ReportPart:
        made.append(len(cells))
        return original(cells, question)

    monkeypatch.setattr(WordinessCell, "report", report)
    path, page = write_sweep(toyroom), toyroom / "report" / "größe, (1)" / "report.html"
    for _ in range(2):
        assert main(["sweep", path]) == 0
        assert "Answer: Most texts pass at least 1." in capsys.readouterr().out
    assert made == [4]
    write_sweep(toyroom, question="And now?")
    assert main(["sweep", path]) == 0
    assert "And now?" in page.read_text()
    assert main(["report", path, "tracking=toy"]) == 0  # whoever asks for a report gets a new one
    assert made == [4, 4, 4]
    page.unlink()
    assert main(["sweep", path]) == 0
    assert page.is_file()
    space = {"rule": ["at_least", "at_most"], "rule.num_words": [1, 2, 3]}
    write_sweep(toyroom, question="And now?", space=space)  # nothing but its cells has changed
    assert main(["sweep", path]) == 0
    assert made == [4, 4, 4, 4, 6]


def test_a_report_without_a_name_is_of_the_one_experiment_that_there_is(
    toyroom: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["report", "tracking=toy"]) == 2
    assert (
        "a report needs one experiment, got none with a finished cell; run `misfire demo`." in capsys.readouterr().err
    )
    assert main(["report", "nosuch", "tracking=toy"]) == 2
    assert "experiment nosuch has none" in capsys.readouterr().err
    assert not list(toyroom.iterdir())
    assert main(["wordiness"]) == 0
    assert main(["report", "tracking=toy"]) == 0
    assert (toyroom / "report" / "wordiness" / "report.html").is_file()
    assert main(["wordiness", "tracking.experiment=other"]) == 0
    assert main(["report", "tracking=toy"]) == 2
    assert "got 2 (other, wordiness); name one: `misfire report other`." in capsys.readouterr().err


SEARCH = {
    "walk": "tpe",
    "objectives": ["share", "words"],
    "num_trials": 6,
    "batch": 2,
    "space": {"rule": ["at_least", "at_most"], "rule.num_words": [1, 2, 3, 4, 5]},
}


@pytest.mark.usefixtures("undrawn")
def test_a_search_compares_on_dev_and_reads_its_winner_on_test(
    toyroom: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from toyroom.cell import INTERRUPTIONS

    ran: list[str] = []
    INTERRUPTIONS.append(lambda rule: ran.append(rule.name))
    path = write_sweep(toyroom, **SEARCH)
    for _ in range(2):
        assert main(["search", path]) == 0
        out = capsys.readouterr().out
        assert "6 trials of größe, (1): 6 finished" in out
        assert " wins. texts that pass (%): " in out
    page = (toyroom / "report" / "größe, (1)" / "report.html").read_text()
    assert "The winner on both sides" in page
    assert "Every trial." in page
    assert len(ran) == len(set(ran)) + 1, "six settings on dev, and the best of them once on test"
    assert main(["report", path, "tracking=toy"]) == 0
    assert (toyroom / "report" / "größe, (1)" / "report.html").read_text() == page


@pytest.mark.usefixtures("undrawn")
def test_a_search_s_winner_keeps_to_its_constraints(toyroom: Path, capsys: pytest.CaptureFixture[str]) -> None:
    free = {**SEARCH, "walk": "grid", "objectives": ["share"], "num_trials": 10}
    assert main(["search", write_sweep(toyroom, **free)]) == 0
    assert "rule=at_least num_words=1" in capsys.readouterr().out
    bound = write_sweep(toyroom, **free, constraints={"words": {"at_most": 6}})
    assert main(["search", bound, "tracking.experiment=bound"]) == 0
    assert "num_words=1 (trial" not in capsys.readouterr().out.partition("Answer")[2].partition("rule=at_most")[0]


@pytest.mark.usefixtures("undrawn")
def test_a_launcher_of_hydra_s_runs_the_same_cells(toyroom: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["wordiness", *SEVERAL, "hydra/launcher=basic"]) == 0
    assert "6 cells: 6 done" in capsys.readouterr().out
    assert main(["wordiness", *SEVERAL]) == 0
    assert "6 cells: 6 finished before" in capsys.readouterr().out
    assert main(["wordiness", *SEVERAL, "hydra/launcher=zzzz"]) == 2
    assert "Could not find 'hydra/launcher/zzzz'" in capsys.readouterr().err
    assert main(["search", write_sweep(toyroom, **SEARCH), "hydra/launcher=basic", "at_once=2"]) == 0
    assert "6 trials of größe, (1): 6 finished" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (("hydra/launcher=basic",), "a launcher must have several cells to launch, got hydra/launcher=basic without;"),
        (("-m", "hydra.job.chdir=true"), "a launcher must have several cells to launch, got hydra.job.chdir=true"),
        (
            ("-m", "hydra/launcher=basic", "hydra.job.chdir=true"),
            "Hydra's words must choose a launcher or set it up, got hydra.job.chdir=true;",
        ),
        (("-m", "tracking.experiment=a,b"), "the cells of a grid must share where they run and are kept"),
        (("-m", "rule=glob(zz*)"), "a grid must have a cell, got none for misfire wordiness;"),
    ],
)
def test_what_a_grid_can_t_be_told_is_refused(
    toyroom: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], part: str
) -> None:
    assert main(["wordiness", *words]) == 2
    assert part in capsys.readouterr().err
    assert not list(toyroom.iterdir())


def test_mlflow_keeps_it_as_any_other(toyroom: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Killed and resumed, in a grid, searched and reported: all in a store that MLflow's own client reads."""
    from mlflow.tracking import MlflowClient
    from toyroom.cell import INTERRUPTIONS

    local = ("tracking=local", "tracking.experiment=words")
    child = os.fork()
    if child == 0:
        INTERRUPTIONS.append(lambda rule: os.kill(os.getpid(), signal.SIGKILL) if rule.name == "at most 1" else None)
        main(["wordiness", *SEVERAL, *local])
        os._exit(0)
    assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGKILL
    assert main(["wordiness", *SEVERAL, *local]) == 0
    out = capsys.readouterr().out
    assert "6 cells: 3 done, 3 finished before" in out
    assert "Answer: Most texts pass at least 1." in out
    page = toyroom / "report" / "words" / "report.html"
    before = page.read_bytes()
    assert main(["report", "words", "tracking=local"]) == 0
    assert page.read_bytes() == before

    client = MlflowClient(f"sqlite:///{toyroom}/mlruns/mlflow.db")

    def runs(name: str) -> dict[str, dict[str, float]]:
        experiment = client.get_experiment_by_name(name)
        assert experiment is not None
        found = client.search_runs([experiment.experiment_id], "attributes.status = 'FINISHED'")
        kind = [run for run in found if run.data.tags["misfire.kind"] == "wordiness"]
        return {" ".join(run.data.params.values()): dict(run.data.metrics) for run in kind}

    metrics = runs("words")
    assert sorted(metrics) == sorted(f"{rule} {num} all" for rule in ("at least", "at most") for num in (1, 2, 3))
    assert metrics["at most 2 all"] == {"share": 0.5, "words": 6.0}

    path = write_sweep(toyroom, **SEARCH, constraints={"words": {"at_most": 6}})
    for _ in range(2):
        assert main(["search", path, "tracking=local"]) == 0
        assert "6 trials of größe, (1): 6 finished" in capsys.readouterr().out
    assert sorted(params.rpartition(" ")[2] for params in runs("größe, (1)")) == [*["dev"] * 6, "test"]
