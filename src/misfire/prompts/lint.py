"""What is wrong with a template before anything is encoded: doubled phrases, stray marks, overflow, added content."""

from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool

from misfire.prompts.lint_rules import MEDIA, RULES, words_of
from misfire.prompts.template import PLACEHOLDER
from misfire.prompts.template_set import TemplateSet

# Words that frame a caption without saying anything of what is in the picture.
_NEUTRAL_WORDS = """
    a an the this that these those it it's its there is are was be being been of in on at to for with by from as and
    or here what where how who which shown shows show showing seen see depicts depicting captures capturing described
    describes describing description caption text says called titled following exactly precisely exact accurate
    counting count number numbers thing things object objects main subject subjects item items content contents
    detail details detailed look looks appearance attribute attributes property properties colour colours color colors
    focus focuses focused focusing close close-up closeup clear good high-quality quality resolution real realistic
    action actions activity activities happening doing place places setting surroundings background context whole wide
    full layout arrangement position positions positioned location locations relation relations spatial"""
_NEUTRAL = MEDIA | frozenset(_NEUTRAL_WORDS.split())


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
        captions = "1 caption" if self.num_captions == 1 else f"{self.num_captions:,} captions"
        return f"template {self.template!r}: {self.fault} with {captions}, e.g. {self.example!r}"


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
    rendered = zip(*(template_set.render(caption) for caption in captions), strict=True)
    prompts = {text: list(own) for text, own in zip(template_set.templates, rendered, strict=True)}
    slot = f"{{{template_set.placeholder}}}"
    found = [finding for text in prompts for finding in _by_rule(text, captions, prompts[text], slot)]
    found += [finding for text in prompts for finding in _added_content(text, prompts[text], slot)]
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
    # To ask how many there are says nothing, that there are many does.
    words = words_of(template.replace(PLACEHOLDER, " ").lower().replace("how many", " "))
    return tuple(dict.fromkeys(word for word in words if word.replace("\u2019", "'") not in _NEUTRAL))


def _by_rule(template: str, captions: Sequence[str], prompts: Sequence[str], slot: str) -> list[Finding]:
    found = []
    as_of_captions = template.replace(slot, PLACEHOLDER)
    for rule in RULES:
        broken = [place for place, caption in enumerate(captions) if rule.is_broken(as_of_captions, caption)]
        if broken:
            found.append(Finding(template, rule.fault, len(broken), prompts[broken[0]]))
    return found


def _added_content(template: str, prompts: Sequence[str], slot: str) -> list[Finding]:
    words = added_words(template.replace(slot, PLACEHOLDER))
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
    """Each template that says what an earlier one says, beside the first such one."""
    # Nearly all templates differ with the first caption already; the others are asked about all captions.
    opening = dict(zip(prompts, tokens_of([rendered[0] for rendered in prompts.values()]), strict=True))
    counts = Counter(opening.values())
    first: dict[tuple[Hashable, ...], str] = {}
    found = []
    for text in (text for text in prompts if counts[opening[text]] > 1):
        tokens = tuple(tokens_of(prompts[text]))
        if tokens in first:
            fault = f"is the same to the tokenizer as {first[tokens]!r}"
            found.append(Finding(text, fault, len(prompts[text]), prompts[text][0]))
        first.setdefault(tokens, text)
    return found
