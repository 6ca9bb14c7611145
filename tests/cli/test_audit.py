from pathlib import Path

import pytest

from misfire.cli._audit import is_audit, run_audit
from misfire.core.errors import UsageError


def test_audit_says_what_counts_support(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "counts.csv"
    path.write_text("label,n,baseline_hits,ensembled_hits\naction,24,11,16\n")
    words = [f"audit={path}", "mined=true", f"paths.report={tmp_path / 'out'}"]
    assert is_audit(words)
    assert run_audit(words) == 0
    printed = capsys.readouterr().out
    assert "May be concluded: The comparison shows no difference that luck couldn't make" in printed
    assert "the true one may be anything from -16.2 to +52.5 points" in printed
    assert (tmp_path / "out" / "audit_counts.csv" / "audit.html").is_file()


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("subset=object", r"an audit takes audit=, mined=, paths\.report= and nothing else, got subset=object"),
        ("mined=yes", r"mined must be true or false, got 'yes'"),
    ],
)
def test_other_words_are_refused_and_nothing_is_written(tmp_path: Path, word: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        run_audit([f"audit={tmp_path / 'gone.csv'}", word, f"paths.report={tmp_path / 'out'}"])
    assert not (tmp_path / "out").exists()
