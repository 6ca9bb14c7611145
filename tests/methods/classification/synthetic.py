"""Embeddings of images and prompts whose truth is known: classes are directions, templates blurred views of them."""

from dataclasses import dataclass

import torch

Tensor = torch.Tensor


def unit(rows: Tensor) -> Tensor:
    return torch.nn.functional.normalize(rows, dim=-1)


@dataclass(frozen=True)
class Problem:
    images: Tensor
    prompts: Tensor
    labels: Tensor


def problem(
    seed: int = 0,
    *,
    num_images: int = 300,
    num_classes: int = 6,
    num_templates: int = 5,
    dim: int = 24,
    noise: float = 0.9,
    poisoned: int | None = None,
) -> Problem:
    """Images around their class's direction; a poisoned template's prompts say nothing of their class."""
    draws = torch.Generator().manual_seed(seed)

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=draws) / dim**0.5

    directions = unit(normal(num_classes, dim))
    labels = torch.arange(num_images) % num_classes
    prompts = directions[:, None] + 0.4 * normal(num_classes, num_templates, dim) + 0.3 * normal(1, num_templates, dim)
    if poisoned is not None:
        prompts[:, poisoned] = normal(1, dim) + 0.3 * normal(num_classes, dim)
    return Problem(unit(directions[labels] + noise * normal(num_images, dim)), unit(prompts), labels)
