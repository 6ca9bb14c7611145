"""Small invented datasets, outcomes and truths."""

import sys
from types import ModuleType

import numpy as np
import pytest

from misfire.data import Caption, Dataset, Image
from misfire.failures import FailureSet, Label, RetrievalOutcome, load_taxonomy, mine
from tests.plain_image import PlainImage


@pytest.fixture(scope="session")
def invented() -> ModuleType:
    """This module, for tests that stand in no package and so can't import it."""
    return sys.modules[__name__]


NAMES = load_taxonomy().names


def dataset(num_images: int = 8, captions_per_image: int = 3, name: str = "invented") -> Dataset:
    """Image ids are 100, 101, ...; caption ids are 1000, 1010, ... so that no id is a position."""
    images = tuple(Image(100 + i, PlainImage((i % 256, 7 * i % 256, 50))) for i in range(num_images))
    captions = tuple(
        Caption(1000 + 10 * (i * captions_per_image + j), 100 + i, f'thing {i}, "view" {j}\né')
        for i in range(num_images)
        for j in range(captions_per_image)
    )
    return Dataset(name, images, captions)


def outcome(data: Dataset, *, seed: int = 0) -> RetrievalOutcome:
    """Ranks by brute force from coarse random scores, so that ties occur."""
    rng = np.random.default_rng(seed)
    scores = rng.integers(0, 6, size=(len(data.captions), len(data.images))).astype(np.float32) / 8
    scores[np.arange(len(scores)), data.targets] += np.float32(0.25)
    order = np.argsort(-scores, axis=1, kind="stable")
    own = scores[np.arange(len(scores)), data.targets]
    rank = np.array([1 + row.tolist().index(target) for row, target in zip(order, data.targets, strict=True)])
    return RetrievalOutcome(
        rank=rank,
        best_rank=1 + (scores > own[:, None]).sum(axis=1),
        worst_rank=(scores >= own[:, None]).sum(axis=1),
        top1=order[:, 0],
        target_score=own,
        top1_score=scores.max(axis=1),
    )


class InventedTruth:
    """A truth that depends on the positions, so that a swapped argument shows."""

    def oracle_category(self, caption_position: int, image_position: int) -> str:
        return NAMES[(caption_position + 2 * image_position) % len(NAMES)].lower()

    def oracle_subtype(self, caption_position: int, image_position: int) -> str:
        return "near_duplicate" if caption_position % 2 else "underspecified"


def failure_set(
    data: Dataset | None = None, *, num_failures: int = 10, seed: int = 42, is_labelled: bool = True
) -> FailureSet:
    data = data or dataset()
    return mine(
        data,
        outcome(data),
        backbone_fingerprint="encoder/fp32/abc",
        precision="fp32",
        num_failures=num_failures,
        seed=seed,
        oracle=InventedTruth() if is_labelled else None,
    )


def label_of(failure_set: FailureSet) -> dict[int, Label]:
    return {f.query_id: Label(f.category, f.ambiguous_subtype) for f in failure_set.failures if f.category}
