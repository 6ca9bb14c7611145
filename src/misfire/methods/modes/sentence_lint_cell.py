"""What is wrong with a set of sentences before it explains anything, as a tracked list."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, final

import numpy as np
from typing_extensions import override

from misfire.cells import Cell, Estimate, Estimates, Outcome
from misfire.core.errors import UsageError
from misfire.core.words import plain_count
from misfire.methods.modes.outcome_source import Ground
from misfire.methods.modes.sentence_set import SentenceSet, lint_sentences
from misfire.methods.modes.sentence_source import SentenceSource

if TYPE_CHECKING:
    from misfire.cells import Lab, Logged
    from misfire.cells.cell import Json
    from misfire.cells.settings import Settings

_MOST_TOLD = 40


@dataclass
class SentenceLintConfig:
    """What a look at sentences can be told.

    Attributes:
        most_words: Sentences with more words are too long.
        near: Cosine of two sentences' embeddings from which on they are near-duplicates.
    """

    backbone: Any
    dataset: Any
    sentences: Any
    tracking: Any
    trainer: Any
    paths: Any
    most_words: int = 20
    near: float = 0.98


@final
@dataclass(frozen=True)
class SentenceLintCell(Cell):
    """Faults of a set of sentences: duplicates, near-duplicates by embedding, too long, cut off, another language.

    Args:
        source: Where the sentences come from.
        ground: The dataset, whose own sentences may be asked for, and the backbone that embeds.
        most_words: Sentences with more words are too long.
        near: Cosine of two sentences' embeddings from which on they are near-duplicates.
    """

    kind: ClassVar[str] = "sentences"
    schema: ClassVar[type] = SentenceLintConfig
    source: SentenceSource
    ground: Ground
    most_words: int = 20
    near: float | int = 0.98

    def __post_init__(self) -> None:
        if self.most_words < 1 or not -1 <= self.near <= 1:
            raise UsageError(
                f"most_words must be >= 1 and near a cosine, got {self.most_words} and {self.near}; 20 and 0.98 are "
                "usual."
            )

    @classmethod
    @override
    def configured(cls, settings: "Settings") -> "SentenceLintCell":
        source = settings["sentences"]
        if not isinstance(source, SentenceSource):
            raise UsageError(f"sentences must be a SentenceSource, got {type(source).__name__}.")
        dataset = settings["dataset"] if source.needs_dataset else None
        ground = Ground(dataset, settings["backbone"])
        return cls(source, ground, settings["most_words"], settings["near"])

    def _chosen(self) -> SentenceSet:
        return self.source.sentences(self.ground, ())

    @override
    def identity(self) -> "Mapping[str, Json]":
        return {
            "sentences": self._chosen().fingerprint,
            "backbone": self.ground.known_backbone.fingerprint,
            "most_words": self.most_words,
            "near": float(self.near),
        }

    @override
    def label(self) -> Mapping[str, str]:
        return {"sentences": self._chosen().name}

    @override
    def run(self, lab: "Lab") -> Outcome:
        import pandas as pd

        from misfire.embeddings import embed_texts

        chosen, backbone = self._chosen(), self.ground.known_backbone
        embeddings = embed_texts(chosen.texts, backbone, lab.store, lab.trainer).numpy()
        found = lint_sentences(
            chosen,
            embeddings=embeddings.astype(np.float32),
            most_words=self.most_words,
            near=float(self.near),
            is_truncated=lambda texts: np.asarray(backbone.is_truncated(list(texts)), dtype=bool),
        )
        records = pd.DataFrame(
            {
                "fault": [one.fault for one in found],
                "sentence": [one.sentences[-1] for one in found],
                "beside": [one.sentences[0] if len(one.sentences) > 1 else "" for one in found],
                "detail": [one.detail for one in found],
            }
        ).astype(str)
        counts = Counter(one.fault for one in found)
        rows = [
            Estimate("sentences", float(len(chosen)), unit="count"),
            Estimate("faults", float(len(found)), unit="count"),
            *(
                Estimate("faults", float(counts[fault]), group=fault.replace(" ", "_"), unit="count")
                for fault in ("duplicate", "near duplicate", "too long", "cut off", "other language")
            ),
        ]
        facts = {"provenance": chosen.provenance, "backbone": backbone.name}
        return Outcome(records, Estimates.of(rows), facts=facts)

    @classmethod
    @override
    def headline(cls, estimates: Estimates, facts: Mapping[str, Any]) -> str:
        return f"{plain_count(round(estimates.at('faults').value))} faults"

    @classmethod
    @override
    def tell(cls, logged: "Logged") -> str:
        number, faults = (round(logged.estimates.at(name).value) for name in ("sentences", "faults"))
        lines = [
            f"{plain_count(number)} sentences, {plain_count(faults)} fault{'' if faults == 1 else 's'} "
            f"(near-duplicates by {logged.facts['backbone']})."
        ]
        for row in logged.records.head(_MOST_TOLD).to_dict("records"):
            beside = f"{row['beside']!r} and " if row["beside"] else ""
            lines.append(f"  {row['fault']}: {beside}{row['sentence']!r}: {row['detail']}")
        if len(logged.records) > _MOST_TOLD:
            lines.append(f"  ... and {plain_count(len(logged.records) - _MOST_TOLD)} more in the records")
        return "\n".join(lines)
