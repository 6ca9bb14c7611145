"""Published retrieval results of known backbones, and how a measurement compares with them."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import yaml

from misfire.core.errors import UsageError
from misfire.data import Dataset

TOLERANCE_PP = 0.3
_KS = (1, 5, 10)
_DIRECTIONS = ("t2i", "i2t")
_ROUNDING = 1e-9  # a difference of exactly the tolerance agrees, whatever binary fractions make of it


@dataclass(frozen=True)
class PublishedResult:
    """What a source reports of one backbone on one dataset.

    Attributes:
        backbone: Name of the backbone, as ``Encoder.name`` has it.
        citation: Where the numbers stand.
        data: What they were measured on, in words.
        dataset: Name of the dataset.
        num_images: How many images it has.
        num_captions: How many captions it may have; sources differ in whether a sixth caption counts.
        fingerprint: Of the very dataset, where that is known.
        hits: Fractions by tracked name (``t2i/hit_at_1``).
    """

    backbone: str
    citation: str
    data: str
    dataset: str
    num_images: int
    num_captions: tuple[int, ...]
    hits: Mapping[str, float]
    fingerprint: str | None = None

    def is_of(self, dataset: Dataset) -> bool:
        """Whether a dataset is, as far as its name and counts tell, the one that was measured."""
        return (
            dataset.name == self.dataset
            and len(dataset.images) == self.num_images
            and len(dataset.captions) in self.num_captions
            and self.fingerprint in (None, dataset.fingerprint)
        )


@dataclass(frozen=True)
class Comparison:
    """One measure beside its published value; fractions, and their difference in percentage points."""

    measure: str
    measured: float
    published: float

    @property
    def difference_pp(self) -> float:
        """Measured minus published."""
        return 100 * (self.measured - self.published)

    @property
    def agrees(self) -> bool:
        """Whether the two differ by at most ``TOLERANCE_PP``; False where the measurement is undefined."""
        return abs(self.difference_pp) <= TOLERANCE_PP + _ROUNDING


def published_results(backbone: str, dataset: Dataset) -> tuple[PublishedResult, ...]:
    """Everything that is published of a backbone on a dataset.

    Args:
        backbone: Name of the backbone.
        dataset: What it is measured on.

    Raises:
        UsageError: If nothing is known of the pair; the message says on what the backbone was measured, or which
            backbones were.
    """
    of_backbone = [result for result in _all_results() if result.backbone == backbone]
    found = tuple(result for result in of_backbone if result.is_of(dataset))
    if found:
        return found
    got = f"{dataset.name} with {len(dataset.images):,} images and {len(dataset.captions):,} captions"
    if of_backbone:
        known = "; ".join(f"{result.dataset} ({result.data})" for result in of_backbone)
        raise UsageError(
            f"{backbone} must be verified on data with published results, got {got}; known for it are {known}."
        )
    names = ", ".join(dict.fromkeys(result.backbone for result in _all_results()))
    raise UsageError(f"a backbone must have published results, got {backbone} on {got}; known are {names}.")


def compare_with(published: PublishedResult, measured: Mapping[str, float]) -> tuple[Comparison, ...]:
    """Each published measure beside the measured one.

    Raises:
        UsageError: If a published measure wasn't measured.
    """
    absent = [name for name in published.hits if name not in measured]
    if absent:
        raise UsageError(
            f"what is published must be measured too, got no {', '.join(absent)}; leave ks at {list(_KS)}."
        )
    return tuple(Comparison(name, measured[name], value) for name, value in published.hits.items())


@cache
def _all_results() -> tuple[PublishedResult, ...]:
    text = files("misfire.methods.retrieval.baseline").joinpath("published.yaml").read_text(encoding="utf-8")
    content = yaml.safe_load(text)
    return tuple(_result(entry, content["sources"][entry["source"]]) for entry in content["results"])


def _result(entry: Mapping[str, object], source: Mapping[str, object]) -> PublishedResult:
    hits = {
        f"{direction}/hit_at_{k}": value
        for direction in _DIRECTIONS
        if direction in entry
        for k, value in zip(_KS, entry[direction], strict=True)  # type: ignore[call-overload]
    }
    return PublishedResult(
        backbone=str(entry["backbone"]),
        hits=hits,
        **{**source, "num_captions": tuple(source["num_captions"])},  # type: ignore[arg-type]
    )
