"""The cell of a PRIME search: modes of one part of the images, what they are worth, and how they do on the rest."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, final

import numpy as np
import pandas as pd
from typing_extensions import override

from misfire.cells import Cell, Estimate, Estimates, Outcome, Slice
from misfire.core.errors import UsageError, name_some
from misfire.core.seeding import generator
from misfire.core.words import p_value, plain_count
from misfire.data.column_file import ColumnFile
from misfire.data.outcomes import Outcomes
from misfire.data.tag_table import TagTable, common_images
from misfire.methods.modes.class_vocabulary import ClassTags, class_tags
from misfire.methods.modes.description_quality import DescribedMode, DescriptionQuality, quality_of_descriptions
from misfire.methods.modes.distance_and_tags import distance_by_shared_tags, tags_of_neighbours
from misfire.methods.modes.mode_page import PageMode, PageNode, mode_page
from misfire.methods.modes.mode_significance import Significance, error_p_values, explained_by, significance
from misfire.methods.modes.mode_words import bag_of_words, generation_prompt, notation
from misfire.methods.modes.outcome_source import Ground, OutcomeSource
from misfire.methods.modes.prime_report import prime_part, rows_of, told
from misfire.methods.modes.schema import ModesSchema
from misfire.methods.modes.tag_mode import Criteria, Mode, greedy_prime, prime, success_modes
from misfire.methods.modes.tag_source import TagSource
from misfire.methods.modes.unseen_drop import (
    Generalisation,
    drops_by_num_tags,
    generalisation,
    random_halves,
    subset_lattice,
)
from misfire.stats import benjamini_hochberg

if TYPE_CHECKING:
    from misfire.cells import Lab, Logged, Question, ReportPart
    from misfire.cells.cell import Json
    from misfire.cells.settings import Settings

_MOST_SHOWN = 200
_LOST_DROP = 0.05


@final
@dataclass(frozen=True)
class PrimeSearch:
    """How a search is made and judged: the paper's values for Living17, and what it leaves open.

    Args:
        min_support: Images that must carry all tags of a mode.
        min_drop: Least drop of the accuracy, as a fraction.
        necessity: Least rise of the accuracy without a tag, for modes of 2, 3, ... tags.
        max_size: Most tags of a mode.
        min_count: Images of a class that a tag needs to be looked at in it.
        min_overlap: Share of each other's images from which on two tags are one.
        width: How many sets of each size a greedy search makes longer; the search is exhaustive where it isn't given.
        holds_out_half: Whether one half of each class is searched and the other one kept to measure the modes on. All
            images are searched otherwise, and nothing is known of how modes hold.
        unseen: A file with a column ``image`` of those to be held out instead.
        embeds: Whether descriptions are held against images in the backbone's space (Figure 5), and distance there
            against shared tags (Tables 3 and 6); needs a dataset of the images and a backbone.
        q: Expected share of false modes among those that are said to survive.
        num_permutations: Of the family-wise p-values.
        num_shuffles: How often the search is repeated on shuffled outcomes.
        prompt: Template of prompts for image generation, with the places ``{class}`` and ``{tags}``.

    Raises:
        UsageError: If a number is out of its range.
    """

    min_support: int = 30
    min_drop: float = 0.30
    necessity: Sequence[float] = (0.10, 0.05, 0.025)
    max_size: int = 4
    min_count: int = 1
    min_overlap: float = 1.0
    width: int | None = None
    holds_out_half: bool = True
    unseen: str | None = None
    embeds: bool = False
    q: float = 0.05
    num_permutations: int = 1000
    num_shuffles: int = 20
    prompt: str = "a photo of a {class}, {tags}"

    def __post_init__(self) -> None:
        object.__setattr__(self, "necessity", tuple(self.necessity))
        _ = self.criteria  # says what is wrong with a threshold
        generation_prompt(self.prompt, "", ())
        if not 0 < self.q < 1:
            raise UsageError(f"q must be in (0, 1), got {self.q}; write 5 % as 0.05.")

    @property
    def criteria(self) -> Criteria:
        """What makes a set of tags a mode."""
        return Criteria(self.min_support, self.min_drop, tuple(self.necessity), self.max_size)


@final
@dataclass(frozen=True, eq=False)
class PrimeCell(Cell):
    """One search for failure modes: outcomes of a model, tags of its images, and what counts as a mode."""

    kind: ClassVar[str] = "prime"
    schema: ClassVar[type] = ModesSchema
    source: OutcomeSource
    tag_source: TagSource
    search: PrimeSearch
    ground: Ground
    seed: int

    @override
    @classmethod
    def configured(cls, settings: "Settings") -> "PrimeCell":
        source, tag_source, search = settings["outcomes"], settings["tags"], settings["method"]
        for name, found, wanted in (
            ("outcomes", source, OutcomeSource),
            ("tags", tag_source, TagSource),
            ("method", search, PrimeSearch),
        ):
            if not isinstance(found, wanted):
                raise UsageError(f"{name} of a PRIME search must be a {wanted.__name__}, got {type(found).__name__}.")
        needs_dataset = source.needs_dataset or tag_source.needs_dataset or search.embeds
        needs_backbone = source.needs_backbone or tag_source.needs_backbone or search.embeds
        ground = Ground(
            settings["dataset"] if needs_dataset else None, settings["backbone"] if needs_backbone else None
        )
        return cls(source, tag_source, search, ground, int(settings["seed"]))

    @override
    def identity(self) -> "Mapping[str, Json]":
        search = {name: value for name, value in asdict(self.search).items() if name != "unseen"}
        return {
            "outcomes": self.source.identity(self.ground),
            "tags": self.tag_source.identity(self.ground),
            "search": {**search, "necessity": list(self.search.necessity)},
            "unseen": ColumnFile(Path(self.search.unseen)).sha256 if self.search.unseen else None,
            "space": (
                [self.ground.known_dataset.image_set.fingerprint, self.ground.known_backbone.fingerprint]
                if self.search.embeds
                else None
            ),
            "seed": self.seed,
        }

    @override
    def label(self) -> Mapping[str, str]:
        search = self.search
        settings = {
            "min_support": str(search.min_support),
            "min_drop": f"{search.min_drop:g}",
            "max_size": str(search.max_size),
            "searched": "part" if search.unseen else "half" if search.holds_out_half else "all",
            "seed": str(self.seed),
        }
        return settings if search.width is None else {**settings, "width": str(search.width)}

    @override
    @property
    def name(self) -> str:
        search = self.search
        width = "" if search.width is None else f", the {search.width} hardest of each size"
        return f"s={search.min_support} a={search.min_drop:g} l={search.max_size}{width}"

    @override
    @property
    def marks(self) -> Mapping[str, str]:
        searched = "one half of each class" if self.search.holds_out_half else "all images"
        return {"chosen": f"the worst of many sets of tags on {'a part' if self.search.unseen else searched}"}

    @override
    @property
    def data(self) -> tuple[str, str] | None:
        return None if self.ground.dataset is None else (self.ground.dataset.name, self.ground.dataset.fingerprint)

    @override
    def run(self, lab: "Lab") -> Outcome:
        outcomes, tags, remarks = _joined(
            self.source.outcomes(self.ground, lab), self.tag_source.tags(self.ground, lab)
        )
        return _Found(self, outcomes, tags, remarks, lab).outcome

    @override
    @classmethod
    def headline(cls, estimates: Estimates, facts: Mapping[str, Any]) -> str:
        found, stand = (round(estimates.at(name).value) for name in ("modes", "standing"))
        return f"{found} modes, {stand} stand"

    @override
    @classmethod
    def tell(cls, logged: "Logged") -> str:
        return told(logged)

    @override
    @classmethod
    def report(cls, cells: "Sequence[Logged]", question: "Question") -> "ReportPart":
        return prime_part(cells)


def _joined(outcomes: Outcomes, tags: TagTable) -> tuple[Outcomes, TagTable, tuple[str, ...]]:
    rows, places, left_out = common_images(outcomes.images, tags.images)
    return outcomes.take(rows), tags.take(places), (*outcomes.remarks, *tags.remarks, *left_out)


class _Found:
    """What a search finds, step by step; every number of its outcome is computed from the records."""

    def __init__(
        self, cell: PrimeCell, outcomes: Outcomes, tags: TagTable, remarks: tuple[str, ...], lab: "Lab | None"
    ) -> None:
        self.lab = lab
        self.cell, self.search, self.all, self.remarks = cell, cell.search, outcomes, remarks
        self.criteria = cell.search.criteria
        self.searched, self.unseen = self._parts(outcomes)
        part = outcomes.take(self.searched)
        self.correct, self.labels, self.strata = part.correct, part.labels, part.fine_labels
        self.all_tags = tags.holds
        self.vocabulary: ClassTags = class_tags(
            self.labels,
            tags.holds[self.searched],
            tags.names,
            min_count=self.search.min_count,
            min_overlap=float(self.search.min_overlap),
        )

    def _parts(self, outcomes: Outcomes) -> tuple[np.ndarray, np.ndarray]:
        """Positions that are searched and positions that are held out."""
        everything = np.arange(len(outcomes))
        if self.search.unseen:
            held_out = set(ColumnFile(Path(self.search.unseen)).texts("image"))
            is_unseen = np.array([name in held_out for name in outcomes.images])
            if not is_unseen.any() or is_unseen.all():
                raise UsageError(
                    f"unseen must name some of the {len(outcomes)} images, got {int(is_unseen.sum())} of them in "
                    f"{self.search.unseen}; check that it names images as the outcomes do."
                )
            return everything[~is_unseen], everything[is_unseen]
        if not self.search.holds_out_half:
            return everything, everything[:0]
        return random_halves(outcomes.labels, rng=generator(self.cell.seed, "held-out half"))

    @cached_property
    def thresholds(self) -> dict[str, Any]:
        return {
            "min_support": self.criteria.min_support,
            "min_drop": self.criteria.min_drop,
            "necessity": self.criteria.necessity,
            "max_size": self.criteria.max_size,
        }

    @cached_property
    def exhaustive(self) -> list[Mode]:
        return prime(self.correct, self.labels, self.vocabulary.holds, **self.thresholds)

    @cached_property
    def failures(self) -> list[Mode]:
        """Failure modes by the number of errors in them."""
        if self.search.width is None:
            found = self.exhaustive
        else:
            found = greedy_prime(
                self.correct, self.labels, self.vocabulary.holds, **self.thresholds, width=self.search.width
            )
        return sorted(found, key=lambda mode: (mode.num_correct - mode.support, mode.label, len(mode.tags), mode.tags))

    @cached_property
    def successes(self) -> list[Mode]:
        found = success_modes(self.correct, self.labels, self.vocabulary.holds, **self.thresholds)
        return sorted(found, key=lambda mode: (-mode.num_correct, mode.label, len(mode.tags), mode.tags))

    @cached_property
    def worth(self) -> Significance:
        return significance(
            self.failures,
            self.correct,
            self.labels,
            self.vocabulary.holds,
            criteria=self.criteria,
            strata=self.strata,
            num_permutations=self.search.num_permutations,
            num_shuffles=self.search.num_shuffles,
            rng=generator(self.cell.seed, "permutations"),
        )

    @cached_property
    def explained(self) -> np.ndarray:
        """For each failure mode, the more specific one in which its errors lie; -1 where it stands by itself."""
        return explained_by(
            self.failures,
            self.correct,
            self.labels,
            self.vocabulary.holds,
            among=self.worth.survives(self.search.q),
        )

    @property
    def stands(self) -> np.ndarray:
        """Which failure modes survive correction and aren't explained by a more specific one."""
        return np.asarray(self.worth.survives(self.search.q) & (self.explained < 0))

    @cached_property
    def embeddings(self) -> np.ndarray:
        """Embeddings of the images that are searched."""
        assert self.lab is not None
        ids, dataset = self._id_of(), self.cell.ground.known_dataset
        strangers = [name for name in self.all.images if name not in ids]
        if strangers:
            raise UsageError(
                f"images of the outcomes must be of dataset {dataset.name} to be embedded, got "
                f"{name_some(strangers)} that aren't; choose their dataset, or leave method.embeds out."
            )
        row_of = {image.id: row for row, image in enumerate(dataset.images)}
        rows = [row_of[ids[self.all.images[place]]] for place in self.searched]
        gallery = self.lab.bench(dataset, self.cell.ground.known_backbone).gallery
        return np.asarray(gallery.numpy()[rows], dtype=np.float64)

    def quality(self, descriptions: Sequence[str]) -> DescriptionQuality:
        """How well the descriptions of the failure modes fit their images."""
        assert self.lab is not None
        bench = self.lab.bench(self.cell.ground.known_dataset, self.cell.ground.known_backbone)
        described = []
        for mode, description in zip(self.failures, descriptions, strict=True):
            is_member = np.zeros(len(self.labels), dtype=bool)
            is_member[self._members(mode)] = True
            described.append(DescribedMode(mode.label, is_member, description))
        texts = bench.texts(list(descriptions)).numpy() if descriptions else np.zeros((0, self.embeddings.shape[1]))
        return quality_of_descriptions(described, self.labels, self.embeddings, texts)

    def _in_space(self) -> list[Estimate]:
        """Means of the descriptions' quality (Figure 5), and distance against shared tags (Tables 3 and 6)."""
        failures = self.records[~self.records["is_success"].astype(bool)] if len(self.records) else self.records
        rows = [
            Estimate(
                f"description/{name}", float(failures[name].mean()) if len(failures) else float("nan"), unit="score"
            )
            for name in ("similarity", "deviation", "auroc")
        ]
        rng = generator(self.cell.seed, "distances")
        for row in distance_by_shared_tags(self.embeddings, self.vocabulary.holds, rng=rng):
            for name in ("mean", "deviation", "exceeds_random"):
                value = float(getattr(row, name))
                rows.append(
                    Estimate(
                        f"distance/{name}", value, k=row.min_shared, unit="score", n=row.num_pairs, is_tracked=False
                    )
                )
        num_neighbours = min(50, len(self.embeddings) - 1)
        shared = tags_of_neighbours(self.embeddings, self.vocabulary.holds, num_neighbours=num_neighbours, rng=rng)
        return rows + [
            Estimate(
                f"neighbours/{name}", float(getattr(shared, name)), k=num_neighbours, unit="score", is_tracked=False
            )
            for name in ("near", "near_together", "possible")
        ]

    def held_out(self, modes: Sequence[Mode]) -> Generalisation | None:
        if not len(self.unseen):
            return None
        part = self.all.take(self.unseen)
        return generalisation(modes, part.correct, part.labels, self.all_tags[self.unseen])

    def _members(self, mode: Mode) -> np.ndarray:
        """Positions of a mode's images among those that were searched."""
        carried = self.vocabulary.holds[:, list(mode.tags)].all(axis=1)
        return np.flatnonzero(carried & (self.labels == mode.label))

    def _rows(self, modes: Sequence[Mode], *, is_success: bool) -> pd.DataFrame:
        held = self.held_out(modes)
        planted = self.cell.source.planted(self.cell.ground)
        rows = []
        for index, mode in enumerate(modes):
            class_name = self.all.class_names[mode.label]
            words = self.vocabulary.words(mode.label, mode.tags)
            names = {self.vocabulary.names[column] for column in mode.tags}
            rows.append(
                {
                    "mode": notation(class_name, mode.class_accuracy, words, mode.accuracy, mode.support),
                    "class": class_name,
                    "tags": list(words),
                    "size": len(mode.tags),
                    "is_success": is_success,
                    "support": mode.support,
                    "num_correct": mode.num_correct,
                    "num_wrong": mode.support - mode.num_correct,
                    "class_accuracy": mode.class_accuracy,
                    "accuracy": mode.accuracy,
                    "drop": mode.drop,
                    "unseen_support": int(held.unseen_support[index]) if held else 0,
                    "unseen_correct": int(held.unseen_correct[index]) if held else 0,
                    "unseen_class_accuracy": float(held.unseen_class_accuracy[index]) if held else float("nan"),
                    "unseen_drop": float(held.unseen_drop[index]) if held else float("nan"),
                    "is_planted_oracle": None if planted is None else frozenset(names) in planted.get(class_name, ()),
                    "description": bag_of_words(class_name, words),
                    "prompt": generation_prompt(self.search.prompt, class_name, words),
                    "members": [self.all.images[self.searched[place]] for place in self._members(mode)],
                }
            )
        return pd.DataFrame(rows)

    @cached_property
    def records(self) -> pd.DataFrame:
        """A row a mode: failure modes first, then success modes."""
        failures, successes = (
            self._rows(modes, is_success=is_success)
            for modes, is_success in ((self.failures, False), (self.successes, True))
        )
        worth = self.worth
        failures["p_value"], failures["q_value"] = worth.p_values, worth.q_values
        failures["necessity_q_value"], failures["family_wise"] = worth.necessity_q_values, worth.family_wise
        failures["survives"], failures["stands"] = worth.survives(self.search.q), self.stands
        told = list(failures["mode"]) if len(failures) else []
        failures["explained_by"] = [told[one] if one >= 0 else "" for one in self.explained.tolist()]
        if self.search.embeds:
            quality = self.quality(list(failures["description"]) if len(failures) else [])
            for name in ("similarity", "deviation", "auroc"):
                failures[name] = getattr(quality, name)
        p_values = error_p_values(self.successes, ~self.correct, self.labels, self.vocabulary.holds, strata=self.strata)
        successes["p_value"] = p_values
        successes["q_value"] = benjamini_hochberg(p_values, num_tests=max(worth.num_sets, len(p_values)))
        successes["survives"] = successes["stands"] = successes["q_value"] <= self.search.q
        successes["explained_by"] = ""
        both = [part for part in (failures, successes) if len(part)]
        return pd.concat(both, ignore_index=True) if both else failures

    @cached_property
    def estimates(self) -> Estimates:
        worth, stays = self.worth, self.worth.survives(self.search.q)
        num_images, num_wrong = len(self.correct), int(np.count_nonzero(~self.correct))
        sizes = [len(mode.tags) for mode in self.failures]
        rows = [
            Estimate("accuracy", float(self.correct.mean()), n=num_images),
            Estimate("modes", len(self.failures), unit="count"),
            Estimate("surviving", int(stays.sum()), unit="count"),
            Estimate("standing", int(self.stands.sum()), unit="count"),
            Estimate("expected_by_chance", worth.expected_by_chance, unit="score", n=len(worth.null_counts) or None),
            Estimate("sets_searched", worth.num_sets, unit="count"),
            Estimate("success_modes", len(self.successes), unit="count"),
            *(
                Estimate("modes", sizes.count(size), group=f"{size}_tags", unit="count", is_tracked=False)
                for size in range(1, self.search.max_size + 1)
            ),
        ]
        for group, chosen in (("all", np.ones(len(sizes), dtype=bool)), ("surviving", stays)):
            modes = [mode for mode, stay in zip(self.failures, chosen, strict=True) if stay]
            rows += self._of_modes(group, modes, num_wrong)
        if self.search.width is not None:
            missed = set(self.exhaustive) - set(self.failures)
            rows.append(Estimate("missed_by_greedy", len(missed), unit="count", n=len(self.exhaustive)))
        return Estimates.of([*rows, *(self._in_space() if self.search.embeds else ()), *self._planted(self.stands)])

    def _of_modes(self, group: str, modes: Sequence[Mode], num_wrong: int) -> list[Estimate]:
        """Coverage and drops of some of the modes; what is undefined is NaN."""
        covered = (
            np.unique(np.concatenate([self._members(mode) for mode in modes])) if modes else np.zeros(0, dtype=int)
        )
        share = float((~self.correct[covered]).sum() / num_wrong) if num_wrong else float("nan")
        rows = [Estimate("coverage_of_errors", share, group=group, n=num_wrong)]
        found = np.array([mode.drop for mode in modes])
        rows.append(
            Estimate("found_drop", float(found.mean()) if len(found) else float("nan"), group=group, unit="difference")
        )
        held = self.held_out(modes)
        if held is None:
            return rows
        measured = held.unseen_drop[held.is_measured]
        rows += [
            Estimate(
                "unseen_drop",
                float(measured.mean()) if len(measured) else float("nan"),
                group=group,
                unit="difference",
                n=len(measured),
            ),
            Estimate("shrinkage", held.shrinkage, group=group, unit="difference", n=len(measured)),
            Estimate("correlation", held.correlation, group=group, unit="score", n=len(measured)),
            Estimate(
                "still_drops",
                held.share_with_drop(float(self.search.min_drop) - _LOST_DROP),
                group=group,
                n=len(measured),
            ),
        ]
        part = self.all.take(self.unseen)
        by_num = drops_by_num_tags(modes, part.correct, part.labels, self.all_tags[self.unseen], size=3)
        return rows + [
            Estimate("unseen_drop_of_3", float(drop), k=num, group=group, unit="difference", is_tracked=False)
            for num, drop in enumerate(by_num, start=1)
        ]

    def _planted(self, stands: np.ndarray) -> list[Estimate]:
        """Precision, recall and F1 of the modes that stand against what was planted, where that is known."""
        planted = self.cell.source.planted(self.cell.ground)
        if planted is None:
            return []
        truth = {(name, tags) for name, sets in planted.items() for tags in sets}
        found = {
            (self.all.class_names[mode.label], frozenset(self.vocabulary.names[column] for column in mode.tags))
            for mode, stand in zip(self.failures, stands, strict=True)
            if stand
        }
        hits = len(truth & found)
        precision = hits / len(found) if found else float("nan")
        recall = hits / len(truth) if truth else float("nan")
        f1 = 2 * hits / (len(found) + len(truth)) if found or truth else float("nan")
        return [
            Estimate("oracle_precision", precision, n=len(found)),
            Estimate("oracle_recall", recall, n=len(truth)),
            Estimate("oracle_f1", f1),
        ]

    def _id_of(self) -> Mapping[str, int]:
        """Ids of a dataset's images by the names that outcomes call them; none where files name them."""
        dataset = self.cell.ground.dataset
        return {} if dataset is None else {image.name or str(image.id): image.id for image in dataset.images}

    @cached_property
    def slices(self) -> dict[str, bytes]:
        """Each of the first failure modes as a slice that other methods take as their subset."""
        ids, dataset = self._id_of(), self.cell.ground.dataset
        fingerprint = self.all.fingerprint if dataset is None else dataset.fingerprint
        found = {}
        for number, mode in enumerate(self.failures[:_MOST_SHOWN], start=1):
            names = [self.all.images[self.searched[place]] for place in self._members(mode)]
            words = " + ".join(self.vocabulary.words(mode.label, mode.tags))
            chosen = Slice(
                name=f"{self.all.class_names[mode.label]}: {words}",
                of="images",
                members=tuple(ids[name] for name in names) if ids else tuple(names),
                how_chosen=(
                    f"images of {self.all.class_names[mode.label]} that carry {words}, found by PRIME because the "
                    "model fails on them"
                ),
                is_chosen_by_failing=True,
                uses_oracle_labels=True,
                dataset_fingerprint=fingerprint,
            )
            found[f"slices/mode_{number:03d}.json"] = (
                json.dumps(asdict(chosen), indent=1, ensure_ascii=False) + "\n"
            ).encode()
        return found

    @cached_property
    def page(self) -> str:
        """The modes as a page to browse."""
        ids, dataset = self._id_of(), self.cell.ground.dataset
        image_of = {} if dataset is None else {image.id: image for image in dataset.images}
        shown = []
        for row, mode in zip(rows_of(self.records), self.failures[:_MOST_SHOWN], strict=False):
            members = self._members(mode)
            wrong_first = members[np.argsort(self.correct[members], kind="stable")]
            shown.append(
                PageMode(
                    notation=str(row["mode"]),
                    support=mode.support,
                    num_wrong=mode.support - mode.num_correct,
                    drop=mode.drop,
                    unseen_accuracy=float(row["unseen_correct"] / row["unseen_support"])
                    if row["unseen_support"]
                    else None,
                    unseen_support=int(row["unseen_support"]),
                    p_value=float(row["p_value"]),
                    q_value=float(row["q_value"]),
                    family_wise=float(row["family_wise"]),
                    survives=bool(row["survives"]),
                    lattice=tuple(
                        PageNode(self.vocabulary.words(mode.label, node.tags), node.support, node.accuracy)
                        for node in subset_lattice(mode, self.correct, self.labels, self.vocabulary.holds)
                    ),
                    images=tuple(
                        (image_of[ids[self.all.images[self.searched[place]]]], bool(self.correct[place]))
                        for place in wrong_first[:8]
                        if ids
                    ),
                )
            )
        return mode_page("Failure modes", self.sentences, shown)

    @cached_property
    def sentences(self) -> tuple[str, ...]:
        """What a reader must know first."""
        worth, stays = self.worth, int(self.worth.survives(self.search.q).sum())
        held = self.held_out(self.failures)
        specific = int((self.worth.survives(self.search.q) & ~self.stands).sum())
        shadow = (
            f" {specific} of them {'fails' if specific == 1 else 'fail'} only where a more specific one does."
            if specific
            else ""
        )
        groups = "classes" if self.strata is None else "fine classes"
        chance = (
            f" With outcomes shuffled within {groups}, the same search finds "
            f"{worth.expected_by_chance:.1f} modes in the mean."
            if len(worth.null_counts)
            else ""
        )
        best = (
            f"; the smallest family-wise p-value is {p_value(float(worth.family_wise.min()))}"
            if len(self.failures)
            else ""
        )
        one = len(self.failures) == 1
        found = "one is a failure mode" if one else f"{len(self.failures)} are failure modes"
        stay = "it" if one and stays else "it doesn't survive" if one else f"{stays} of these"
        survive = "" if one and not stays else " survives" if one or stays == 1 else " survive"
        return (
            f"Of {plain_count(worth.num_sets)} sets of tags that at least {self.criteria.min_support} images of a "
            f"class carry, {found}, and {stay}{survive} correction for all sets at q = {self.search.q:g}, "
            f"each tag necessary{best}.{shadow}{chance}",
            *((held.in_words,) if held is not None and self.failures else ()),
            *self.remarks,
        )

    @property
    def outcome(self) -> Outcome:
        prompts = "".join(f"{prompt}\n" for prompt in self.records.get("prompt", ()))
        return Outcome(
            records=self.records,
            estimates=self.estimates,
            facts={
                "sentences": list(self.sentences),
                "criteria": {**self.thresholds, "necessity": list(self.criteria.necessity)},
                "classes": len(self.all.class_names),
                "images": {"searched": len(self.searched), "unseen": len(self.unseen)},
                "tags": len(self.vocabulary.names),
            },
            files={"modes.html": self.page.encode(), "prompts.txt": prompts.encode(), **self.slices},
        )
