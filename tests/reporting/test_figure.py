"""Letters that the figures' own font doesn't have: drawn with one of the system, or named."""

from pathlib import Path

import pytest

from misfire.core import font
from misfire.reporting import figure
from misfire.reporting.figure import new_figure, to_png, to_svg
from tests.core.test_font import write_font


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(font, "font_folders", lambda: (tmp_path,))
    figure._say_once.cache_clear()
    return tmp_path


def drawn(words: str) -> "figure.Figure":
    made = new_figure(3, 2)
    axes = made.add_subplot(title=words)
    axes.set_xticks([0, 1], [words, "plain"])
    axes.plot([0, 1], label=words)
    axes.legend()
    return made


@pytest.mark.filterwarnings("error")
def test_a_font_of_the_system_is_used_where_ours_has_no_letter(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    boxes = to_png(drawn("\u56fe\u7247"))
    assert "No font of this system has 2 (\u56fe, \u7247) of the letters" in capsys.readouterr().err
    write_font(folder / "other" / f"Squares{folder.name}.ttf", "\u56fe\u7247")
    font._font_files.cache_clear()
    font._font_of.cache_clear()
    assert to_png(drawn("\u56fe\u7247")) != boxes
    assert to_svg(drawn("\u56fe\u7247")) == to_svg(drawn("\u56fe\u7247"))
    assert capsys.readouterr().err == ""


def test_a_missing_letter_is_named_once(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for _ in range(2):
        to_png(drawn("\u56fe"))
    assert capsys.readouterr().err.count("\n") == 1


def test_texts_that_our_font_has_are_left_alone(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = drawn("gr\u00f6\u00dfe \u03b1")
    before = made.axes[0].title.get_fontfamily()
    to_png(made)
    assert capsys.readouterr().err == ""
    assert made.axes[0].title.get_fontfamily() == before
