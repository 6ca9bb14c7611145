"""Figures of a classifier's classes: accuracies before and after, margin against accuracy, rivals, confusions."""

import math

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from misfire.reporting.figure import INK, PALE, Illustration, colour, new_figure, styled

_NAMED = 12
_RIVALS = 16


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
    axes.set_xlabel("classes, each line in its own ascending order")
    axes.set_ylabel("accuracy (%)")
    axes.set_ylim(0, 102)
    axes.grid(axis="y")
    return Illustration(
        name="class_accuracies",
        title="Class accuracies from the worst to the best.",
        caption=f"{len(present)} classes with images; the left end is what the worst classes have.",
        figure=figure,
    )


@styled
def margin_against_accuracy(table: pd.DataFrame) -> Illustration:
    """The label-free margin of each class against its accuracy before mending, the lowest with their names."""
    figure = new_figure(6.0, 4.2)
    axes = figure.subplots()
    known = table[table.margin.notna() & (table.num_images > 0)]
    axes.scatter(known.margin, 100 * known.accuracy_before, s=18, color=colour(0), alpha=0.8, linewidth=0)
    named = (
        known.sort_values("accuracy_before").head(_NAMED).index.union(known.sort_values("margin").head(_NAMED).index)
    )
    for row in known.loc[named].to_dict("records"):
        axes.annotate(
            str(row["name"]),
            (row["margin"], 100 * row["accuracy_before"]),
            xytext=(4, 3),
            textcoords="offset points",
            fontsize=7,
            color=INK,
        )
    axes.axvline(0, color=PALE, linewidth=0.8, linestyle=":")
    axes.set_xlabel("class-wise matching margin, by pseudo-labels")
    axes.set_ylabel("accuracy before mending (%)")
    axes.set_ylim(-3, 103)
    axes.grid()
    without = int((table.margin.isna() & (table.num_images > 0)).sum())
    return Illustration(
        name="margin_against_accuracy",
        title="What the margin knows of a class's accuracy without labels.",
        caption=(
            f"A point a class; the {_NAMED} lowest on either axis are named. "
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
    figure = new_figure(5.4, 5.4)
    axes = figure.subplots()
    worst = table[(table.num_images > 0) & (table.rival >= 0)].sort_values(["accuracy", "class"])
    worst = worst.head(min(_RIVALS, -(-len(table) // 2)))
    nodes = list(dict.fromkeys([*worst["class"], *worst.rival]))
    angle = {node: 2 * math.pi * place / max(1, len(nodes)) for place, node in enumerate(nodes)}
    names = dict(zip(table["class"], table.name, strict=True))
    bad = set(worst["class"])
    for node in nodes:
        x, y = math.cos(angle[node]), math.sin(angle[node])
        axes.plot(x, y, "o", color=colour(5) if node in bad else colour(0), markersize=7)
        axes.annotate(
            str(names[node]),
            (1.1 * x, 1.1 * y),
            ha="left" if x > 0.2 else "right" if x < -0.2 else "center",
            va="center",
            fontsize=8,
        )
    for row in worst.to_dict("records"):
        start, end = angle[row["class"]], angle[row["rival"]]
        axes.annotate(
            "",
            xy=(0.96 * math.cos(end), 0.96 * math.sin(end)),
            xytext=(0.96 * math.cos(start), 0.96 * math.sin(start)),
            arrowprops={
                "arrowstyle": "->",
                "color": INK,
                "linewidth": 0.6 + 3 * row["called_rival"] / row["num_images"],
                "connectionstyle": "arc3,rad=0.15",
            },
        )
    _bare(axes)
    axes.set_xlim(-1.7, 1.7)
    axes.set_ylim(-1.35, 1.35)
    return Illustration(
        name="rivals",
        title="What the worst classes are called instead.",
        caption=(
            f"The {len(worst)} worst classes (orange) and their most frequent wrong name; the wider the arrow, the "
            "larger the share of the class's images."
        ),
        figure=figure,
    )


@styled
def confusion_of_worst(table: pd.DataFrame, records: pd.DataFrame, *, predicted: str, most: int = 12) -> Illustration:
    """The worst classes' images by what they are called, in shares of the class."""
    worst = table[table.num_images > 0].sort_values(["accuracy", "class"]).head(most)["class"].to_numpy()
    among = records[records.label.isin(worst)]
    called = among[predicted].value_counts()
    others = [one for one in called.index if one not in worst and one >= 0][: max(0, 16 - len(worst))]
    columns = [*worst, *others]
    shares = np.array(
        [[float((among[predicted][among.label == one] == name).mean()) for name in columns] for one in worst]
    )
    names = dict(zip(table["class"], table.name.astype(str), strict=True))
    figure = new_figure(1.6 + 0.42 * len(columns), 1.4 + 0.34 * len(worst))
    axes = figure.subplots()
    image = axes.imshow(100 * shares, cmap="Blues", vmin=0, vmax=100, aspect="auto")
    axes.set_xticks(range(len(columns)), [names[one] for one in columns], rotation=60, ha="right", fontsize=7)
    axes.set_yticks(range(len(worst)), [names[one] for one in worst], fontsize=7)
    axes.set_ylabel("class")
    axes.set_xlabel("called")
    for (row, column), share in np.ndenumerate(shares):
        if share >= 0.05:
            axes.text(
                column,
                row,
                f"{100 * share:.0f}",
                ha="center",
                va="center",
                fontsize=6.5,
                color="white" if share > 0.6 else INK,
            )
    figure.colorbar(image, ax=axes, label="% of the class's images")
    return Illustration(
        name="confusion_of_worst",
        title="Confusion of the worst classes.",
        caption="Rows are classes, columns what their images are called: the worst classes, then the commonest others.",
        figure=figure,
    )


def _bare(axes: Axes) -> None:
    axes.set_aspect("equal")
    axes.set_axis_off()
