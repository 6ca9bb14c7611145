"""Training data: scenes rendered as they are needed, each used once."""

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

import numpy as np
import torch
from open_clip.tokenizer import SimpleTokenizer
from torch import Tensor
from torch.utils.data import IterableDataset
from wrapped_texts import head, wrap

from misfire.data.world import Kind, Scene, Split, describe, render, scene_stream
from misfire.data.world.grammar import presence_and_absence, with_absence

BATCH_IMAGES = 384
CAPTIONS_PER_IMAGE = 2
SHARE_WRAPPED = 0.5
TWINS_PER_KIND = 4

_KINDS = tuple(Kind)
NUM_KIND_CLASSES = len(_KINDS) + 1
"""The kinds and the absence of a thing."""


def kind_classes(scene: Scene) -> list[int]:
    """Classes of the kinds of the first and the second group; the last class is an absent group."""
    kinds = [_KINDS.index(group.kind) for group in scene.groups]
    return [*kinds, len(_KINDS)][:2]


@dataclass(frozen=True)
class Absence:
    """What training texts say of kinds that aren't there.

    Args:
        share_negated: Share of the captions that also say of a kind that it isn't there ("without a star").
        twins: In-batch negatives seldom ask what "without" means, since the rest of a caption tells its image. Twins
            do: short texts about each kind that differ in presence and absence alone ("a photo with a star", "a photo
            without a star"). ``both``, ``presence`` for the first of each pair alone, or ``none``.
    """

    share_negated: float = 0.0
    twins: str = "none"


@dataclass(frozen=True)
class Pool:
    """Scenes whose images were encoded once, by an image tower that isn't trained."""

    scenes: list[Scene]
    embeddings: Tensor


class Batches(IterableDataset[dict[str, Tensor]]):
    """Endless batches of scenes with fresh captions: scenes that were never used before, or those of a pool."""

    def __init__(
        self,
        tokenizer: SimpleTokenizer,
        seed: int,
        first_batch: int,
        absence: Absence = Absence(),
        pool: Pool | None = None,
    ) -> None:
        self._tokenizer, self._seed, self._first_batch = tokenizer, seed, first_batch
        self._absence, self._pool = absence, pool

    def __iter__(self) -> Iterator[dict[str, Tensor]]:
        torch.set_num_threads(1)
        # Absence draws from its own numbers: models with and without it read the same scenes and captions.
        rng, absent_rng = (
            Random(f"training {what}/{self._seed}/{self._first_batch}") for what in ("captions", "absence")
        )
        if self._pool is not None:
            order = Random(f"training order/{self._seed}/{self._first_batch}")
            while True:
                chosen = order.sample(range(len(self._pool.scenes)), BATCH_IMAGES)
                images = {"images": self._pool.embeddings[chosen]}
                yield images | self._told([self._pool.scenes[place] for place in chosen], rng, absent_rng)
        # A chunk holds at least 2,400 training scenes, so a resumed run meets new ones.
        fresh = scene_stream(self._seed, Split.TRAIN, first_chunk=self._first_batch * BATCH_IMAGES // 2400)
        while True:
            scenes = [next(fresh) for _ in range(BATCH_IMAGES)]
            yield {"pixels": pixels_of(scenes)} | self._told(scenes, rng, absent_rng)

    def _told(self, scenes: list[Scene], rng: Random, absent_rng: Random) -> dict[str, Tensor]:
        told = [describe(scene, rng) for _ in range(CAPTIONS_PER_IMAGE) for scene in scenes]
        if self._absence.share_negated:
            pairs = zip(told, scenes * CAPTIONS_PER_IMAGE, strict=True)
            told = [
                with_absence(one, scene, absent_rng) if absent_rng.random() < self._absence.share_negated else one
                for one, scene in pairs
            ]
        texts = [wrap(one.text, rng) if rng.random() < SHARE_WRAPPED else one.text for one in told]
        found = {"tokens": self._tokenizer(texts), "kinds": torch.tensor([kind_classes(scene) for scene in scenes])}
        if self._absence.twins != "none":
            found["twins"] = self._tokenizer(self._twins(absent_rng))
        return found

    def _twins(self, rng: Random) -> list[str]:
        texts = []
        for kind in _KINDS:
            for _ in range(TWINS_PER_KIND):
                beginning, (presence, absence) = head(rng), presence_and_absence(kind, rng)
                phrases = (presence, absence) if self._absence.twins == "both" else (presence,)
                texts += [f"{beginning} {phrase}" for phrase in phrases]
        return texts


def pixels_of(scenes: list[Scene]) -> Tensor:
    """Rendered images as bytes (batch, height, width, channel)."""
    return torch.from_numpy(np.stack([np.asarray(render(scene)) for scene in scenes]))
