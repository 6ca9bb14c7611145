"""How figures look, and their bytes: the same for the same input; they read on screen, in print and in grey."""

import io
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, wraps
from pathlib import Path
from typing import Any, ParamSpec, TypeVar, final

import matplotlib
from matplotlib import font_manager
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text

from misfire.core.font import font_runs, missing_letters, missing_letters_note
from misfire.core.progress import say

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")

# Okabe and Ito's colours, which colour-blind eyes tell apart, in an order that alternates dark and light.
_COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442", "#999999")
_HATCHES = ("", "////", "..", "xxx", "\\\\\\\\", "oo", "++", "--")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
INK = "#222222"
PALE = "#777777"

_DOTS_PER_INCH = 200
_FONT = "DejaVu Sans"
_STYLE: dict[Any, Any] = {
    "font.family": _FONT,
    "font.size": 9,
    "axes.titlesize": 9.5,
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": PALE,
    "axes.labelcolor": INK,
    "axes.axisbelow": True,
    "xtick.color": INK,
    "ytick.color": INK,
    "text.color": INK,
    "grid.color": "#dddddd",
    "grid.linewidth": 0.6,
    "hatch.linewidth": 0.6,
    "legend.frameon": False,
    "svg.hashsalt": "misfire",
    "svg.fonttype": "path",
}


def colour(index: int) -> str:
    """Colour of the series at this position; they come round again after eight."""
    return _COLOURS[index % len(_COLOURS)]


def hatch(index: int) -> str:
    """Hatch of the series at this position; where the colours come round, the hatches differ."""
    return _HATCHES[(index + index // len(_COLOURS)) % len(_HATCHES)]


@final
@dataclass(frozen=True, eq=False)
class Illustration:
    """A figure with what is said about it.

    Args:
        name: File name without a suffix.
        title: What it shows, one sentence.
        caption: How to read it and how it was made.
        figure: The drawing.
    """

    name: str
    title: str
    caption: str
    figure: Figure


def styled(draw: Callable[Parameters, Result]) -> Callable[Parameters, Result]:
    """Run a drawing function under this module's settings, and leave matplotlib's own as they were."""

    @wraps(draw)
    def drawn(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Result:
        with matplotlib.rc_context(_STYLE):
            return draw(*args, **kwargs)

    return drawn


def new_figure(width: float, height: float) -> Figure:
    """An empty figure of a size in inches, known to no global state."""
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


@styled
def to_png(figure: Figure) -> bytes:
    """The figure as PNG at 200 dots an inch, without a date or a version in it."""
    return _saved(figure, format="png", dpi=_DOTS_PER_INCH, metadata={"Software": None})


@styled
def to_svg(figure: Figure) -> bytes:
    """The figure as SVG, without a date or a version in it; letters are outlines, so that no font is needed."""
    return _saved(figure, format="svg", metadata={"Date": None, "Creator": None})


def _saved(figure: Figure, **how: Any) -> bytes:
    _choose_fonts(figure)
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", r"Glyph \d+ .* missing from")  # said already, in one sentence
        figure.savefig(buffer, **how)
    return buffer.getvalue()


def _choose_fonts(figure: Figure) -> None:
    """Give texts in scripts that our font doesn't have those of the system that do, and name letters that none has."""
    for axes in figure.axes:
        axes.get_xticklabels(), axes.get_yticklabels()  # made when they are asked for, and then found below
    foreign = [one for one in figure.findobj(Text) if isinstance(one, Text) and not one.get_text().isascii()]
    main = Path(font_manager.findfont(_FONT))
    missing = missing_letters((one.get_text() for one in foreign), main)
    if missing:
        _say_once(missing_letters_note(missing))
    for one in foreign:
        fonts = {font for _, font in font_runs(one.get_text(), main) if font not in (main, None)}
        if fonts:
            one.set_fontfamily([_FONT, *(_family(font) for font in sorted(fonts) if font)])


@cache
def _family(font: Path) -> str:
    """What matplotlib calls a font, which it knows from now on."""
    font_manager.fontManager.addfont(font)
    return str(font_manager.FontProperties(fname=font).get_name())


@cache
def _say_once(sentence: str) -> None:
    say(sentence)
