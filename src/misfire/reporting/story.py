"""What a report says in words."""

from dataclasses import dataclass
from typing import final


@final
@dataclass(frozen=True)
class Story:
    """What a report is about, in the words of whoever asked.

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
