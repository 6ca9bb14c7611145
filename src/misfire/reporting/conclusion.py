"""What may be concluded of an experiment and what may not, in words that need no statistics."""

from dataclasses import dataclass
from typing import final


@final
@dataclass(frozen=True)
class Statement:
    """A few sentences of a conclusion, under the question that they answer; none where they stand by themselves."""

    question: str
    text: str


@final
@dataclass(frozen=True)
class Conclusion:
    """What was seen in plain words, and what it comes down to.

    Args:
        parts: What was seen and how far it can be trusted.
        may: What may be concluded.
        may_not: What may not.
        verdict: The shortest true answer, one sentence; empty where the parts begin with it.
    """

    parts: tuple[Statement, ...]
    may: str
    may_not: str
    verdict: str = ""

    @property
    def paragraph(self) -> str:
        """The parts as one paragraph."""
        return " ".join(part.text for part in self.parts)
