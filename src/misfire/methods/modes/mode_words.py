"""A mode in words: the paper's notation, a bag of words for an encoder, and prompts for image generation."""

from collections.abc import Sequence

from misfire.core.errors import UsageError

_DIGITS = 2


def notation(class_name: str, class_accuracy: float, words: Sequence[str], accuracy: float, support: int) -> str:
    """A mode as the paper writes it.

    Example:
        >>> notation("wolf", 0.8369, ("den", "hide"), 10 / 45, 45)
        'wolf (83.69 %): den + hide (22.22 %, n=45)'
    """
    return (
        f"{class_name} ({100 * class_accuracy:.{_DIGITS}f} %): {' + '.join(words)} "
        f"({100 * accuracy:.{_DIGITS}f} %, n={support:,})"
    )


def bag_of_words(class_name: str, words: Sequence[str]) -> str:
    """The text whose embedding is held against a mode's images: class and tags, without a sentence between them.

    A language model would say what belongs to what, which tags don't.

    Example:
        >>> bag_of_words("ape", ("black", "branch/bough"))
        'a photo of ape black branch'

    Reference:
        Rezaei et al., "PRIME: Prioritizing Interpretability in Failure Mode Extraction", ICLR 2024, section 4.3.
    """
    return " ".join(["a photo of", class_name, *(first_name(word) for word in words)])


def generation_prompt(template: str, class_name: str, words: Sequence[str]) -> str:
    """A caption from which an image generator makes pictures of a mode.

    Args:
        template: Has the placeholders ``{class}`` and ``{tags}``.
        class_name: The class.
        words: The mode's tags.

    Raises:
        UsageError: If the template lacks a placeholder or has another one.

    Example:
        >>> generation_prompt("a photo of a {class}, {tags}", "fox", ("dry", "grass"))
        'a photo of a fox, dry, grass'
    """
    if "{class}" not in template or "{tags}" not in template:
        raise UsageError(
            f"a template of prompts must have the places {{class}} and {{tags}}, got {template!r}; add them."
        )
    return template.replace("{class}", class_name).replace("{tags}", ", ".join(first_name(word) for word in words))


def first_name(word: str) -> str:
    """Of tags that are named together, the one that stands for the others."""
    return word.partition("/")[0]
