"""Fill the embedding store with a dataset's images and captions."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from misfire.cli._application import run_task

if TYPE_CHECKING:
    from omegaconf import DictConfig


def run(words: Sequence[str]) -> int:
    """Embed what the store lacks."""
    run_task("embed", _embed, words)
    return 0


def _embed(config: "DictConfig") -> None:
    from misfire.config import Settings

    bench = Settings(config).workbench
    images, captions = bench.gallery, bench.captions
    print(
        f"{len(images):,} images and {len(captions):,} captions of {bench.dataset.name} are embedded with "
        f"{bench.encoder.name} ({images.shape[1]} dimensions) in {bench.store.root}"
    )
