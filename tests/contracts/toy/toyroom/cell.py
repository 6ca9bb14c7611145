"""The room's one kind of cell."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, final

import pandas as pd
from typing_extensions import override

from misfire.cells import Cell, Estimate, Estimates, Lab, Logged, Objective, Outcome, Question, ReportPart, Settings
from misfire.core.errors import UsageError
from misfire.reporting.section import Section
from misfire.reporting.table import Column, Entry, Source, Table
from toyroom.rules import Rule

TEXTS = ("a cat", "a red cat", "two red cats sit", "a dog", "a big dog runs", "one two three four five", "yes", "no")
INTERRUPTIONS: list[Callable[[Rule], None]] = []
"""What a test wants to happen while a cell runs."""


@dataclass
class WordinessConfig:
    """What ``misfire wordiness`` can be told."""

    rule: Any
    statistics: Any
    tracking: Any
    trainer: Any
    paths: Any
    seed: int
    side: Literal["dev", "test"] | None
    dev_share: float
    split_seed: int

    def __post_init__(self) -> None:
        if self.seed < 0:
            raise UsageError(f"seed must be a whole number from 0, got {self.seed}; write seed=42.")


@final
@dataclass(frozen=True)
class WordinessCell(Cell):
    """How many texts pass a rule.

    Args:
        rule: What they are held against.
        side: The even texts are dev, the odd ones test; None is all.
    """

    rule: Rule
    side: str | None
    texts: tuple[str, ...] = field(default=TEXTS, repr=False)

    kind: ClassVar[str] = "wordiness"
    schema: ClassVar[type] = WordinessConfig
    objectives: ClassVar[Mapping[str, Objective]] = {
        "share": Objective("share", "share", title="texts that pass (%)", scale=100, has_cut_off=False),
        "words": Objective("words", "words", is_maximised=False, title="words that pass", has_cut_off=False),
    }

    @classmethod
    @override
    def configured(cls, settings: Settings) -> "WordinessCell":
        return cls(settings["rule"], settings["side"])

    @override
    def identity(self) -> Mapping[str, Any]:
        return {"rule": self.rule.name, "side": self.side, "texts": list(self.texts)}

    @override
    def label(self) -> Mapping[str, str]:
        return {"rule": self.rule.name, "side": self.side or "all"}

    @override
    def run(self, lab: Lab) -> Outcome:
        for interrupt in INTERRUPTIONS:
            interrupt(self.rule)
        asked = [text for place, text in enumerate(self.texts) if self.side in (None, ("dev", "test")[place % 2])]
        passed = [self.rule.passes(text) for text in asked]
        words = sum(len(text.split()) for text, is_in in zip(asked, passed, strict=True) if is_in)
        return Outcome(
            records=pd.DataFrame({"text": asked, "passed": passed}),
            estimates=Estimates.of(
                [
                    Estimate("share", sum(passed) / len(passed), n=len(passed)),
                    Estimate("words", float(words), unit="count"),
                ]
            ),
            facts={"longest": max(asked, key=len)},
        )

    @classmethod
    @override
    def headline(cls, estimates: Estimates, facts: Mapping[str, Any]) -> str:
        return f"{estimates.at('share').value:.0%}"

    @classmethod
    @override
    def tell(cls, logged: Logged) -> str:
        return f"{logged.label['rule']}: {logged.estimates.at('share').value:.0%} of the texts pass."

    @classmethod
    @override
    def report(cls, cells: Sequence[Logged], question: Question) -> ReportPart:
        sources = tuple(Source(cell.id, cell.url, cell.label) for cell in cells)
        table = Table(
            name="wordiness",
            title="Texts that pass.",
            columns=(Column("rule", ("rule",), is_number=False), Column("share", ("share",))),
            rows=tuple(
                (Entry(cell.label["rule"], (cell.label["rule"],)), Entry(f"{share:.2f}", (share,)))
                for cell in cells
                for share in [cell.estimates.at("share").value]
            ),
            note="",
            sources=sources,
        )
        best = max(cells, key=lambda cell: cell.estimates.at("share").value)
        return ReportPart(
            sections=(Section("wordiness", "Which rule most texts pass", tables=(table,)),),
            answer=f"Most texts pass {best.label['rule']}.",
            decides=True,
            sources=sources,
            deciding=best.estimates.at("share"),
        )
