"""A sentence with a place for the caption, or for whatever else is asked about."""

import re
from dataclasses import dataclass
from typing import final

from misfire.core.errors import UsageError

PLACEHOLDER = "{caption}"
_NAME = re.compile("[a-z][a-z0-9_]*")


@final
@dataclass(frozen=True)
class Template:
    """A prompt template: text that holds its placeholder exactly once; other braces mean nothing.

    Args:
        text: The sentence.
        placeholder: What stands in braces where the words go: ``caption`` of a query, ``class`` of a classifier.

    Raises:
        UsageError: If the placeholder is missing or repeated, or isn't a small word.

    Example:
        >>> Template("a photo of {caption}").render("two red stars")
        'a photo of two red stars'
        >>> Template("a photo of a {class}.", "class").render("star")
        'a photo of a star.'
    """

    text: str
    placeholder: str = "caption"

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.placeholder):
            raise UsageError(
                f"a placeholder must be a word of small letters, got {self.placeholder!r}; write it without braces, as "
                "caption or class."
            )
        if self.text.count(self.slot) != 1:
            raise UsageError(
                f"a template must hold {self.slot} exactly once, got {self.text!r}; write it where the "
                f"{self.placeholder} goes."
            )

    @property
    def slot(self) -> str:
        """The placeholder as it stands in the text."""
        return f"{{{self.placeholder}}}"

    def render(self, words: str) -> str:
        """The prompt: the template with the words in their place, nothing else changed."""
        return self.text.replace(self.slot, words)
