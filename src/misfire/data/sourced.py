"""A dataset that was read from a source: what all formats share once their files are a listing."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
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
    Image,
    Skipped,
    broken_rules,
    refuse,
    repeated_ids,
)
from misfire.data.image_index import ImageIndex
from misfire.data.image_table import Known
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

    Listed images whose content is equal are one image: that with the smallest id, which gets all their captions. They
    would be each other's failures otherwise, and be counted apart by every interval that resamples images. Where labels
    or tags are known of the images they stay apart, each with its own, and it's said how many are the same.

    Args:
        listing: What the source lists.
        caption_policy: ``all``, or ``first_5``: of each image the five captions with the smallest ids.
        on_bad_image: ``refuse``, or ``skip``: leave out images that are missing, unreadable or truncated or outside
            their folder, and their captions; captions of images that aren't listed; and captions that are empty or no
            text. A repeated id and a file that isn't what its format says are refused under either.
        gallery: ``all``: every image that the source lists, captioned or not; or ``captioned``: those with captions.
        index: Folder in which the look at each image file is remembered, so that files that didn't change are not
            read again; None to look every time.
        known: What the source knows of its images beside captions.

    Raises:
        UsageError: If a policy is unknown, or the listing breaks a rule that the policy doesn't waive.
    """

    def __init__(
        self,
        listing: Listing,
        *,
        caption_policy: str = "all",
        on_bad_image: str = "refuse",
        gallery: str = "all",
        index: str | Path | None = None,
        known: Known | None = None,
    ) -> None:
        choose = _choice("caption_policy", caption_policy, _CAPTION_POLICIES)
        keep = _choice("on_bad_image", on_bad_image, _BAD_IMAGE_POLICIES)
        of_gallery = _choice("gallery", gallery, _GALLERIES)
        looks = ImageIndex(index)
        images, problems = looks.check(listing.images)
        kept = keep(replace(listing, images=images), problems)
        once, again = _each_once(kept.listing)
        remarks = list(listing.remarks)
        if known is not None and again:
            # Rows of a table are told apart by their image: merging two would lose the labels of one.
            some = ", ".join(map(str, again[:3])) + (", ..." if len(again) > 3 else "")
            are = "is" if len(again) == 1 else "are"
            remarks.append(
                f"{len(again)} of {len(kept.listing.images)} images {are} the same picture as an earlier one ({some}); "
                "each keeps its own labels and counts."
            )
            once, again = kept.listing, ()
        captions = choose(once.captions)
        shown = of_gallery(once.images, captions)
        ids = {image.id for image in shown}
        bare = tuple(Skipped(image.label, WITHOUT_CAPTION) for image in once.images if image.id not in ids)
        left_out = {image.id for image in images} - {image.id for image in kept.listing.images}
        # The default gallery isn't named: where every image has captions, both are the dataset they always were.
        policy: dict[str, Any] = {"caption_policy": caption_policy, "on_bad_image": on_bad_image}
        policy |= {"gallery": gallery} if gallery != "all" else {}
        super().__init__(
            name=listing.name,
            images=tuple(shown),
            captions=tuple(captions),
            policy=policy | ({"skipped_images": sorted(left_out)} if left_out else {}),
            skipped_images=(*kept.images, *bare, *listing.other_images),
            skipped_captions=(*kept.captions, *listing.other_texts),
            repeated_images=again,
            remarks=tuple(remarks),
            known=Known() if known is None else known.of_images([image.id for image in shown]),
        )
        looks.save()  # only now: a dataset that is refused writes nothing


class _Kept(NamedTuple):
    """What is left of a listing, and what was left out."""

    listing: Listing
    images: tuple[Skipped, ...] = ()
    captions: tuple[Skipped, ...] = ()


def _refuse_bad(listing: Listing, problems: Mapping[int, str]) -> _Kept:
    bad = [Skipped(image.label, problems[image.id]) for image in listing.images if image.id in problems]
    no_text = [f"captions must be texts, got {name_some(listing.no_texts)}"] if listing.no_texts else []
    if listing.images:
        refuse(listing.name, [*broken_rules(listing.images, listing.captions), *no_text, *_bad_by_kind(bad)])
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
    captions = [one for one in listing.captions if one.id not in lost and one.image_id not in problems]
    return _Kept(
        replace(listing, images=[image for image in listing.images if image.id not in problems], captions=captions),
        images=tuple(Skipped(image.label, problems[image.id]) for image in listing.images if image.id in problems),
        captions=(*(Skipped(f"id {identifier}", reason) for identifier, reason in lost.items()), *listing.no_texts),
    )


def _each_once(listing: Listing) -> tuple[Listing, tuple[Skipped, ...]]:
    """The same with each picture once, and the others of it."""
    first: dict[str, Image] = {}
    same: dict[int, Image] = {}
    for image in sorted(listing.images, key=lambda image: image.id):
        known = first.setdefault(image.source.content_sha256, image)
        if known is not image:
            same[image.id] = known
    if not same:
        return listing, ()
    images = [image for image in listing.images if image.id not in same]
    captions = [
        replace(one, image_id=same[one.image_id].id) if one.image_id in same else one for one in listing.captions
    ]
    again = [
        Skipped(image.label, f"the same as {same[image.id].label}") for image in listing.images if image.id in same
    ]
    return replace(listing, images=images, captions=captions), tuple(again)


def _captioned(images: Sequence[Image], captions: Sequence[Caption]) -> list[Image]:
    described = {caption.image_id for caption in captions}
    return [image for image in images if image.id in described]


_GALLERIES: Mapping[str, Callable[[Sequence[Image], Sequence[Caption]], Sequence[Image]]] = MappingProxyType(
    {"all": lambda images, captions: images, "captioned": _captioned}
)


_BAD_IMAGE_POLICIES: Mapping[str, Callable[[Listing, Mapping[int, str]], _Kept]] = MappingProxyType(
    {"refuse": _refuse_bad, "skip": _skip_bad}
)


def _choice(name: str, value: str, choices: Mapping[str, Any]) -> Any:
    if value not in choices:
        raise UsageError(f"{name} must be one of {', '.join(choices)}, got {value!r}; choose one of them.")
    return choices[value]
