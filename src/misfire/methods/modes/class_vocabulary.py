"""Which tags a search looks at in each class: those that are frequent there, and one for all that mean the same."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from misfire.core.errors import UsageError
from misfire.methods.modes.tag_mode import images_by_class
from misfire.methods.modes.tag_sets import count_columns


@dataclass(frozen=True, eq=False)
class ClassTags:
    """Tags of some images, as a search is to see them.

    Args:
        holds: Whether an image carries a tag; false in a class where the tag was left out.
        names: The tags.
        same: For a class and a tag's column, the columns of the tags that it stands for there, itself first.
    """

    holds: Bool[np.ndarray, "image tag"]
    names: tuple[str, ...]
    same: Mapping[tuple[int, int], tuple[int, ...]]

    def name(self, label: int, column: int) -> str:
        """What a tag is called in a class: all tags that it stands for, joined by ``/``."""
        return "/".join(self.names[one] for one in self.same.get((label, column), (column,)))

    def words(self, label: int, columns: Sequence[int]) -> tuple[str, ...]:
        """The names of a mode's tags."""
        return tuple(self.name(label, column) for column in columns)


def class_tags(
    labels: Int[np.ndarray, " image"],
    tags: Bool[np.ndarray, "image tag"],
    names: Sequence[str],
    *,
    min_count: int = 1,
    min_overlap: float = 1.0,
) -> ClassTags:
    """Leave out, class by class, tags that are rare there, and let one stand for those that imply each other.

    Two tags imply each other in a class where each is carried by at least ``min_overlap`` of the images that carry the
    other one: all of them by default, so that no count changes. The more frequent tag stands for the other one (of
    equals the first), and a tag joins the first that it fits, so that no chain of likenesses makes one of strangers.

    Args:
        labels: Class of each image.
        tags: Which tags each image carries.
        names: Name of each tag.
        min_count: Images of a class that a tag needs to be looked at in it.
        min_overlap: Share of each other's images from which on two tags are one, in (0, 1].

    Raises:
        UsageError: If names and tags differ in number, ``min_count`` < 1 or ``min_overlap`` is out of range.

    Reference:
        Rezaei et al., "PRIME: Prioritizing Interpretability in Failure Mode Extraction", ICLR 2024, section 3.1, for
        the rare tags (50, 100 or 200 images there).

    Example:
        >>> sea = np.array([[True, True], [True, True], [False, False]])
        >>> shown = class_tags(np.zeros(3, dtype=int), sea, ["sea", "ocean"])
        >>> shown.name(0, 0), shown.holds[:, 1].any()
        ('sea/ocean', np.False_)
    """
    if len(names) != tags.shape[1]:
        raise UsageError(f"every tag must have a name, got {len(names)} names of {tags.shape[1]} tags.")
    check_tag_counts(min_count, min_overlap)
    holds, same = tags.copy(), {}
    for label, rows in images_by_class(labels):
        of_class = tags[rows]
        counts = count_columns(of_class)
        holds[np.ix_(rows, np.flatnonzero(counts < min_count))] = False
        for first, *others in _alike(of_class, counts, min_count, min_overlap):
            if others:
                same[label, first] = (first, *others)
                holds[np.ix_(rows, np.array(others))] = False
    return ClassTags(holds, tuple(names), same)


def tags_above(scores: Float[np.ndarray, "image tag"], threshold: float) -> Bool[np.ndarray, "image tag"]:
    """Tags whose score reaches a threshold, as a zero-shot tagger gives them: cosines of image and tag embeddings."""
    return np.asarray(scores >= threshold)


def top_tags(scores: Float[np.ndarray, "image tag"], num_tags: int) -> Bool[np.ndarray, "image tag"]:
    """The ``num_tags`` best-scored tags of each image; among equals the earlier column.

    Raises:
        UsageError: If there are fewer tags than that, or ``num_tags`` < 1.

    Example:
        >>> top_tags(np.array([[0.2, 0.9, 0.2]]), 2).tolist()
        [[True, True, False]]
    """
    if not 1 <= num_tags <= scores.shape[1]:
        raise UsageError(f"num_tags must be from 1 to {scores.shape[1]}, the size of the vocabulary, got {num_tags}.")
    best = np.argsort(-scores, axis=1, kind="stable")[:, :num_tags]
    chosen = np.zeros(scores.shape, dtype=bool)
    np.put_along_axis(chosen, best, True, axis=1)
    return chosen


def _alike(
    tags: Bool[np.ndarray, "image tag"], counts: Int[np.ndarray, " tag"], min_count: int, min_overlap: float
) -> list[list[int]]:
    """Columns that imply each other, the one that stands for the others first."""
    order = [int(column) for column in np.argsort(-counts, kind="stable") if counts[column] >= max(1, min_count)]
    groups: list[list[int]] = []
    if min_overlap == 1:  # equal columns have equal bytes: no pair is compared
        by_content: dict[bytes, list[int]] = {}
        for column in order:
            by_content.setdefault(np.packbits(tags[:, column]).tobytes(), []).append(column)
        return list(by_content.values())
    for column in order:
        for group in groups:
            # The group's first tag is the more frequent one, so its share is the smaller of the two.
            if np.count_nonzero(tags[:, column] & tags[:, group[0]]) >= min_overlap * counts[group[0]]:
                group.append(column)
                break
        else:
            groups.append([column])
    return groups


def check_tag_counts(min_count: int, min_overlap: float = 1.0) -> None:
    """Refuse what no tag could keep.

    Raises:
        UsageError: If the number of images is below 1 or the share isn't in (0, 1].
    """
    if min_count < 1:
        raise UsageError(f"min_count must be >= 1, got {min_count}; 1 keeps every tag.")
    if not 0 < min_overlap <= 1:
        raise UsageError(f"min_overlap must be in (0, 1], got {min_overlap}; 1 joins only tags of the same images.")
