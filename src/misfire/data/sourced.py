"""A dataset that was read from a source: what all formats share once their files are a listing."""

from collections.abc import Callable, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from misfire.core.errors import UsageError, name_some
from misfire.data.dataset import (
    MISSING,
    OUTSIDE,
    UNREADABLE,
    WITHOUT_CAPTION,
    Caption,
    Dataset,
    Skipped,
    broken_rules,
    refuse,
    repeated_ids,
)
from misfire.data.image_index import ImageIndex
from misfire.data.listing import Listing

EMPTY: Final = "empty"


def _first_5(captions: Sequence[Caption]) -> list[Caption]:
    by_image = sorted(captions, key=lambda caption: (caption.image_id, caption.id))
    return [
        caption for _, group in groupby(by_image, key=lambda caption: caption.image_id) for caption in list(group)[:5]
    ]


_CAPTION_POLICIES: Mapping[str, Callable[[Sequence[Caption]], Sequence[Caption]]] = MappingProxyType(
    {"all": lambda captions: captions, "first_5": _first_5}
)


class SourcedDataset(Dataset):
    """The dataset of a listing, after every image was looked at once.

    A format is a function that reads its file into a :class:`Listing`, and a class whose ``__init__`` hands that on.

    Args:
        listing: What the source lists.
        caption_policy: ``all``, or ``first_5``: of each image the five captions with the smallest ids.
        on_bad_image: ``refuse``, or ``skip``: leave out images that are missing, unreadable or truncated, outside their
            folder or without captions, and their captions; captions of images that aren't listed; and empty captions.
            A repeated id and a file that isn't what its format says are refused under either.
        index: Folder in which the look at each image file is remembered, so that files that didn't change are not
            read again; None to look every time.

    Raises:
        UsageError: If a policy is unknown, or the listing breaks a rule that the policy doesn't waive.
    """

    def __init__(
        self,
        listing: Listing,
        *,
        caption_policy: str = "all",
        on_bad_image: str = "refuse",
        index: str | Path | None = None,
    ) -> None:
        choose = _choice("caption_policy", caption_policy, _CAPTION_POLICIES)
        keep = _choice("on_bad_image", on_bad_image, _BAD_IMAGE_POLICIES)
        looks = ImageIndex(index)
        images, problems = looks.check(listing.images)
        kept = keep(Listing(listing.name, images, listing.captions), problems)
        left_out = {image.id for image in images} - {image.id for image in kept.listing.images}
        policy: dict[str, Any] = {"caption_policy": caption_policy, "on_bad_image": on_bad_image}
        super().__init__(
            name=listing.name,
            images=tuple(kept.listing.images),
            captions=tuple(choose(kept.listing.captions)),
            policy=policy | ({"skipped_images": sorted(left_out)} if left_out else {}),
            skipped_images=kept.images,
            skipped_captions=kept.captions,
        )
        looks.save()  # only now: a dataset that is refused writes nothing


class _Kept(NamedTuple):
    """What is left of a listing, and what was left out."""

    listing: Listing
    images: tuple[Skipped, ...] = ()
    captions: tuple[Skipped, ...] = ()


def _refuse_bad(listing: Listing, problems: Mapping[int, str]) -> _Kept:
    bad = [Skipped(image.label, problems[image.id]) for image in listing.images if image.id in problems]
    if listing.images:
        refuse(listing.name, [*broken_rules(listing.images, listing.captions), *_bad_by_kind(bad)])
    return _Kept(listing)


def _bad_by_kind(bad: Sequence[Skipped]) -> list[str]:
    rules = {
        MISSING: "images must be there",
        OUTSIDE: "images must lie in their folder",
        UNREADABLE: "images must decode whole",
    }
    found = {kind: [one.name if one.reason == kind else str(one) for one in bad if one.kind == kind] for kind in rules}
    return [f"{rule}, got {name_some(found[kind])}" for kind, rule in rules.items() if found[kind]]


def _skip_bad(listing: Listing, problems: Mapping[int, str]) -> _Kept:
    refuse(listing.name, repeated_ids(listing.images, listing.captions))
    listed = {image.id for image in listing.images}
    strangers = [caption for caption in listing.captions if caption.image_id not in listed]
    lost = {caption.id: f"of image {caption.image_id}, which isn't listed" for caption in strangers}
    lost |= {caption.id: EMPTY for caption in listing.captions if not caption.text.strip()}
    described = {caption.image_id for caption in listing.captions if caption.id not in lost}
    bad = dict.fromkeys(listed - described, WITHOUT_CAPTION) | dict(problems)
    kept = Listing(
        name=listing.name,
        images=[image for image in listing.images if image.id not in bad],
        captions=[caption for caption in listing.captions if caption.id not in lost and caption.image_id not in bad],
    )
    return _Kept(
        kept,
        images=tuple(Skipped(image.label, bad[image.id]) for image in listing.images if image.id in bad),
        captions=tuple(Skipped(f"id {identifier}", reason) for identifier, reason in lost.items()),
    )


_BAD_IMAGE_POLICIES: Mapping[str, Callable[[Listing, Mapping[int, str]], _Kept]] = MappingProxyType(
    {"refuse": _refuse_bad, "skip": _skip_bad}
)


def _choice(name: str, value: str, choices: Mapping[str, Any]) -> Any:
    if value not in choices:
        raise UsageError(f"{name} must be one of {', '.join(choices)}, got {value!r}; choose one of them.")
    return choices[value]
