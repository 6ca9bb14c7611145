"""The class-wise matching margin: how far a class's images are from being called by another class's name."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Float, Int, Int64

from misfire.core.errors import UsageError, name_some
from misfire.scoring.gallery import Gallery

NO_RIVAL = -1
"""What stands for the rival of a class that no image is assigned to."""

_CACHE_BYTES = 16 * 2**20  # a block of scores is read again at once; beyond this it falls out of the cache


@final
@dataclass(frozen=True, eq=False)
class ClassMatchingMargin:
    """How far each class's images stand on the right side, in units of the score; below 0 the rival is nearer.

    Args:
        margin: Similarity to the own prompt less that to the most confusing other prompt; NaN where no image is
            assigned to the class.
        rival: The class of that other prompt, the lowest of equal ones; -1 where no image is assigned to the class.
        own: Mean similarity of the class's images to its own prompt; NaN where it has none.
        num_images: How many images are assigned to each class.
    """

    margin: Float[torch.Tensor, " class"]
    rival: Int64[torch.Tensor, " class"]
    own: Float[torch.Tensor, " class"]
    num_images: Int64[torch.Tensor, " class"]

    @property
    def without_images(self) -> list[int]:
        """Classes that no image is assigned to; their margin is undefined."""
        return (self.num_images == 0).nonzero()[:, 0].tolist()

    def worst(self, k: int) -> Int64[torch.Tensor, " worst"]:
        """The ``k`` classes of the lowest margin, the worst first; equal ones by their number.

        Classes without an image have no margin and aren't among them.

        Raises:
            UsageError: If fewer than ``k`` classes have a margin.
        """
        known = (self.num_images > 0).nonzero()[:, 0]
        if not 1 <= k <= len(known):
            raise UsageError(
                f"k must be from 1 to the number of classes with a margin, {len(known)}, got {k}; classes without an "
                f"image are {name_some(self.without_images)}."
            )
        return known[self.margin[known].argsort(stable=True)[:k]]


def class_matching_margin(
    images: Float[torch.Tensor, "image dim"],
    prompts: Float[torch.Tensor, "class dim"],
    labels: Int[torch.Tensor, " image"],
    *,
    per_image: bool = False,
) -> ClassMatchingMargin:
    """Class-wise matching margin (CMM) of every class; higher is better, and below 0 another prompt is nearer.

    For a class it is the mean over its images of the similarity to its own prompt, less the largest over the other
    prompts of the mean similarity to that prompt. Prompts that are equal score equally to the last bit, so a class that
    shares its prompt has a margin of at most 0, and of exactly 0 where the other holder of the prompt is the nearest.

    Args:
        images: Unit embeddings of the images.
        prompts: Unit embedding of each class's prompt, or of its ensemble of prompts.
        labels: Class of each image, from 0: the truth, or what the classifier itself predicts (pseudo-labels).
        per_image: Take the largest other similarity of each image and then the mean, instead of the largest mean: an
            image may be drawn to any class. The rival is then the class that is nearest for most images.

    Returns:
        Margin and rival of each class, in the images' precision or float32, whichever is finer.

    Raises:
        UsageError: If there are fewer than two classes, shapes don't fit, a value isn't finite or a label is no class.

    Reference:
        Shao et al., "Investigating the limitation of CLIP models: the worst-performing categories", 2023.

    Example:
        >>> prompts = torch.tensor([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0]])
        >>> images = torch.tensor([[0.6, 0.8], [0.8, 0.6], [0.0, 1.0]])
        >>> found = class_matching_margin(images, prompts, torch.tensor([0, 0, 1]))
        >>> found.margin, found.rival
        (tensor([0., 1., nan]), tensor([ 1,  0, -1]))
    """
    labels = check_labelled(images, prompts, labels)
    num_images = torch.bincount(labels, minlength=len(prompts))
    find = _nearest_of_each_image if per_image else _nearest_on_average
    own, other, rival = find(images, prompts, labels, num_images)
    dtype = torch.promote_types(images.dtype, torch.float32)
    return ClassMatchingMargin(
        margin=(own - other).to(dtype),
        rival=torch.where(num_images > 0, rival, NO_RIVAL),
        own=own.to(dtype),
        num_images=num_images,
    )


def template_margins(
    images: Float[torch.Tensor, "image dim"],
    prompts: Float[torch.Tensor, "class template dim"],
    labels: Int[torch.Tensor, " image"],
) -> Float[torch.Tensor, "template class"]:
    """The matching margin of each class under each template alone, NaN for a class without an image.

    The mean similarity of some images to a prompt is the similarity of their mean, so no image is scored: this takes
    classes x classes products a template, whatever the number of images.

    Args:
        images: Unit embeddings of the images.
        prompts: Unit embedding of each class's prompt by each template.
        labels: Class of each image, the same for all templates.

    Raises:
        UsageError: As :func:`class_matching_margin` does.
    """
    labels = check_labelled(images, prompts[:, 0], labels)
    means = _class_means(images, labels, torch.bincount(labels, minlength=len(prompts)))
    return torch.stack([margins_of_means(means, prompts[:, template]) for template in range(prompts.shape[1])])


def margins_of_means(
    means: Float[torch.Tensor, "class dim"], prompts: Float[torch.Tensor, "class dim"]
) -> Float[torch.Tensor, " class"]:
    """The matching margins of classes whose images have these means."""
    own, other, _ = _nearest_to_means(means, prompts)
    return own - other


def check_labelled(images: torch.Tensor, prompts: torch.Tensor, labels: torch.Tensor) -> Int64[torch.Tensor, " image"]:
    """Refuse images, class prompts and labels that don't belong together; the labels as int64."""
    if images.ndim != 2 or prompts.ndim != 2 or images.shape[1] != prompts.shape[1]:
        raise UsageError(
            "images and prompts must be matrices of the same dim, got shapes "
            f"{tuple(images.shape)} and {tuple(prompts.shape)}; embed both with the same backbone."
        )
    if len(prompts) < 2:
        raise UsageError(
            f"there must be at least two classes to confuse, got {len(prompts)}; give every class a prompt."
        )
    for what, values in (("images", images), ("prompts", prompts)):
        bad = (~torch.isfinite(values)).any(dim=1).nonzero()[:, 0].tolist()
        if bad:
            raise UsageError(f"{what} must be finite, got NaN or infinity in rows {name_some(bad)}; embed them again.")
    if labels.shape != images.shape[:1] or labels.is_floating_point() or labels.dtype == torch.bool:
        raise UsageError(
            f"labels must be one whole number an image, got {labels.dtype} of shape {tuple(labels.shape)} for "
            f"{len(images)} images; number the classes from 0."
        )
    outside = ((labels < 0) | (labels >= len(prompts))).nonzero()[:, 0].tolist()
    if outside:
        named = name_some(f"{int(labels[position])} at position {position}" for position in outside)
        raise UsageError(
            f"labels must lie in 0 to {len(prompts) - 1}, got {named} outside; give every class a prompt, in order."
        )
    return labels.long()


def image_blocks(num_images: int, num_columns: int) -> Iterator[slice]:
    """Blocks of images whose float32 scores against ``num_columns`` prompts stay in the cache."""
    size = max(64, _CACHE_BYTES // (4 * max(1, num_columns)))
    for start in range(0, num_images, size):
        yield slice(start, min(start + size, num_images))


def _class_means(
    images: Float[torch.Tensor, "image dim"],
    labels: Int64[torch.Tensor, " image"],
    num_images: Int64[torch.Tensor, " class"],
) -> Float[torch.Tensor, "class dim"]:
    """Mean image of each class in float64; NaN for a class without an image."""
    sums = torch.zeros(len(num_images), images.shape[1], dtype=torch.float64, device=images.device)
    for block in image_blocks(len(images), images.shape[1]):
        sums.index_add_(0, labels[block], images[block].double())
    return sums / num_images[:, None]


def _nearest_on_average(
    images: torch.Tensor, prompts: torch.Tensor, labels: torch.Tensor, num_images: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    return _nearest_to_means(_class_means(images, labels, num_images), prompts)


def _nearest_to_means(
    means: Float[torch.Tensor, "class dim"], prompts: Float[torch.Tensor, "class dim"]
) -> tuple[Float[torch.Tensor, " class"], Float[torch.Tensor, " class"], Int64[torch.Tensor, " class"]]:
    """Similarity of each class's mean image to its own prompt, to the nearest other prompt, and whose that is."""
    distinct = Gallery(prompts)  # equal prompts take one column's score, whatever a product makes of equal columns
    scores = (means @ prompts[distinct.first].double().T).index_select(1, distinct.row)
    own = scores.diagonal().clone()
    scores.fill_diagonal_(-torch.inf)
    other, rival = scores.max(dim=1)  # of equal ones the first, as torch promises since 1.7
    return own, torch.where(own.isnan(), own, other), rival


def _nearest_of_each_image(
    images: torch.Tensor, prompts: torch.Tensor, labels: torch.Tensor, num_images: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    num_classes = len(prompts)
    distinct = Gallery(prompts)
    columns = prompts[distinct.first].float()
    sums = torch.zeros(2, num_classes, dtype=torch.float64, device=images.device)
    named = torch.zeros(num_classes * num_classes, dtype=torch.int64, device=images.device)
    for block in image_blocks(len(images), num_classes):
        scores = images[block].float() @ columns.T
        if distinct.has_duplicates:
            scores = scores.index_select(1, distinct.row)
        label = labels[block]
        own = scores.gather(1, label[:, None])[:, 0]
        scores.scatter_(1, label[:, None], -torch.inf)
        other, rival = scores.max(dim=1)
        sums[0].index_add_(0, label, own.double())
        sums[1].index_add_(0, label, other.double())
        named += torch.bincount(label * num_classes + rival, minlength=len(named))
    own, other = sums / num_images
    return own, other, named.view(num_classes, num_classes).argmax(dim=1)
