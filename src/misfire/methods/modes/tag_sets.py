"""Every set of tags that enough images carry, counted exactly: how many images carry it, and how many are wrong.

A class at a time, depth first. The first tag of a set restricts the class to the images that carry it (a few hundred
rows of a few thousand); pairs are counted in these rows, and longer sets on packed bits of the same rows, 64 images a
word. Images that the model gets wrong stand in words of their own, so that a set's errors are counted first, in a part
of the words, and most sets are given up there.
"""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple, no_type_check

import numpy as np
from jaxtyping import Bool, Int, UInt64

# What is called for each first tag, or for each block of sets, isn't checked against its types where all else is in
# tests: that would take four times as long as the counting.

_WORD = 64
_WORDS_AT_ONCE = 2**19  # 4 MiB of bits a chunk: it stays in the cache, and memory doesn't grow with the number of sets

_TAGS_PAIRED = 1024  # 16 MiB of counts; with more tags than that, pairs are counted a first tag at a time
_IMAGES_PAIRED = 4096
_SIBLINGS_KEPT = 200  # 32 MiB of pairs at most


class TagSets(NamedTuple):
    """Sets of one size in one class, a row a set.

    Args:
        tags: Column numbers, ascending in each row.
        support: How many images of the class carry all of a set's tags.
        num_wrong: On how many of these the model is wrong.
    """

    tags: Int[np.ndarray, "set size"]
    support: Int[np.ndarray, " set"]
    num_wrong: Int[np.ndarray, " set"]

    @no_type_check
    def where(self, is_kept: Bool[np.ndarray, " set"]) -> "TagSets":
        """Those of the sets that are marked."""
        return TagSets(self.tags[is_kept], self.support[is_kept], self.num_wrong[is_kept])


class ClassTable:
    """The images of one class, wrong ones first, and the tags that enough of them carry, rare ones first.

    Args:
        correct: Whether the model is right on each image of the class.
        tags: Which tags each of these images carries.
        min_support: Images that a set needs.
        min_wrong: Errors that a set needs; the sets that contain it can't have more.
    """

    def __init__(
        self,
        correct: Bool[np.ndarray, " image"],
        tags: Bool[np.ndarray, "image tag"],
        *,
        min_support: int,
        min_wrong: int = 0,
    ) -> None:
        order = np.argsort(correct, kind="stable")  # False sorts before True
        self.num_images = len(correct)
        self.num_wrong = int(len(correct) - np.count_nonzero(correct))
        self.min_support, self.min_wrong = min_support, min_wrong
        wrong = count_columns(tags[order[: self.num_wrong]])
        support = wrong + count_columns(tags[order[self.num_wrong :]])
        kept = np.flatnonzero((support >= min_support) & (wrong >= min_wrong))
        # The rarest tag leads its sets: the rows that are looked at for a set are those of its rarest tag.
        self.columns = kept[np.argsort(support[kept], kind="stable")]
        self.support, self.wrong = support[self.columns], wrong[self.columns]
        self.carries = tags[np.ix_(order, self.columns)]
        self.pair_support: Int[np.ndarray, "tag tag"] | None = None
        self.pair_wrong: Int[np.ndarray, "tag tag"] | None = None
        if len(self.columns) <= _TAGS_PAIRED:
            self.pair_wrong = count_pairs(self.carries[: self.num_wrong])
            self.pair_support = self.pair_wrong + count_pairs(self.carries[self.num_wrong :])

    def sets(self, max_size: int) -> Iterator[TagSets]:
        """The sets of 1 to ``max_size`` tags with enough images and errors, in blocks of one size."""
        if not len(self.columns):
            return
        yield self._named(np.arange(len(self.columns))[:, None], self.support, self.wrong)
        if max_size == 1:
            return
        for first in range(len(self.columns) - 1):
            yield from self._sets_with(first, max_size)

    @no_type_check
    def _sets_with(self, first: int, max_size: int) -> Iterator[TagSets]:
        """Sets of two tags and more whose rarest tag is ``first``."""
        num_wrong = int(self.wrong[first])
        others = None
        if self.pair_support is None:
            others = self.carries.take(np.flatnonzero(self.carries[:, first]), axis=0)[:, first + 1 :]
            wrong = count_columns(others[:num_wrong])
            support = wrong + count_columns(others[num_wrong:])
        else:
            wrong, support = self.pair_wrong[first, first + 1 :], self.pair_support[first, first + 1 :]
        kept = np.flatnonzero((support >= self.min_support) & (wrong >= self.min_wrong))
        if not len(kept):
            return
        tags = np.column_stack([np.full(len(kept), first), first + 1 + kept])
        yield self._named(tags, support[kept], wrong[kept])
        if max_size == 2 or len(kept) == 1:
            return
        if others is None:
            last = first + 1 + kept
            square = np.ix_(last, last)
            together = (self.pair_support[square] >= self.min_support) & (self.pair_wrong[square] >= self.min_wrong)
            left, right = np.nonzero(np.triu(together, k=1))  # no other pair can be part of a longer set
            if not len(left):
                return
            rows = np.flatnonzero(self.carries[:, first])
            others, pairs = self.carries[rows[:, None], last], _in_chunks(left, right, len(rows))
        else:
            others, pairs = others[:, kept], None
        ends = np.full(len(kept), len(kept))
        yield from self._longer(tags, pack(others[:num_wrong]), pack(others[num_wrong:]), ends, max_size, pairs)

    @no_type_check
    def _longer(
        self,
        tags: Int[np.ndarray, "set size"],
        wrong_bits: UInt64[np.ndarray, "wrong_word set"],
        right_bits: UInt64[np.ndarray, "right_word set"],
        ends: Int[np.ndarray, " set"],
        max_size: int,
        pairs: Iterator[tuple[np.ndarray, np.ndarray]] | None = None,
    ) -> Iterator[TagSets]:
        """Unions of two sets that differ in their last tag, and what is built on them.

        ``ends`` says where the sets stop that share all but the last tag with a set, ``pairs`` which unions to count;
        all are counted if it isn't given.
        """
        num_words = len(wrong_bits) + len(right_bits)
        for left, right in pairs or _pairs(ends, at_once=max(1, _WORDS_AT_ONCE // max(1, num_words))):
            wrong = count_common(wrong_bits, left, right)
            enough = wrong >= self.min_wrong
            if not enough.all():
                left, right, wrong = left[enough], right[enough], wrong[enough]
            support = wrong + count_common(right_bits, left, right)
            enough = support >= self.min_support
            left, right, wrong, support = left[enough], right[enough], wrong[enough], support[enough]
            if not len(left):
                continue
            longer = np.column_stack([tags[left], tags[right, -1]])
            yield self._named(longer, support, wrong)
            if longer.shape[1] < max_size:
                yield from self._longer(
                    longer,
                    wrong_bits[:, left] & wrong_bits[:, right],
                    right_bits[:, left] & right_bits[:, right],
                    np.searchsorted(left, left, side="right"),
                    max_size,
                )

    @no_type_check
    def _named(
        self, positions: Int[np.ndarray, "set size"], support: Int[np.ndarray, " set"], wrong: Int[np.ndarray, " set"]
    ) -> TagSets:
        return TagSets(np.sort(self.columns[positions], axis=1), support, wrong)


def carriers(
    tags: Bool[np.ndarray, "image tag"], columns: Sequence[int], rows: Int[np.ndarray, " row"] | None = None
) -> Bool[np.ndarray, " row"]:
    """Which images carry all of some tags: of all images, or of those in ``rows``, in their order.

    Example:
        >>> carriers(np.array([[True, True], [True, False]]), [0, 1]).tolist()
        [True, False]
    """
    carries = np.ones(len(tags) if rows is None else len(rows), dtype=bool)
    for column in columns:
        carries &= tags[:, column] if rows is None else tags[rows, column]
    return carries


@no_type_check
def count_columns(carries: Bool[np.ndarray, "image tag"]) -> Int[np.ndarray, " tag"]:
    """How many images carry each tag."""
    octets, counts = carries.view(np.uint8), np.zeros(carries.shape[1], dtype=np.int64)
    for start in range(0, len(octets), 255):  # what fits an octet is added an octet at a time: ten times faster
        counts += np.add.reduce(octets[start : start + 255], axis=0, dtype=np.uint8)
    return counts


@no_type_check
def pack(carries: Bool[np.ndarray, "image tag"]) -> UInt64[np.ndarray, "word tag"]:
    """The column of each tag as words of 64 images; a last word that isn't full ends in zeros."""
    num_images, num_tags = carries.shape
    num_words = -(-num_images // _WORD)
    octets = np.zeros((8 * num_words, num_tags), dtype=np.uint8)
    octets[: -(-num_images // 8)] = np.packbits(carries, axis=0)
    words: UInt64[np.ndarray, "word tag"] = np.ascontiguousarray(
        octets.reshape(num_words, 8, num_tags).transpose(0, 2, 1)
    ).view(np.uint64)[:, :, 0]
    return words


@no_type_check
def count_common(
    bits: UInt64[np.ndarray, "word set"], left: Int[np.ndarray, " pair"], right: Int[np.ndarray, " pair"]
) -> Int[np.ndarray, " pair"]:
    """How many images are in both sets of each pair."""
    counts = np.zeros(len(left), dtype=np.int64)
    for word in bits:  # a pass a word over many pairs: no array of pairs x words
        counts += np.bitwise_count(word[left] & word[right])
    return counts


@no_type_check
def count_pairs(carries: Bool[np.ndarray, "image tag"]) -> Int[np.ndarray, "tag tag"]:
    """How many images carry both tags of each pair."""
    counts = np.zeros((carries.shape[1], carries.shape[1]), dtype=np.int64)
    for start in range(0, len(carries), _IMAGES_PAIRED):  # single precision holds whole numbers up to 2^24
        part = carries[start : start + _IMAGES_PAIRED].astype(np.float32)
        counts += (part.T @ part).astype(np.int64)
    return counts


@no_type_check
def _in_chunks(
    left: Int[np.ndarray, " pair"], right: Int[np.ndarray, " pair"], num_images: int
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Pairs in chunks whose bits stay in the cache; all partners of a set stay together, as they are paired again."""
    at_once = max(1, _WORDS_AT_ONCE // max(1, num_images // _WORD))
    start = 0
    while start < len(left):
        end = int(np.searchsorted(left, left[min(start + at_once, len(left)) - 1], side="right"))
        yield left[start:end], right[start:end]
        start = end


@no_type_check
def _pairs(ends: Int[np.ndarray, " set"], *, at_once: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Each set with each of those between it and its end, about ``at_once`` pairs at a time."""
    if len(ends) <= _SIBLINGS_KEPT and len(ends) ** 2 <= 2 * at_once and (ends == len(ends)).all():
        yield _all_pairs(len(ends))
        return
    starts = np.arange(len(ends))
    num_partners = ends - starts - 1
    before = np.concatenate([[0], np.cumsum(num_partners)])
    first = 0
    while first < len(ends):
        # All partners of a set stay together, since sets that are built on the same set are paired again.
        last = max(first + 1, int(np.searchsorted(before, before[first] + at_once, side="right")) - 1)
        partners = num_partners[first:last]
        left = np.repeat(starts[first:last], partners)
        right = left + 1 + np.arange(len(left)) - np.repeat(before[first:last] - before[first], partners)
        if len(left):
            yield left, right
        first = last


@lru_cache(maxsize=_SIBLINGS_KEPT)
@no_type_check
def _all_pairs(num_sets: int) -> tuple[np.ndarray, np.ndarray]:
    """Each of some sets with each later one; asked for again and again, as the first tag goes through its class."""
    left, right = np.triu_indices(num_sets, k=1)
    return left, right
