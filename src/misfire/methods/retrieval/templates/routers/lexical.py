"""The category that words of the caption point at: numbers, places, actions, looks."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, final

from typing_extensions import override

from misfire.core.errors import UsageError
from misfire.methods.retrieval.templates.routers.base import CategoryRouter
from misfire.methods.retrieval.templates.routing_problem import RoutingProblem

CUES = {
    "count": r"two|three|four|five|six|seven|eight|nine|ten|several|many|few|both|pair|couple|group|\d+",
    "spatial": r"left|right|above|below|under|beneath|behind|between|beside|top of|front of|next to|near|over|inside",
    "action": r"(?!\b(?:building|ceiling|clothing|evening|morning|nothing|something|thing|king|ring|string|wing)s?\b)"
    r"[a-z]{3,}ing",
    "context": r"beach|park|field|grass|street|road|kitchen|room|bathroom|snow|water|sand|sky|city|forest|night|"
    r"outdoors?|indoors?|background",
    "attribute": r"red|blue|green|yellow|orange|purple|pink|brown|black|white|gr[ae]y|big|large|small|little|tall|"
    r"short|striped|spotted|dotted|plain|wooden|old|young|long|huge|tiny",
    "object": r"[^\W\d_]+",
}
"""Patterns of words by category, the rarest first: the first that a caption holds is its category."""


@final
@dataclass(frozen=True)
class LexicalRouter(CategoryRouter):
    """The first category, in the order given, one of whose cues the caption holds as a word; the last one otherwise.

    Args:
        cues: Regular expressions by category, tried in order and whatever their case.

    Raises:
        UsageError: If a pattern isn't one.
    """

    cues: Mapping[str, str] = field(default_factory=lambda: dict(CUES))
    label: ClassVar[str] = "word cues"

    def __post_init__(self) -> None:
        for name, pattern in self.cues.items():
            try:
                re.compile(pattern)
            except re.error as error:
                raise UsageError(
                    f"a cue must be a regular expression, got {pattern!r} for {name}: {error}; mend it."
                ) from error

    @override
    def route(self, problem: RoutingProblem) -> tuple[str, ...]:
        patterns = {
            name: re.compile(rf"\b(?:{pattern})\b", re.IGNORECASE)
            for name, pattern in self.cues.items()
            if name in problem.categories
        }
        if not patterns:
            raise UsageError(
                f"cues must be of categories with templates ({', '.join(problem.categories)}), got those of "
                f"{', '.join(self.cues) or 'none'}; add some."
            )
        last = list(patterns)[-1]
        return tuple(
            next((name for name, pattern in patterns.items() if pattern.search(text)), last)
            for text in problem.captions.texts
        )
