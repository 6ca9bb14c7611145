"""A dataset's card as a person reads it."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any


def card_lines(card: Mapping[str, Any], notes: Sequence[str]) -> Iterator[str]:
    """The card, a line a fact; ``notes`` are the dataset's own remarks on how it was read."""
    yield (
        f"{card['name']}: {card['num_images']:,} images, {card['num_captions']:,} captions, "
        f"fingerprint {card['fingerprint'][:12]}"
    )
    if card["num_captions"]:
        yield from _of_captions(card)
    yield (
        f"images missing {card['num_missing_images']:,}, unreadable {card['num_unreadable_images']:,}, outside their "
        f"folder {card['num_images_outside']:,}, without a caption {card['num_images_without_caption']:,}, of which "
        f"{card['num_gallery_images_without_caption']:,} stand in the gallery"
    )
    twins = card["num_images_with_near_twin"]
    yield (
        f"images that are listed again, and count once {card['num_repeated_images']:,}; images with a near twin "
        f"{'not looked for' if twins is None else f'{twins:,}'}"
    )
    if card["num_images_without_picture"]:
        yield f"images opened without their pictures {card['num_images_without_picture']:,}"
    yield from notes


def _of_captions(card: Mapping[str, Any]) -> Iterator[str]:
    yield (
        f"captions an image: {card['captions_per_image_min']} to {card['captions_per_image_max']}, "
        f"mean {card['captions_per_image_mean']:.2f}; words a caption: {card['caption_words_min']} to "
        f"{card['caption_words_max']}, mean {card['caption_words_mean']:.1f}"
    )
    yield f"captions left out because they are empty {card['num_empty_captions']:,}"
    yield (
        f"captions whose text stands more than once {card['num_repeated_captions']:,}, on more than one image "
        f"{card['num_shared_captions']:,}, so t2i hit@1 is at most {card['hit_at_1_ceiling']:.5f} in expectation, "
        f"i2t hit@1 {card['i2t_hit_at_1_ceiling']:.5f}"
    )
    yield (
        f"the same for texts as they stand, case and punctuation included: {card['num_repeated_captions_exact']:,}, "
        f"{card['num_shared_captions_exact']:,}, {card['hit_at_1_ceiling_exact']:.5f}, "
        f"{card['i2t_hit_at_1_ceiling_exact']:.5f}"
    )
