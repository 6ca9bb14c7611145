"""Pictures of what a cell fixed and what it broke: the largest changes of rank each way."""

import io
from bisect import bisect_left
from collections.abc import Hashable, Mapping
from typing import TYPE_CHECKING, Any

import pandas as pd

from misfire.reporting.gallery import Example, ExampleGroup, Gallery, Picture

if TYPE_CHECKING:
    from PIL import Image as PillowImage

    from misfire.data import Dataset

_SIDE = 160
_QUALITY = 80
_GROUPS = (
    ("subset", True, "Fixed on the subset"),
    ("subset", False, "Broken on the subset"),
    ("complement", True, "Fixed among the other queries"),
    ("complement", False, "Broken among the other queries"),
)


def flip_gallery(records: pd.DataFrame, dataset: "Dataset", *, k: int, most: int = 4) -> Gallery:
    """The largest flips of a cell at one cut-off, on the subset and on the complement, with their pictures.

    Args:
        records: Its records, one a query.
        dataset: Where captions and pictures come from; its fingerprint must be the cell's.
        k: Cut-off.
        most: Examples of each kind.

    Raises:
        OSError: If a picture's file can't be read.
        IntegrityError: If a picture isn't what it was.
    """
    texts = {caption.id: caption.text for caption in dataset.captions}
    groups = []
    for part, is_fixed, title in _GROUPS:
        flips = largest_flips(records, part=part, is_fixed=is_fixed, k=k)
        examples = tuple(_example(row, texts, dataset) for row in flips.head(most).to_dict("records"))
        groups.append(ExampleGroup(title, len(flips), examples))
    return Gallery(tuple(group for group in groups if group.examples))


def largest_flips(records: pd.DataFrame, *, part: str, is_fixed: bool, k: int) -> pd.DataFrame:
    """Records of the queries that flipped one way at ``k``, the largest change of rank first, equal ones by query.

    Args:
        records: One row a query.
        part: ``subset`` or ``complement``.
        is_fixed: Whether those are wanted that only the ensemble hits, or those that only the plain caption hits.
        k: Cut-off.
    """
    before, after = records["baseline_rank"], records["ensembled_rank"]
    is_flip = ((before > k) & (after <= k)) if is_fixed else ((before <= k) & (after > k))
    found = records[is_flip & (records["part"] == part)]
    change = (found["baseline_rank"] - found["ensembled_rank"]).abs()
    return found.assign(change=change).sort_values(["change", "query_id"], ascending=[False, True])


def _example(row: Mapping[Hashable, Any], texts: dict[int, str], dataset: "Dataset") -> Example:
    def number(name: str) -> int:
        return int(row[name])

    shown = (
        (number("image_id"), "Asked for"),
        (number("baseline_top1_id"), "First before"),
        (number("ensembled_top1_id"), "First after"),
    )
    category = row.get("category")
    told = [
        f"rank {number('baseline_rank')} → {number('ensembled_rank')}",
        *([category] if isinstance(category, str) and category else []),
        f"query {number('query_id')}",
    ]
    return Example(
        text=texts[number("query_id")],
        pictures=tuple(Picture(_jpeg(_load(dataset, image_id)), role) for image_id, role in shown),
        remark=" · ".join(told),
    )


def _load(dataset: "Dataset", image_id: int) -> "PillowImage.Image":
    # Images stand in the order of their ids.
    return dataset.images[bisect_left(dataset.images, image_id, key=lambda image: image.id)].source.load()


def _jpeg(picture: "PillowImage.Image") -> bytes:
    small = picture.convert("RGB")
    small.thumbnail((_SIDE, _SIDE))
    buffer = io.BytesIO()
    small.save(buffer, format="JPEG", quality=_QUALITY, optimize=True)
    return buffer.getvalue()
