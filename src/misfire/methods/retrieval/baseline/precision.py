"""What a lower precision of the network changes: how many queries gain or lose their hit."""

from collections.abc import Mapping

from misfire.cells import Flips
from misfire.cells.lab import Workbench
from misfire.methods.retrieval.baseline.baseline import image_to_text, text_to_image
from misfire.methods.retrieval.flips import flip_ledger


def precision_flips(reference: Workbench, other: Workbench, *, ks: tuple[int, ...]) -> Mapping[str, Flips]:
    """Ledger of hits between two precisions of one backbone on the same data, by tracked name (``t2i/hit_at_1``).

    ``broken`` are queries that only the reference hits, ``fixed`` those that only the other one hits.

    Args:
        reference: Usually fp32.
        other: The same data with the backbone in another precision.
        ks: Cut-offs.
    """
    ranks = {
        "t2i": [text_to_image(bench).ranks.rank.numpy() for bench in (reference, other)],
        "i2t": [image_to_text(bench)[0].ranks.rank.numpy() for bench in (reference, other)],
    }
    return {
        f"{direction}/hit_at_{k}": flip_ledger(before, after, k=k)
        for direction, (before, after) in ranks.items()
        for k in ks
    }
