"""Faults of a prompt that its template and its caption make together, or its template alone."""

import re
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar, final

from typing_extensions import override

from misfire.prompts.template import PLACEHOLDER

_MEDIA_WORDS = "photo photograph picture image snapshot view drawing painting sketch diagram shot scene"
MEDIA = frozenset(_MEDIA_WORDS.split())

_WORD = re.compile(r"[^\W_]+(?:['\u2019-][^\W_]+)*")
_DOUBLED_MARK = re.compile(r"[.,;:!?]\s*[.,;:!?]")
_MEANT = re.compile(r"\.\.\.|[?!]{2}")  # written on purpose
_PAIRS = ("()", "[]", "\u201c\u201d", "\u00ab\u00bb")
_PLACES = frozenset({"view", "scene"})  # a photo of a scene is no photo of a photo


class Rule(ABC):
    """One thing that can be wrong with a prompt."""

    fault: ClassVar[str]

    @abstractmethod
    def is_broken(self, template: str, caption: str) -> bool:
        """Whether the prompt of this template and caption has the fault."""


@final
class DoubledPhrase(Rule):
    """Words come twice in a row: "a photo of a photo of", "the the"; in the template, or where the caption begins."""

    fault: ClassVar[str] = "doubles a phrase"

    @override
    def is_broken(self, template: str, caption: str) -> bool:
        before, after = (words_of(part) for part in template.split(PLACEHOLDER))
        inside = words_of(caption)
        return (
            any(_repeats_within(part) or _nests_media_within(part) for part in (before, after))
            or _repeats_across(before, inside)
            or _repeats_across(inside, after)
            or _nests_media(before, inside)
        )


@final
class DoubledMark(Rule):
    """Two punctuation marks in a row, in the template or where the caption brings one of them: "a cat.."."""

    fault: ClassVar[str] = "doubles punctuation"

    @override
    def is_broken(self, template: str, caption: str) -> bool:
        before, after = template.split(PLACEHOLDER)
        text = caption.strip()
        seams = (before.rstrip()[-1:] + text[:1], text[-1:] + after.lstrip()[:1])
        return any(map(_DOUBLED_MARK.fullmatch, seams)) or any(
            _DOUBLED_MARK.search(_MEANT.sub("", part)) for part in (before, after)
        )


@final
class MarkInside(Rule):
    """The caption's full stop stands in the middle of the prompt, because the template goes on behind it."""

    fault: ClassVar[str] = "leaves the caption's final mark in the middle"

    @override
    def is_broken(self, template: str, caption: str) -> bool:
        after = template.split(PLACEHOLDER)[1].lstrip()
        return caption.rstrip().endswith((".", "!", "?")) and after[:1].isalnum()


@final
class GluedWords(Rule):
    """No space stands between the template's word and the caption's: "a photo ofa cat"."""

    fault: ClassVar[str] = "glues words together"

    @override
    def is_broken(self, template: str, caption: str) -> bool:
        before, after = template.split(PLACEHOLDER)
        seams = (before[-1:] + caption[:1], caption[-1:] + after[:1])
        return any(len(seam) == 2 and seam.isalnum() for seam in seams)


@final
class LostMark(Rule):
    """A bracket or quotation mark of the template has lost its other half: "a photo of (a cat"."""

    fault: ClassVar[str] = "has half of a pair of marks"

    @override
    def is_broken(self, template: str, caption: str) -> bool:
        own = template.replace(PLACEHOLDER, "")
        return own.count('"') % 2 == 1 or any(own.count(pair[0]) != own.count(pair[1]) for pair in _PAIRS)


RULES: tuple[Rule, ...] = (DoubledPhrase(), DoubledMark(), LostMark(), MarkInside(), GluedWords())


def words_of(text: str) -> list[str]:
    """The words of a text in lower case, without marks."""
    return [word.lower() for word in _WORD.findall(text)]


def _repeats_within(words: Sequence[str]) -> bool:
    """Whether some words come again at once."""
    return any(
        words[start : start + length] == words[start + length : start + 2 * length]
        for length in range(1, len(words) // 2 + 1)
        for start in range(len(words) - 2 * length + 1)
    )


def _nests_media_within(words: Sequence[str]) -> bool:
    """Whether a picture of a picture is asked for, with one word at most (an article) between."""
    return any(
        words[place] == "of" and words[place - 1] in MEDIA and (MEDIA - _PLACES) & set(words[place + 1 : place + 3])
        for place in range(1, len(words))
    )


def _repeats_across(before: Sequence[str], after: Sequence[str]) -> bool:
    """Whether the last words of ``before`` are the first of ``after``."""
    longest = min(len(before), len(after))
    return any(before[len(before) - length :] == after[:length] for length in range(1, longest + 1))


def _nests_media(before: Sequence[str], caption: Sequence[str]) -> bool:
    """Whether a picture of a picture is asked for: "an image of a photo of ..."."""
    opening = caption[:3]
    return bool(MEDIA & set(before)) and len(opening) == 3 and opening[1] in MEDIA and opening[2] == "of"
