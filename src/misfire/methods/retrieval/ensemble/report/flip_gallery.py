"""Pictures of what a cell fixed and what it broke: the largest changes of rank each way."""

import base64
import io
from bisect import bisect_left
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, final

import pandas as pd

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


@final
@dataclass(frozen=True)
class Picture:
    """A small JPEG with what it is."""

    jpeg: bytes
    role: str

    @property
    def data_uri(self) -> str:
        """The picture as an address that holds it."""
        return "data:image/jpeg;base64," + base64.b64encode(self.jpeg).decode("ascii")


@final
@dataclass(frozen=True)
class FlipExample:
    """One query that flipped: what was asked, and the pictures that were found before and after."""

    query_id: int
    caption: str
    category: str
    rank_before: int
    rank_after: int
    pictures: tuple[Picture, ...]


@final
@dataclass(frozen=True)
class FlipGroup:
    """Flips of one kind, the largest changes of rank first; ``num_flips`` is how many there are in all."""

    title: str
    num_flips: int
    examples: tuple[FlipExample, ...]


@final
@dataclass(frozen=True)
class FlipGallery:
    """What a cell fixed and broke, in pictures."""

    cell: str
    k: int
    groups: tuple[FlipGroup, ...]


def flip_gallery(cell: str, records: pd.DataFrame, dataset: "Dataset", *, k: int, most: int = 4) -> FlipGallery:
    """The largest flips of a cell at one cut-off, on the subset and on the complement, with their pictures.

    Args:
        cell: What the cell is called.
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
        groups.append(FlipGroup(title, len(flips), examples))
    return FlipGallery(cell, k, tuple(group for group in groups if group.examples))


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


def _example(row: Mapping[Hashable, Any], texts: dict[int, str], dataset: "Dataset") -> FlipExample:
    def number(name: str) -> int:
        return int(row[name])

    shown = (
        (number("image_id"), "Asked for"),
        (number("baseline_top1_id"), "First before"),
        (number("ensembled_top1_id"), "First after"),
    )
    category = row.get("category")
    return FlipExample(
        query_id=number("query_id"),
        caption=texts[number("query_id")],
        category=category if isinstance(category, str) else "",
        rank_before=number("baseline_rank"),
        rank_after=number("ensembled_rank"),
        pictures=tuple(Picture(_jpeg(_load(dataset, image_id)), role) for image_id, role in shown),
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
