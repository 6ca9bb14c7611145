"""Two sides of a dataset, split by image: one on which settings are chosen, one that is read when one is chosen."""

from dataclasses import dataclass, replace
from typing import ClassVar, TypeVar, final

import numpy as np
from jaxtyping import Bool, Int

from misfire.core.errors import IntegrityError, UsageError, name_some
from misfire.core.seeding import generator
from misfire.data import Dataset
from misfire.evaluation.cell import Cell, complement_sample
from misfire.failures import DoubtfulQueries, Selection

DEV, TEST = "dev", "test"


@dataclass(frozen=True, eq=False)
class _Side:
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
        return replace(
            selection,
            positions=selection.positions[here],
            how_chosen=f"{selection.how_chosen}; of these the {int(here.sum())} among {self.how_split}",
            in_doubt=None if selection.in_doubt is None else self._doubtful(selection.in_doubt),
        )

    def _doubtful(self, queries: DoubtfulQueries) -> DoubtfulQueries:
        here = np.isin(queries.positions, self.positions)
        return DoubtfulQueries(queries.positions[here], queries.is_labelled[here], queries.probability[here])

    def part_of_cell(self, cell: Cell, *, num_queries: int | None, seed: int) -> Cell:
        """The cell with everything that it asks on this side.

        Args:
            cell: On the whole dataset.
            num_queries: Size of its complement; ``None`` takes all other queries of the side.
            seed: Of the complement.

        Raises:
            UsageError: If none of its subset's queries is on this side.
        """
        selection = self.part_of(cell.subset)
        restricted = replace(
            cell,
            subset=selection,
            complement=self.others(selection, num_queries=num_queries, seed=seed),
            num_others=len(self) - len(selection),
            confirm=np.intersect1d(cell.confirm, self.positions),
        )
        self.check_holds(restricted)
        return restricted

    def others(self, selection: Selection, *, num_queries: int | None, seed: int) -> Int[np.ndarray, " complement"]:
        """Positions of a sample of this side's other queries; ``None`` takes all of them."""
        elsewhere = np.setdiff1d(np.arange(self.num_captions), self.positions)
        taken = np.union1d(selection.positions, elsewhere)
        return complement_sample(self.num_captions, taken, num_queries=num_queries, seed=seed)

    def check_holds(self, cell: Cell) -> None:
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
class DevQueries(_Side):
    """The queries that a search reads, and all that it is given: no query of the test images can be had from it."""

    name: ClassVar[str] = DEV


@final
@dataclass(frozen=True, eq=False)
class TestQueries(_Side):
    """The queries that were held back: read for the one setting that was chosen on the others."""

    name: ClassVar[str] = TEST
    __test__: ClassVar[bool] = False  # not a test of ours, whatever its name looks like


AnySide = TypeVar("AnySide", DevQueries, TestQueries)


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
    return _side(DevQueries, dataset, is_dev, seed=seed)


def test_queries(dataset: Dataset, *, dev_share: float, seed: int) -> TestQueries:
    """The captions of the other images: those that ``dev_queries`` of the same arguments leaves out.

    Raises:
        UsageError: As ``dev_queries`` does.
    """
    is_dev = _dev_images(dataset, dev_share=dev_share, seed=seed)
    return _side(TestQueries, dataset, ~is_dev, seed=seed)


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


def _side(kind: type[AnySide], dataset: Dataset, is_here: Bool[np.ndarray, " image"], *, seed: int) -> AnySide:
    return kind(
        positions=np.flatnonzero(is_here[dataset.targets]),
        num_captions=len(dataset.captions),
        how_split=f"the captions of {int(is_here.sum())} of {len(is_here)} images ({kind.name} side, seed {seed})",
    )
