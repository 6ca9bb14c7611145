"""From a baseline's ranks to a frozen sample of its top-1 failures."""

from dataclasses import dataclass, replace
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float, Int

from misfire.core.errors import UsageError, name_some
from misfire.core.seeding import generator
from misfire.data import Dataset
from misfire.failures.failure_set import WORLD_TRUTH, Failure, FailureSet
from misfire.failures.mining_split import ALL_IMAGES, mined_images
from misfire.failures.taxonomy import AMBIGUOUS, Label


@dataclass(frozen=True, eq=False)
class RetrievalOutcome:
    """What a text-to-image retrieval did with every caption of a dataset, or with those of a part of it.

    Ranks are the target's, from 1; equal-scored images rank by their place in the gallery, and ``best_rank`` and
    ``worst_rank`` count them all below and all above the target. ``top1`` is the gallery position of the image at
    rank 1. Scores are cosines.

    Raises:
        UsageError: If the arrays differ in length or contradict each other.
    """

    rank: Int[np.ndarray, " caption"]
    best_rank: Int[np.ndarray, " caption"]
    worst_rank: Int[np.ndarray, " caption"]
    top1: Int[np.ndarray, " caption"]
    target_score: Float[np.ndarray, " caption"]
    top1_score: Float[np.ndarray, " caption"]

    def __post_init__(self) -> None:
        lengths = {len(values) for values in vars(self).values()}
        if len(lengths) > 1:
            raise UsageError(
                f"an outcome must have one entry a caption in each array, got {sorted(lengths)}; rank again."
            )
        bounds = (self.best_rank >= 1) & (self.best_rank <= self.rank) & (self.rank <= self.worst_rank)
        scores = np.isfinite(self.target_score) & np.isfinite(self.top1_score) & (self.target_score <= self.top1_score)
        rules = {
            "ranks must be from 1 and within their tie bounds": bounds,
            "scores must be finite and the top-1 image's at least the target's": scores,
        }
        for rule, holds in rules.items():
            if not holds.all():
                raise UsageError(f"{rule}, got {name_some(np.flatnonzero(~holds))} by caption position; rank again.")


@dataclass(frozen=True, eq=False)
class QueryPart:
    """Some of a dataset's captions: the only ones that were asked, so that no failure of another is known.

    Args:
        positions: Their places in the dataset's captions, ascending.
        how_chosen: What they are, in words.
    """

    positions: Int[np.ndarray, " caption"]
    how_chosen: str


@runtime_checkable
class OracleCategories(Protocol):
    """Knows why a caption failed, because it knows what the images show; positions are those in the dataset."""

    def oracle_category(self, caption_position: int, image_position: int) -> str:
        """The true category of retrieving that image for that caption."""

    def oracle_subtype(self, caption_position: int, image_position: int) -> str:
        """The true subtype; it is asked for only where the category is Ambiguous."""


def mine(
    dataset: Dataset,
    outcome: RetrievalOutcome,
    *,
    backbone_fingerprint: str,
    precision: str,
    num_failures: int,
    seed: int,
    mined_share: float = ALL_IMAGES,
    part: QueryPart | None = None,
    oracle: OracleCategories | None = None,
) -> FailureSet:
    """A uniform sample without replacement of the queries whose target isn't at rank 1.

    The sample of a larger ``num_failures`` contains that of a smaller one under the same seed, so that finished
    annotations stay of use when a set is extended.

    Args:
        dataset: Its captions are the queries and its images the gallery.
        outcome: The baseline's ranks on it.
        backbone_fingerprint: Names the encoder, its weights, preprocessing and precision.
        precision: The embeddings' precision, such as ``fp32``.
        num_failures: How many failures to draw.
        seed: Of the sample, and of a split of the images.
        mined_share: Share of the images whose captions are mined, in (0, 1]; the others stay to confirm on.
        part: The captions that the outcome is of; all of the dataset's where none is given.
        oracle: Labels the failures where the truth is known; without it they stay unlabelled.

    Raises:
        UsageError: If the outcome isn't of this dataset, the share is out of range, or ``num_failures`` isn't between
            1 and their number.

    Reference:
        "Failure Taxonomy and Category-Aware Prompt Ensembling for CLIP Retrieval", section 5.1.
    """
    asked = np.arange(len(dataset.captions)) if part is None else part.positions
    _check_outcome(dataset, outcome, asked)
    is_mined = mined_images(dataset, share=mined_share, seed=seed)[dataset.targets[asked]]
    num_queries = int(is_mined.sum())
    population = np.flatnonzero((outcome.rank > 1) & is_mined)
    if not 1 <= num_failures <= len(population):
        raise UsageError(
            f"num_failures must be between 1 and the {len(population)} top-1 failures among the {num_queries} "
            f"queries{_of_which_images(mined_share)} of {dataset.name}{_of_which_part(part)}, got {num_failures}; "
            "choose a number in that range."
        )
    chosen = np.sort(generator(seed, "mine").permutation(population)[:num_failures])
    return FailureSet(
        dataset_name=dataset.name,
        dataset_fingerprint=dataset.fingerprint,
        backbone_fingerprint=backbone_fingerprint,
        precision=precision,
        seed=seed,
        num_queries=num_queries,
        num_top1_failures=len(population),
        failures=tuple(_failure(dataset, outcome, int(row), int(asked[row]), oracle) for row in chosen),
        label_source=WORLD_TRUTH if oracle is not None else None,
        mined_share=mined_share,
        part=None if part is None else part.how_chosen,
    )


def _of_which_images(mined_share: float) -> str:
    return "" if mined_share == ALL_IMAGES else " of the mined images"


def _of_which_part(part: QueryPart | None) -> str:
    return "" if part is None else f" ({part.how_chosen})"


def _check_outcome(dataset: Dataset, outcome: RetrievalOutcome, asked: Int[np.ndarray, " caption"]) -> None:
    if len(outcome.rank) != len(asked):
        raise UsageError(
            f"an outcome must have one rank for each of the {len(asked)} captions of {dataset.name}, "
            f"got {len(outcome.rank)}; rank this dataset's captions."
        )
    outside = np.flatnonzero((outcome.top1 < 0) | (outcome.top1 >= len(dataset.images)))
    if len(outside):
        raise UsageError(
            f"top-1 positions must be below the {len(dataset.images)} images of {dataset.name}, "
            f"got {name_some(asked[outside])} by caption position that aren't; rank this dataset's captions."
        )
    contradictory = np.flatnonzero((outcome.rank == 1) != (outcome.top1 == dataset.targets[asked]))
    if len(contradictory):
        raise UsageError(
            "the target must be the top-1 image where its rank is 1 and only there, "
            f"got {name_some(asked[contradictory])} by caption position where it isn't; rank and retrieve by one tie "
            "rule."
        )


def _failure(
    dataset: Dataset, outcome: RetrievalOutcome, row: int, position: int, oracle: OracleCategories | None
) -> Failure:
    caption = dataset.captions[position]
    retrieved = int(outcome.top1[row])
    return Failure(
        query_id=caption.id,
        caption=caption.text,
        target_image_id=caption.image_id,
        retrieved_image_id=dataset.images[retrieved].id,
        rank=int(outcome.rank[row]),
        best_rank=int(outcome.best_rank[row]),
        worst_rank=int(outcome.worst_rank[row]),
        target_score=float(outcome.target_score[row]),
        retrieved_score=float(outcome.top1_score[row]),
    ).labelled(_oracle_label(oracle, position, retrieved))


def _oracle_label(oracle: OracleCategories | None, caption_position: int, image_position: int) -> Label | None:
    if oracle is None:
        return None
    label = Label(oracle.oracle_category(caption_position, image_position))
    if label.category != AMBIGUOUS:
        return label
    return replace(label, ambiguous_subtype=oracle.oracle_subtype(caption_position, image_position))
