"""The lab that cells run in: where embeddings come from, and where by-products lie."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar, final

import torch
from jaxtyping import Float

from misfire.data import Dataset
from misfire.embeddings import EmbeddingStore, Encoder, TrainerSettings, embed_images, embed_texts

Result = TypeVar("Result")
_KEPT_RESULTS = 16  # what four sets of queries share between their cells
_KEPT_BENCHES = 4


def _look_away(curves: Mapping[str, Sequence[float]]) -> None:
    return


@final
@dataclass(frozen=True)
class Workbench:
    """Embeds a dataset's images and any text, once; what the store holds never touches the backbone."""

    dataset: Dataset
    encoder: Encoder
    store: EmbeddingStore
    trainer: TrainerSettings
    _kept: dict[str, Any] = field(default_factory=dict, init=False, repr=False, compare=False)

    @cached_property
    def gallery(self) -> Float[torch.Tensor, "image dim"]:
        """Unit embeddings of all images, in the dataset's order."""
        return embed_images(self.dataset.images, self.encoder, self.store, self.trainer)

    @cached_property
    def captions(self) -> Float[torch.Tensor, "caption dim"]:
        """Unit embeddings of all captions as they are, in the dataset's order."""
        return self.texts([caption.text for caption in self.dataset.captions])

    @cached_property
    def targets(self) -> torch.Tensor:
        """Position of each caption's image, as a tensor."""
        return torch.from_numpy(self.dataset.targets)

    def texts(self, texts: Sequence[str]) -> Float[torch.Tensor, "text dim"]:
        """Unit embeddings of any texts, in their order."""
        return embed_texts(texts, self.encoder, self.store, self.trainer)

    def prompts(self, rows: Sequence[Sequence[str]]) -> Float[torch.Tensor, "query prompt dim"]:
        """Unit embeddings of each query's prompts, as many a query; no text is embedded twice."""
        texts = list(dict.fromkeys(text for row in rows for text in row))
        position = {text: index for index, text in enumerate(texts)}
        return self.texts(texts)[torch.tensor([[position[text] for text in row] for row in rows])]

    def once(self, name: str, compute: Callable[[], Result]) -> Result:
        """What ``compute`` gives, computed once for a name as long as it is among the last few that were asked for.

        Args:
            name: Says all that the result depends on besides the workbench.
            compute: Makes the result.
        """
        result: Result = self._kept.pop(name) if name in self._kept else compute()
        self._kept[name] = result
        while len(self._kept) > _KEPT_RESULTS:
            del self._kept[next(iter(self._kept))]
        return result


@final
@dataclass(frozen=True)
class Lab:
    """Where cells run: cells that share data and a backbone share a workbench, and so embed and rank things once.

    A seed or a statistics setting is not the lab's but the cell's: its result depends on them.

    Args:
        root: Folder under which everything is kept.
        store: Holds embeddings by their content.
        trainer: On what the backbone runs.
        watch: Shows what a running cell's training has come to: takes the curves of :class:`misfire.cells.Outcome` as
            far as they go. By default nobody looks.
    """

    root: Path
    store: EmbeddingStore
    trainer: TrainerSettings
    watch: Callable[[Mapping[str, Sequence[float]]], None] = field(default=_look_away, repr=False, compare=False)
    _benches: dict[tuple[str, str], Workbench] = field(default_factory=dict, repr=False, compare=False)

    def watched_by(self, watch: Callable[[Mapping[str, Sequence[float]]], None]) -> "Lab":
        """The same lab, with the same workbenches, where what a cell trains is watched."""
        return replace(self, watch=watch)

    def bench(self, dataset: Dataset, encoder: Encoder) -> Workbench:
        """The workbench of a dataset and a backbone, one for equal fingerprints."""
        key = (dataset.fingerprint, encoder.fingerprint)
        bench = self._benches.pop(key, None) or Workbench(dataset, encoder, self.store, self.trainer)
        self._benches[key] = bench
        while len(self._benches) > _KEPT_BENCHES:
            del self._benches[next(iter(self._benches))]
        return bench
