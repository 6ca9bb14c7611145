"""Which tags each image carries, from a file: a row a tag, a column a tag, a list an image, or the words of texts."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from jaxtyping import Bool, Int

from misfire.core.errors import UsageError, name_some
from misfire.core.hashing import sha256_bytes, sha256_json
from misfire.data.column_file import ColumnFile

_WORD: Final = re.compile(r"[^\W\d_]+(?:['\u2019-][^\W\d_]+)*")

_SAY_NOTHING: Final = """
a about above after again all also am an and any are as at be because been before being below between both but by can
could did do does doing down during each few for from further had has have having he her here hers herself him himself
his how i if in into is it it's its itself just me more most my myself no nor not now of off on once only or other our
ours ourselves out over own same she should so some such than that the their theirs them themselves then there these
they this those through to too under until up very was we were what when where which while who whom why will with would
you your yours yourself yourselves
"""
STOP_WORDS: Final = frozenset(_SAY_NOTHING.split())
"""Words that say nothing of a picture."""


@dataclass(frozen=True, eq=False)
class TagTable:
    """Which of some tags each of some images carries.

    Args:
        images: Name of each image, as its file calls it; each once, ascending.
        names: The tags, each once.
        holds: Whether an image carries a tag: a row an image, a column a tag.
        remarks: Sentences about how the tags were read that belong beside every result.
    """

    images: tuple[str, ...]
    names: tuple[str, ...]
    holds: Bool[np.ndarray, "image tag"]
    remarks: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.images)

    @property
    def fingerprint(self) -> str:
        """SHA-256 of images, tags and what holds; neither remarks nor the file's name are part of it."""
        bits = np.packbits(np.ascontiguousarray(self.holds))
        return sha256_json([list(self.images), list(self.names), sha256_bytes(bits.tobytes())])

    def more_frequent_than(self, min_count: int) -> "TagTable":
        """The tags that at least ``min_count`` images carry."""
        kept = np.flatnonzero(np.count_nonzero(self.holds, axis=0) >= min_count)
        return replace(self, names=tuple(self.names[column] for column in kept), holds=self.holds[:, kept])

    def take(self, rows: Sequence[int] | Int[np.ndarray, " row"]) -> "TagTable":
        """Some of the images, by position."""
        if len(rows) == len(self.images) and np.array_equal(rows, np.arange(len(rows))):
            return self
        return replace(self, images=tuple(self.images[row] for row in rows), holds=self.holds[np.asarray(rows)])


def read_tags(
    path: Path,
    *,
    image: str = "image",
    tag: str = "tag",
    score: str = "score",
    threshold: float | None = None,
    leave_out: Sequence[str] = (),
) -> TagTable:
    """Tags from CSV, TSV, JSON lines or Parquet, in whichever of three layouts the columns tell.

    *Long*, with a column ``tag``: a row for a tag that an image carries, with a score if there is one. *Listed*, with a
    column ``tags``: a row an image, its tags in a list or separated by ``;``. *Wide* otherwise: a row an image, a
    column a tag, 0 and 1 or scores. Rows that say the same twice count once, and are said. In a long or listed file an
    image without any tag has a row with an empty one; an image without a row isn't known to have none.

    Args:
        path: The file.
        image: Column of the image's name.
        tag: Column of the tag, in a long file.
        score: Column of the tag's score, in a long file.
        threshold: The score from which on an image carries a tag; needed where there are scores.
        leave_out: Columns of a wide file that are no tags.

    Raises:
        UsageError: If the file can't be read, scores stand where there must be 0 and 1 and no threshold is given, or
            two rows contradict each other.
    """
    file = ColumnFile(path)
    if tag in file.columns:
        return _of_long(file, image, tag, score, threshold)
    if "tags" in file.columns:
        pairs = [
            (name, one)
            for name, told in zip(file.texts(image), file.raw("tags"), strict=True)
            for one in (_listed(told) or [""])
        ]
        return _of_pairs([name for name, _ in pairs], [one for _, one in pairs], ())
    return _of_wide(file, image, threshold, leave_out)


def read_words(path: Path, *, image: str = "image", texts: Sequence[str], min_count: int = 1) -> TagTable:
    """The words of some columns of texts as tags; an image may have several rows.

    Args:
        path: The file.
        image: Column of the image's name.
        texts: Columns whose words are read; an empty field has none.
        min_count: Images that a word needs to become a tag.

    Raises:
        UsageError: If the file can't be read or lacks one of the columns.
    """
    file = ColumnFile(path)
    columns = [[str(value or "") for value in file.raw(column)] for column in texts]
    return words_as_tags(
        file.texts(image), [" ".join(of_row) for of_row in zip(*columns, strict=True)], min_count=min_count
    )


def words_as_tags(
    images: Sequence[str], texts: Sequence[str], *, min_count: int = 1, stop_words: Iterable[str] = STOP_WORDS
) -> TagTable:
    """The words of texts as tags of their images: in lower case, without stop words, each counted once an image.

    Words are runs of letters, with apostrophes and hyphens inside; they aren't stemmed, since a report prints them.

    Args:
        images: Name of each text's image; an image may have several texts.
        texts: The texts.
        min_count: Images that a word needs to become a tag.
        stop_words: Words that are left out.

    Raises:
        UsageError: If there isn't one text an image's name.

    Example:
        >>> table = words_as_tags(["b", "a", "a"], ["A red fox.", "Foxes in the snow", "snow-white fox"])
        >>> table.images, table.names
        (('a', 'b'), ('fox', 'foxes', 'red', 'snow', 'snow-white'))
    """
    if len(images) != len(texts):
        raise UsageError(f"every text must have an image, got {len(images)} images of {len(texts)} texts.")
    left_out = frozenset(stop_words)
    pairs = [
        (image, word)
        for image, text in zip(images, texts, strict=True)
        for word in ({found.lower() for found in _WORD.findall(text)} - left_out or {""})
    ]
    count = Counter(word for _, word in set(pairs))
    table = _of_pairs(
        [image for image, _ in pairs], [word if count[word] >= min_count else "" for _, word in pairs], ()
    )
    return replace(table, remarks=())


def common_images(outcomes: Sequence[str], tags: Sequence[str]) -> tuple[np.ndarray, np.ndarray, tuple[str, ...]]:
    """Where the images that both know stand in each, and what is left out.

    Returns:
        Positions in ``outcomes``, positions in ``tags``, both in the order of ``outcomes``, and a sentence for each
        side that has images which the other one lacks.

    Raises:
        UsageError: If they have no image in common.
    """
    place = {name: position for position, name in enumerate(tags)}
    known = [row for row, name in enumerate(outcomes) if name in place]
    if not known:
        raise UsageError(
            f"tags must be of the images that have outcomes, got none in common: {name_some(outcomes, most=2)} with "
            f"outcomes, {name_some(tags, most=2)} with tags; check that both name images alike."
        )
    remarks = []
    for what, lacks, total, num in (
        ("an outcome", "tags", len(outcomes), len(outcomes) - len(known)),
        ("tags", "outcome", len(tags), len(tags) - len(known)),
    ):
        if num:
            has, is_out = ("has", "is") if num == 1 else ("have", "are")
            remarks.append(f"{num:,} of {total:,} images with {what} {has} no {lacks} and {is_out} left out.")
    return np.array(known), np.array([place[outcomes[row]] for row in known]), tuple(remarks)


def _listed(told: Any) -> list[str]:
    values = told if isinstance(told, list | tuple) else str(told or "").split(";")
    return [text for value in values if (text := str(value).strip())]


def _of_long(file: ColumnFile, image: str, tag: str, score: str, threshold: float | None) -> TagTable:
    images, tags = file.texts(image), [str(value or "").strip() for value in file.raw(tag)]
    if score not in file.columns:
        return _of_pairs(images, tags, ())
    scores = file.numbers(score)
    if threshold is None:
        raise UsageError(
            f"{file.path} has scores of tags, so a threshold must say from which on an image carries a tag, got none; "
            f"they go from {scores.min():g} to {scores.max():g}: give a threshold, or drop the column {score}."
        )
    seen: dict[tuple[str, str], float] = {}
    differing = {
        f"{name} {one}"
        for name, one, value in zip(images, tags, scores.tolist(), strict=True)
        if seen.setdefault((name, one), value) != value
    }
    if differing:
        raise UsageError(
            f"{file.path} must give a tag of an image one score, got different ones for {name_some(sorted(differing))};"
            " keep one row each."
        )
    remark = f"An image carries a tag from a score of {threshold:g} on."
    return _of_pairs(
        images, [one if value >= threshold else "" for one, value in zip(tags, scores, strict=True)], (remark,)
    )


def _of_pairs(images: Sequence[str], tags: Sequence[str], remarks: tuple[str, ...]) -> TagTable:
    names, columns = tuple(sorted(set(images))), tuple(sorted({tag for tag in tags if tag}))
    row = {name: position for position, name in enumerate(names)}
    column = {name: position for position, name in enumerate(columns)}
    holds = np.zeros((len(names), len(columns)), dtype=bool)
    named = [(row[image], column[tag]) for image, tag in zip(images, tags, strict=True) if tag]
    if named:
        where = np.array(named)
        holds[where[:, 0], where[:, 1]] = True
    again = len(named) - int(np.count_nonzero(holds))
    if again:
        told = "1 row gives" if again == 1 else f"{again:,} rows give"
        remarks += (f"{told} an image a tag a second time and {'counts' if again == 1 else 'count'} once.",)
    return TagTable(names, columns, holds, remarks)


def _of_wide(file: ColumnFile, image: str, threshold: float | None, leave_out: Sequence[str]) -> TagTable:
    images = file.texts(image)
    names = tuple(column for column in file.columns if column != image and column not in leave_out)
    if not names:
        raise UsageError(
            f"{file.path} must have a column a tag, or columns {image} and tag, got only {image}; add some."
        )
    remarks: tuple[str, ...] = ()
    if threshold is None:
        scored = [column for column in names if any(_is_score(value) for value in file.raw(column))]
        if scored:
            raise UsageError(
                f"{file.path} must hold 0 and 1, got scores in {name_some(scored)}; give the threshold from which on "
                "an image carries a tag, or leave these columns out."
            )
        holds = np.stack([file.truths(column) for column in names], axis=1)
    else:
        holds = np.stack([file.numbers(column) >= threshold for column in names], axis=1)
        remarks = (f"An image carries a tag from a score of {threshold:g} on.",)
    order = sorted(range(len(images)), key=lambda position: images[position])
    kept = [at for place, at in enumerate(order) if not place or images[order[place - 1]] != images[at]]
    if len(kept) < len(order):
        first = {images[at]: at for at in kept}
        differing = {name for at, name in enumerate(images) if (holds[at] != holds[first[name]]).any()}
        if differing:
            raise UsageError(
                f"{file.path} must say one thing of an image, got different rows of {name_some(sorted(differing))}; "
                "keep one row each."
            )
        again = len(order) - len(kept)
        told = "1 row stands" if again == 1 else f"{again:,} rows stand"
        remarks += (f"{told} a second time and {'counts' if again == 1 else 'count'} once.",)
    return TagTable(tuple(images[at] for at in kept), names, holds[kept], remarks)


def _is_score(value: Any) -> bool:
    try:
        return float(value) not in (0.0, 1.0)
    except (TypeError, ValueError):
        return False
