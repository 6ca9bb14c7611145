"""What PRIME searches have to say: the modes of one, and which setting finds modes that hold among several."""

import json
from collections.abc import Sequence
from itertools import pairwise, product
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from misfire.cells import Estimate, Logged, ReportPart, in_words
from misfire.core.words import UNDEFINED, p_value, percent, plain_count, unsigned_points
from misfire.methods.modes.mode_page import PageNode, stands_in_words
from misfire.reporting.figure import INK, PALE, Illustration, colour, new_figure, styled
from misfire.reporting.section import Section
from misfire.reporting.table import Column, Entry, Source, Table

if TYPE_CHECKING:
    from misfire.cells.estimates import Estimates

_MOST_ROWS = 40
_SETTINGS = ("min_support", "min_drop", "max_size", "width", "seed")
_NUMBERS = (
    ("modes", "", "modes"),
    ("surviving", "", "survive"),
    ("standing", "", "stand"),
    ("expected_by_chance", "", "by chance"),
    ("found_drop", "all", "found drop"),
    ("unseen_drop", "all", "unseen drop"),
    ("correlation", "all", "correlation"),
    ("still_drops", "all", "still drop"),
    ("unseen_drop", "standing", "unseen drop, standing"),
)


def told(logged: Logged) -> str:
    """What the command line prints of one search: what was found and what it is worth, then the first modes."""
    failures = failures_of(logged)
    lines = [*logged.facts["sentences"], ""]
    shown = failures[failures["stands"]] if len(failures) and failures["stands"].any() else failures
    for row in rows_of(shown.head(20)):
        held = (
            f"held out {percent(row['unseen_correct'], row['unseen_support'])} %, n={row['unseen_support']}"
            if (row["unseen_support"])
            else "not held out"
        )
        lines.append(
            f"  {row['mode']}  {held}, q {p_value(row['q_value'])}{'' if row['survives'] else ' (does not survive)'}"
        )
    if len(shown) > 20:
        lines.append(f"  ... and {len(shown) - 20} more in modes.html")
    return "\n".join(lines)


def prime_part(cells: Sequence[Logged]) -> ReportPart:
    """The report's part: a table of settings where there are several searches, then the modes of the one that holds.

    Args:
        cells: Finished searches, at least one.
    """
    best = max(cells, key=lambda cell: _quality(cell.estimates))
    sources = tuple(Source(cell.id, cell.url, dict(cell.label)) for cell in cells)
    settings = Section(
        "prime_settings", "Which setting finds modes that hold", tables=(settings_table(cells, sources),)
    )
    failures = failures_of(best)
    figures = tuple(one for one in (drops_figure(failures), lattice_figure(failures)) if one is not None)
    modes = Section(
        "prime_modes",
        "Failure modes",
        sentences=tuple(best.facts["sentences"]),
        tables=(modes_table(failures, Source(best.id, best.url, dict(best.label))),),
        illustrations=figures,
    )
    return ReportPart(
        sections=(settings, modes) if len(cells) > 1 else (modes,),
        answer=_answer(best, cells),
        sources=sources,
        method=(
            "Modes are minimal sets of tags with enough images and a large enough drop, found exhaustively and "
            "compared on counts; p-values are hypergeometric within the class, or within fine classes where these are "
            "known.",
            "A mode survives if its p-value does, adjusted for all sets that were searched, and that of its least "
            "necessary tag, adjusted for the modes that survive so far; it stands if its images are bad, too, beyond "
            "those of the modes of its class that stand before it.",
        ),
        deciding=best.estimates.find("still_drops", group="all"),
    )


def rows_of(records: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows of a table of modes by column."""
    return [{str(name): value for name, value in row.items()} for row in records.to_dict("records")]


def failures_of(logged: Logged) -> pd.DataFrame:
    """A search's failure modes, by the number of errors."""
    records = logged.records
    return records[~records["is_success"].astype(bool)] if len(records) else records


def settings_table(cells: Sequence[Logged], sources: tuple[Source, ...]) -> Table:
    """A row a search: its setting, how many modes it found, and how these do on unseen images."""
    labels = _varied(cells) or ["min_support"]
    rows = []
    for cell in cells:
        numbers = [cell.estimates.find(metric, group=group) for metric, group, _ in _NUMBERS]
        rows.append(
            (
                *(Entry(cell.label.get(name, UNDEFINED), (cell.label.get(name),)) for name in labels),
                *(_entry(one) for one in numbers),
            )
        )
    return Table(
        name="prime_settings",
        title=f"Modes of {plain_count(len(cells))} searches and how they hold on unseen images.",
        columns=(
            *(Column(name, (name,)) for name in labels),
            *(Column(header, (f"{metric}_{group}".rstrip("_"),)) for metric, group, header in _NUMBERS),
        ),
        rows=tuple(rows),
        note="Drops in percentage points; 'by chance' is the mean number of modes in shuffled outcomes; 'still drop' "
        "the share of modes that drop on unseen images by the least drop minus 5 points.",
        sources=sources,
    )


def modes_table(failures: pd.DataFrame, source: Source) -> Table:
    """The first modes in the paper's notation, with held-out accuracy and adjusted p-values."""
    rows = tuple(
        (
            Entry(str(row["mode"]), (str(row["mode"]),)),
            Entry(plain_count(int(row["num_wrong"])), (int(row["num_wrong"]),)),
            Entry(unsigned_points(float(row["drop"])), (float(row["drop"]),)),
            Entry(
                f"{percent(row['unseen_correct'], row['unseen_support'])} (n={row['unseen_support']})"
                if row["unseen_support"]
                else UNDEFINED,
                (row["unseen_correct"] / row["unseen_support"] if row["unseen_support"] else None,),
            ),
            Entry(p_value(float(row["p_value"])), (float(row["p_value"]),)),
            Entry(p_value(float(row["q_value"])), (float(row["q_value"]),)),
            Entry(p_value(float(row["family_wise"])), (float(row["family_wise"]),)),
            Entry(
                stands_in_words(survives=bool(row["survives"]), explained_by=str(row["explained_by"])),
                (bool(row["stands"]),),
                remark=str(row["explained_by"]),
            ),
        )
        for row in rows_of(failures.head(_MOST_ROWS))
    )
    more = f" The first {_MOST_ROWS} of {len(failures)}." if len(failures) > _MOST_ROWS else ""
    return Table(
        name="prime_modes",
        title=f"Failure modes by the number of wrong images.{more}",
        columns=(
            Column("mode", ("mode",), is_number=False),
            Column("wrong", ("num_wrong",)),
            Column("drop, pp", ("drop",)),
            Column("held out, %", ("unseen_accuracy",)),
            Column("p", ("p_value",)),
            Column("q", ("q_value",)),
            Column("family-wise p", ("family_wise",)),
            Column("stands", ("stands",), is_number=False),
        ),
        rows=rows,
        note="class (its accuracy): tags (accuracy on the images that carry all of them, and how many these are).",
        sources=(source,),
    )


@styled
def drops_figure(failures: pd.DataFrame) -> Illustration | None:
    """Drop where a mode was found against its drop on unseen images (Figure 9); None where none was measured."""
    measured = failures[failures["unseen_support"] > 0] if len(failures) else failures
    if not len(measured):
        return None
    figure = new_figure(3.6, 3.4)
    axes = figure.subplots()
    ends = [
        100 * min(0.0, measured["unseen_drop"].min()),
        100 * max(measured["drop"].max(), measured["unseen_drop"].max()),
    ]
    axes.plot(ends, ends, color=PALE, linewidth=0.8)
    for index, (name, is_kept) in enumerate((("stands", True), ("doesn't", False))):
        some = measured[measured["stands"].astype(bool) == is_kept]
        axes.scatter(
            100 * some["drop"],
            100 * some["unseen_drop"],
            s=14,
            color=colour(index),
            edgecolors=INK,
            linewidths=0.3,
            label=name,
        )
    axes.set(xlabel="drop where it was found (pp)", ylabel="drop on unseen images (pp)")
    axes.legend()
    return Illustration(
        name="prime_drops",
        title="Drops of modes where they were found and on unseen images.",
        caption=f"{len(measured)} modes; the line is where both drops are equal. Points below it shrank.",
        figure=figure,
    )


@styled
def lattice_figure(failures: pd.DataFrame) -> Illustration | None:
    """Accuracy on every subset of the tags of the largest mode that stands (Figure 3); None where none stands."""
    shown = failures[failures["stands"].astype(bool) & (failures["size"] > 1)] if len(failures) else failures
    if not len(shown):
        return None
    row = shown.iloc[0]
    nodes = [PageNode(tuple(words), support, right) for words, support, right in json.loads(row["lattice"])]
    levels = [[node for node in nodes if len(node.words) == size] for size in range(int(row["size"]) + 1)]
    figure = new_figure(1.45 * max(len(level) for level in levels), 0.85 * len(levels))
    axes = figure.subplots()
    place = {
        node.words: (index - (len(level) - 1) / 2, -depth)
        for depth, level in enumerate(levels)
        for index, node in enumerate(level)
    }
    for upper, lower in pairwise(levels):
        for one, other in product(upper, lower):
            if set(one.words) < set(other.words):
                axes.plot(*zip(place[one.words], place[other.words], strict=True), color=PALE, linewidth=0.7, zorder=1)
    for node in nodes:
        words = "\n+ ".join(node.words) or str(row["class"])
        edge = colour(5) if len(node.words) == int(row["size"]) else PALE
        axes.text(
            *place[node.words],
            f"{words}\n{node.accuracy_in_words}",
            ha="center",
            va="center",
            fontsize=6.5,
            bbox={"boxstyle": "round,pad=0.35", "facecolor": "white", "edgecolor": edge, "linewidth": 0.9},
        )
    widest = max(len(level) for level in levels) / 2
    axes.set(xlim=(-widest, widest), ylim=(0.4 - len(levels), 0.6))
    axes.axis("off")
    return Illustration(
        name="prime_lattice",
        title=f"Accuracy on each subset of the tags of {row['class']}: {' + '.join(row['tags'])}.",
        caption="From the class as a whole to all tags, a line to each set of a tag more; the mode in orange.",
        figure=figure,
    )


def _varied(cells: Sequence[Logged]) -> list[str]:
    """The settings in which some searches differ."""
    return [name for name in _SETTINGS if len({cell.label.get(name) for cell in cells}) > 1]


def _quality(estimates: "Estimates") -> tuple[float, float]:
    """By what settings are compared: the share of modes that hold, then how many of them stand."""
    held, standing = estimates.find("still_drops", group="all"), estimates.at("standing").value
    share = held.value if held is not None and not np.isnan(held.value) else -1.0
    return share, standing


def _answer(best: Logged, cells: Sequence[Logged]) -> str:
    estimates = best.estimates
    held = estimates.find("still_drops", group="all")
    first = str(best.facts["sentences"][0])
    if len(cells) == 1 or held is None or np.isnan(held.value):
        return first
    setting = ", ".join(f"{name} {best.label.get(name, 'none')}" for name in _varied(cells)) or "that was chosen"
    return (
        f"The setting {setting} finds the modes that hold best: {in_words(estimates.at('modes'))} modes, of which a "
        f"share of {held.value:.2f} still drops on unseen images. {first}"
    )


def _entry(estimate: Estimate | None) -> Entry:
    if estimate is None:
        return Entry(UNDEFINED, (None,))
    told = f"{estimate.value:.2f}" if estimate.unit in ("score", "fraction") else in_words(estimate)
    if estimate.value != estimate.value:
        return Entry(UNDEFINED, (None,))
    return Entry(told.removesuffix(" pp"), (estimate.value,))
