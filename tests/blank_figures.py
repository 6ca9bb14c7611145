"""Figures that are blank, for tests of something else."""

from typing import Any

import pytest

_BLANKS = {"svg": b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1 1"></svg>', "png": b"blank"}


def draw_blanks(patch: pytest.MonkeyPatch) -> None:
    """Let reports hold a blank in place of each figure."""

    def saved(figure: object, *, format: str, **_: Any) -> bytes:
        return _BLANKS[format]

    patch.setattr("misfire.reporting.figure._saved", saved)
