"""A dataset's card as a person reads it."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any


def card_lines(card: Mapping[str, Any], notes: Sequence[str]) -> Iterator[str]:
    """The card, a line a fact; ``notes`` are the dataset's own remarks on how it was read."""
    yield (
        f"{card['name']}: {card['num_images']:,} images, {card['num_captions']:,} captions, "
        f"fingerprint {card['fingerprint'][:12]}"
    )
    yield (
        f"captions an image: {card['captions_per_image_min']} to {card['captions_per_image_max']}, "
        f"mean {card['captions_per_image_mean']:.2f}"
    )
    yield (
        f"captions that are empty {card['num_empty_captions']:,}; whose text stands more than once "
        f"{card['num_repeated_captions']:,} (exactly {card['num_repeated_captions_exact']:,})"
    )
    yield (
        f"texts on several images: {card['num_shared_captions']:,} with case, punctuation and spacing folded "
        f"(exactly {card['num_shared_captions_exact']:,})"
    )
    yield (
        f"so t2i hit@1 can be {card['hit_at_1_ceiling']:.5f} at best in expectation "
        f"(exactly {card['hit_at_1_ceiling_exact']:.5f})"
    )
    yield (
        f"images missing {card['num_missing_images']:,}, unreadable {card['num_unreadable_images']:,}, "
        f"skipped {card['num_skipped_images']:,}"
    )
    yield from notes
