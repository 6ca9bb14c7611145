"""Training data: scenes rendered as they are needed, each used once."""

from collections.abc import Iterator
from random import Random

import numpy as np
import torch
from open_clip.tokenizer import SimpleTokenizer
from torch import Tensor
from torch.utils.data import IterableDataset
from wrapped_texts import wrap

from misfire.data.world import Kind, Scene, Split, describe, render, scene_stream
from misfire.data.world.grammar import with_absence

BATCH_IMAGES = 384
CAPTIONS_PER_IMAGE = 2
SHARE_WRAPPED = 0.5

_KINDS = tuple(Kind)
NUM_KIND_CLASSES = len(_KINDS) + 1
"""The kinds and the absence of a thing."""


def kind_classes(scene: Scene) -> list[int]:
    """Classes of the kinds of the first and the second group; the last class is an absent group."""
    kinds = [_KINDS.index(group.kind) for group in scene.groups]
    return [*kinds, len(_KINDS)][:2]


class Batches(IterableDataset[dict[str, Tensor]]):
    """Endless batches of scenes that were never used before, with fresh captions.

    A share of the captions also says of a kind that it isn't there ("without a star").
    """

    def __init__(self, tokenizer: SimpleTokenizer, seed: int, first_batch: int, *, share_negated: float = 0.0) -> None:
        self._tokenizer, self._seed, self._first_batch = tokenizer, seed, first_batch
        self._share_negated = share_negated

    def __iter__(self) -> Iterator[dict[str, Tensor]]:
        torch.set_num_threads(1)
        rng = Random(f"training captions/{self._seed}/{self._first_batch}")
        # A chunk holds at least 2,400 training scenes, so a resumed run meets new ones.
        scenes = scene_stream(self._seed, Split.TRAIN, first_chunk=self._first_batch * BATCH_IMAGES // 2400)
        while True:
            yield self._batch([next(scenes) for _ in range(BATCH_IMAGES)], rng)

    def _batch(self, scenes: list[Scene], rng: Random) -> dict[str, Tensor]:
        told = [describe(scene, rng) for _ in range(CAPTIONS_PER_IMAGE) for scene in scenes]
        if self._share_negated:
            pairs = zip(told, scenes * CAPTIONS_PER_IMAGE, strict=True)
            told = [
                with_absence(one, scene, rng) if rng.random() < self._share_negated else one for one, scene in pairs
            ]
        texts = [wrap(one.text, rng) if rng.random() < SHARE_WRAPPED else one.text for one in told]
        return {
            "pixels": torch.from_numpy(np.stack([np.asarray(render(scene)) for scene in scenes])),
            "tokens": self._tokenizer(texts),
            "kinds": torch.tensor([kind_classes(scene) for scene in scenes]),
        }
