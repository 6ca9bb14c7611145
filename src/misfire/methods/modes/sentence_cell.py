"""The cell of a method that explains failures by sentences: modes of one half, what they are worth on the other."""

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, final

import numpy as np
import pandas as pd
from scipy.special import softmax
from typing_extensions import override

from misfire.cells import Cell, Estimate, Estimates, Objective, Outcome, Slice
from misfire.core.counts import check_most
from misfire.core.errors import UsageError, name_some
from misfire.data.outcomes import Outcomes
from misfire.data.tag_table import TagTable
from misfire.methods.modes.hardness_split import PerformanceSplit
from misfire.methods.modes.measurement import compactness, description_areas, halves
from misfire.methods.modes.method_identity import described
from misfire.methods.modes.mode_finder import EncodedSentences, ModeFinder
from misfire.methods.modes.outcome_source import Ground, OutcomeSource, image_names, outcomes_of
from misfire.methods.modes.schema import ModesSchema
from misfire.methods.modes.scorecard import SCORECARD_COLUMNS, Scorecard, ScorecardRow, Truth
from misfire.methods.modes.scored_images import ScoredImages
from misfire.methods.modes.sentence_report import sentence_part, told
from misfire.methods.modes.sentence_set import SentenceSet, lint_sentences
from misfire.methods.modes.sentence_source import SentenceSource
from misfire.methods.modes.tag_finder import TagCombinations
from misfire.methods.modes.tag_source import TagSource
from misfire.stats import benjamini_hochberg

if TYPE_CHECKING:
    from misfire.cells import Lab, Logged, Question, ReportPart
    from misfire.cells.cell import Json
    from misfire.cells.estimates import Unit
    from misfire.cells.settings import Settings

_CLASS = re.compile(r"^class (\d+)\b")
_MOST_EXAMPLES = 12
_UNITS: Mapping[str, "Unit"] = {
    "num_modes": "count",
    "drop": "difference",
    "compactness": "score",
    "seconds": "seconds",
}


@final
@dataclass(frozen=True)
class Judging:
    """How outcomes are read and modes are measured.

    Args:
        contexts: Family of tags whose words part each class, as ``background``; None leaves P@K out. Each class's most
            frequent one, in which the model has learnt it, isn't counted: the one that its lessons show most where
            these are known, else the one that the images do.
        is_graded: Whether an image's score is its performance, as IoU is; right and wrong are otherwise.
        class_score_scale: What scores of classes are multiplied by before the softmax, unless they are probabilities.
        num_shuffles: How often outcomes are dealt anew within classes.
        num_repeats: How many further seeds and half-samples are tried.
        severity: By how many standard deviations images of which a sentence holds must do worse than all for it to
            describe a failure (the paper's o).
    """

    contexts: str | None = None
    is_graded: bool = False
    class_score_scale: float = 100.0
    num_shuffles: int = 5
    num_repeats: int = 2
    severity: float = 0.2

    def __post_init__(self) -> None:
        check_most(10_000, num_shuffles=self.num_shuffles, num_repeats=self.num_repeats)
        _ = self.card  # says what is wrong with a number
        if not 0 < self.class_score_scale < math.inf:
            raise UsageError(
                f"class_score_scale must be a positive finite number, got {self.class_score_scale}; CLIP's is 100."
            )

    @property
    def card(self) -> Scorecard:
        """What is measured."""
        return Scorecard(num_shuffles=self.num_shuffles, num_repeats=self.num_repeats, severity=self.severity)


@final
@dataclass(frozen=True, eq=False)
class SentenceModesCell(Cell):
    """One method on one model's outcomes: failure modes with their sentences, and a row of the scorecard.

    Args:
        source: Where outcomes come from.
        sentence_source: Where sentences come from.
        finder: The method.
        ground: Dataset and backbone; the backbone embeds images and sentences.
        judging: How outcomes are read and modes measured.
        seed: Of halves and draws.
        tag_source: Where tags come from, for a method that reads them.
    """

    kind: ClassVar[str] = "modes"
    schema: ClassVar[type] = ModesSchema
    objectives: ClassVar[Mapping[str, Objective]] = {
        "drop": Objective("drop", "drop", title="drop on other images (pp)", scale=100, has_cut_off=False),
        "ahr": Objective("ahr", "ahr", title="average hardness ratio", has_cut_off=False),
        "ji": Objective("ji", "ji", title="Jaccard index with the failure-describing sentences", has_cut_off=False),
        "coverage": Objective("coverage", "coverage", title="failures covered (%)", scale=100, has_cut_off=False),
    }
    source: OutcomeSource
    sentence_source: SentenceSource
    finder: ModeFinder
    ground: Ground
    judging: Judging
    seed: int
    tag_source: TagSource | None = None

    @override
    @classmethod
    def configured(cls, settings: "Settings") -> "SentenceModesCell":
        found = {name: settings[name] for name in ("sentences", "method")}
        wanted_types = {"sentences": SentenceSource, "method": ModeFinder}
        for name, wanted in wanted_types.items():
            if not isinstance(found[name], wanted):
                raise UsageError(f"{name} must be a {wanted.__name__}, got {type(found[name]).__name__}.")
        return cls(
            outcomes_of(settings),
            found["sentences"],
            found["method"],
            Ground(settings["dataset"], settings["backbone"]),
            settings["judging"],
            settings["seed"],
            settings["tags"] if isinstance(found["method"], TagCombinations) else None,
        )

    @override
    def identity(self) -> "Mapping[str, Json]":
        dataset, backbone = self.ground.known_dataset, self.ground.known_backbone
        known = None if dataset.sentences is None else dataset.sentences.fingerprint
        contexts = self.judging.contexts
        parts = None if contexts is None or dataset.tags is None else dataset.tags.fingerprint
        return {
            "outcomes": self.source.identity(self.ground),
            "images": dataset.image_set.fingerprint,
            "backbone": backbone.fingerprint,
            "sentences": [self.sentence_source.identity(), known],
            "method": described(self.finder),
            "contexts": parts,
            "judging": described(self.judging),
            "tags": None if self.tag_source is None else self.tag_source.identity(self.ground),
            "seed": self.seed,
        }

    @override
    def label(self) -> Mapping[str, str]:
        family = self.judging.contexts
        contexts = {} if family is None or self.ground.known_dataset.tags is None else {"contexts": family}
        return {
            "method": self.finder.label,
            **self.finder.settings,
            "o": f"{self.judging.severity:g}",
            **contexts,
            "sentences": self.sentence_source.label,
            "seed": str(self.seed),
        }

    @override
    @property
    def name(self) -> str:
        return self.finder.label

    @override
    @property
    def marks(self) -> Mapping[str, str]:
        return {"chosen": "modes found on one half of each class because the model fails there, measured on the other"}

    @override
    @property
    def data(self) -> tuple[str, str] | None:
        return self.ground.known_dataset.name, self.ground.known_dataset.fingerprint

    @override
    def run(self, lab: "Lab") -> Outcome:
        outcomes = self.source.outcomes(self.ground, lab)
        bench = lab.bench(self.ground.known_dataset, self.ground.known_backbone)
        place = {name: row for row, name in enumerate(image_names(self.ground.known_dataset.images))}
        strangers = [name for name in outcomes.images if name not in place]
        if strangers:
            raise UsageError(
                f"outcomes must be of the dataset's images, got {name_some(strangers)} beside; name the dataset that "
                "the model was run on."
            )
        self._check_both_kinds(outcomes)
        chosen = self.sentence_source.sentences(self.ground, outcomes.class_names)
        embeddings = bench.gallery.numpy()[[place[name] for name in outcomes.images]]
        images = self._scored(outcomes, embeddings.astype(np.float32))
        if self.tag_source is not None:
            images = _tagged(images, outcomes, self.tag_source.tags(self.ground, lab))
        encoded = EncodedSentences(chosen.texts, bench.texts(list(chosen.texts)).numpy().astype(np.float32))
        relevance = self.sentence_source.relevance(self.ground, outcomes.images, chosen)
        truth = Truth(None if relevance is None else relevance.holds, self._partitions(outcomes))
        parts = PerformanceSplit(0.0)(images) if self.judging.is_graded else None
        row = self.judging.card.row(
            self.finder,
            images,
            encoded,
            is_failure=~outcomes.correct if parts is None else parts.is_hard,
            truth=None if truth.relevance is None and truth.partitions is None else truth,
            label=self.finder.label,
            seed=self.seed,
        )
        remarks = [*outcomes.remarks, *(() if relevance is None else (f"What holds is said by {relevance.source}.",))]
        if relevance is not None and relevance.is_proxy:
            remarks.append("That is a proxy: AHR, ACR, TPR and JI are against it, not against the truth.")
        # Whoever wrote sentences that the backbone can't read must know it before they trust what is said.
        remarks += [one.detail for one in lint_sentences(chosen) if one.fault == "other language"]
        return self._outcome(row, images, outcomes, encoded, chosen, remarks)

    def _check_both_kinds(self, outcomes: Outcomes) -> None:
        """Refuse outcomes without failures, or without anything else, before an image is embedded for them."""
        values = outcomes.scores if self.judging.is_graded else outcomes.correct
        if values is not None and (values == values[0]).all():
            kind = "a right prediction" if values[0] else "a wrong prediction"
            if self.judging.is_graded:
                kind = f"a score of {float(values[0]):g}"
            raise UsageError(
                f"failures can be explained only beside successes, got {kind} for each of {len(values)} images; bring "
                "images of both kinds."
            )

    def _scored(self, outcomes: Outcomes, embeddings: np.ndarray) -> ScoredImages:
        if self.judging.is_graded and outcomes.scores is None:
            raise UsageError("a graded performance needs a score an image, got outcomes without; name its column.")
        graded = outcomes.scores if self.judging.is_graded else None
        performance = outcomes.correct.astype(np.float64) if graded is None else graded.astype(np.float64)
        labels = outcomes.labels if len(outcomes.class_names) > 1 else None
        return ScoredImages(embeddings, performance, labels, self._predictions(outcomes))

    def _predictions(self, outcomes: Outcomes) -> np.ndarray | None:
        """Probabilities of the classes, or the predicted class as 0 and 1, or nothing."""
        if outcomes.class_scores is not None:
            scores = outcomes.class_scores
            is_probable = bool((scores >= 0).all() and np.allclose(scores.sum(axis=1), 1, atol=1e-3))
            return scores if is_probable else np.asarray(softmax(self.judging.class_score_scale * scores, axis=1))
        if outcomes.predictions is None or set(outcomes.prediction_names) - set(outcomes.class_names):
            return None
        column = [outcomes.class_names.index(name) for name in outcomes.prediction_names]
        return np.asarray(np.eye(len(outcomes.class_names))[np.array(column)[outcomes.predictions]])

    def _partitions(self, outcomes: Outcomes) -> np.ndarray | None:
        """Images of each class in each context but its own, where the contexts are known and there are enough."""
        dataset, family = self.ground.known_dataset, self.judging.contexts
        if family is None or dataset.tags is None:
            return None
        names = [name for name, other in zip(dataset.tags.names, dataset.tags.families, strict=True) if other == family]
        if not names:
            raise UsageError(
                f"contexts must be a family of the dataset's tags, got {family}; take one of "
                f"{', '.join(dict.fromkeys(dataset.tags.families))}."
            )
        ids = dict(zip(image_names(dataset.images), dataset.image_set.ids.tolist(), strict=True))
        holds = dataset.tags.columns(names).of_images([ids[name] for name in outcomes.images]).holds
        found = []
        for one in np.unique(outcomes.labels):
            of_class = outcomes.labels == one
            counts = holds[of_class].sum(axis=0)
            usual = self._usual_context(outcomes.class_names[one], names)
            own = counts.argmax() if usual is None else names.index(usual)
            found += [
                of_class & holds[:, context]
                for context in range(len(names))
                if context != own and counts[context] >= 4 * self.judging.card.k
            ]
        return np.stack(found, axis=1) if found else None

    def _usual_context(self, class_name: str, contexts: Sequence[str]) -> str | None:
        """The context that the model's lessons show a class in most often; None where that isn't known."""
        lessons = self.source.lessons
        if lessons is None or lessons.labels is None or lessons.tags is None:
            return None
        known = [name for name in contexts if name in lessons.tags.names]
        taught = lessons.labels.labels == lessons.labels.names.index(class_name)
        counts = lessons.tags.columns(known).of_images(lessons.labels.image_ids[taught]).holds.sum(axis=0)
        return known[counts.argmax()] if counts.any() else None

    def _outcome(
        self,
        row: ScorecardRow,
        images: ScoredImages,
        outcomes: Outcomes,
        encoded: EncodedSentences,
        chosen: SentenceSet,
        remarks: Sequence[str],
    ) -> Outcome:
        first, second = halves(images.strata, np.random.default_rng([self.seed, 0]))
        there = images.take(second)
        weights = row.modes.weights(there)
        members = weights > 0
        adjusted = benjamini_hochberg(row.effects.p_values)
        names = [_with_class_name(name, outcomes.class_names) for name in row.modes.names]
        records = pd.DataFrame(
            {
                "mode": names,
                "sentences": [list(texts) for texts in row.modes.descriptions(encoded)],
                "num_found": row.modes.members(images.take(first)).sum(axis=0),
                "num_members": row.effects.num_members,
                "performance": row.effects.performance,
                "expected": row.effects.expected,
                "drop": row.effects.drop,
                "low": row.effects.low,
                "high": row.effects.high,
                "p_value": row.effects.p_values,
                "q_value": adjusted,
                "is_confirmed": adjusted <= 0.05,
                "description_auroc": description_areas(row.modes, members, there, encoded),
                "compactness": compactness(members, there),
                "examples": [[outcomes.images[second[one]] for one in _most_typical(column)] for column in weights.T],
                "examples_performance": [
                    [float(there.performance[one]) for one in _most_typical(column)] for column in weights.T
                ],
            }
        )
        return Outcome(
            records=records,
            estimates=Estimates.of(self._estimates(row)),
            facts={
                "method": self.finder.label,
                "remarks": [*row.modes.remarks, *remarks],
                "images": {"found_on": len(first), "measured_on": len(second)},
                "sentences": {"name": chosen.name, "number": len(chosen), "provenance": chosen.provenance},
            },
            files=self._slices(names, members, [outcomes.images[one] for one in second]),
        )

    def _estimates(self, row: ScorecardRow) -> list[Estimate]:
        found = []
        for name, value in row.values.items():
            if name.startswith("p_at_"):
                group = "chance" if name.endswith("_chance") else ""
                found.append(Estimate("p", value, k=self.judging.card.k, group=group))
            else:
                found.append(Estimate(name, value, unit=_UNITS.get(name, "fraction")))
        assert set(row.values) <= {*SCORECARD_COLUMNS}
        return found

    def _slices(self, names: Sequence[str], members: np.ndarray, images: Sequence[str]) -> dict[str, bytes]:
        dataset = self.ground.known_dataset
        ids = dict(zip(image_names(dataset.images), dataset.image_set.ids.tolist(), strict=True))
        found = {}
        for number, (name, inside) in enumerate(zip(names, members.T, strict=True), start=1):
            if inside.any():
                chosen = Slice(
                    name=name,
                    of="images",
                    members=tuple(ids[images[one]] for one in np.flatnonzero(inside).tolist()),
                    how_chosen=(
                        f"images of the measured half that {self.finder.label} counts into {name}, a mode found "
                        "because the model fails on images like them in the other half"
                    ),
                    is_chosen_by_failing=False,
                    uses_oracle_labels=True,
                    dataset_fingerprint=dataset.fingerprint,
                )
                text = json.dumps(asdict(chosen), indent=1, ensure_ascii=False) + "\n"
                found[f"slices/mode_{number:03d}.json"] = text.encode()
        return found

    @override
    @classmethod
    def headline(cls, estimates: Estimates, facts: Mapping[str, Any]) -> str:
        number, drop = round(estimates.at("num_modes").value), estimates.at("drop").value
        return f"{number} modes" + (f", {100 * drop:+.1f} pp drop" if drop == drop else "")

    @override
    @classmethod
    def tell(cls, logged: "Logged") -> str:
        return told(logged)

    @override
    @classmethod
    def report(cls, cells: "Sequence[Logged]", question: "Question") -> "ReportPart":
        return sentence_part(cells, question)


def _tagged(images: ScoredImages, outcomes: Outcomes, tags: TagTable) -> ScoredImages:
    place = {name: row for row, name in enumerate(tags.images)}
    strangers = [name for name in outcomes.images if name not in place]
    if strangers:
        raise UsageError(f"every image must have its tags, got none for {name_some(strangers)}; add a row for each.")
    rows = np.array([place[name] for name in outcomes.images])
    return replace(images, tags=tags.holds[rows], tag_names=tags.names)


def _most_typical(weights: np.ndarray) -> list[int]:
    """Positions of the members with the largest weights."""
    return [int(one) for one in np.argsort(-weights, kind="stable")[:_MOST_EXAMPLES] if weights[one] > 0]


def _with_class_name(name: str, class_names: Sequence[str]) -> str:
    found = _CLASS.match(name)
    return name if found is None else f"{class_names[int(found.group(1))]}{name[found.end() :]}"
