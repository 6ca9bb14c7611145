"""Which font of this system has a letter, for texts in scripts that the font we draw with doesn't have."""

import os
import sys
import unicodedata
from collections.abc import Iterable, Sequence
from functools import cache, lru_cache
from pathlib import Path
from typing import Final

from misfire.core.errors import name_some

_ENDINGS: Final = (".ttf", ".otf", ".ttc", ".otc")
# Fonts of many scripts first, so that one text is drawn in few of them.
_MADE_FOR_ALL: Final = ("notosanscjk", "droidsansfallback", "wqy", "unifont", "arialunicode", "noto", "gothic", "sans")
_WITH_THE_LETTER_BEFORE: Final = ("Mn", "Me", "Cf", "Zs", "Cc")


def font_folders() -> tuple[Path, ...]:
    """Where this system and its user keep fonts."""
    home = Path.home()
    if sys.platform == "darwin":
        return (home / "Library/Fonts", Path("/Library/Fonts"), Path("/System/Library/Fonts"))
    if sys.platform == "win32":
        return (Path(os.environ.get("WINDIR", r"C:\Windows")) / "Fonts",)
    return (home / ".local/share/fonts", home / ".fonts", Path("/usr/local/share/fonts"), Path("/usr/share/fonts"))


def font_runs(text: str, main: Path, folders: Sequence[Path] | None = None) -> list[tuple[str, Path | None]]:
    """A text cut where its font changes, each piece with its font; None where no font has its letters.

    Marks, joiners and blanks stay with what stands before them. A text that the main font has is one piece.

    Args:
        text: What is drawn.
        main: The font that is used wherever it can be.
        folders: Where other fonts lie; those of the system if it isn't given.
    """
    if text.isascii():
        return [(text, main)] if text else []
    places = tuple(font_folders() if folders is None else folders)
    runs: list[tuple[str, Path | None]] = []
    for letter in text:
        if runs and unicodedata.category(letter) in _WITH_THE_LETTER_BEFORE:
            runs[-1] = (runs[-1][0] + letter, runs[-1][1])
            continue
        font = _font_of(letter, main, places)
        if runs and runs[-1][1] == font:
            runs[-1] = (runs[-1][0] + letter, font)
        else:
            runs.append((letter, font))
    return runs


def missing_letters(texts: Iterable[str], main: Path, folders: Sequence[Path] | None = None) -> str:
    """The letters of some texts that no font has, each once, in Unicode's order.

    Args:
        texts: What is drawn.
        main: The font that is used wherever it can be.
        folders: Where other fonts lie; those of the system if it isn't given.
    """
    places = tuple(font_folders() if folders is None else folders)
    letters = {letter for text in texts if not text.isascii() for letter in text}
    drawn = (letter for letter in letters if unicodedata.category(letter) not in _WITH_THE_LETTER_BEFORE)
    return "".join(sorted(letter for letter in drawn if _font_of(letter, main, places) is None))


def missing_letters_note(letters: str) -> str:
    """One sentence about letters that are drawn as boxes, for the reader of a picture.

    Example:
        >>> missing_letters_note("一")
        'No font of this system has 1 (一) of the letters, they are drawn as boxes; install one, such as Noto.'
    """
    return (
        f"No font of this system has {name_some(letters, most=12)} of the letters, they are drawn as boxes; install "
        "one, such as Noto."
    )


@cache
def _font_of(letter: str, main: Path, folders: tuple[Path, ...]) -> Path | None:
    """The main font, or else the first other one that has the letter."""
    return next((path for path in (main, *_font_files(folders)) if ord(letter) in _code_points(path)), None)


@lru_cache(maxsize=8)
def _font_files(folders: tuple[Path, ...]) -> tuple[Path, ...]:
    files = [
        Path(place) / name
        for folder in folders
        for place, _, names in os.walk(folder)
        for name in names
        if name.lower().endswith(_ENDINGS)
    ]

    def rank(path: Path) -> tuple[int, bool, str]:
        name = path.stem.lower().replace("-", "").replace("_", "")
        place = next((place for place, word in enumerate(_MADE_FOR_ALL) if word in name), len(_MADE_FOR_ALL))
        return place, "regular" not in name, str(path)

    return tuple(sorted(files, key=rank))


@cache
def _code_points(path: Path) -> frozenset[int]:
    """What a font can draw; nothing where it can't be read, or holds pictures of one size alone."""
    from fontTools.ttLib import TTFont

    try:
        # Of a collection the first: its fonts share their letters and differ in some of their forms.
        with TTFont(path, fontNumber=0, lazy=True) as font:
            has_outlines = any(table in font for table in ("glyf", "CFF ", "CFF2"))
            return frozenset(font.getBestCmap() or ()) if has_outlines else frozenset()
    except Exception:  # what a damaged font makes its reader raise has no common class
        return frozenset()
