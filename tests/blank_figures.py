"""Figures that are blank, for tests of something else."""

import pytest


def draw_blanks(patch: pytest.MonkeyPatch) -> None:
    """Let reports hold a blank in place of each figure."""
    blank = b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1 1"></svg>'
    patch.setattr("misfire.reporting.document.to_svg", lambda figure: blank)
    patch.setattr("misfire.reporting.document.to_png", lambda figure: b"blank")
