"""A sentence with a place for the caption."""

from dataclasses import dataclass
from typing import final

from misfire.core.errors import UsageError

PLACEHOLDER = "{caption}"


@final
@dataclass(frozen=True)
class Template:
    """A prompt template: text that holds ``{caption}`` exactly once.

    Raises:
        UsageError: If ``{caption}`` is missing or repeated.

    Example:
        >>> Template("a photo of {caption}").render("two red stars")
        'a photo of two red stars'
    """

    text: str

    def __post_init__(self) -> None:
        if self.text.count(PLACEHOLDER) != 1:
            raise UsageError(
                f"a template must hold {PLACEHOLDER} exactly once, got {self.text!r}; write it where the caption goes."
            )

    def render(self, caption: str) -> str:
        """The prompt: the template with the caption in its place, nothing else changed."""
        return self.text.replace(PLACEHOLDER, caption)
