"""What the command line answers before it works: help, exit codes, and one sentence an error."""

import contextlib
import gc
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import misfire
from misfire.cli import _entry, main
from misfire.config.explanation import examples, keys_of
from misfire.config.groups import groups_of, primaries
from misfire.core.errors import IntegrityError, UsageError


def error_of(capsys: pytest.CaptureFixture[str]) -> str:
    """The one line that stands on standard error."""
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith("misfire: ")
    assert shown.err.count("\n") == 1
    return shown.err.removeprefix("misfire: ").rstrip("\n")


@pytest.mark.parametrize("words", [[], ["--help"], ["-h"], ["help"]])
def test_help_lists_every_verb_with_what_it_does(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 0
    lines = capsys.readouterr().out.splitlines()
    for verb in _entry.verbs():
        (line,) = [line for line in lines if line.split()[:1] == [verb]]
        assert len(line.split()) > 3
        assert len(line) <= 130
    assert any(line.startswith("Exit codes: 0 done, 1 some cells failed, 2 wrong usage") for line in lines)


def test_the_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"misfire {misfire.__version__}\n"


def test_the_verbs_are_those_of_the_design() -> None:
    assert {"demo", "doctor", "embed", "evaluate", "mine", "ensemble", "sweep", "report", "ui"} <= set(_entry.verbs())


@pytest.mark.parametrize(
    ("verb", "hint"),
    [("ensembel", "did you mean ensemble?"), ("minne", "did you mean mine?"), ("xyzzy", "see `misfire --help`.")],
)
def test_an_unknown_verb_is_answered_with_the_nearest(verb: str, hint: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([verb]) == 2
    assert error_of(capsys) == f"the verb must be one of {', '.join(_entry.verbs())}, got {verb}; {hint}"


@pytest.mark.parametrize(("error", "code"), [(UsageError("wrong"), 2), (IntegrityError("damaged"), 3)])
def test_an_error_is_its_sentence_and_its_code(
    error: Exception, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(words: list[str]) -> int:
        raise error

    from misfire.cli import doctor

    monkeypatch.setattr(doctor, "run", refuse)
    assert main(["doctor"]) == code
    assert error_of(capsys) == str(error)


def test_cycles_are_looked_for_seldom_while_a_command_runs_and_as_before_afterwards(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: list[int] = []

    def run(words: list[str]) -> int:
        seen.append(gc.get_threshold()[0])
        raise UsageError("stopped here.")

    monkeypatch.setattr("misfire.cli.doctor.run", run)
    before = gc.get_threshold()
    assert main(["doctor"]) == 2
    assert seen[0] >= 10 * before[0]
    assert gc.get_threshold() == before


def test_an_interrupt_says_how_to_go_on(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def interrupt(words: list[str]) -> int:
        raise KeyboardInterrupt

    from misfire.cli import doctor

    monkeypatch.setattr(doctor, "run", interrupt)
    assert main(["doctor"]) == 130
    assert error_of(capsys) == "stopped; issue the same command again to go on."


@pytest.mark.parametrize(("name", "code"), [("SIGINT", 130), ("SIGTERM", 143), ("SIGHUP", 129)])
def test_a_signal_says_how_to_go_on(
    name: str, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def swallow(words: list[str]) -> int:
        with contextlib.suppress(BaseException):
            signal.raise_signal(getattr(signal, name))
        return 0

    monkeypatch.setattr("misfire.cli.doctor.run", swallow)
    monkeypatch.setattr(sys, "unraisablehook", sys.unraisablehook)
    assert main(["doctor"]) == code
    assert error_of(capsys) == "stopped; issue the same command again to go on."


@pytest.mark.parametrize("verb", _entry.verbs())
def test_every_verb_explains_itself(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([verb, "--help"]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith(f"misfire {verb}")
    assert _entry.summary(verb) in printed


def test_a_verb_s_help_lists_its_own_groups_and_keys_with_what_they_mean(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ensemble", "pooling=max", "-h"]) == 0
    printed = capsys.readouterr().out
    assert "  pooling     max; embedding_mean, logmeanexp, logsumexp, mean, profile\n" in printed
    assert "pooling.tau" not in printed
    assert "of the top-1 failures, a fixed sample\n" in printed
    assert printed.count("\n  misfire ensemble ") == 2
    assert main(["evaluate", "--help"]) == 0
    assert "pooling" not in capsys.readouterr().out


@pytest.mark.parametrize("verb", primaries())
def test_every_key_of_a_verb_s_own_says_what_it_is(verb: str) -> None:
    own = keys_of(primaries()[verb])
    silent = [key.name for key in own if not key.comment]
    assert [name for name in silent if name.partition(".")[0] not in (*groups_of(verb), "cell")] == []
    assert len(examples(verb)) >= 2


@pytest.mark.parametrize("verb", _entry.verbs())
def test_an_unknown_flag_is_refused(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([verb, "--foo"]) == 2
    assert error_of(capsys) == "a flag must be -m or --help, got 1 (--foo); settings are written key=value."


def test_the_installed_command_ends_with_its_code(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "misfire", "ensembel"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "did you mean ensemble?" in done.stderr
    assert "Traceback" not in done.stderr


def test_help_imports_nothing_heavy() -> None:
    heavy = ("torch", "mlflow", "hydra", "omegaconf", "pandas", "numpy", "pyarrow", "matplotlib", "open_clip", "PIL")
    script = (
        "import sys\nfrom misfire.cli import main\n"
        f"codes = [main(words) for words in {[['--help'], *([verb, '--help'] for verb in _entry.verbs())]!r}]\n"
        f"print('LOADED', [name for name in {heavy!r} if name in sys.modules])\nsys.exit(max(codes))\n"
    )
    environment = {key: value for key, value in os.environ.items() if not key.startswith("COV")}
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "LOADED []"


def test_a_word_is_refused_before_anything_heavy_is_imported(tmp_path: Path) -> None:
    heavy = ("torch", "mlflow", "pandas", "matplotlib", "open_clip")
    asked = [[verb, *(["table1"] if verb == "sweep" else ["tau_search"] if verb == "search" else []), "sede=3"]
             for verb in _entry.verbs()]  # fmt: skip
    script = (
        f"import sys\nfrom misfire.cli import main\ncodes = [main(words) for words in {asked!r}]\n"
        f"print(set(codes), [name for name in {heavy!r} if name in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.stdout == "{2} []\n", done.stderr


def test_help_says_what_may_be_said(capsys: pytest.CaptureFixture[str]) -> None:
    for verb, part in {
        "annotate": "  import  ",
        "search": "  num_trials  ",
        "report": "  audit  ",
        "sweep": "table1, tau, ",
    }.items():
        assert main([verb, "--help"]) == 0
        assert part in capsys.readouterr().out
