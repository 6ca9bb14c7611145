"""Where the tags of a search come from: a file, the words of texts, the facts of a dataset, or a backbone's tagging."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, final

import numpy as np
from typing_extensions import override

from misfire.core.errors import UsageError
from misfire.data.tag_table import TagTable, read_tags, read_words, words_as_tags
from misfire.methods.modes.class_vocabulary import check_tag_counts, tags_above, top_tags
from misfire.methods.modes.outcome_source import Ground, image_names

if TYPE_CHECKING:
    from misfire.cells import Lab


class TagSource(ABC):
    """Gives the tags that a search describes failures with."""

    needs_dataset: ClassVar[bool] = False
    needs_backbone: ClassVar[bool] = False

    @abstractmethod
    def identity(self, ground: Ground) -> Any:
        """All that the tags depend on, as a JSON value, known without computing them."""

    @abstractmethod
    def tags(self, ground: Ground, lab: "Lab | None") -> TagTable:
        """The tags, by image name."""


@final
@dataclass(frozen=True)
class FileTags(TagSource):
    """Tags from CSV, TSV, JSON lines or Parquet, long, listed or wide; arguments as in ``read_tags``."""

    path: str
    image: str = "image"
    tag: str = "tag"
    score: str = "score"
    threshold: float | None = None
    leave_out: Sequence[str] = ()

    @cached_property
    def _read(self) -> TagTable:
        return read_tags(
            Path(self.path),
            image=self.image,
            tag=self.tag,
            score=self.score,
            threshold=self.threshold,
            leave_out=tuple(self.leave_out),
        )

    @override
    def identity(self, ground: Ground) -> Any:
        return self._read.fingerprint

    @override
    def tags(self, ground: Ground, lab: "Lab | None") -> TagTable:
        return self._read


@final
@dataclass(frozen=True)
class WordTags(TagSource):
    """The words of some columns of a file, stop words left out.

    Args:
        path: The file.
        texts: Its columns of texts.
        image: Its column of the image's name.
        min_count: Images that a word needs to become a tag.
    """

    path: str
    texts: Sequence[str]
    image: str = "image"
    min_count: int = 20

    def __post_init__(self) -> None:
        check_tag_counts(self.min_count)

    @cached_property
    def _read(self) -> TagTable:
        return read_words(Path(self.path), image=self.image, texts=tuple(self.texts), min_count=self.min_count)

    @override
    def identity(self, ground: Ground) -> Any:
        return self._read.fingerprint

    @override
    def tags(self, ground: Ground, lab: "Lab | None") -> TagTable:
        return self._read


@final
@dataclass(frozen=True)
class CaptionTags(TagSource):
    """The words of a dataset's captions, stop words left out.

    Args:
        min_count: Images that a word needs to become a tag.
    """

    needs_dataset: ClassVar[bool] = True
    min_count: int = 20

    def __post_init__(self) -> None:
        check_tag_counts(self.min_count)

    @override
    def identity(self, ground: Ground) -> Any:
        return ["captions", ground.known_dataset.fingerprint, self.min_count]

    @override
    def tags(self, ground: Ground, lab: "Lab | None") -> TagTable:
        dataset = ground.known_dataset
        names = image_names(dataset.images)
        images = [names[target] for target in dataset.targets.tolist()]
        return words_as_tags(images, [caption.text for caption in dataset.captions], min_count=self.min_count)


@final
@dataclass(frozen=True)
class DatasetTags(TagSource):
    """The tags that a dataset knows, the world's facts for one.

    Args:
        without: Families of tags that are left out, such as ``kind`` where kinds are the classes.
    """

    needs_dataset: ClassVar[bool] = True
    without: Sequence[str] = ()

    @override
    def identity(self, ground: Ground) -> Any:
        return ["facts", ground.known_dataset.fingerprint, sorted(self.without)]

    @override
    def tags(self, ground: Ground, lab: "Lab | None") -> TagTable:
        dataset = ground.known_dataset
        if dataset.tags is None:
            raise UsageError(
                f"tags must come from a dataset that knows some, got {dataset.name}, which doesn't; name a file of "
                "tags, or have a backbone tag the images."
            )
        kept = dataset.tags.of_families(lambda family: family not in self.without)
        names = image_names(dataset.images)
        order = sorted(range(len(names)), key=names.__getitem__)
        return TagTable(tuple(names[at] for at in order), tuple(kept.names), np.array(kept.holds)[order])


@final
@dataclass(frozen=True)
class BackboneTags(TagSource):
    """Tags of a vocabulary that a backbone sees in each image: all from a cosine on, or the best few.

    Args:
        vocabulary: The tags.
        template: The text of a tag, with the place ``{tag}``.
        threshold: Cosine from which on an image carries a tag.
        num_tags: How many tags each image carries, instead.

    Raises:
        UsageError: If there is no tag, both or neither of the rules is given, or the template has no place for a tag.
    """

    needs_dataset: ClassVar[bool] = True
    needs_backbone: ClassVar[bool] = True
    vocabulary: Sequence[str]
    template: str = "a photo of {tag}"
    threshold: float | None = None
    num_tags: int | None = None

    def __post_init__(self) -> None:
        if not self.vocabulary or len(set(self.vocabulary)) < len(self.vocabulary):
            raise UsageError(f"a vocabulary must have tags, each once, got {len(self.vocabulary)}; mend the list.")
        if (self.threshold is None) == (self.num_tags is None):
            raise UsageError(
                f"a tagger must have a threshold or a number of tags, got {self.threshold} and "
                f"{self.num_tags}; give one."
            )
        if "{tag}" not in self.template:
            raise UsageError(f"the text of a tag must have the place {{tag}}, got {self.template!r}; add it.")

    @override
    def identity(self, ground: Ground) -> Any:
        return [
            "backbone",
            ground.known_dataset.image_set.fingerprint,
            ground.known_backbone.fingerprint,
            list(self.vocabulary),
            self.template,
            self.threshold,
            self.num_tags,
        ]

    @override
    def tags(self, ground: Ground, lab: "Lab | None") -> TagTable:
        assert lab is not None
        bench = lab.bench(ground.known_dataset, ground.known_backbone)
        texts = bench.texts([self.template.replace("{tag}", tag) for tag in self.vocabulary])
        scores = (bench.gallery @ texts.T).numpy().astype(np.float64)
        if self.threshold is not None:
            holds = tags_above(scores, self.threshold)
        else:
            holds = top_tags(scores, self.num_tags or 0)
        names = image_names(ground.known_dataset.images)
        order = sorted(range(len(names)), key=names.__getitem__)
        return TagTable(tuple(names[at] for at in order), tuple(self.vocabulary), holds[order])
