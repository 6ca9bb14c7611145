"""A dataset's card: what a reader must know of it before any number measured on it."""

import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from misfire.data.dataset import MISSING, OUTSIDE, UNREADABLE, WITHOUT_CAPTION, Dataset
from misfire.data.picture_folder import AbsentImage
from misfire.data.sourced import EMPTY


def dataset_card(dataset: Dataset) -> dict[str, Any]:
    """What a dataset holds, what was left out of it, and what its captions allow a model to reach.

    Counts of captions compare their texts folded (see :func:`folded`); the keys that end in ``_exact`` compare the
    texts as they stand. ``num_repeated_captions`` counts the captions whose text stands more than once,
    ``num_shared_captions`` those whose text stands on more than one image, and ``hit_at_1_ceiling`` is what they leave
    (see :func:`hit_at_1_ceiling`). A refused dataset has no card; open it with ``on_bad_image=skip`` to see how many
    images are missing, unreadable, outside their folder or without a caption, and how many captions are empty.

    Returns:
        Names, counts, fractions and one histogram, all of which JSON can hold.
    """
    images = Counter(skipped.kind for skipped in dataset.skipped_images)
    words = np.array([len(caption.text.split()) for caption in dataset.captions])
    return {
        "name": dataset.name,
        "fingerprint": dataset.fingerprint,
        "policy": dict(dataset.policy),
        "num_images": len(dataset.images),
        "num_captions": len(dataset.captions),
        **_captions_per_image(dataset),
        "caption_words_min": int(words.min()),
        "caption_words_mean": float(words.mean()),
        "caption_words_max": int(words.max()),
        "num_empty_captions": sum(skipped.reason == EMPTY for skipped in dataset.skipped_captions),
        **_equal_texts(dataset, folded, ""),
        **_equal_texts(dataset, str, "_exact"),
        "num_images_without_picture": sum(isinstance(image.source, AbsentImage) for image in dataset.images),
        "num_missing_images": images[MISSING],
        "num_unreadable_images": images[UNREADABLE],
        "num_images_outside": images[OUTSIDE],
        "num_images_without_caption": images[WITHOUT_CAPTION],
        "num_skipped_images": len(dataset.skipped_images),
        "num_skipped_captions": len(dataset.skipped_captions),
    }


def folded(text: str) -> str:
    """A text without what readers don't tell apart: case, punctuation, spacing and Unicode's double ways of writing.

    A text of punctuation alone stays as it is.

    Example:
        >>> folded("A  Cat, asleep. ")
        'a cat asleep'
    """
    letters = unicodedata.normalize("NFKC", text).casefold()
    bare = "".join(letter for letter in letters if not unicodedata.category(letter).startswith("P"))
    return " ".join(bare.split()) or text


def hit_at_1_ceiling(images_of_texts: Mapping[str, Mapping[int, int]]) -> float:
    """The best expected text-to-image hit@1 of a reader who sees nothing but the text of a query.

    Where a text stands on several images, one answer must do for all of its captions: the best is the image on which
    it stands most often, and no guessing at random has a higher expectation.

    Args:
        images_of_texts: For each text, on which images it stands and how often on each.

    Returns:
        A fraction in (0, 1]; 1 where no text stands on two images.

    Example:
        >>> hit_at_1_ceiling({"a cat": {1: 1, 2: 1}, "a dog": {3: 2}})
        0.75
    """
    best = sum(max(times.values()) for times in images_of_texts.values())
    return best / sum(sum(times.values()) for times in images_of_texts.values())


def _captions_per_image(dataset: Dataset) -> dict[str, Any]:
    counts = np.bincount(dataset.targets, minlength=len(dataset.images))
    histogram = {str(count): number for count, number in enumerate(np.bincount(counts).tolist()) if number}
    return {
        "captions_per_image_min": int(counts.min()),
        "captions_per_image_mean": float(counts.mean()),
        "captions_per_image_max": int(counts.max()),
        "captions_per_image_histogram": histogram,
    }


def _equal_texts(dataset: Dataset, fold: Callable[[str], str], ending: str) -> dict[str, Any]:
    images_of_texts: defaultdict[str, Counter[int]] = defaultdict(Counter)
    for caption in dataset.captions:
        images_of_texts[fold(caption.text)][caption.image_id] += 1
    repeated = [times for times in images_of_texts.values() if times.total() > 1]
    return {
        f"num_repeated_captions{ending}": sum(times.total() for times in repeated),
        f"num_shared_captions{ending}": sum(times.total() for times in repeated if len(times) > 1),
        f"hit_at_1_ceiling{ending}": hit_at_1_ceiling(images_of_texts),
    }
