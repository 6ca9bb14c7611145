"""A dataset that was read from a source: what all formats share once their files are a listing."""

from collections.abc import Callable, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from misfire.core.errors import UsageError, name_some
from misfire.data.dataset import (
    Caption,
    Dataset,
    Skipped,
    broken_rules,
    refuse,
    repeated_captions,
    repeated_images,
)
from misfire.data.image_index import check_images
from misfire.data.listing import Listing

WITHOUT_CAPTION: Final = "without a caption"


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
        images, problems = check_images(listing.images, index=index)
        kept, skipped_images, skipped_captions = keep(Listing(listing.name, images, listing.captions), problems)
        policy: dict[str, Any] = {"caption_policy": caption_policy, "on_bad_image": on_bad_image}
        if skipped_images:
            ids = {image.id for image in kept.images}
            policy["skipped_images"] = sorted(image.id for image in listing.images if image.id not in ids)
        super().__init__(
            name=listing.name,
            images=tuple(kept.images),
            captions=tuple(choose(kept.captions)),
            policy=policy,
            skipped_images=skipped_images,
            skipped_captions=skipped_captions,
        )


_Kept = tuple[Listing, tuple[Skipped, ...], tuple[Skipped, ...]]


def _refuse_bad(listing: Listing, problems: Mapping[int, str]) -> _Kept:
    bad = [Skipped(image.label, problems[image.id]) for image in listing.images if image.id in problems]
    rule = [f"images must be whole and in their place, got {name_some(bad)}"] if bad else []
    broken = [*broken_rules(listing.images, listing.captions), *rule]
    if listing.images and broken:
        refuse(listing.name, broken)
    return listing, (), ()


def _skip_bad(listing: Listing, problems: Mapping[int, str]) -> _Kept:
    twice = {
        "images must have different ids": repeated_images(listing.images),
        "captions must have different ids": repeated_captions(listing.captions),
    }
    refuse(listing.name, [f"{rule}, got {name_some(which)}" for rule, which in twice.items() if which])
    listed = {image.id for image in listing.images}
    told = [caption for caption in listing.captions if caption.text.strip()]
    why = dict.fromkeys(listed - {caption.image_id for caption in told}, WITHOUT_CAPTION) | dict(problems)
    images = [image for image in listing.images if image.id not in why]
    usable = {image.id for image in images}
    captions = [caption for caption in told if caption.image_id in usable]
    left_out = [
        Skipped(f"id {caption.id}", f"of image {caption.image_id}, which isn't listed")
        if caption.image_id not in listed
        else Skipped(f"id {caption.id}", "empty")
        for caption in listing.captions
        if caption.image_id not in listed or not caption.text.strip()
    ]
    skipped = tuple(Skipped(image.label, why[image.id]) for image in listing.images if image.id in why)
    return Listing(listing.name, images, captions), skipped, tuple(left_out)


_BAD_IMAGE_POLICIES: Mapping[str, Callable[[Listing, Mapping[int, str]], _Kept]] = MappingProxyType(
    {"refuse": _refuse_bad, "skip": _skip_bad}
)


def _choice(name: str, value: str, choices: Mapping[str, Any]) -> Any:
    if value not in choices:
        raise UsageError(f"{name} must be one of {', '.join(choices)}, got {value!r}; choose one of them.")
    return choices[value]
