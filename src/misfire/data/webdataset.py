"""Tar shards as webdataset writes them: ``key.jpg`` beside ``key.txt`` or ``key.json``."""

import glob
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any, Final, final

from misfire.core.errors import UsageError, name_some
from misfire.data.dataset import MISSING, Caption, Image, ImageSource
from misfire.data.listing import Listing
from misfire.data.picture_folder import UnusableImage
from misfire.data.sourced import SourcedDataset
from misfire.data.tar_member import TarEntry, TarMember, tar_entries

_PICTURES: Final = ("jpg", "jpeg", "png", "webp")
_TEXTS: Final = ("txt", "json")  # a txt goes before a json, which often holds what is known of the download
_RANGE: Final = re.compile(r"\{(\d{1,9})\.\.(\d{1,9})\}")
_NO_CAPTIONS: Final = "no caption or captions"
_MOST_SHARDS: Final = 1_000_000


@final
class WebdatasetCaptions(SourcedDataset):
    """The pictures and captions of tar shards, read where they lie.

    A sample is the members that share what stands before the first dot of their name. Its captions are the lines of
    ``key.txt``, else ``caption`` (a text or a list of texts) or ``captions`` of ``key.json``. Images are numbered in
    the order of their shard's name and then their key, captions in that order and theirs.

    Args:
        shards: One tar, a folder of ``*.tar``, a glob, or a range such as ``shards/{000000..000012}.tar``.
        caption_policy: ``all`` or ``first_5``.
        name: What tables call it; made of ``shards`` if it isn't given.
        on_bad_image: ``refuse`` or ``skip``; a truncated or compressed shard is refused under either.
        index: Folder in which the look at each picture is remembered, or None.

    Raises:
        UsageError: If there is no shard, one is damaged, a key stands twice, captions can't be read, or a rule of
            :class:`SourcedDataset` is broken.
    """

    def __init__(
        self,
        shards: str | Path,
        caption_policy: str = "all",
        *,
        name: str | None = None,
        on_bad_image: str = "refuse",
        index: str | Path | None = None,
    ) -> None:
        listing = webdataset_listing(find_shards(str(shards)), name=name or _name(Path(shards)))
        super().__init__(listing, caption_policy=caption_policy, on_bad_image=on_bad_image, index=index)


@dataclass(slots=True)
class _Sample:
    """What a shard holds under one key."""

    shard: Path
    key: str
    picture: ImageSource | None = None
    captions: tuple[str, ...] = ()


def find_shards(shards: str) -> list[Path]:
    """The archives that a path, a folder, a glob or a range names, in the order of their names.

    Raises:
        UsageError: If there is none, or a range names some that aren't there.
    """
    if Path(shards).is_dir():
        found = sorted(Path(shards).glob("*.tar"))
    elif _RANGE.search(shards):
        found = sorted(Path(path) for path in _in_range(shards))
        missing = [path.name for path in found if not path.is_file()]
        if missing:
            raise UsageError(
                f"every shard of {shards} must be there, missing are {name_some(missing)}; fetch them or mend it."
            )
    else:
        found = [Path(shards)] if Path(shards).is_file() else sorted(Path(path) for path in glob.glob(shards))
    if not found:
        raise UsageError(f"shards must name tar files, got {shards}, where there is none; put them there or mend it.")
    return found


def _name(shards: Path) -> str:
    """A glob or a range says little: its folder is what people call the dataset."""
    return shards.stem if shards.exists() else shards.absolute().parent.name


def webdataset_listing(shards: Iterable[Path], *, name: str) -> Listing:
    """What some shards list; only their headers and their captions are read."""
    samples = sorted((sample for shard in shards for sample in _samples(shard)), key=lambda one: (one.shard, one.key))
    times = Counter(sample.key for sample in samples)
    twice = [f"{sample.key} in {sample.shard.name}" for sample in samples if times[sample.key] > 1]
    if twice:
        raise UsageError(f"{name}: a key must stand in one shard, got {name_some(twice)}; write the shards again.")
    texts = [(image, text) for image, sample in enumerate(samples) for text in sample.captions]
    return Listing(
        name=name,
        images=[
            Image(index, sample.picture or UnusableImage(sample.key, MISSING), sample.key)
            for index, sample in enumerate(samples)
        ],
        captions=[Caption(index, image, text) for index, (image, text) in enumerate(texts)],
    )


def _samples(shard: Path) -> list[_Sample]:
    """The samples of a shard that hold a picture or a text."""
    samples: dict[str, _Sample] = {}
    texts: dict[str, dict[str, TarMember]] = {}
    wrong: list[str] = []
    for entry in tar_entries(shard):
        key, kind = _split_name(entry.member.name)
        if kind in _PICTURES:
            sample = samples.setdefault(key, _Sample(shard, key))
            if sample.picture is not None:
                wrong.append(f"{entry.member.name} (a second picture)")
            sample.picture = _picture(entry)
        elif kind in _TEXTS:
            samples.setdefault(key, _Sample(shard, key))
            of_key = texts.setdefault(key, {})
            if entry.problem is not None or kind in of_key:
                wrong.append(f"{entry.member.name} ({entry.problem or 'a second one'})")
            of_key[kind] = entry.member
    if not wrong:
        for key, members in texts.items():
            samples[key].captions = _captions(members, wrong)
    if wrong:
        raise UsageError(
            f"{shard}: every key must have one picture and captions that can be read, got "
            f"{name_some(wrong)}; write the shard again."
        )
    return list(samples.values())


def _picture(entry: TarEntry) -> ImageSource:
    return entry.member if entry.problem is None else UnusableImage(entry.member.name, entry.problem)


def _split_name(name: str) -> tuple[str, str]:
    """Key and kind of a member: its name up to the first dot after its folder, and what follows that dot.

    Example:
        >>> _split_name("v1.0/0001.JPG"), _split_name("a.seg.png")
        (('v1.0/0001', 'jpg'), ('a', 'seg.png'))
    """
    folder, slash, file = name.rpartition("/")
    stem, _, kind = file.partition(".")
    return folder + slash + stem, kind.lower()


def _captions(members: dict[str, TarMember], wrong: list[str]) -> tuple[str, ...]:
    kind = next(kind for kind in _TEXTS if kind in members)
    member = members[kind]
    try:
        text = member.read().decode("utf-8-sig")
        if kind == "txt":
            return tuple(line.rstrip("\r") for line in text.rstrip("\r\n").split("\n"))
        return _of_json(json.loads(text))
    except UnicodeDecodeError:
        wrong.append(f"{member.name} (not UTF-8)")
    except (ValueError, RecursionError) as error:
        wrong.append(f"{member.name} ({error})")
    return ()


def _of_json(document: Any) -> tuple[str, ...]:
    if not isinstance(document, dict):
        raise ValueError("not a JSON object")
    found = document.get("caption", document.get("captions"))
    texts = [found] if isinstance(found, str) else found
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise ValueError(_NO_CAPTIONS)
    for text in texts:
        text.encode("utf-8")  # half a surrogate pair can't be hashed or tokenized
    return tuple(texts)


def _in_range(pattern: str) -> Iterator[str]:
    """Every path of a range: ``a{08..10}.tar`` is a08.tar, a09.tar and a10.tar."""
    words = _RANGE.split(pattern)  # text, first, last, text, first, last, ..., text
    ranges = [range(int(first), int(last) + 1) for first, last in zip(words[1::3], words[2::3], strict=True)]
    if not all(ranges) or sum(map(len, ranges)) > _MOST_SHARDS:
        raise UsageError(f"a range of shards must go up from its first number, got {pattern}; mend it.")
    widths = [len(first) for first in words[1::3]]
    for numbers in product(*ranges):
        filled = (f"{number:0{width}d}" for number, width in zip(numbers, widths, strict=True))
        yield "".join(text for pair in zip(words[::3], [*filled, ""], strict=True) for text in pair)
