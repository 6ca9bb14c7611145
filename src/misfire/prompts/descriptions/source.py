"""Descriptions of classes in words: where they come from, what makes one useless, and how they become prompts."""

import re
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, final

from misfire.core.errors import UsageError
from misfire.core.hashing import sha256_json

EMPTY, REPEATED, REFUSED, OFF_TOPIC, TOO_LONG = "empty", "repeated", "refused", "off topic", "over the context"
"""Why a description is dropped."""

_MARKER = re.compile("^\\s*(?:[-*\u2022\u2013]|\\d{1,2}[.):])\\s+")
_QUOTATION_MARKS = "\"'` \u2018\u2019\u201c\u201d"
_REFUSAL = re.compile(
    "\\b(?:as an ai|language model|i['\u2019]?m sorry|i am sorry|i apologi[sz]e|i can(?:no|['\u2019])?t)\\b",
    re.IGNORECASE,
)
_WITH_THEIR_VERB = ("has", "have", "is", "are", "often", "typically", "usually", "may", "can", "might")
_PARTICIPLES = ("used", "made", "found", "worn", "seen", "covered", "shaped")


@final
@dataclass(frozen=True)
class Descriptions:
    """What is said of each class.

    Args:
        of_class: Descriptions by class, none for a class of which nothing useful was said.
        are_sentences: Whether each is a prompt by itself (CuPL), or completes a class's name (Menon and Vondrick).
        dropped: How many descriptions were dropped, by why.
    """

    of_class: Mapping[str, tuple[str, ...]]
    are_sentences: bool
    dropped: Mapping[str, int] = field(default_factory=dict)

    @property
    def without(self) -> tuple[str, ...]:
        """Classes that nothing useful was said of; their name alone stands for them."""
        return tuple(name for name, said in self.of_class.items() if not said)

    @property
    def digest(self) -> str:
        """SHA-256 of what is said."""
        return sha256_json([self.are_sentences, {name: list(said) for name, said in self.of_class.items()}])

    def prompts(self, name: str, templates: Sequence[Callable[[str], str]]) -> list[list[str]]:
        """The prompts that a class's descriptions make: a row a template, a column a description.

        A sentence stands for itself under every template; anything else follows the class's name in the template's
        place, as in "a photo of a hen, which has two legs".
        """
        said = self.of_class[name]
        if self.are_sentences:
            return [list(said) for _ in templates]
        return [[render(f"{name}, {clause(words)}") for words in said] for render in templates]


class DescriptionSource(ABC):
    """Says in words what classes look like.

    Asked once a cell for the classes that are to be enriched. What it says depends on :meth:`describe` and on the class
    names alone, so that a cell can be identified before anything is asked. What can't be used is dropped and counted:
    nothing that it says is trusted to be of use.
    """

    name: ClassVar[str]
    """The source's name in configurations, records and labels."""

    are_sentences: bool

    @abstractmethod
    def answers(self, classes: Sequence[str]) -> Mapping[str, Sequence[str]]:
        """What is said of each class, as it came.

        Raises:
            UsageError: If the source can't be asked.
        """

    @abstractmethod
    def describe(self) -> dict[str, str | int | float | bool]:
        """Everything that the answers depend on: content only, no path, address or key."""

    def __call__(self, classes: Sequence[str], *, fits: Callable[[str], bool] = lambda text: True) -> Descriptions:
        """What is said of each class and can be used.

        Args:
            classes: Names of the classes to describe.
            fits: Whether the text encoder reads a text to its end.

        Raises:
            UsageError: If the source can't be asked.
        """
        said = self.answers(classes)
        dropped: Counter[str] = Counter()
        of_class = {}
        for name in classes:
            kept: list[str] = []
            for answer in said.get(name, ()):
                text = without_marks(answer)
                reason = why_useless(text, name, kept, is_sentence=self.are_sentences, fits=fits)
                if reason:
                    dropped[reason] += 1
                else:
                    kept.append(text)
            of_class[name] = tuple(kept)
        return Descriptions(of_class, self.are_sentences, dict(dropped))


def without_marks(answer: str) -> str:
    """An answer without the bullet, number, quotation marks and blanks around it.

    Example:
        >>> without_marks(' - "long  tail" ')
        'long tail'
    """
    text = _MARKER.sub("", answer)
    return " ".join(text.split()).strip(_QUOTATION_MARKS)


def why_useless(
    text: str, name: str, kept: Sequence[str], *, is_sentence: bool, fits: Callable[[str], bool]
) -> str | None:
    """Why a description can't be used, or None.

    A sentence that shares no word with the class's name isn't about it; of a mere feature that can't be told.

    Example:
        >>> why_useless("I'm sorry, I can't.", "hen", [], is_sentence=True, fits=lambda text: True)
        'refused'
    """
    if not re.search(r"\w", text):
        return EMPTY
    if _REFUSAL.search(text):
        return REFUSED
    if text.casefold() in {other.casefold() for other in kept}:
        return REPEATED
    if is_sentence and not (_stems(text) & _stems(name)):
        return OFF_TOPIC
    if not fits(text if is_sentence else f"{name}, {clause(text)}"):
        return TOO_LONG
    return None


def clause(words: str) -> str:
    """A feature as the clause that follows a class's name.

    The published rule looks at the first letters, and says "which is antennae" since that begins with "a". Here whole
    words decide.

    Example:
        >>> clause("a small bird"), clause("antennae"), clause("has two legs"), clause("used to cook")
        ('which is a small bird', 'which has antennae', 'which has two legs', 'which is used to cook')

    Reference:
        Menon and Vondrick, "Visual classification via description from large language models", ICLR 2023.
    """
    first = words.split()[0].casefold() if words.split() else ""
    if first in ("a", "an") or first in _PARTICIPLES:
        return f"which is {words}"
    if first in _WITH_THEIR_VERB:
        return f"which {words}"
    return f"which has {words}"


def same_name(name: str) -> str:
    """A class's name as names are compared: case, underscores and blanks don't tell two apart."""
    return " ".join(name.replace("_", " ").casefold().split())


def lines_of(answer: str) -> list[str]:
    """The lines of an answer that lists several descriptions; a lead-in that ends with a colon is none of them."""
    lines = [line.strip() for line in answer.splitlines() if line.strip()]
    return [line for line in lines if not line.endswith(":")]


def check_prompt(prompt: str) -> None:
    """Refuse a question in which the class has no place."""
    if prompt.count("{class}") < 1:
        raise UsageError(f"a prompt must hold {{class}} where the class's name goes, got {prompt!r}; write it there.")


def _stems(text: str) -> set[str]:
    """Its words, each with and without a plural's ending."""
    words = {word for word in re.findall(r"[^\W_]+", text.casefold()) if len(word) > 1 or word.isdigit()}
    return words | {word[: -len(ending)] for word in words for ending in ("s", "es") if word.endswith(ending)}
