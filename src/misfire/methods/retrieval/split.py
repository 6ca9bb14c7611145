"""Two sides of a dataset, split by image: one on which settings are chosen, one that is read when one is chosen."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import ClassVar, final

import numpy as np
from jaxtyping import Bool, Int
from typing_extensions import override

from misfire.core.errors import IntegrityError, UsageError, name_some
from misfire.core.seeding import generator
from misfire.data import Dataset
from misfire.failures import Selection
from misfire.methods.retrieval.prompted import PromptedQueries, complement_sample

DEV, TEST = "dev", "test"


@dataclass(frozen=True, eq=False)
class Side(ABC):
    """The queries of some of a dataset's images; the gallery stays all images for either side.

    Args:
        positions: Places of the side's captions in the dataset's, ascending.
        num_captions: How many captions the dataset has.
        how_split: How the images were divided, in words.
    """

    positions: Int[np.ndarray, " query"]
    num_captions: int
    how_split: str
    name: ClassVar[str]

    def __len__(self) -> int:
        return len(self.positions)

    @property
    @abstractmethod
    def fitted_on(self) -> "DevQueries":
        """The queries on which whatever learns is fitted before it is asked about this side's: dev, always."""

    def share_of(self, num_queries: int) -> int:
        """This side's share of a number of queries, by how many captions it has; at least one of one or more."""
        return min(num_queries, max(1, round(num_queries * len(self) / self.num_captions)))

    def part_of(self, selection: Selection) -> Selection:
        """The selection's queries on this side, and those of its doubtful ones that are.

        Raises:
            UsageError: If none of them is.
        """
        here = np.isin(selection.positions, self.positions)
        if not here.any():
            raise UsageError(
                f"subset {selection.name} must have {self.name} queries, got 0 of its {len(selection)} among "
                f"{self.how_split}; change dev_share or mine more failures."
            )
        cut = "" if here.all() else f"; of these the {int(here.sum())} among {self.how_split}"
        return replace(
            selection,
            positions=selection.positions[here],
            how_chosen=f"{selection.how_chosen}{cut}",
            in_doubt=None if selection.in_doubt is None else selection.in_doubt.among(self.positions),
        )

    def others(self, selection: Selection, *, num_queries: int | None, seed: int) -> Int[np.ndarray, " complement"]:
        """Positions of a sample of this side's other queries; ``None`` takes all of them."""
        elsewhere = np.setdiff1d(np.arange(self.num_captions), self.positions)
        taken = np.union1d(selection.positions, elsewhere)
        return complement_sample(self.num_captions, taken, num_queries=num_queries, seed=seed)

    def check_holds(self, cell: PromptedQueries) -> None:
        """Refuse a cell that asks a query of the other side.

        Raises:
            IntegrityError: If it does.
        """
        doubtful = [] if cell.subset.in_doubt is None else [cell.subset.in_doubt.positions]
        strangers = np.setdiff1d(np.concatenate([cell.queries, cell.confirm, *doubtful]), self.positions)
        if len(strangers):
            raise IntegrityError(
                f"a cell on {self.name} must ask {self.name} queries alone, got {name_some(strangers.tolist())} by "
                "caption position of the other side; nothing was run."
            )


@final
@dataclass(frozen=True, eq=False)
class DevQueries(Side):
    """The queries that a search reads, and all that it is given: no query of the test images can be had from it."""

    name: ClassVar[str] = DEV

    @property
    @override
    def fitted_on(self) -> "DevQueries":
        return self


@final
@dataclass(frozen=True, eq=False)
class TestQueries(Side):
    """The queries that were held back: read for the one setting that was chosen on the others.

    Args:
        dev: Those others.
    """

    dev: DevQueries
    name: ClassVar[str] = TEST
    __test__: ClassVar[bool] = False  # not a test of ours, whatever its name looks like

    @property
    @override
    def fitted_on(self) -> DevQueries:
        return self.dev


def dev_queries(dataset: Dataset, *, dev_share: float, seed: int) -> DevQueries:
    """The captions of a seeded share of the images; all captions of an image stand on one side.

    Args:
        dataset: What is split.
        dev_share: Share of the images, a fraction in (0, 1); the nearest number of images, at least one on each side.
        seed: Of the division.

    Raises:
        UsageError: If the share is out of range, or there is a single image.
    """
    is_dev = _dev_images(dataset, dev_share=dev_share, seed=seed)
    return DevQueries(*_queries_of(dataset, is_dev, name=DEV, seed=seed))


def test_queries(dataset: Dataset, *, dev_share: float, seed: int) -> TestQueries:
    """The captions of the other images: those that ``dev_queries`` of the same arguments leaves out.

    Raises:
        UsageError: As ``dev_queries`` does.
    """
    is_dev = _dev_images(dataset, dev_share=dev_share, seed=seed)
    dev = DevQueries(*_queries_of(dataset, is_dev, name=DEV, seed=seed))
    return TestQueries(*_queries_of(dataset, ~is_dev, name=TEST, seed=seed), dev)


test_queries.__test__ = False  # type: ignore[attr-defined]  # nor is this one


def _dev_images(dataset: Dataset, *, dev_share: float, seed: int) -> Bool[np.ndarray, " image"]:
    if not 0 < dev_share < 1:
        raise UsageError(f"dev_share must be a fraction in (0, 1), got {dev_share!r}; 0.5 splits the images in halves.")
    num_images = len(dataset.images)
    if num_images < 2:
        raise UsageError(
            f"a split by image needs two images, got {num_images} in {dataset.name}; use a larger dataset."
        )
    num_dev = min(max(round(dev_share * num_images), 1), num_images - 1)
    order = generator(seed, "split by image").permutation(num_images)
    is_dev = np.zeros(num_images, dtype=bool)
    is_dev[order[:num_dev]] = True
    return is_dev


def _queries_of(
    dataset: Dataset, is_here: Bool[np.ndarray, " image"], *, name: str, seed: int
) -> tuple[Int[np.ndarray, " query"], int, str]:
    how_split = f"the captions of {int(is_here.sum())} of {len(is_here)} images ({name} side, seed {seed})"
    return np.flatnonzero(is_here[dataset.targets]), len(dataset.captions), how_split
