"""Tar shards as webdataset writes them: ``key.jpg`` beside ``key.txt`` or ``key.json``."""

import glob
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import product
from pathlib import Path
from typing import Any, Final, final

from misfire.core.errors import UsageError, name_some
from misfire.data.dataset import BESIDE, MISSING, Caption, Image, ImageSource, Skipped
from misfire.data.decoding import MAX_PIXELS
from misfire.data.listing import NO_TEXT, Listing, strict_json
from misfire.data.picture_folder import PICTURE_ENDINGS, UnusableImage, check_max_pixels
from misfire.data.sourced import SourcedDataset
from misfire.data.tar_member import TarEntry, tar_entries

# A text of lines goes before a JSON, which often holds what is known of the download.
_TEXTS: Final = (".txt", ".text", ".caption", ".json")
_RANGE: Final = re.compile(r"\{(\d{1,9})\.\.(\d{1,9})\}")
_NO_CAPTIONS: Final = "no caption or captions"
_MOST_SHARDS: Final = 1_000_000


@final
class WebdatasetCaptions(SourcedDataset):
    """The pictures and captions of tar shards, read where they lie.

    A sample is the members whose names agree but for their last ending: ``22.05.png`` and ``22.05.txt``. Writers who
    end a key at its first dot (``key.input.jpg`` beside ``key.txt``) are understood where one picture and one text are
    left over and the name of one goes on where the other's ends; it's said how many. Where it can't be known which
    picture a text belongs to, the shard is refused unless ``picture`` and ``text`` say how their names end. A picture
    or text beside those of its sample (``key.seg.png``) is left out and said.

    Captions are the lines of ``key.txt``, else ``caption`` (a text or a list of texts) or ``captions`` of ``key.json``.
    Images are numbered in the order of their shard's name and then their key, captions in that order and theirs.

    Args:
        shards: One tar, a folder of ``*.tar``, a glob, or a range such as ``shards/{000000..000012}.tar``.
        caption_policy: ``all`` or ``first_5``.
        picture: How the names of the pictures end after their key, such as ``input.jpg``; None for any known ending.
        text: How the names of the texts end after their key, such as ``caption.txt``; None for any known ending.
        name: What tables call it; made of ``shards`` if it isn't given.
        on_bad_image: ``refuse`` or ``skip``; a truncated or compressed shard is refused under either.
        gallery: ``all`` or ``captioned``, see :class:`SourcedDataset`.
        max_image_pixels: The most pixels that a picture may have; None for any number.
        index: Folder in which the look at each picture is remembered, or None.

    Raises:
        UsageError: If there is no shard, one is damaged, a key stands twice, captions can't be read, it can't be known
            which picture a text belongs to, or a rule of :class:`SourcedDataset` is broken.
    """

    def __init__(
        self,
        shards: str | Path,
        caption_policy: str = "all",
        *,
        picture: str | None = None,
        text: str | None = None,
        name: str | None = None,
        on_bad_image: str = "refuse",
        gallery: str = "all",
        max_image_pixels: int | None = MAX_PIXELS,
        index: str | Path | None = None,
    ) -> None:
        check_max_pixels(max_image_pixels)
        listing = webdataset_listing(
            find_shards(str(shards)),
            name=name or _name(Path(shards)),
            endings=Endings.of(picture=picture, text=text),
            max_pixels=max_image_pixels,
        )
        super().__init__(
            listing, caption_policy=caption_policy, on_bad_image=on_bad_image, gallery=gallery, index=index
        )


@final
@dataclass(frozen=True)
class Endings:
    """How the names of pictures and of texts end after their key, each with its dot and in small letters."""

    pictures: tuple[str, ...] = PICTURE_ENDINGS
    texts: tuple[str, ...] = _TEXTS

    @classmethod
    def of(cls, *, picture: str | None, text: str | None) -> "Endings":
        """Those that are said, and every known one where nothing is."""
        said = [None if one is None else (f".{one.lower().lstrip('.')}",) for one in (picture, text)]
        return cls(said[0] or PICTURE_ENDINGS, said[1] or _TEXTS)

    def split(self, name: str) -> tuple[str, str] | None:
        """Key and ending of a member, or None where it is neither a picture nor a text.

        Example:
            >>> Endings().split("v1.0/22.05.JPG"), Endings().split("a.cls")
            (('v1.0/22.05', '.jpg'), None)
            >>> Endings(pictures=(".input.jpg",)).split("a.input.jpg")
            ('a', '.input.jpg')
        """
        small = name.lower()
        fits = [ending for ending in (*self.pictures, *self.texts) if small.endswith(ending)]
        if not fits:
            return None
        ending = max(fits, key=len)
        return name[: -len(ending)], ending


@dataclass(slots=True)
class _Sample:
    """What a shard holds under one key: its picture, and its texts by their ending."""

    key: str
    picture: TarEntry | None = None
    texts: dict[str, TarEntry] = field(default_factory=dict)

    @property
    def of_texts(self) -> str:
        """What a person calls its texts."""
        return " and ".join(entry.member.name for entry in self.texts.values())


@dataclass(slots=True)
class _Read:
    """What the samples of some shards say, each told by its shard and key."""

    pictures: list[tuple[Path, str, ImageSource]] = field(default_factory=list)
    captions: list[tuple[str | None, ...]] = field(default_factory=list)
    text_names: list[str] = field(default_factory=list)
    other_images: list[Skipped] = field(default_factory=list)
    other_texts: list[Skipped] = field(default_factory=list)
    joined: list[str] = field(default_factory=list)


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


def webdataset_listing(
    shards: Iterable[Path],
    *,
    name: str,
    endings: Endings | None = None,
    max_pixels: int | None = MAX_PIXELS,
) -> Listing:
    """What some shards list; only their headers and their captions are read."""
    read = _Read()
    for shard in sorted(shards):
        _read_shard(shard, endings or Endings(), max_pixels, read)
    times = Counter(key for _, key, _ in read.pictures)
    twice = [f"{key} in {shard.name}" for shard, key, _ in read.pictures if times[key] > 1]
    if twice:
        raise UsageError(f"{name}: a key must stand in one shard, got {name_some(twice)}; write the shards again.")
    texts = [(image, text) for image, own in enumerate(read.captions) for text in own]
    some = ", ".join(read.joined[:3]) + (", ..." if len(read.joined) > 3 else "")
    many = "text was" if len(read.joined) == 1 else "texts were"
    return Listing(
        name=name,
        images=[Image(index, source, key) for index, (_, key, source) in enumerate(read.pictures)],
        captions=[Caption(index, image, text) for index, (image, text) in enumerate(texts) if text is not None],
        no_texts=[Skipped(read.text_names[image], NO_TEXT) for image, text in texts if text is None],
        other_images=read.other_images,
        other_texts=read.other_texts,
        remarks=[f"{len(read.joined)} {many} joined with a picture of another name ({some})."] if read.joined else [],
    )


def _read_shard(shard: Path, endings: Endings, max_pixels: int | None, read: _Read) -> None:
    """Add what a shard holds, in the order of its keys.

    Raises:
        UsageError: If names or texts of the shard can't be understood; every one is counted and the first are named.
    """
    wrong: list[str] = []
    samples = _joined(_by_key(shard, endings, wrong, read), wrong, read)
    captions = [] if wrong else [_captions(sample.texts, wrong) for sample in samples]
    if wrong:
        raise UsageError(
            f"{shard}: every key must have one picture and captions that can be read, got "
            f"{name_some(wrong)}; write the shard again, or say with dataset.picture and dataset.text how names end."
        )
    read.pictures += [(shard, sample.key, _picture(sample, max_pixels)) for sample in samples]
    read.captions += captions
    read.text_names += [sample.of_texts for sample in samples]


def _by_key(shard: Path, endings: Endings, wrong: list[str], read: _Read) -> dict[str, _Sample]:
    """The pictures and texts of a shard by their name without its last ending; others than asked for are told."""
    samples: dict[str, _Sample] = {}
    for entry in tar_entries(shard):
        found = endings.split(entry.member.name)
        if found is None:
            _, other = Endings().split(entry.member.name) or ("", "")
            if other in PICTURE_ENDINGS:
                read.other_images.append(Skipped(entry.member.name, f"{BESIDE}, whose ending dataset.picture names"))
            elif other and other != ".json":  # which often holds what is known of the download
                read.other_texts.append(Skipped(entry.member.name, f"{BESIDE}, whose ending dataset.text names"))
            continue
        key, ending = found
        sample = samples.setdefault(key, _Sample(key))
        if ending in endings.pictures:
            if sample.picture is not None:
                wrong.append(f"{entry.member.name} (a second picture)")
            sample.picture = entry
        else:
            if entry.problem is not None or ending in sample.texts:
                wrong.append(f"{entry.member.name} ({entry.problem or 'a second one'})")
            sample.texts[ending] = entry
    return samples


def _joined(samples: Mapping[str, _Sample], wrong: list[str], read: _Read) -> list[_Sample]:
    """The samples in the order of their keys, those that a dot within the key had cut apart made whole.

    Writers who end a key at its first dot leave a picture ``key.input`` and a text ``key``. They belong together if
    the one name goes on where the other ends and no other picture or text fits as well.
    """
    whole = {key: sample for key, sample in samples.items() if sample.picture is not None and sample.texts}
    pictures = {key: sample for key, sample in samples.items() if not sample.texts}
    texts = {key: sample for key, sample in samples.items() if sample.picture is None}
    for kind, alone in (("picture", pictures), ("text", texts)):
        for key in [key for key in alone if _owner(key, whole) is not None]:
            sample, owner = alone.pop(key), whole[_owner(key, whole) or ""]
            left = read.other_images if kind == "picture" else read.other_texts
            entries = [sample.picture] if sample.picture is not None else list(sample.texts.values())
            left += [Skipped(entry.member.name, f"{BESIDE} {kind} of {owner.key}") for entry in entries]
    partners, doubtful = _partners(list(texts), list(pictures))
    claims = Counter(picture for found in partners.values() for picture in found)
    for key, found in partners.items():
        if len(found) == claims[found[0]] == 1:
            picture, sample = pictures.pop(found[0]), texts.pop(key)
            shared = min(key, picture.key, key=len)
            read.joined.append(f"{sample.of_texts} with {_name_of(picture)}")
            whole[shared] = replace(sample, key=shared, picture=picture.picture)
        else:
            doubtful[key] = found
    for key, found in doubtful.items():
        wrong.append(f"{texts[key].of_texts} (which may belong to {' or '.join(found[:3])})")
    return [sample for _, sample in sorted({**pictures, **texts, **whole}.items())]


def _owner(key: str, whole: Mapping[str, _Sample]) -> str | None:
    """The whole sample beside which a picture or a text stands: that whose key is the longest part of its own."""
    return next((shorter for shorter in _shorter(key) if shorter in whole), None)


def _partners(texts: Sequence[str], pictures: Sequence[str]) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    """For texts that are left over, the pictures whose names go on where theirs end or end where theirs go on.

    Second, for those that have none, the pictures that agree with them up to their first dot: ``key.input`` and
    ``key.caption`` may be one sample, as ``2020.01.01`` and ``2020.01.02`` are two.
    """
    by_part: defaultdict[str, list[str]] = defaultdict(list)
    for picture in pictures:
        for part in (picture, *_shorter(picture)):
            by_part[part].append(picture)
    known = set(pictures)
    partners: dict[str, list[str]] = {}
    doubtful: dict[str, list[str]] = {}
    for text in texts:
        longer = by_part.get(text, [])  # key.input.jpg beside key.txt
        shorter = [one for one in _shorter(text) if one in known][:1]  # key.jpg beside key.jpg.txt or key.caption.txt
        siblings = [one for part in _shorter(text)[-1:] for one in by_part.get(part, [])]
        if longer or shorter:
            partners[text] = longer or shorter
        elif siblings:
            doubtful[text] = siblings
    return partners, doubtful


def _shorter(key: str) -> list[str]:
    """What is left of a key when endings are taken off, the longest first.

    Example:
        >>> _shorter("v1.0/a.b.c")
        ['v1.0/a.b', 'v1.0/a']
    """
    folder, slash, file = key.rpartition("/")
    parts = file.split(".")
    return [f"{folder}{slash}{'.'.join(parts[:count])}" for count in range(len(parts) - 1, 0, -1) if parts[0]]


def _name_of(sample: _Sample) -> str:
    return sample.of_texts if sample.picture is None else sample.picture.member.name


def _picture(sample: _Sample, max_pixels: int | None) -> ImageSource:
    entry = sample.picture
    if entry is None:
        return UnusableImage(sample.key, MISSING)
    if entry.problem is not None:
        return UnusableImage(entry.member.name, entry.problem)
    return replace(entry.member, max_pixels=max_pixels)


def _captions(texts: Mapping[str, TarEntry], wrong: list[str]) -> tuple[str | None, ...]:
    """A sample's captions, None for one that its JSON has a place for and no text in it."""
    if not texts:
        return ()
    ending = min(texts, key=lambda one: one.endswith(".json"))
    member = texts[ending].member
    try:
        text = member.read().decode("utf-8-sig")
        if not ending.endswith(".json"):
            return tuple(line.rstrip("\r") for line in text.rstrip("\r\n").split("\n"))
        return _of_json(strict_json(text))
    except UnicodeDecodeError:
        wrong.append(f"{member.name} (not UTF-8)")
    except (ValueError, RecursionError) as error:
        wrong.append(f"{member.name} ({error})")
    return ()


def _of_json(document: Any) -> tuple[str | None, ...]:
    if not isinstance(document, dict):
        raise ValueError("not a JSON object")
    named = [key for key in ("caption", "captions") if key in document]
    found = document[named[0]] if named else False
    texts = [found] if isinstance(found, str | None) else found
    if not isinstance(texts, list) or not all(isinstance(text, str | None) for text in texts):
        raise ValueError(_NO_CAPTIONS)
    for text in texts:
        (text or "").encode("utf-8")  # half a surrogate pair can't be hashed or tokenized
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
