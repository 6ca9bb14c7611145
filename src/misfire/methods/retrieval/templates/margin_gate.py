"""Where the baseline is unsure: a margin below which an ensemble is applied, chosen on other images."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import final

import numpy as np
from jaxtyping import Bool, Float, Int

from misfire.core.counts import check_seed
from misfire.core.errors import UsageError
from misfire.methods.retrieval.templates.routers.out_of_fold import image_folds

Worth = Callable[[Bool[np.ndarray, " query"]], Float[np.ndarray, " dev"]]


@final
@dataclass(frozen=True)
class MarginGate:
    """Applies an ensemble to a query only where the baseline's first item leads its second by less than a threshold.

    The margin needs no label. The threshold does, so the images are dealt into folds, and that of a fold is chosen on
    the queries of the others: the one under which most hits are won there, less those lost.

    Args:
        k: Cut-off at which hits are counted.
        num_folds: Into how many folds the images are dealt, >= 2.
        seed: Of the dealing.

    Raises:
        UsageError: If a setting is out of range.
    """

    k: int = 1
    num_folds: int = 5
    seed: int = 42

    def __post_init__(self) -> None:
        if self.k < 1 or self.num_folds < 2:
            raise UsageError(
                f"a margin gate needs k >= 1 and num_folds >= 2, got {self.k} and {self.num_folds}; 1 and 5 are usual."
            )
        check_seed(seed=self.seed)

    def is_open(
        self, margins: Float[np.ndarray, " query"], images: Int[np.ndarray, " query"], worth: Worth
    ) -> Bool[np.ndarray, " query"]:
        """Whether the ensemble is applied to each query.

        Args:
            margins: Score of each query's best item less that of its second.
            images: Image that each query describes.
            worth: What the ensemble would win on each of the queries that a mask names (negative: lose), by itself in
                that mask; it may look at nothing else.

        Raises:
            UsageError: If there is only one image.
        """
        fold_of_image = image_folds(images, num_folds=self.num_folds, seed=self.seed)
        if len(fold_of_image) < 2:
            raise UsageError(f"a margin gate needs queries of two images, got {len(fold_of_image)}; ask more queries.")
        folds = np.array([fold_of_image[image] for image in images.tolist()])
        opened = np.zeros(len(margins), dtype=bool)
        for fold in np.unique(folds):
            is_dev = folds != fold
            threshold = best_threshold(margins[is_dev], worth(is_dev))
            opened[~is_dev] = margins[~is_dev] < threshold
        return opened


def best_threshold(margins: Float[np.ndarray, " query"], worth: Float[np.ndarray, " query"]) -> float:
    """The threshold under which the sum of ``worth`` is largest; of equals the lowest, which touches fewest queries.

    It lies halfway between two margins, is minus infinity where nothing should be touched and infinity where all is.

    Args:
        margins: Of the queries it is chosen on.
        worth: What is won on each of them if its margin is below the threshold.

    Example:
        >>> best_threshold(np.array([0.1, 0.2, 0.4]), np.array([1.0, 1.0, -1.0])).__round__(3)
        0.3
    """
    distinct, place = np.unique(margins, return_inverse=True)
    won = np.concatenate([[0.0], np.cumsum(np.bincount(place, weights=worth, minlength=len(distinct)))])
    edges = np.concatenate([[-np.inf], (distinct[:-1] + distinct[1:]) / 2, [np.inf]])
    # Sums of weights carry rounding: what is as good but for it counts as equal.
    return float(edges[int(np.argmax(won >= won.max() - 1e-9))])
