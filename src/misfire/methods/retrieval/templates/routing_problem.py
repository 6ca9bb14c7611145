"""What a router of captions is given: the captions, annotated failures to learn from, and the categories to choose."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import final

import numpy as np
import torch
from jaxtyping import Bool, Float, Int

from misfire.core.errors import UsageError
from misfire.failures import Category

Embed = Callable[[Sequence[str]], Float[torch.Tensor, "text dim"]]


@final
@dataclass(frozen=True, eq=False)
class Captions:
    """Texts, and which image each describes; captions of one image never teach a router about each other."""

    texts: tuple[str, ...]
    images: Int[np.ndarray, " caption"]

    def __post_init__(self) -> None:
        if len(self.texts) != len(self.images):
            raise UsageError(
                f"each caption must have an image, got {len(self.texts)} captions and {len(self.images)} images; "
                "pass one each."
            )

    def __len__(self) -> int:
        return len(self.texts)

    def where(self, kept: Bool[np.ndarray, " caption"]) -> "Captions":
        """Some of the captions, in their order."""
        return Captions(
            tuple(text for text, is_kept in zip(self.texts, kept, strict=True) if is_kept), self.images[kept]
        )


@final
@dataclass(frozen=True, eq=False)
class Annotated:
    """Captions of failures with the category that annotators gave each."""

    captions: Captions
    categories: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.categories)

    def where(self, kept: Bool[np.ndarray, " caption"]) -> "Annotated":
        """Some of them, in their order."""
        categories = tuple(name for name, is_kept in zip(self.categories, kept, strict=True) if is_kept)
        return Annotated(self.captions.where(kept), categories)


@final
@dataclass(frozen=True, eq=False)
class RoutingProblem:
    """Captions that want a category.

    Args:
        captions: What is routed; it carries no label.
        annotated: What a router may learn from. A caption's own image may stand among them: a router leaves it out.
        categories: The categories to choose from, by the name of their template set.
        embed: Unit embeddings of texts by the model's own text tower.

    Raises:
        UsageError: If there is no category, or an annotated failure has another one.
    """

    captions: Captions
    annotated: Annotated
    categories: Mapping[str, Category]
    embed: Embed

    def __post_init__(self) -> None:
        strange = sorted(set(self.annotated.categories) - self.categories.keys())
        if not self.categories or strange:
            raise UsageError(
                f"annotated failures must have a category out of {', '.join(self.categories) or 'none'}, got "
                f"{', '.join(strange) or 'none'}; leave the others out."
            )

    def among(
        self, is_asked: Bool[np.ndarray, " caption"], is_known: Bool[np.ndarray, " annotated"]
    ) -> "RoutingProblem":
        """The problem for some of the captions, when only some of the labels are known."""
        return replace(self, captions=self.captions.where(is_asked), annotated=self.annotated.where(is_known))
