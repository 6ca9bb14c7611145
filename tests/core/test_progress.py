import pytest

from misfire.core import progress


def test_items_pass_through_and_lines_say_how_many_are_left(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "_SECONDS_BETWEEN_LINES", 0.0)
    assert list(progress.track("abc", total=5, what="Letters", unit=2)) == ["a", "b", "c"]
    lines = capsys.readouterr().err.splitlines()
    assert [line.split(", ")[0] for line in lines] == ["Letters: 2 of 5", "Letters: 4 of 5"]
