"""Some images of a dataset with all that is known of them."""

import numpy as np

from misfire.core.errors import UsageError
from misfire.data.dataset import Dataset
from misfire.data.image_table import Known


def image_sample(dataset: Dataset, num_images: int, *, rng: np.random.Generator) -> Dataset:
    """A uniform sample of a dataset's images without replacement, each with all that is known of it.

    Args:
        dataset: Where they come from; it is returned as it is if it has no more images.
        num_images: How many.
        rng: Source of the draw.

    Raises:
        UsageError: If ``num_images`` is below 1.
    """
    if num_images < 1:
        raise UsageError(f"a sample must have at least one image, got num_images {num_images}; raise it.")
    if num_images >= len(dataset.images):
        return dataset
    chosen = rng.choice(len(dataset.images), size=num_images, replace=False)
    images = tuple(dataset.images[position] for position in sorted(chosen.tolist()))
    ids = {image.id for image in images}
    known = Known(dataset.labels, dataset.label_matrix, dataset.tags, dataset.sentences)
    return Dataset(
        name=f"{dataset.name} ({num_images} images)",
        images=images,
        captions=tuple(caption for caption in dataset.captions if caption.image_id in ids),
        policy=dataset.policy,
        skipped_images=dataset.skipped_images,
        skipped_captions=dataset.skipped_captions,
        known=known.of_images(sorted(ids)),
    )
