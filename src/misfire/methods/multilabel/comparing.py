"""Many finished runs as curves over the fraction of known labels, and what their differences say."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import numpy as np
from jaxtyping import Float

from misfire.cells import Logged
from misfire.core.hashing import sha256_json
from misfire.methods.multilabel.evaluation import Bounded, Difference, ImageBootstrap, bounded, difference, mean_of
from misfire.methods.multilabel.replicates import MAP, read_replicates

METHODS = ("positive_coop", "dual_coop", "negative_coop", "vision_only")
NAMES = {
    "positive_coop": "PositiveCoOp",
    "dual_coop": "DualCoOp",
    "negative_coop": "NegativeCoOp",
    "vision_only": "vision only",
    "zero_shot": "zero-shot",
}


@final
@dataclass(frozen=True, eq=False)
class Point:
    """One method at one fraction, its seeds averaged.

    Args:
        method: Its name.
        fraction: Of known labels; NaN for a mask that was read.
        bootstrap: Average precision of each class, the mean over the seeds, and its replicates.
        seeds: Mean average precision of each seed.
        cells: The runs.
    """

    method: str
    fraction: float
    bootstrap: ImageBootstrap
    seeds: tuple[float, ...]
    cells: tuple[Logged, ...]

    @property
    def parameters(self) -> float:
        """How many numbers are learned."""
        return self.cells[0].estimates.at("parameters").value

    @property
    def seconds(self) -> float:
        """Mean training time of a run."""
        return float(np.mean([cell.estimates.at("training_seconds").value for cell in self.cells]))


@final
@dataclass(frozen=True, eq=False)
class Comparison:
    """Runs that were measured on the same images in the same way.

    Args:
        points: Methods at fractions, in the order of both.
        classes: Names of the classes.
        floor: Zero-shot mean average precision with its interval.
        confidence: Of every interval.
        num_images: Test images.
        data: Their dataset's name.
        backbone: The model's name.
        variant: What else its runs have in common, such as contexts of each class's own, in words.
        measured_on: Hash of the images, the labels, the model and the way of measuring: comparisons that share it may
            be compared with each other.
    """

    points: tuple[Point, ...]
    classes: tuple[str, ...]
    floor: Bounded
    confidence: float
    num_images: int
    data: str
    backbone: str
    variant: str = ""
    measured_on: str = ""

    def of(self, method: str) -> list[Point]:
        """A method's points from the smallest fraction to the largest."""
        return [point for point in self.points if point.method == method]

    @property
    def methods(self) -> list[str]:
        """The methods that have points, in their usual order."""
        return [method for method in METHODS if self.of(method)]

    def between(self, after: str, before: str) -> Difference | None:
        """One method less another, averaged over the fractions that both have; None where there is none."""
        pairs = self._pairs(after, before)
        if not pairs:
            return None
        one, other = (_mean([pair[side].bootstrap for pair in pairs]) for side in (0, 1))
        return difference(one, other, confidence=self.confidence)

    def shared_fractions(self, after: str, before: str) -> list[float]:
        """The fractions that both methods have."""
        return [one.fraction for one, _ in self._pairs(after, before)]

    def by_run(self, after: str, before: str) -> list[float]:
        """One method less another in mean average precision, in each pair of runs of one fraction and seed."""
        changes = []
        for pair in self._pairs(after, before):
            one, other = ({cell.label["seed"]: cell.estimates.at(MAP).value for cell in point.cells} for point in pair)
            changes += [one[seed] - other[seed] for seed in one if seed in other]
        return changes

    def crossing(self, after: str, before: str) -> "Crossing | None":
        """Where one method overtakes another as labels grow; None where they share fewer than two fractions."""
        pairs = self._pairs(after, before)
        if len(pairs) < 2:
            return None
        fractions = np.array([one.fraction for one, _ in pairs])
        gains = np.array([float((one.bootstrap.value - other.bootstrap.value).mean()) for one, other in pairs])
        drawn = np.stack(
            [mean_of(one.bootstrap.replicates) - mean_of(other.bootstrap.replicates) for one, other in pairs], axis=1
        )
        return crossing(fractions, gains, drawn, confidence=self.confidence)

    def _pairs(self, after: str, before: str) -> list[tuple[Point, Point]]:
        others = {point.fraction: point for point in self.of(before)}
        return [(one, others[one.fraction]) for one in self.of(after) if one.fraction in others]


@final
@dataclass(frozen=True, eq=False)
class Contender:
    """A method in one variant, with what it costs, over the fractions that all contenders have.

    Args:
        method: Its name.
        variant: As its comparison's; empty for a method that stands in several.
        bootstrap: Average precision of each class, the mean over fractions and seeds, and its replicates.
        parameters: How many numbers are learned.
        seconds: Mean training time of a run.
        epochs: Mean number of epochs of a run.
    """

    method: str
    variant: str
    bootstrap: ImageBootstrap
    parameters: float
    seconds: float
    epochs: float

    @property
    def name(self) -> str:
        """What a table and a sentence call it."""
        return NAMES[self.method] + (f" ({self.variant})" if self.variant else "")

    @property
    def value(self) -> float:
        """Mean average precision."""
        return float(self.bootstrap.value.mean())


def contenders(found: Sequence[Comparison]) -> list[Contender]:
    """All methods of some comparisons that were measured on the same, those with the fewest parameters first.

    Where no fraction is common to all of them each is averaged over its own.
    """
    entries: dict[tuple[str, ...], tuple[str, str, list[Point]]] = {}
    for one in found:
        for method in one.methods:
            points = one.of(method)
            ids = tuple(cell.id for point in points for cell in point.cells)  # a projector stands in each variant
            is_shared = ids in entries or len(found) == 1
            entries[ids] = (method, "" if is_shared else one.variant, points)
    common = set.intersection(*({point.fraction for point in points} for _, _, points in entries.values()))
    made = [
        _contender(method, variant, [point for point in points if point.fraction in common] or points)
        for method, variant, points in entries.values()
    ]
    return sorted(made, key=lambda one: (one.parameters, -one.value))


def _contender(method: str, variant: str, points: Sequence[Point]) -> Contender:
    return Contender(
        method=method,
        variant=variant,
        bootstrap=_mean([point.bootstrap for point in points]),
        parameters=points[0].parameters,
        seconds=float(np.mean([point.seconds for point in points])),
        epochs=float(np.mean([cell.estimates.at("epochs").value for point in points for cell in point.cells])),
    )


def worth_their_parameters(entries: Sequence[Contender]) -> list[Contender]:
    """Those than which no other with as few parameters or fewer is more accurate, the smallest first."""
    return [
        one
        for one in entries
        if not any(other.parameters <= one.parameters and other.value > one.value for other in entries)
    ]


@final
@dataclass(frozen=True)
class Crossing:
    """From which fraction of known labels on one method is better than another.

    Args:
        fraction: Where; NaN if it is so everywhere or nowhere among the fractions that were run.
        low: Lower end of its interval, over the resamples in which there is such a place.
        high: Upper end.
        is_above_everywhere: Whether it is better at every fraction.
        is_below_everywhere: Whether it is worse at every fraction.
        share_crossing: Share of the resamples in which there is such a place.
    """

    fraction: float
    low: float
    high: float
    is_above_everywhere: bool
    is_below_everywhere: bool
    share_crossing: float


def crossing(
    fractions: Float[np.ndarray, " fraction"],
    gains: Float[np.ndarray, " fraction"],
    replicates: Float[np.ndarray, "replicate fraction"],
    *,
    confidence: float,
) -> Crossing:
    """The fraction at which a gain turns positive for good, by straight lines between the fractions that were run.

    Args:
        fractions: Ascending.
        gains: Of one method over the other at each.
        replicates: The same in each resample.
        confidence: Of the interval.

    Example:
        >>> found = crossing(np.array([0.1, 0.5]), np.array([-1.0, 3.0]), np.array([[-1.0, 3.0]]), confidence=0.95)
        >>> round(found.fraction, 3)
        0.2
    """
    places = np.array([_turn(fractions, row) for row in replicates])
    defined = places[np.isfinite(places)]
    interval = bounded(np.nan, defined, confidence=confidence)
    return Crossing(
        fraction=_turn(fractions, gains),
        low=interval.low,
        high=interval.high,
        is_above_everywhere=bool((gains > 0).all()),
        is_below_everywhere=bool((gains <= 0).all()),
        share_crossing=len(defined) / len(places),
    )


def _turn(fractions: Float[np.ndarray, " fraction"], gains: Float[np.ndarray, " fraction"]) -> float:
    below = np.flatnonzero(gains <= 0)
    if not len(below) or below[-1] == len(gains) - 1:
        return float("nan")  # above everywhere, or not above at the end
    last = int(below[-1])
    share = -gains[last] / (gains[last + 1] - gains[last])
    return float(fractions[last] + share * (fractions[last + 1] - fractions[last]))


def comparisons(cells: Sequence[Logged]) -> list[Comparison]:
    """The trained runs among some, in groups that were measured on the same images in the same way, largest first.

    Runs that differ in more than method, known labels and seed, as those with own and with shared contexts do, are in
    groups of their own; a method without text stands in each.
    """
    grouped: dict[str, list[Logged]] = defaultdict(list)
    for cell in cells:
        if cell.estimates.find("parameters") is not None:
            grouped[_measured_on(cell)].append(cell)
    found = [
        _comparison(group, variant, measured_on)
        for measured_on, cells in grouped.items()
        for variant, group in _by_variant(cells)
    ]
    return sorted(found, key=lambda one: -sum(len(point.cells) for point in one.points))


def _by_variant(cells: Sequence[Logged]) -> list[tuple[str, list[Logged]]]:
    variants = list(dict.fromkeys(_variant(cell) for cell in cells))
    # The variant of a method without text says less than those of methods with it, and so fits several.
    full = [one for one in variants if not any(set(one) < set(other) for other in variants)]
    return [
        (", ".join(_setting(*pair) for pair in one), [cell for cell in cells if set(_variant(cell)) <= set(one)])
        for one in full
    ]


def _variant(cell: Logged) -> tuple[tuple[str, str], ...]:
    return tuple((key, value) for key, value in cell.label.items() if key not in ("prompting", "fraction", "seed"))


def _setting(key: str, value: str) -> str:
    return f"{value} tokens" if key == "context" else f"{key} {value}"


def _measured_on(cell: Logged) -> str:
    identity = cell.identity
    same = ("images", "labels", "encoder", "statistics", "zeros", "is_normalised")
    return sha256_json([identity[key] for key in same])


def _comparison(cells: Sequence[Logged], variant: str, measured_on: str) -> Comparison:
    at: dict[tuple[int, float], list[Logged]] = defaultdict(list)
    for cell in cells:
        at[METHODS.index(cell.label["prompting"]), _fraction(cell)].append(cell)
    points = []
    for (method, fraction), group in sorted(at.items(), key=lambda item: item[0]):
        one = _mean([read_replicates(cell) for cell in group])
        seeds = tuple(cell.estimates.at(MAP).value for cell in group)
        points.append(Point(METHODS[method], fraction, one, seeds, tuple(group)))
    first = cells[0]
    floor = first.estimates.at(MAP, group="zero_shot")
    return Comparison(
        points=tuple(points),
        classes=tuple(first.facts["classes"]),
        floor=Bounded(floor.value, floor.low, floor.high),
        confidence=float(first.identity["statistics"]["confidence"]),
        num_images=int(first.facts["num_images"]),
        data=str(first.facts["data"]),
        backbone=str(first.facts["backbone"]),
        variant=variant,
        measured_on=measured_on,
    )


def _fraction(cell: Logged) -> float:
    fraction = cell.identity["known"].get("fraction")
    return float("nan") if fraction is None else float(fraction)


def _mean(bootstraps: Sequence[ImageBootstrap]) -> ImageBootstrap:
    return ImageBootstrap(
        np.mean([one.value for one in bootstraps], axis=0), np.mean([one.replicates for one in bootstraps], axis=0)
    )
