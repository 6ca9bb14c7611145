"""What is wrong with a template before anything is encoded: doubled phrases, stray marks, overflow, added content."""

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import ClassVar, final

import numpy as np
from jaxtyping import Bool
from typing_extensions import override

from misfire.prompts.template import PLACEHOLDER, Template
from misfire.prompts.template_set import TemplateSet

_WORD = re.compile(r"[^\W_]+(?:['\u2019-][^\W_]+)*")
_DOUBLED_MARK = re.compile(r"[.,;:!?]\s*[.,;:!?]")
_MEDIA_WORDS = "photo photograph picture image snapshot view drawing painting sketch diagram shot scene"
# Words that frame a caption without saying anything of what is in the picture.
_NEUTRAL_WORDS = """
    a an the this that these those it its there is are was be being been of in on at to for with by from as and
    or here what where how who which shown shows show showing seen see depicts depicting captures capturing described
    describes describing description caption text says called titled following exactly precisely exact accurate
    counting count number numbers many thing things object objects main subject subjects item items content contents
    detail details detailed look looks appearance attribute attributes property properties colour colours color colors
    focus focuses focused focusing close close-up closeup clear good high-quality quality resolution real realistic
    action actions activity activities happening doing place places setting surroundings background context whole wide
    full layout arrangement position positions positioned location locations relation relations spatial"""
_MEDIA = frozenset(_MEDIA_WORDS.split())
_NEUTRAL = _MEDIA | frozenset(_NEUTRAL_WORDS.split())


@dataclass(frozen=True)
class Finding:
    """A fault of one template.

    Attributes:
        template: The template's text.
        fault: What is wrong, in words.
        num_captions: With how many of the captions looked at.
        example: A prompt that shows it.
    """

    template: str
    fault: str
    num_captions: int
    example: str

    def __str__(self) -> str:
        return f"template {self.template!r}: {self.fault} with {self.num_captions:,} captions, e.g. {self.example!r}"


class Rule(ABC):
    """One thing that can be wrong with a prompt."""

    fault: ClassVar[str]

    @abstractmethod
    def is_broken(self, template: str, caption: str) -> bool:
        """Whether the prompt of this template and caption has the fault."""


@final
class DoubledPhrase(Rule):
    """The template's end says what the caption's beginning says: "a photo of a photo of", "the the"."""

    fault: ClassVar[str] = "doubles a phrase"

    @override
    def is_broken(self, template: str, caption: str) -> bool:
        before, after = (_words(part) for part in template.split(PLACEHOLDER))
        inside = _words(caption)
        return _repeats_across(before, inside) or _repeats_across(inside, after) or _nests_media(before, inside)


@final
class DoubledMark(Rule):
    """The template and the caption both bring a punctuation mark at their seam: "a cat.."."""

    fault: ClassVar[str] = "doubles punctuation"

    @override
    def is_broken(self, template: str, caption: str) -> bool:
        before, after = template.split(PLACEHOLDER)
        text = caption.strip()
        seams = (before.rstrip()[-1:] + text[:1], text[-1:] + after.lstrip()[:1])
        return any(_DOUBLED_MARK.fullmatch(seam) for seam in seams)


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


RULES: tuple[Rule, ...] = (DoubledPhrase(), DoubledMark(), MarkInside(), GluedWords())


def lint_templates(
    template_set: TemplateSet,
    captions: Sequence[str],
    *,
    tokens_of: Callable[[Sequence[str]], Sequence[Hashable]] | None = None,
    is_truncated: Callable[[Sequence[str]], Bool[np.ndarray, " prompt"]] | None = None,
) -> tuple[Finding, ...]:
    """Everything that is wrong with a set's templates on some captions, template by template.

    Args:
        template_set: What to look at.
        captions: With which it will be used; at least one.
        tokens_of: What the tokenizer makes of prompts, to find templates that a model can't tell apart.
        is_truncated: Whether the tokenizer cuts each prompt.

    Example:
        >>> templates = TemplateSet("one", ("a photo of {caption}",))
        >>> [finding.fault for finding in lint_templates(templates, ["a photo of a cat"])]
        ['doubles a phrase']
    """
    prompts = {text: [Template(text).render(caption) for caption in captions] for text in template_set.templates}
    found = [finding for text in prompts for finding in _by_rule(text, captions, prompts[text])]
    found += [finding for text in prompts for finding in _added_content(text, prompts[text])]
    if is_truncated is not None:
        found += [
            finding for text in prompts for finding in _overflow(text, prompts[text], is_truncated(prompts[text]))
        ]
    if tokens_of is not None:
        found += _indistinct(prompts, tokens_of)
    return tuple(found)


def added_words(template: str) -> tuple[str, ...]:
    """Words of a template that say something of the picture which a caption may not say.

    Example:
        >>> added_words("a photo of two {caption} on a table")
        ('two', 'table')
    """
    return tuple(dict.fromkeys(word for word in _words(template.replace(PLACEHOLDER, " ")) if word not in _NEUTRAL))


def _by_rule(template: str, captions: Sequence[str], prompts: Sequence[str]) -> list[Finding]:
    found = []
    for rule in RULES:
        broken = [place for place, caption in enumerate(captions) if rule.is_broken(template, caption)]
        if broken:
            found.append(Finding(template, rule.fault, len(broken), prompts[broken[0]]))
    return found


def _added_content(template: str, prompts: Sequence[str]) -> list[Finding]:
    words = added_words(template)
    if not words:
        return []
    return [Finding(template, f"adds content that captions don't have ({', '.join(words)})", len(prompts), prompts[0])]


def _overflow(template: str, prompts: Sequence[str], truncated: Bool[np.ndarray, " prompt"]) -> list[Finding]:
    places = np.flatnonzero(truncated)
    if not len(places):
        return []
    return [Finding(template, "overflows the model's context", len(places), prompts[places[0]])]


def _indistinct(
    prompts: dict[str, list[str]], tokens_of: Callable[[Sequence[str]], Sequence[Hashable]]
) -> list[Finding]:
    # Nearly all templates differ with the first caption already; the others are asked about all captions.
    opening = dict(zip(prompts, tokens_of([rendered[0] for rendered in prompts.values()]), strict=True))
    alike = [(one, other) for one, other in combinations(prompts, 2) if opening[one] == opening[other]]
    tokens = {text: tuple(tokens_of(prompts[text])) for text in dict.fromkeys(text for pair in alike for text in pair)}
    return [
        Finding(second, f"is the same to the tokenizer as {first!r}", len(prompts[second]), prompts[second][0])
        for first, second in alike
        if tokens[first] == tokens[second]
    ]


def _words(text: str) -> list[str]:
    return [word.lower() for word in _WORD.findall(text)]


def _repeats_across(before: Sequence[str], after: Sequence[str]) -> bool:
    """Whether the last words of ``before`` are the first of ``after``."""
    longest = min(len(before), len(after))
    return any(before[len(before) - length :] == after[:length] for length in range(1, longest + 1))


def _nests_media(before: Sequence[str], caption: Sequence[str]) -> bool:
    """Whether a picture of a picture is asked for: "an image of a photo of ..."."""
    opening = caption[:3]
    return bool(_MEDIA & set(before)) and len(opening) == 3 and opening[1] in _MEDIA and opening[2] == "of"
