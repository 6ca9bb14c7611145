"""What a report says before its sections."""

from dataclasses import dataclass
from typing import final


@final
@dataclass(frozen=True)
class Abstract:
    """What a report is about, in the words of whoever asked, and what came out.

    Args:
        title: Heading of the report.
        question: What was asked.
        decision_rule: What would count as which answer, written before the cells ran.
        answer: What came out, one sentence.
    """

    title: str
    question: str
    decision_rule: str
    answer: str
