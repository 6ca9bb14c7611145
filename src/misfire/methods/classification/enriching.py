"""Prompts of classes by name and template, enriched by what is said of them."""

from collections.abc import Callable, Sequence
from enum import StrEnum
from functools import partial
from typing import final

import torch
from jaxtyping import Float

from misfire.cells import Workbench
from misfire.core.errors import UsageError
from misfire.methods.classification.margin import ClassMatchingMargin
from misfire.prompts import Template, TemplateSet
from misfire.prompts.descriptions import Descriptions


@final
class Enrich(StrEnum):
    """Which classes' prompts are enriched."""

    ALL = "all"
    NONE = "none"
    WORST_K = "worst_k"


def enriched_classes(enrich: Enrich, margin: ClassMatchingMargin, worst_k: int) -> list[int]:
    """The classes to enrich, by number: all, none, or the worst by their label-free margin.

    A class that no image is assigned to has no margin, and is the worst of all: such classes come first.
    """
    if enrich is Enrich.ALL:
        return list(range(len(margin.num_images)))
    if enrich is Enrich.NONE:
        return []
    never = margin.without_images[:worst_k]
    known = len(margin.num_images) - len(margin.without_images)
    left = min(worst_k - len(never), known)
    return sorted([*never, *(margin.worst(left).tolist() if left else [])])


def class_prompts(
    bench: Workbench, names: Sequence[str], templates: TemplateSet
) -> Float[torch.Tensor, "class template dim"]:
    """Unit embedding of each class's name in each template."""
    templates.check_asks_about("class")
    return bench.prompts([templates.render(as_words(name)) for name in names])


def enriched_prompts(
    bench: Workbench,
    prompts: Float[torch.Tensor, "class template dim"],
    names: Sequence[str],
    templates: TemplateSet,
    descriptions: Descriptions,
    *,
    share: float,
) -> Float[torch.Tensor, "class template dim"]:
    """The prompts, of which those of described classes lean towards their descriptions.

    A class's new prompt by a template is ``share`` of the mean of its described prompts and the rest of the plain one,
    brought to unit length: with 1 the descriptions replace the name's own prompt, as Menon and Vondrick have it.

    Args:
        bench: Where embeddings come from.
        prompts: The plain prompts.
        names: Names of the classes.
        templates: The templates, in the order of the prompts.
        descriptions: What is said of some of the classes, by name.
        share: Weight of the descriptions, in (0, 1].

    Raises:
        UsageError: If the share is out of range.
    """
    if not 0 < share <= 1:
        raise UsageError(f"share must be in (0, 1], got {share}; enrich=none leaves descriptions out.")
    enriched = prompts.clone()
    renders: list[Callable[[str], str]] = [partial(_render, text) for text in templates.templates]
    for index, name in enumerate(names):
        if descriptions.of_class.get(as_words(name)):
            said = bench.prompts(descriptions.prompts(as_words(name), renders)).mean(dim=1)
            said = torch.nn.functional.normalize(said, dim=-1)
            enriched[index] = torch.nn.functional.normalize((1 - share) * prompts[index] + share * said, dim=-1)
    return enriched


def as_words(name: str) -> str:
    """A class's name as it stands in a sentence: blanks for underscores.

    Example:
        >>> as_words("tree_frog")
        'tree frog'
    """
    return " ".join(name.replace("_", " ").split())


def _render(template: str, words: str) -> str:
    return Template(template, "class").render(words)
