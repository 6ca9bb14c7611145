"""Rules that a text passes or fails."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import final

from typing_extensions import override

from misfire.core.errors import UsageError


@dataclass(frozen=True)
class Rule(ABC):
    """What texts are held against.

    Args:
        num_words: The bound that the rule is about.
    """

    num_words: int

    def __post_init__(self) -> None:
        if self.num_words < 0:
            raise UsageError(f"rule.num_words must be >= 0, got {self.num_words}; take 3.")

    @property
    @abstractmethod
    def name(self) -> str:
        """What tables call it."""

    @abstractmethod
    def passes(self, text: str) -> bool:
        """Whether a text passes."""


@final
class AtLeast(Rule):
    """Texts with so many words or more."""

    @property
    @override
    def name(self) -> str:
        return f"at least {self.num_words}"

    @override
    def passes(self, text: str) -> bool:
        return len(text.split()) >= self.num_words


@final
class AtMost(Rule):
    """Texts with so many words or fewer."""

    @property
    @override
    def name(self) -> str:
        return f"at most {self.num_words}"

    @override
    def passes(self, text: str) -> bool:
        return len(text.split()) <= self.num_words
