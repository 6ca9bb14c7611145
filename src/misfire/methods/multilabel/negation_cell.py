"""How many texts of a corpus negate, as a tracked number."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, final

from typing_extensions import override

from misfire.cells import Cell, Estimate, Estimates, Lab, Logged, Outcome
from misfire.cells.cell import Json
from misfire.cells.settings import Settings
from misfire.core.errors import UsageError
from misfire.core.hashing import sha256_file
from misfire.core.words import plain_count
from misfire.data import Dataset
from misfire.methods.multilabel.negation import NEGATIONS, count_negations

SHARE = "share_of_negated_texts"


@dataclass
class NegationConfig:
    """What a count of negations can be told.

    Attributes:
        texts: A text file, a text a line; null counts the dataset's captions.
        words: What negates besides contractions in n't; null is the list in the documentation.
    """

    dataset: Any
    tracking: Any
    trainer: Any
    paths: Any
    texts: str | None = None
    words: list[str] | None = None


@final
@dataclass(frozen=True)
class NegationCell(Cell):
    """A count of the texts that hold a negation.

    Args:
        texts: A text file with a text a line, or a dataset whose captions are counted.
        words: What negates besides contractions in n't.
        confidence: Of the share's interval.
    """

    kind: ClassVar[str] = "negations"
    schema: ClassVar[type] = NegationConfig

    texts: Path | Dataset
    words: tuple[str, ...] = NEGATIONS
    confidence: float = 0.95

    def __post_init__(self) -> None:
        if isinstance(self.texts, Path) and not self.texts.is_file():
            raise UsageError(
                f"texts must be a text file with a text a line, found none at {self.texts}; check its path."
            )
        if not self.words:
            raise UsageError("words must name at least one word that negates, got none; leave it out for our list.")

    @classmethod
    @override
    def configured(cls, settings: Settings) -> "NegationCell":
        path, words = settings["texts"], settings["words"]
        return cls(
            texts=settings["dataset"] if path is None else Path(path),
            words=NEGATIONS if words is None else tuple(str(word) for word in words),
        )

    @override
    def identity(self) -> Mapping[str, Json]:
        return {"texts": self._fingerprint, "words": sorted(self.words)}

    @property
    def _fingerprint(self) -> str:
        return sha256_file(self.texts) if isinstance(self.texts, Path) else self.texts.fingerprint

    @property
    def _name(self) -> str:
        return self.texts.name

    @override
    def label(self) -> Mapping[str, str]:
        found = {"texts": self._name}
        return found if set(self.words) == set(NEGATIONS) else {**found, "words": f"{len(self.words)} of one's own"}

    @property
    @override
    def data(self) -> tuple[str, str] | None:
        return self._name, self._fingerprint

    @override
    def run(self, lab: Lab) -> Outcome:
        import pandas as pd

        found = count_negations(self._each(), words=self.words)
        low, high = found.interval(confidence=self.confidence)
        rows = [
            Estimate(SHARE, found.share, low=low, high=high, n=found.num_texts),
            Estimate("negated_texts", float(found.num_negated), unit="count"),
            Estimate("texts", float(found.num_texts), unit="count"),
        ]
        records = pd.DataFrame(found.by_word, columns=["word", "texts"]).astype({"word": str, "texts": int})
        return Outcome(records, Estimates.of(rows), facts={"words": list(self.words)})

    def _each(self) -> Iterator[str]:
        if not isinstance(self.texts, Path):
            yield from (caption.text for caption in self.texts.captions)
            return
        with self.texts.open(encoding="utf-8-sig", errors="replace") as lines:
            yield from lines

    @classmethod
    @override
    def headline(cls, estimates: Estimates, facts: Mapping[str, Any]) -> str:
        return f"{100 * estimates.at(SHARE).value:.2f} % negate"

    @classmethod
    @override
    def tell(cls, logged: Logged) -> str:
        share = logged.estimates.at(SHARE)
        negated, texts = (round(logged.estimates.at(name).value) for name in ("negated_texts", "texts"))
        lines = [
            f"{plain_count(negated)} of {plain_count(texts)} texts hold a negation: {100 * share.value:.2f} % "
            f"[{100 * share.low:.2f}, {100 * share.high:.2f}] (LAION-400M: 0.47 %, by Rawlekar et al.'s own list).",
            *(f"  {word:<8} {plain_count(int(count))}" for word, count in _words(logged)),
        ]
        return "\n".join(lines)


def _words(logged: Logged) -> Sequence[tuple[str, int]]:
    records = logged.records
    return list(zip(records["word"].tolist(), records["texts"].tolist(), strict=True))
