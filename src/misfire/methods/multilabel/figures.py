"""Figures of multi-label runs."""

from collections.abc import Sequence

import numpy as np
from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

from misfire.methods.multilabel.comparing import NAMES, Comparison, Contender
from misfire.methods.multilabel.evaluation import Difference, bounded, mean_of
from misfire.reporting.figure import INK, MARKERS, PALE, Illustration, colour, new_figure, styled

_ORDER = tuple(NAMES)


@styled
def fraction_curves(found: Comparison) -> Illustration:
    """Mean average precision against the fraction of known labels, a line a method with its band."""
    figure = new_figure(6.2, 3.8)
    axes = figure.subplots()
    for method in found.methods:
        points, place = found.of(method), _ORDER.index(method)
        x = [100 * point.fraction for point in points]
        ends = [bounded(0.0, mean_of(point.bootstrap.replicates), confidence=found.confidence) for point in points]
        y = [100 * float(point.bootstrap.value.mean()) for point in points]
        axes.fill_between(
            x, [100 * one.low for one in ends], [100 * one.high for one in ends], color=colour(place), alpha=0.18, lw=0
        )
        axes.plot(x, y, color=colour(place), marker=MARKERS[place], markersize=4.5, linewidth=1.5, label=NAMES[method])
    axes.axhline(100 * found.floor.value, color=INK, linestyle=":", linewidth=1.1, label=NAMES["zero_shot"])
    axes.set(xlabel="known training labels (%)", ylabel="mAP on test images (%)")
    axes.grid(axis="y")
    axes.legend(fontsize=8)
    seeds = max(len(point.seeds) for point in found.points)
    return Illustration(
        name="multilabel_fractions",
        title="Mean average precision against the share of training labels that are known.",
        caption=(
            f"Bands are {found.confidence:.0%} bootstrap intervals over {found.num_images:,} test images"
            f"{f' of the mean over up to {seeds} seeds' if seeds > 1 else ''}; the dotted line is the frozen "
            "model with a hand-written prompt."
        ),
        figure=figure,
    )


@styled
def parameter_plane(entries: Sequence[Contender], *, confidence: float) -> Illustration:
    """Accuracy against what it costs: trainable parameters, and training time as the marker's size."""
    figure = new_figure(6.2, 3.8)
    axes = figure.subplots()
    slowest = max(one.seconds for one in entries)
    variants = list(dict.fromkeys(one.variant for one in entries if one.variant))
    for one in entries:
        place = _ORDER.index(one.method)
        ends = bounded(0.0, mean_of(one.bootstrap.replicates), confidence=confidence)
        axes.plot([one.parameters] * 2, [100 * ends.low, 100 * ends.high], color=colour(place), linewidth=1.2, zorder=1)
        is_filled = variants.index(one.variant) % 2 == 0 if one.variant else True
        axes.scatter(
            one.parameters,
            100 * one.value,
            s=20 + 100 * one.seconds / slowest,
            facecolor=colour(place) if is_filled else "white",
            edgecolor=colour(place),
            linewidth=1.4,
            marker=MARKERS[place],
            label=one.name,
        )
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set(xlabel="trainable parameters", ylabel="mAP on test images (%)")
    axes.grid(axis="y")
    axes.legend(fontsize=8, markerscale=0.7, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    return Illustration(
        name="multilabel_parameters",
        title="What accuracy costs: parameters that are learned, and training time.",
        caption=(
            f"A marker a method; its area grows with the training time, up to {slowest:.0f} s a run. Bars are "
            f"{confidence:.0%} bootstrap intervals over the test images."
        ),
        figure=figure,
    )


@styled
def similarity_histogram(found: Comparison) -> Illustration | None:
    """Cosine between each class's embeddings of presence and absence; None where no method has both."""
    figure = new_figure(5.6, 3.0)
    axes = figure.subplots()
    edges, any_drawn = np.linspace(-1, 1, 41).tolist(), False
    for method in found.methods:
        cosines = [
            value
            for point in found.of(method)
            for cell in point.cells
            for value in cell.facts.get("similarity", {}).values()
        ]
        if cosines:
            place, any_drawn = _ORDER.index(method), True
            axes.hist(cosines, bins=edges, histtype="step", linewidth=1.6, color=colour(place), label=NAMES[method])
    if not any_drawn:
        return None
    axes.set(xlabel="cosine of a class's positive and negative embedding", ylabel="classes in runs")
    axes.legend(fontsize=8)
    return Illustration(
        name="multilabel_similarity",
        title="How alike presence and absence come out.",
        caption=(
            "Each class of each run counts once. Near 1 the text tower says the same of presence and absence, so that "
            "only a small difference tells them apart."
        ),
        figure=figure,
    )


@styled
def class_gains(found: Comparison, change: Difference, after: str, before: str) -> Illustration:
    """Change of average precision of each class, the largest loss first, with its interval."""
    order = np.argsort([one.value for one in change.per_class])
    figure = new_figure(5.6, 0.22 * len(order) + 1.0)
    axes = figure.subplots()
    axes.axvline(0, color=PALE, linewidth=0.9)
    for row, column in enumerate(order):
        one, is_certain = change.per_class[column], change.adjusted[column] < 1 - found.confidence
        ink = colour(0) if is_certain else PALE
        axes.plot([100 * one.low, 100 * one.high], [row, row], color=ink, linewidth=1.5)
        axes.plot(100 * one.value, row, marker="o", color=ink, markersize=4.5)
    axes.set_yticks(range(len(order)), [found.classes[column] for column in order])
    axes.set_xlabel(f"{NAMES[after]} less {NAMES[before]}, average precision (points)")
    axes.grid(axis="x")
    return Illustration(
        name=f"multilabel_classes_{after}_{before}",
        title=f"Where {NAMES[after]} and {NAMES[before]} differ, class by class.",
        caption=(
            f"Averaged over the fractions that both have; {found.confidence:.0%} intervals. Coloured: significant by "
            "Holm's rule over all classes."
        ),
        figure=figure,
    )
