"""A dataset's card: what a reader must know of it before any number measured on it."""

import math
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from misfire.core.errors import UsageError
from misfire.data.dataset import MISSING, OUTSIDE, UNREADABLE, WITHOUT_CAPTION, Dataset
from misfire.data.near_twin import has_near_twin
from misfire.data.picture_folder import AbsentImage
from misfire.data.sourced import EMPTY


def dataset_card(dataset: Dataset) -> dict[str, Any]:
    """What a dataset holds, what was left out of it, and what its captions allow a model to reach.

    Counts of captions compare their texts folded (see :func:`folded`); the keys that end in ``_exact`` compare the
    texts as they stand. ``num_repeated_captions`` counts the captions whose text stands more than once,
    ``num_shared_captions`` those whose text stands on more than one image, and ``hit_at_1_ceiling`` is what they leave
    (see :func:`hit_at_1_ceiling`); ``i2t_hit_at_1_ceiling`` is what they leave of the other direction (see
    :func:`i2t_hit_ceiling`). ``num_images_without_caption`` counts those in the gallery and those left out of it, and
    ``num_gallery_images_without_caption`` the former. A refused dataset has no card; open it with ``on_bad_image=skip``
    to see how many images are missing, unreadable or outside their folder, and how many captions are empty.

    Returns:
        Names, counts, fractions and one histogram, all of which JSON can hold; what needs captions is NaN without any.
    """
    images = Counter(skipped.kind for skipped in dataset.skipped_images)
    lengths = [len(caption.text.split()) for caption in dataset.captions]
    words = np.array(lengths) if lengths else np.array([np.nan])
    silent = len(dataset.uncaptioned_images)
    return {
        "name": dataset.name,
        "fingerprint": dataset.fingerprint,
        "policy": dict(dataset.policy),
        "num_images": len(dataset.images),
        "num_captions": len(dataset.captions),
        **_captions_per_image(dataset),
        "caption_words_min": words.min().item(),
        "caption_words_mean": float(words.mean()),
        "caption_words_max": words.max().item(),
        "num_empty_captions": sum(skipped.reason == EMPTY for skipped in dataset.skipped_captions),
        **_equal_texts(dataset, folded, ""),
        **_equal_texts(dataset, str, "_exact"),
        "num_images_without_picture": sum(isinstance(image.source, AbsentImage) for image in dataset.images),
        "num_missing_images": images[MISSING],
        "num_unreadable_images": images[UNREADABLE],
        "num_images_outside": images[OUTSIDE],
        "num_images_without_caption": images[WITHOUT_CAPTION] + silent,
        "num_gallery_images_without_caption": silent,
        "num_repeated_images": len(dataset.repeated_images),
        "num_images_with_near_twin": num_images_with_near_twin(dataset),
        "num_skipped_images": len(dataset.skipped_images),
        "num_skipped_captions": len(dataset.skipped_captions),
    }


def truncation_note(num_truncated: int, num_texts: int, *, context_length: int, what: str = "captions") -> str:
    """One sentence that belongs beside every result of a model that doesn't read some texts to their end.

    Args:
        num_truncated: How many of them the tokenizer cuts, each counted as often as it stands.
        num_texts: Of how many.
        context_length: Tokens that the model reads.
        what: What the texts are, in the plural.

    Returns:
        The sentence, or nothing where none is cut.

    Example:
        >>> truncation_note(3, 1200, context_length=77)
        "3 of 1,200 captions are longer than the model's 77 tokens: their ends are cut off."
    """
    if not num_truncated:
        return ""
    is_one = num_truncated == 1
    return (
        f"{num_truncated:,} of {num_texts:,} {what} {'is' if is_one else 'are'} longer than the model's "
        f"{context_length} tokens: {'its end is' if is_one else 'their ends are'} cut off."
    )


def num_images_with_near_twin(dataset: Dataset) -> int | None:
    """How many images look like another one of the dataset, though their content differs.

    They stay apart: each is another's failure where a caption fits both. None where images weren't looked at, as those
    of a generated world aren't, or are named by their pictures' names alone.
    """
    seen = [image.source.thumbnail for image in dataset.images]
    known = [thumbnail for thumbnail in seen if thumbnail is not None]
    if len(known) < len(seen):
        return None
    return int(has_near_twin(np.frombuffer(b"".join(known), dtype=np.uint8).reshape(len(known), -1)).sum())


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
    captions = sum(sum(times.values()) for times in images_of_texts.values())
    return best / captions if captions else math.nan


def i2t_hit_ceiling(images_of_texts: Mapping[str, Mapping[int, int]], *, k: int) -> float:
    """The best expected image-to-text hit@k of a reader who can't tell captions of equal text apart.

    An image is a hit if one of its own captions is among the first ``k``. One with a text that stands on no other image
    can always be; of a text that does, any of its captions may come first, whoever's it is. The ``k`` places are shared
    out among an image's texts so that all of its own miss as rarely as can be.

    Args:
        images_of_texts: For each text, on which images it stands and how often on each.
        k: Cut-off, >= 1.

    Returns:
        A fraction in (0, 1] of the images that have captions; NaN where there is none.

    Raises:
        UsageError: If k < 1.

    Example:
        >>> i2t_hit_ceiling({"a cat": {1: 1, 2: 1}, "a dog": {2: 1}}, k=1)  # image 1 has nothing but a shared text
        0.75
    """
    if k < 1:
        raise UsageError(f"a ceiling must have k >= 1, got {k}; give the cut-off of the hit rate.")
    texts_of_images: defaultdict[int, list[tuple[int, int]]] = defaultdict(list)
    for times in images_of_texts.values():
        for image, own in times.items():
            texts_of_images[image].append((own, sum(times.values())))
    if not texts_of_images:
        return math.nan
    return math.fsum(1 - _least_miss(texts, k) for texts in texts_of_images.values()) / len(texts_of_images)


def _least_miss(texts: Sequence[tuple[int, int]], k: int) -> float:
    """The least probability that none of an image's own captions is among ``k``, given how many of each text are its.

    Where ``places`` captions of a text are drawn, none of its own ``own`` of ``all`` is among them with the
    hypergeometric probability C(all - own, places) / C(all, places).
    """
    if any(own == every for own, every in texts):
        return 0.0
    least = [1.0] * (k + 1)  # by how many places the texts so far share
    for own, every in texts:
        miss = [math.comb(every - own, places) / math.comb(every, places) for places in range(min(k, every) + 1)]
        least = [
            min(least[shared - places] * miss[places] for places in range(min(shared, every) + 1))
            for shared in range(k + 1)
        ]
    return least[k]


def images_of_texts(dataset: Dataset, *, fold: Callable[[str], str] | None = None) -> dict[str, Counter[int]]:
    """For each text of a dataset's captions, on which images it stands and how often on each.

    Args:
        dataset: Whose captions.
        fold: What makes texts equal; :func:`folded` if it isn't given.
    """
    found: defaultdict[str, Counter[int]] = defaultdict(Counter)
    for caption in dataset.captions:
        found[(fold or folded)(caption.text)][caption.image_id] += 1
    return dict(found)


def _captions_per_image(dataset: Dataset) -> dict[str, Any]:
    owners = Counter(caption.image_id for caption in dataset.captions)
    counts = np.array([owners[image.id] for image in dataset.images])
    histogram = {str(count): number for count, number in enumerate(np.bincount(counts).tolist()) if number}
    return {
        "captions_per_image_min": int(counts.min()),
        "captions_per_image_mean": float(counts.mean()),
        "captions_per_image_max": int(counts.max()),
        "captions_per_image_histogram": histogram,
    }


def _equal_texts(dataset: Dataset, fold: Callable[[str], str], ending: str) -> dict[str, Any]:
    found = images_of_texts(dataset, fold=fold)
    repeated = [times for times in found.values() if times.total() > 1]
    shared = [times for times in repeated if len(times) > 1]
    return {
        f"num_repeated_captions{ending}": sum(times.total() for times in repeated),
        f"num_shared_captions{ending}": sum(times.total() for times in shared),
        f"num_shared_texts{ending}": len(shared),
        f"num_images_of_shared_texts{ending}": len({image for times in shared for image in times}),
        f"hit_at_1_ceiling{ending}": hit_at_1_ceiling(found),
        f"i2t_hit_at_1_ceiling{ending}": i2t_hit_ceiling(found, k=1),
    }
