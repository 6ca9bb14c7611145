"""Where candidate sentences come from: the general set, a file, the dataset's own with their truth, class names."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, final

from typing_extensions import override

from misfire.core.errors import UsageError
from misfire.core.hashing import sha256_file
from misfire.methods.modes.method_identity import described
from misfire.methods.modes.outcome_source import Ground, image_names
from misfire.methods.modes.relevance import Relevance, read_answers
from misfire.methods.modes.sentence_set import (
    SentenceSet,
    foreign_sentences,
    general_sentences,
    read_sentence_set,
    sentences_of_classes,
)

if TYPE_CHECKING:
    from misfire.cells.cell import Json


class SentenceSource(ABC):
    """Gives the sentences that modes are described by, and their truth where somebody knows it."""

    needs_dataset: ClassVar[bool] = False

    @property
    def label(self) -> str:
        """What tables call it."""
        return type(self).__name__.removesuffix("Sentences").lower()

    @abstractmethod
    def sentences(self, ground: Ground, class_names: tuple[str, ...]) -> SentenceSet:
        """The candidates.

        Args:
            ground: Dataset and backbone.
            class_names: Names of the outcomes' classes.

        Raises:
            UsageError: If there are none.
        """

    def relevance(self, ground: Ground, images: tuple[str, ...], sentences: SentenceSet) -> Relevance | None:
        """Whether each sentence holds for each image; None where nobody knows."""
        return None

    def identity(self) -> "Json":
        """All that the sentences and their truth depend on besides dataset and outcomes: contents of files, no path.

        Raises:
            UsageError: If a file isn't what it should be.
        """
        return described(self)


@final
@dataclass(frozen=True)
class GeneralSentences(SentenceSource):
    """The general-purpose set that comes with misfire, with the class names where they are wanted.

    Args:
        with_classes: Whether a sentence a class is added.
    """

    with_classes: bool = True

    @override
    def sentences(self, ground: Ground, class_names: tuple[str, ...]) -> SentenceSet:
        general = general_sentences()
        return general.plus(sentences_of_classes(class_names)) if self.with_classes and class_names else general

    @override
    def identity(self) -> "Json":
        return [described(self), general_sentences().fingerprint]


@final
@dataclass(frozen=True)
class FileSentences(SentenceSource):
    """A team's own set, from YAML or a text file.

    Args:
        path: The file.
        answers: Answers of a question-answering model that say what holds, a row a pair; None where there are none.
        other_answers: Those of a second model; a sentence holds where both say so.
        language: What the backbone reads, as a code; sentences that are told to be in another one are refused, and
            where it is ``en`` those that are seen to be.
    """

    path: str
    answers: str | None = None
    other_answers: str | None = None
    language: str = "en"

    @override
    def sentences(self, ground: Ground, class_names: tuple[str, ...]) -> SentenceSet:
        found = read_sentence_set(Path(self.path))
        is_stated_otherwise = found.language not in ("", self.language)
        foreign = foreign_sentences(found.texts) if self.language == "en" else []
        if is_stated_otherwise or 2 * len(foreign) > len(found):
            other = found.language if is_stated_otherwise else f"another, such as {foreign[0]!r}"
            raise UsageError(
                f"sentences must be in the language that the backbone reads, {self.language}, got {self.path} in "
                f"{other}; translate them, or take a backbone that reads them and say so with sentences.language."
            )
        return found

    @override
    def identity(self) -> "Json":
        answers = [None if one is None else sha256_file(Path(one)) for one in (self.answers, self.other_answers)]
        return ["file", self.sentences(Ground(None, None), ()).fingerprint, *answers]

    @override
    def relevance(self, ground: Ground, images: tuple[str, ...], sentences: SentenceSet) -> Relevance | None:
        if self.answers is None:
            return None
        found = read_answers(Path(self.answers), images, sentences.texts)
        if self.other_answers is None:
            return found
        return found.both(read_answers(Path(self.other_answers), images, sentences.texts))


@final
@dataclass(frozen=True)
class DatasetSentences(SentenceSource):
    """The sentences that the dataset knows, true or not of each image: truth by which explanations are judged.

    Args:
        families: Kinds of sentences that are taken, such as ``kind`` and ``background``; empty for all.
    """

    needs_dataset: ClassVar[bool] = True
    families: tuple[str, ...] = ()

    @property
    @override
    def label(self) -> str:
        return ", ".join(dict.fromkeys(one.removeprefix("kind and ") for one in self.families)) or super().label

    @override
    def sentences(self, ground: Ground, class_names: tuple[str, ...]) -> SentenceSet:
        known = ground.known_dataset.sentences
        if known is None:
            raise UsageError(
                f"sentences of a dataset need one that knows some, got {ground.known_dataset.name} without; choose "
                "sentences=general or name a file."
            )
        kinds = [kind or "sentence" for kind in known.families]
        taken = [place for place, kind in enumerate(kinds) if not self.families or kind in self.families]
        if not taken:
            raise UsageError(
                f"families must be some of {', '.join(dict.fromkeys(kinds))}, got {', '.join(self.families)}; choose "
                "others."
            )
        return SentenceSet(
            ground.known_dataset.name,
            tuple(known.names[place] for place in taken),
            tuple(kinds[place] for place in taken),
            f"From what dataset {ground.known_dataset.name} knows of its images.",
        )

    @override
    def relevance(self, ground: Ground, images: tuple[str, ...], sentences: SentenceSet) -> Relevance | None:
        dataset = ground.known_dataset
        known = dataset.sentences
        assert known is not None
        ids = dict(zip(image_names(dataset.images), dataset.image_set.ids.tolist(), strict=True))
        table = known.of_images([ids[name] for name in images]).columns(sentences.texts)
        return Relevance(table.holds, f"what dataset {dataset.name} knows", is_proxy=False)
