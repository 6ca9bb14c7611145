"""Letters find a font that has them; marks stay with their letter; what no font has is named."""

from pathlib import Path

import pytest
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen

from misfire.core.font import font_runs, missing_letters


def write_font(path: Path, letters: str) -> Path:
    """A font whose letters are all one square."""
    pen = TTGlyphPen(None)
    for place, point in enumerate(((0, 0), (0, 800), (800, 800), (800, 0))):
        (pen.lineTo if place else pen.moveTo)(point)
    pen.closePath()
    names = [".notdef", *(f"u{ord(letter):X}" for letter in letters)]
    font = FontBuilder(1000, isTTF=True)
    font.setupGlyphOrder(names)
    font.setupCharacterMap({ord(letter): f"u{ord(letter):X}" for letter in letters})
    font.setupGlyf(dict.fromkeys(names, pen.glyph()))
    font.setupHorizontalMetrics(dict.fromkeys(names, (1000, 0)))
    font.setupHorizontalHeader(ascent=900, descent=-100)
    font.setupNameTable({"familyName": path.stem, "styleName": "Regular"})
    font.setupOS2()
    font.setupPost()
    path.parent.mkdir(parents=True, exist_ok=True)
    font.save(path)
    return path


@pytest.fixture
def fonts(tmp_path: Path) -> tuple[Path, Path, Path]:
    main = write_font(tmp_path / "main" / "main.ttf", "abc \u00e9\u0301")
    chinese = write_font(tmp_path / "others" / "deep" / "NotoSansCJK-Regular.ttf", "\u4e00\u5f20a")
    greek = write_font(tmp_path / "others" / "Aegean.ttf", "\u03b1\u4e00")
    (tmp_path / "others" / "broken.ttf").write_bytes(b"no font")
    (tmp_path / "others" / "readme.txt").touch()
    return main, chinese, greek


def test_a_text_is_cut_where_its_font_changes(fonts: tuple[Path, Path, Path]) -> None:
    main, chinese, greek = fonts
    folders = [chinese.parent.parent]
    assert font_runs("abc", main, folders) == [("abc", main)]
    assert font_runs("", main, folders) == []
    assert font_runs("a\u00e9 \u4e00\u5f20 b\u03b1", main, folders) == [
        ("a\u00e9 ", main), ("\u4e00\u5f20 ", chinese), ("b", main), ("\u03b1", greek)
    ]  # fmt: skip


def test_a_mark_stays_with_its_letter(fonts: tuple[Path, Path, Path]) -> None:
    main, chinese, _ = fonts
    assert font_runs("\u4e00\u0301\ufe0f", main, [chinese.parent]) == [("\u4e00\u0301\ufe0f", chinese)]


def test_letters_that_no_font_has_are_named_once(fonts: tuple[Path, Path, Path]) -> None:
    main, chinese, _ = fonts
    assert font_runs("\u0416\u0416a", main, [chinese.parent]) == [("\u0416\u0416", None), ("a", main)]
    assert missing_letters(["\u0416a\u0416", "\u4e00\u0301", "plain"], main, [chinese.parent]) == "\u0416"
    assert missing_letters(["\u4e00"], main, []) == "\u4e00"
    assert missing_letters(["plain"], main, []) == ""
