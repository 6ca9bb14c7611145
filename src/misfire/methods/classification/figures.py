"""Figures of a classifier's classes: accuracies before and after, margin against accuracy, rivals, confusions."""

import math
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.transforms import Bbox, offset_copy

from misfire.reporting.figure import INK, PALE, Illustration, colour, new_figure, styled

_NAMED, _ALL_NAMED = 12, 24
_RIVALS = 16
_LEAST_SHOWN = 0.05
_NEAR = 6.0
# Where a name may stand beside its point, in points of print: the nearest first, and on the right before the left.
_OFFSETS = sorted(
    (
        (side * right, up)
        for right in (4.0, 14.0, 26.0)
        for up in (3.0, -3.0, 12.0, -12.0, 22.0, -22.0)
        for side in (1, -1)
    ),
    key=lambda offset: math.hypot(*offset),
)


@styled
def sorted_accuracies(table: pd.DataFrame) -> Illustration:
    """Class accuracies in ascending order, before and after mending."""
    figure = new_figure(6.0, 3.2)
    axes = figure.subplots()
    present = table[table.num_images > 0]
    series = [("after", "accuracy"), ("before", "accuracy_before")] if "accuracy_before" in present else []
    for place, (label, column) in enumerate(series or [("accuracy", "accuracy")]):
        values = np.sort(present[column].to_numpy())
        style = "--" if label == "before" else "-"
        axes.plot(
            np.arange(1, len(values) + 1), 100 * values, style, color=colour(place), drawstyle="steps-mid", label=label
        )
    if series:
        axes.legend(loc="lower right")
    axes.set_xlabel(
        "classes, each line in its own ascending order" if series else "classes, from the worst to the best"
    )
    axes.set_ylabel("accuracy (%)")
    axes.set_ylim(0, 102)
    axes.grid(axis="y")
    return Illustration(
        name="class_accuracies",
        title="Class accuracies from the worst to the best.",
        caption=f"{len(present):,} classes with images; the left end is what the worst classes have.",
        figure=figure,
    )


@styled
def margin_against_accuracy(table: pd.DataFrame) -> Illustration:
    """The label-free margin of each class against its accuracy before mending, the lowest with their names."""
    figure = new_figure(6.0, 4.2)
    axes = figure.subplots()
    known = table[table.margin.notna() & (table.num_images > 0)]
    axes.scatter(known.margin, 100 * known.accuracy_before, s=18, color=colour(0), alpha=0.8, linewidth=0)
    lowest = [known.sort_values(column, kind="stable").index for column in ("accuracy_before", "margin")]
    named = lowest[0] if len(known) <= _ALL_NAMED else lowest[0][:_NAMED].union(lowest[1][:_NAMED], sort=False)
    axes.axvline(0, color=PALE, linewidth=0.8, linestyle=":")
    axes.set_xlabel("class-wise matching margin, by pseudo-labels")
    axes.set_ylabel("accuracy before mending (%)")
    axes.set_ylim(-3, 103)
    axes.margins(x=0.08)
    axes.grid()
    points = [
        (float(row["margin"]), 100 * float(row["accuracy_before"]), str(row["name"]))
        for row in known.loc[named].to_dict("records")
    ]
    num_crowded = _name_points(axes, points)
    without = int((table.margin.isna() & (table.num_images > 0)).sum())
    return Illustration(
        name="margin_against_accuracy",
        title="What the margin knows of a class's accuracy without labels.",
        caption=(
            f"A point a class; {'all' if len(named) == len(known) else f'the {_NAMED} lowest on either axis'} are named"
            + (f", but for {num_crowded} where it is too crowded. " if num_crowded else ". ")
            + (
                f"{without} classes that no image is assigned to have no margin."
                if without
                else "Every class has a margin."
            )
        ),
        figure=figure,
    )


@styled
def rivals_graph(table: pd.DataFrame) -> Illustration:
    """The worst classes and their rivals on a circle; an arrow leads from a class to what it is called."""
    worst = table[(table.num_images > 0) & (table.rival >= 0)].sort_values(["accuracy", "class"])
    worst = worst.head(min(_RIVALS, -(-len(table) // 2)))
    rival = dict(zip(worst["class"], worst.rival, strict=True))
    nodes = _beside_their_rivals(rival)
    angle = {node: 2 * math.pi * (place + 0.5) / max(1, len(nodes)) for place, node in enumerate(nodes)}
    names = dict(zip(table["class"], table.name, strict=True))
    figure = new_figure(6.2, 6.2)
    axes = figure.subplots()
    for node in nodes:
        x, y = math.cos(angle[node]), math.sin(angle[node])
        axes.plot(x, y, "o", color=colour(5) if node in rival else colour(0), markersize=7)
        is_left = x < 0
        axes.annotate(
            str(names[node]),
            (1.06 * x, 1.06 * y),
            ha="right" if is_left else "left",
            va="center",
            rotation=math.degrees(angle[node])
            + (180 if is_left else 0),  # along the radius, so that none meets another
            rotation_mode="anchor",
            fontsize=8,
        )
    for row in worst.to_dict("records"):
        share = row["called_rival"] / row["num_images"]
        start, end = (np.array([math.cos(angle[node]), math.sin(angle[node])]) for node in (row["class"], row["rival"]))
        axes.annotate(
            "",
            xy=tuple(end),
            xytext=tuple(start),
            arrowprops={
                "arrowstyle": "-|>",
                "color": INK,
                "linewidth": _width(share),
                "shrinkA": 6,
                "shrinkB": 6,
                "connectionstyle": f"arc3,rad={_inward(angle[row['class']], angle[row['rival']])}",
            },
        )
    _bare(axes)
    longest = max((len(str(names[node])) for node in nodes), default=0)
    reach = 1.1 / max(0.6, 1 - 0.024 * longest)  # a letter is about a fortieth of what is seen
    axes.set_xlim(-reach, reach)
    axes.set_ylim(-reach, reach)
    dots = [(5, f"one of the {len(worst)} worst"), (0, "another class")]
    handles = [Line2D([], [], linestyle="none", marker="o", color=colour(one), label=name) for one, name in dots]
    handles += [
        Line2D([], [], color=INK, linewidth=_width(share), label=f"{100 * share:.0f} %") for share in (0.1, 0.3, 0.6)
    ]
    figure.legend(handles=handles, loc="outside upper left", ncols=5)
    return Illustration(
        name="rivals",
        title="What the worst classes are called instead.",
        caption=(
            "An arrow leads from a class to its most frequent wrong name; its width is the share of the class's images "
            "that are called so."
        ),
        figure=figure,
    )


@styled
def confusion_of_worst(table: pd.DataFrame, records: pd.DataFrame, *, predicted: str, most: int = 12) -> Illustration:
    """The worst classes' images by what they are called, in shares of the class."""
    worst = table[table.num_images > 0].sort_values(["accuracy", "class"]).head(most)["class"].to_numpy()
    among = records[records.label.isin(worst)]
    called = among[predicted].value_counts()
    others = [one for one in called.index if one not in worst and one >= 0][: 2 * most - len(worst)]
    columns = [*worst, *others]
    shares = np.array(
        [[float((among[predicted][among.label == one] == name).mean()) for name in columns] for one in worst]
    )
    names = dict(zip(table["class"], table.name.astype(str), strict=True))
    figure = new_figure(1.8 + 0.34 * len(columns), 1.6 + 0.3 * len(worst))
    axes = figure.subplots()
    image = axes.imshow(100 * shares, cmap="Blues", vmin=0, vmax=100, aspect="auto")
    axes.set_xticks(
        range(len(columns)), [names[one] for one in columns], rotation=60, ha="right", rotation_mode="anchor"
    )
    axes.set_yticks(range(len(worst)), [names[one] for one in worst])
    axes.tick_params(labelsize=8)
    axes.set_ylabel("class")
    axes.set_xlabel("called")
    if others:
        axes.axvline(len(worst) - 0.5, color=PALE, linewidth=0.8)
    for (row, column), share in np.ndenumerate(shares):
        if share >= _LEAST_SHOWN:
            axes.text(
                column,
                row,
                f"{100 * share:.0f}",
                ha="center",
                va="center",
                fontsize=7.5,
                color="white" if share > 0.6 else INK,
            )
    figure.colorbar(image, ax=axes, label="% of the class's images")
    return Illustration(
        name="confusion_of_worst",
        title="Confusion of the worst classes.",
        caption=(
            "Rows are classes, columns what their images are called: the worst classes, then, behind the line, the "
            f"commonest others. Shares below {100 * _LEAST_SHOWN:.0f} % are coloured without a number."
        ),
        figure=figure,
    )


def _beside_their_rivals(rival: Mapping[int, int]) -> list[int]:
    """Classes and rivals in an order in which those that are confused stand together."""
    linked: dict[int, list[int]] = {}
    for one, other in rival.items():
        linked.setdefault(one, []).append(other)
        linked.setdefault(other, []).append(one)
    ordered: dict[int, None] = {}
    waiting = list(reversed(rival))
    while waiting:
        node = waiting.pop()
        if node not in ordered:
            ordered[node] = None
            waiting += [one for one in reversed(linked[node]) if one not in ordered]
    return list(ordered)


def _inward(start: float, end: float) -> float:
    """How an arrow between two places of a circle is bent: towards the middle, away from the rim."""
    ahead = (end - start) % (2 * math.pi)
    return -0.25 if ahead < math.pi else 0.25


def _width(share: float) -> float:
    return 0.6 + 4 * share


def _name_points(axes: Axes, points: Sequence[tuple[float, float, str]]) -> int:
    """Write each point's name beside it where it meets neither a name nor a point; how many found no such place."""
    figure = axes.get_figure(root=True)
    assert figure is not None
    figure.draw_without_rendering()  # places in pixels are known from here on
    half = 2 * figure.dpi / 72
    dots = axes.transData.transform([(x, y) for x, y, _ in points])
    taken = [Bbox.from_extents(x - half, y - half, x + half, y + half) for x, y in dots]
    num_crowded = 0
    for point in points:
        tried = (_written(axes, point, offset, taken) for offset in _OFFSETS)
        box = next((box for box in tried if box is not None), None)
        if box is None:
            num_crowded += 1
        else:
            taken.append(box)
    return num_crowded


def _written(
    axes: Axes, point: tuple[float, float, str], offset: tuple[float, float], taken: Sequence[Bbox]
) -> Bbox | None:
    """Where a name now stands at an offset of its point; None, and nothing is written, where it would meet others."""
    x, y, name = point
    right, up = offset
    text = axes.text(
        x,
        y,
        name,
        transform=offset_copy(axes.transData, axes.get_figure(root=True), right, up, units="points"),
        fontsize=7.5,
        ha="left" if right > 0 else "right",
        va="bottom" if up > 0 else "top",
    )
    box, inside = text.get_window_extent(), axes.get_window_extent()
    fits = inside.x0 <= box.x0 and box.x1 <= inside.x1 and inside.y0 <= box.y0 and box.y1 <= inside.y1
    if not fits or any(box.overlaps(other) for other in taken):
        text.remove()
        return None
    if math.hypot(*offset) > _NEAR:
        line = {"arrowstyle": "-", "color": PALE, "linewidth": 0.5, "shrinkA": 0, "shrinkB": 3}
        axes.annotate("", (x, y), offset, textcoords="offset points", arrowprops=line)
    return box


def _bare(axes: Axes) -> None:
    axes.set_aspect("equal")
    axes.set_axis_off()
