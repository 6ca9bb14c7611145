"""A page of one file to browse failure modes: sorted by any column, each with its lattice and a contact sheet."""

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

from misfire.core.words import UNDEFINED, p_value

if TYPE_CHECKING:
    from misfire.data import Image

_SIDE = 96
_MOST_WITH_PICTURES = 40


@dataclass(frozen=True)
class PageNode:
    """A subset of a mode's tags: the class as a whole where there are none."""

    words: tuple[str, ...]
    support: int
    accuracy: float


@dataclass(frozen=True, eq=False)
class PageMode:
    """A mode as the page shows it.

    Args:
        notation: The mode in the paper's notation.
        support: Images that carry all tags.
        num_wrong: On how many of these the model is wrong.
        drop: Class accuracy minus mode accuracy.
        unseen_accuracy: Accuracy on held-out images; None where none carries the tags.
        unseen_support: How many held-out images carry them.
        p_value: By itself.
        q_value: Adjusted for all sets searched.
        family_wise: Chance that shuffled outcomes give any set as extreme.
        stands: Whether it survives correction, and not only by the errors of a more specific mode.
        lattice: Accuracies of all subsets of the tags, smaller ones first.
        images: Pictures of it, and whether the model is right on each.
    """

    notation: str
    support: int
    num_wrong: int
    drop: float
    unseen_accuracy: float | None
    unseen_support: int
    p_value: float
    q_value: float
    family_wise: float
    stands: bool
    lattice: tuple[PageNode, ...]
    images: tuple[tuple["Image", bool], ...] = ()


_HEADERS = ("mode", "wrong", "images", "drop, pp", "held out, %", "p", "q", "family-wise p")
_STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; margin: 2rem auto; max-width: 72rem; padding: 0 1rem; color: #222; }
table { border-collapse: collapse; width: 100%; }
th, td { padding: .3rem .6rem; text-align: right; border-bottom: 1px solid #ddd; vertical-align: top; }
th:first-child, td:first-child { text-align: left; }
th button { font: inherit; font-weight: 600; background: none; border: 0; cursor: pointer; padding: 0; }
th[aria-sort=ascending] button::after { content: " \\25B2"; }
th[aria-sort=descending] button::after { content: " \\25BC"; }
tr.falls { color: #777; } figure { display: inline-block; margin: .3rem; text-align: center; font-size: 12px; }
img { display: block; border: 3px solid #D55E00; image-rendering: pixelated; } .right img { border-color: #0072B2; }
.lattice { display: flex; flex-direction: column; gap: .4rem; align-items: center; margin: .6rem 0; }
.lattice div { display: flex; gap: .6rem; flex-wrap: wrap; justify-content: center; }
.lattice span { border: 1px solid #999; border-radius: 4px; padding: .15rem .5rem; }
"""
_SCRIPT = """
for (const [column, header] of [...document.querySelectorAll("th")].entries()) {
  header.querySelector("button").addEventListener("click", () => {
    const goesUp = header.getAttribute("aria-sort") === "descending";
    for (const other of document.querySelectorAll("th")) other.removeAttribute("aria-sort");
    header.setAttribute("aria-sort", goesUp ? "ascending" : "descending");
    const body = document.querySelector("tbody");
    const key = row => row.cells[column].dataset.value;
    const compare = (a, b) => column ? key(a) - key(b) : key(a).localeCompare(key(b));
    [...body.rows].sort((a, b) => (goesUp ? 1 : -1) * compare(a, b)).forEach(row => body.append(row));
  });
}
document.querySelector("#only").addEventListener("change", event => {
  for (const row of document.querySelectorAll("tr.falls")) row.hidden = event.target.checked;
});
"""


def mode_page(title: str, sentences: Sequence[str], modes: Sequence[PageMode]) -> str:
    """An HTML page that needs no other file and no network.

    Args:
        title: Its heading.
        sentences: What a reader must know first, a paragraph each.
        modes: The modes, in the order in which they are first shown.
    """
    told = "".join(f"<p>{escape(sentence)}</p>" for sentence in sentences)
    headers = "".join(f'<th scope="col"><button type="button">{header}</button></th>' for header in _HEADERS)
    rows = "".join(_row(mode, has_pictures=index < _MOST_WITH_PICTURES) for index, mode in enumerate(modes))
    body = f"<table><thead><tr>{headers}</tr></thead><tbody>{rows}</tbody></table>" if modes else "<p>No mode.</p>"
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f"<style>{_STYLE}</style></head><body><h1>{escape(title)}</h1>{told}"
        '<p><label><input type="checkbox" id="only"> only modes that stand</label></p>'
        f"{body}<script>{_SCRIPT if modes else ''}</script></body></html>\n"
    )


def _row(mode: PageMode, *, has_pictures: bool) -> str:
    pictures = "".join(_picture(image, is_right) for image, is_right in mode.images) if has_pictures else ""
    name = (
        f"<details><summary>{escape(mode.notation)}</summary>{_lattice(mode.lattice)}"
        f"{f'<div>{pictures}</div>' if pictures else ''}</details>"
    )
    held = mode.unseen_accuracy
    cells = (
        (name, escape(mode.notation, quote=True)),
        (f"{mode.num_wrong:,}", mode.num_wrong),
        (f"{mode.support:,}", mode.support),
        (f"{100 * mode.drop:.1f}", mode.drop),
        (UNDEFINED if held is None else f"{100 * held:.1f} (n={mode.unseen_support:,})", -1 if held is None else held),
        (p_value(mode.p_value), mode.p_value),
        (p_value(mode.q_value), mode.q_value),
        (p_value(mode.family_wise), mode.family_wise),
    )
    told = "".join(f'<td data-value="{value}">{text}</td>' for text, value in cells)
    return f'<tr class="{"stays" if mode.stands else "falls"}">{told}</tr>'


def _lattice(nodes: Sequence[PageNode]) -> str:
    """Rows of subsets of one size, from the class to all tags (Figure 3)."""
    levels: dict[int, list[str]] = {}
    for node in nodes:
        words = escape(" + ".join(node.words)) or "the class"
        accuracy = f"{100 * node.accuracy:.1f} %" if node.support else UNDEFINED
        levels.setdefault(len(node.words), []).append(f"<span>{words}: {accuracy} (n={node.support:,})</span>")
    told = "".join(f"<div>{''.join(level)}</div>" for level in levels.values())
    return f'<div class="lattice">{told}</div>'


def _picture(image: "Image", is_right: bool) -> str:
    picture = image.source.load()
    picture.thumbnail((_SIDE, _SIDE))
    buffer = io.BytesIO()
    picture.save(buffer, format="PNG")
    data = base64.b64encode(buffer.getvalue()).decode("ascii")
    told = "right" if is_right else "wrong"
    return (
        f'<figure class="{told}"><img src="data:image/png;base64,{data}" alt="{escape(image.label, quote=True)}">'
        f"{told}</figure>"
    )
