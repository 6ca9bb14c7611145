"""A page of one file to browse failure modes: sorted by any column, each with its lattice and a contact sheet."""

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

from misfire.core.words import UNDEFINED, p_value, plain_count

if TYPE_CHECKING:
    from misfire.data import Image

_SIDE = 96
_MOST_WITH_PICTURES = 40
_NODE_WIDTH, _NODE_HEIGHT, _NODE_GAP, _LEVEL_GAP = 148, 40, 14, 34
_CHARACTERS_OF_A_NODE = 22


@dataclass(frozen=True)
class PageNode:
    """A subset of a mode's tags: the class as a whole where there are none."""

    words: tuple[str, ...]
    support: int
    num_correct: int

    @property
    def accuracy_in_words(self) -> str:
        """Accuracy in percent, with its images."""
        accuracy = f"{100 * self.num_correct / self.support:.1f} %" if self.support else UNDEFINED
        return f"{accuracy} (n={self.support:,})"


@dataclass(frozen=True, eq=False)
class PagePicture:
    """An image of a mode, what it was called, and whether that is right."""

    image: "Image"
    called: str
    is_right: bool


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
        survives: Whether it survives correction.
        explained_by: The mode in which its errors lie, where it survives and doesn't stand by itself.
        lattice: Accuracies of all subsets of the tags, smaller ones first.
        pictures: Some of its images.
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
    survives: bool
    explained_by: str
    lattice: tuple[PageNode, ...]
    pictures: tuple[PagePicture, ...] = ()


_HEADERS = ("mode", "wrong", "images", "drop, pp", "held out, %", "p", "q", "family-wise p", "stands")
_STYLE = """
:root { color-scheme: light dark; --paper: #fff; --ink: #1c1e21; --soft: #5b6168; --line: #d9dde1; --tint: #f4f6f8;
  --right: #0072b2; --wrong: #d55e00; }
@media (prefers-color-scheme: dark) { :root { --paper: #15181b; --ink: #e6e8ea; --soft: #a2a9b0; --line: #363c42;
  --tint: #1e2327; --right: #6cbcec; --wrong: #f0863c; } }
body { font: 15px/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 85rem; padding: 1.5rem 1rem 3rem;
  background: var(--paper); color: var(--ink); }
p { max-width: 46rem; }
.scroll { overflow-x: auto; border: 1px solid var(--line); border-radius: 6px; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; font-size: .87rem; }
th, td { padding: .35rem .6rem; text-align: right; white-space: nowrap; }
th { background: var(--tint); }
tbody { border-top: 1px solid var(--line); }
th:first-child, td:first-child, th:last-child, td:last-child { text-align: left; }
button { font: inherit; color: inherit; background: none; border: 0; cursor: pointer; padding: 0; text-align: inherit; }
th button { font-weight: 600; }
th[aria-sort=ascending] button::after { content: " \\25B2"; }
th[aria-sort=descending] button::after { content: " \\25BC"; }
td button::before { content: "\\25B8\\00a0"; color: var(--soft); }
td button[aria-expanded=true]::before { content: "\\25BE\\00a0"; }
tbody.falls { color: var(--soft); }
.more td { background: var(--tint); color: var(--ink); white-space: normal; }
.more td > div { position: sticky; left: .6rem; max-width: min(82rem, calc(100vw - 3.5rem)); }
.lattice { overflow-x: auto; } .lattice svg { display: block; margin: .4rem 0 .8rem; }
.lattice rect { fill: var(--paper); stroke: var(--line); } .lattice .worst { stroke: var(--wrong); stroke-width: 2; }
.lattice line { stroke: var(--soft); stroke-opacity: .5; }
.lattice text { fill: var(--ink); font-size: 12px; text-anchor: middle; } .lattice .number { fill: var(--soft); }
.pictures { display: flex; flex-wrap: wrap; gap: .5rem; }
figure { margin: 0; width: 102px; font-size: 12px; text-align: center; overflow: hidden; text-overflow: ellipsis; }
img { display: block; margin: 0 auto; width: 96px; height: 96px; object-fit: contain; border: 3px solid var(--wrong); }
.right img { border-color: var(--right); } .small { image-rendering: pixelated; }
"""
_SCRIPT = """
const table = document.querySelector("table");
for (const [column, header] of [...document.querySelectorAll("th")].entries()) {
  header.querySelector("button").addEventListener("click", () => {
    const goesUp = header.getAttribute("aria-sort") === "descending";
    for (const other of document.querySelectorAll("th")) other.removeAttribute("aria-sort");
    header.setAttribute("aria-sort", goesUp ? "ascending" : "descending");
    const key = body => body.rows[0].cells[column].dataset.value;
    const isText = column === 0 || column === 8;
    const compare = (a, b) => isText ? key(a).localeCompare(key(b)) : key(a) - key(b);
    [...table.tBodies].sort((a, b) => (goesUp ? 1 : -1) * compare(a, b)).forEach(body => table.append(body));
  });
}
for (const button of document.querySelectorAll("td button")) {
  button.addEventListener("click", () => {
    const more = button.closest("tbody").rows[1];
    more.hidden = !more.hidden;
    button.setAttribute("aria-expanded", String(!more.hidden));
  });
}
document.querySelector("#only").addEventListener("change", event => {
  for (const body of document.querySelectorAll("tbody.falls")) body.hidden = event.target.checked;
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
    body = (
        '<p><label><input type="checkbox" id="only"> only modes that stand</label></p>'
        f'<div class="scroll"><table><thead><tr>{headers}</tr></thead>{rows}</table></div>'
        if modes
        else "<p>No mode.</p>"
    )
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body><h1>{escape(title)}</h1>{told}{body}"
        f"<script>{_SCRIPT if modes else ''}</script></body></html>\n"
    )


def stands_in_words(*, survives: bool, explained_by: str) -> str:
    """Whether a mode stands."""
    return "no" if not survives else "in another one" if explained_by else "yes"


def _row(mode: PageMode, *, has_pictures: bool) -> str:
    shown = mode.pictures if has_pictures else ()
    pictures = "".join(_picture(one, place) for place, one in enumerate(shown, start=1))
    held = mode.unseen_accuracy
    stands = stands_in_words(survives=mode.survives, explained_by=mode.explained_by)
    name = f'<button type="button" aria-expanded="false">{escape(mode.notation)}</button>'
    cells = (
        (name, escape(mode.notation, quote=True)),
        (f"{mode.num_wrong:,}", mode.num_wrong),
        (f"{mode.support:,}", mode.support),
        (f"{100 * mode.drop:.1f}", mode.drop),
        (UNDEFINED if held is None else f"{100 * held:.1f} (n={mode.unseen_support:,})", -1 if held is None else held),
        (p_value(mode.p_value), mode.p_value),
        (p_value(mode.q_value), mode.q_value),
        (p_value(mode.family_wise), mode.family_wise),
        (stands, stands),
    )
    told = "".join(f'<td data-value="{value}">{text}</td>' for text, value in cells)
    held_out = (
        "No unseen image carries these tags."
        if held is None
        else f"Of {plain_count(mode.unseen_support)} unseen images that carry these tags {100 * held:.2f} % are right."
    )
    where = f" Its errors lie in those of {mode.explained_by}." if mode.explained_by else ""
    more = f'<p>{held_out}{escape(where)}</p>{_lattice(mode.lattice)}<div class="pictures">{pictures}</div>'
    return (
        f'<tbody class="{"stays" if stands == "yes" else "falls"}"><tr>{told}</tr>'
        f'<tr class="more" hidden><td colspan="{len(_HEADERS)}"><div>{more}</div></td></tr></tbody>'
    )


def _lattice(nodes: Sequence[PageNode]) -> str:
    """Rows of subsets of one size, from the class to all tags; a line from each to those of a tag more (Figure 3)."""
    levels: dict[int, list[PageNode]] = {}
    for node in nodes:
        levels.setdefault(len(node.words), []).append(node)
    most = max(len(level) for level in levels.values())
    width = most * (_NODE_WIDTH + _NODE_GAP)
    height = len(levels) * (_NODE_HEIGHT + _LEVEL_GAP) - _LEVEL_GAP + 4
    centre: dict[tuple[str, ...], tuple[float, float]] = {}
    for depth, level in levels.items():
        for place, node in enumerate(level):
            left = (width - len(level) * (_NODE_WIDTH + _NODE_GAP)) / 2 + place * (_NODE_WIDTH + _NODE_GAP)
            top = 2 + depth * (_NODE_HEIGHT + _LEVEL_GAP)
            centre[node.words] = (left + (_NODE_WIDTH + _NODE_GAP) / 2, top)
    lines, boxes = [], []
    for node in nodes:
        x, y = centre[node.words]
        for other in levels.get(len(node.words) + 1, ()):
            if set(node.words) < set(other.words):
                to_x, to_y = centre[other.words]
                lines.append(f'<line x1="{x:g}" y1="{y + _NODE_HEIGHT:g}" x2="{to_x:g}" y2="{to_y:g}"/>')
        words = " + ".join(node.words) or "the class"
        short = words if len(words) <= _CHARACTERS_OF_A_NODE else f"{words[: _CHARACTERS_OF_A_NODE - 1]}\u2026"
        whole = ' class="worst"' if node is nodes[-1] else ""
        boxes.append(
            f"<g><title>{escape(words)}: {node.accuracy_in_words}</title>"
            f'<rect{whole} x="{x - _NODE_WIDTH / 2:g}" y="{y:g}" width="{_NODE_WIDTH}" height="{_NODE_HEIGHT}" rx="4"/>'
            f'<text x="{x:g}" y="{y + 16:g}">{escape(short)}</text>'
            f'<text class="number" x="{x:g}" y="{y + 32:g}">{node.accuracy_in_words}</text></g>'
        )
    return (
        f'<div class="lattice"><svg width="{width}" height="{height}" viewBox="0 0 {width} {height}" role="img" '
        f'aria-label="accuracy on each subset of the tags">{"".join(lines)}{"".join(boxes)}</svg></div>'
    )


def _picture(shown: PagePicture, place: int) -> str:
    picture = shown.image.source.load().convert("RGB")
    is_small = max(picture.size) <= _SIDE
    picture.thumbnail((2 * _SIDE, 2 * _SIDE))
    buffer = io.BytesIO()
    picture.save(buffer, format="PNG" if is_small else "JPEG", quality=85)
    data = base64.b64encode(buffer.getvalue()).decode("ascii")
    kind = "png" if is_small else "jpeg"
    pixels = ' class="small"' if is_small else ""
    called = escape(shown.called, quote=True)
    return (
        f'<figure class="{"right" if shown.is_right else "wrong"}" title="{escape(shown.image.label, quote=True)}">'
        f'<img{pixels} src="data:image/{kind};base64,{data}" alt="image {place}, {called}">{called}</figure>'
    )
