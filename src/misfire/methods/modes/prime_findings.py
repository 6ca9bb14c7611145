"""What a PRIME search finds: modes, what they are worth, how they do on the rest, a page and slices of them."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from misfire.cells import Estimate, Estimates, Outcome, Slice
from misfire.core.errors import UsageError, name_some
from misfire.core.seeding import generator
from misfire.core.words import p_value, plain_count
from misfire.data.column_file import ColumnFile
from misfire.data.outcomes import Outcomes
from misfire.data.tag_table import TagTable
from misfire.methods.modes.class_vocabulary import ClassTags, class_tags
from misfire.methods.modes.description_quality import DescribedMode, DescriptionQuality, quality_of_descriptions
from misfire.methods.modes.distance_and_tags import distance_by_shared_tags, tags_of_neighbours
from misfire.methods.modes.mode_page import PageMode, PageNode, PagePicture, mode_page
from misfire.methods.modes.mode_significance import Significance, error_p_values, explained_by, significance
from misfire.methods.modes.mode_words import bag_of_words, generation_prompt, notation
from misfire.methods.modes.outcome_source import Ground, OutcomeSource
from misfire.methods.modes.prime_report import rows_of
from misfire.methods.modes.prime_search import PrimeSearch
from misfire.methods.modes.tag_mode import Mode, TaggedOutcomes, failure_modes, greedy_prime, success_modes
from misfire.methods.modes.tag_sets import count_columns
from misfire.methods.modes.unseen_drop import (
    Generalisation,
    drops_by_num_tags,
    explained_errors,
    generalisation,
    random_halves,
    subset_lattice,
)
from misfire.prompts.descriptions import DescriptionSource
from misfire.stats import benjamini_hochberg

if TYPE_CHECKING:
    from misfire.cells import Lab

_MOST_SHOWN = 200
_MOST_PICTURES = 16
_ROWS_AT_ONCE = 4096
_LOST_DROP = 0.05


class PrimeFindings:
    """What a search finds, step by step; every number of its outcome is computed from the records."""

    def __init__(
        self,
        search: PrimeSearch,
        source: OutcomeSource,
        ground: Ground,
        outcomes: Outcomes,
        tags: TagTable,
        *,
        remarks: tuple[str, ...],
        seed: int,
        lab: "Lab | None",
        captions: DescriptionSource | None = None,
    ) -> None:
        self.search, self.source, self.ground, self.all, self.remarks = search, source, ground, outcomes, remarks
        self.seed, self.lab, self.captions, self.criteria = seed, lab, captions, search.criteria
        self.searched, self.unseen = self._parts(outcomes)
        part = outcomes.take(self.searched)
        self.num_tags = len(tags.names)
        kept = np.arange(self.num_tags)
        if (
            not search.embeds
        ):  # a tag of fewer images than a mode has is in none; thousands of such would fill the memory
            kept = np.flatnonzero(_counts(tags.holds, self.searched) >= self.criteria.min_support)
        self.vocabulary: ClassTags = class_tags(
            part.labels,
            tags.holds[self.searched[:, None], kept],
            [tags.names[column] for column in kept],
            min_count=self.search.min_count,
            min_overlap=float(self.search.min_overlap),
        )
        self.images = TaggedOutcomes(part.correct, part.labels, self.vocabulary.holds, part.fine_labels)
        rest = outcomes.take(self.unseen)
        self.unseen_images = (
            TaggedOutcomes(rest.correct, rest.labels, tags.holds[self.unseen[:, None], kept])
            if len(self.unseen)
            else None
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
        return random_halves(outcomes.labels, rng=generator(self.seed, "held-out half"))

    @cached_property
    def exhaustive(self) -> list[Mode]:
        """All failure modes of the part that is searched."""
        return failure_modes(self.images, self.criteria)

    @cached_property
    def failures(self) -> list[Mode]:
        """Failure modes by the number of errors in them."""
        if self.search.width is None:
            found = self.exhaustive
        else:
            found = greedy_prime(self.images, self.criteria, width=self.search.width)
        return sorted(found, key=lambda mode: (mode.num_correct - mode.support, mode.label, len(mode.tags), mode.tags))

    @cached_property
    def successes(self) -> list[Mode]:
        """Success modes by the number of right answers in them."""
        found = success_modes(self.images, self.criteria)
        return sorted(found, key=lambda mode: (-mode.num_correct, mode.label, len(mode.tags), mode.tags))

    @cached_property
    def worth(self) -> Significance:
        """What the failure modes are worth."""
        return significance(
            self.failures,
            self.images,
            self.criteria,
            num_permutations=self.search.num_permutations,
            num_shuffles=self.search.num_shuffles,
            rng=generator(self.seed, "permutations"),
        )

    @cached_property
    def survives(self) -> np.ndarray:
        """Which failure modes survive correction."""
        return self.worth.survives(self.search.q)

    @cached_property
    def explained(self) -> np.ndarray:
        """For each failure mode that survives, the one in which its errors lie; -1 where it stands by itself."""
        level = self.search.q / max(1, self.worth.num_sets)  # as small as corrected for every set that was searched
        return explained_by(self.failures, self.images, self.worth.p_values, among=self.survives, level=level)

    @property
    def stands(self) -> np.ndarray:
        """Which failure modes survive correction and aren't explained by another one."""
        return np.asarray(self.survives & (self.explained < 0))

    @cached_property
    def embeddings(self) -> np.ndarray:
        """Embeddings of the images that are searched."""
        assert self.lab is not None
        ids, dataset = self._id_of(), self.ground.known_dataset
        strangers = [name for name in self.all.images if name not in ids]
        if strangers:
            raise UsageError(
                f"images of the outcomes must be of dataset {dataset.name} to be embedded, got "
                f"{name_some(strangers)} that aren't; choose their dataset, or leave method.embeds out."
            )
        row_of = {image.id: row for row, image in enumerate(dataset.images)}
        rows = [row_of[ids[self.all.images[place]]] for place in self.searched]
        gallery = self.lab.bench(dataset, self.ground.known_backbone).gallery
        return np.asarray(gallery.numpy()[rows], dtype=np.float64)

    def quality(self, descriptions: Sequence[str]) -> DescriptionQuality:
        """How well the descriptions of the failure modes fit their images."""
        assert self.lab is not None
        bench = self.lab.bench(self.ground.known_dataset, self.ground.known_backbone)
        described = []
        for mode, description in zip(self.failures, descriptions, strict=True):
            is_member = np.zeros(len(self.images.labels), dtype=bool)
            is_member[self.images.members(mode)] = True
            described.append(DescribedMode(mode.label, is_member, description))
        texts = bench.texts(list(descriptions)).numpy() if descriptions else np.zeros((0, self.embeddings.shape[1]))
        return quality_of_descriptions(described, self.images.labels, self.embeddings, texts)

    @cached_property
    def written(self) -> dict[int, list[str]]:
        """Prompts that the captions' source makes of the failure modes that stand, by their place."""
        return {place: prompts for place, prompts in self._captioned[0].items() if prompts}

    @cached_property
    def _captioned(self) -> tuple[dict[int, list[str]], Mapping[str, int]]:
        """The prompts, none where nothing useful was said, and how many answers were dropped, by why."""
        if self.captions is None or not self.stands.any():
            return {}, {}
        asked = {}
        for place in np.flatnonzero(self.stands).tolist():
            mode = self.failures[place]
            words = self.vocabulary.words(mode.label, mode.tags)
            asked[place] = generation_prompt("{class}, {tags}", self.all.class_names[mode.label], words)
        said = self.captions(list(dict.fromkeys(asked.values())))
        # The template's text around class and tags is what a description that is no sentence is put into.
        render = partial(self.search.prompt.replace("{tags}", "").rstrip(", ").replace, "{class}")
        return {place: said.prompts(caption, [render])[0] for place, caption in asked.items()}, said.dropped

    def _in_space(self) -> list[Estimate]:
        """Means of the descriptions' quality (Figure 5), and distance against shared tags (Tables 3 and 6)."""
        failures = self.records[~self.records["is_success"].astype(bool)] if len(self.records) else self.records
        rows = [
            Estimate(
                f"description/{name}", float(failures[name].mean()) if len(failures) else float("nan"), unit="score"
            )
            for name in ("similarity", "deviation", "auroc")
        ]
        rng = generator(self.seed, "distances")
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

    @cached_property
    def lattices(self) -> list[tuple[PageNode, ...]]:
        """Accuracy on each subset of the tags of each failure mode."""
        return [
            tuple(
                PageNode(self.vocabulary.words(mode.label, node.tags), node.support, node.num_correct)
                for node in subset_lattice(mode, self.images)
            )
            for mode in self.failures
        ]

    def held_out(self, modes: Sequence[Mode]) -> Generalisation | None:
        """Drops of modes on the images that are held out; None where none are."""
        return None if self.unseen_images is None else generalisation(modes, self.unseen_images)

    def _rows(self, modes: Sequence[Mode], *, is_success: bool) -> pd.DataFrame:
        held = self.held_out(modes)
        planted = self.source.planted(self.ground)
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
                    "prompts": (not is_success and self.written.get(index))
                    or [generation_prompt(self.search.prompt, class_name, words)],
                    "members": [self.all.images[self.searched[place]] for place in self.images.members(mode)],
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
        failures["necessity_p_value"], failures["family_wise"] = worth.necessity_p_values, worth.family_wise
        failures["survives"], failures["stands"] = self.survives, self.stands
        told = list(failures["mode"]) if len(failures) else []
        failures["lattice"] = [
            json.dumps([[list(node.words), node.support, node.num_correct] for node in nodes], ensure_ascii=False)
            for nodes in self.lattices
        ]
        failures["explained_by"] = [told[one] if one >= 0 else "" for one in self.explained.tolist()]
        if self.search.embeds:
            quality = self.quality(list(failures["description"]) if len(failures) else [])
            for name in ("similarity", "deviation", "auroc"):
                failures[name] = getattr(quality, name)
        p_values = error_p_values(self.successes, self.images.turned)
        successes["p_value"] = p_values
        successes["q_value"] = benjamini_hochberg(p_values, num_tests=max(worth.num_sets, len(p_values)))
        successes["survives"] = successes["stands"] = successes["q_value"] <= self.search.q
        successes["explained_by"] = ""
        both = [part for part in (failures, successes) if len(part)]
        return pd.concat(both, ignore_index=True) if both else failures

    @cached_property
    def estimates(self) -> Estimates:
        """Every number that is shown or compared."""
        worth, stays = self.worth, self.survives
        num_images, num_wrong = len(self.images.correct), int(np.count_nonzero(~self.images.correct))
        sizes = [len(mode.tags) for mode in self.failures]
        rows = [
            Estimate("accuracy", float(self.images.correct.mean()), n=num_images),
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
        for group, chosen in (("all", np.ones(len(sizes), dtype=bool)), ("standing", self.stands)):
            modes = [mode for mode, stay in zip(self.failures, chosen, strict=True) if stay]
            rows += self._of_modes(group, modes, num_wrong)
        if self.search.width is not None:
            missed = set(self.exhaustive) - set(self.failures)
            rows.append(Estimate("missed_by_greedy", len(missed), unit="count", n=len(self.exhaustive)))
        return Estimates.of([*rows, *(self._in_space() if self.search.embeds else ()), *self._planted(self.stands)])

    def _of_modes(self, group: str, modes: Sequence[Mode], num_wrong: int) -> list[Estimate]:
        """Coverage and drops of some of the modes; what is undefined is NaN."""
        covered = (
            np.unique(np.concatenate([self.images.members(mode) for mode in modes]))
            if modes
            else np.zeros(0, dtype=int)
        )
        share = float((~self.images.correct[covered]).sum() / num_wrong) if num_wrong else float("nan")
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
        assert self.unseen_images is not None
        rows.append(
            Estimate("explained_errors", explained_errors(modes, self.unseen_images), group=group, n=len(self.unseen))
        )
        by_num = drops_by_num_tags(modes, self.unseen_images, size=3)
        return rows + [
            Estimate("unseen_drop_of_3", float(drop), k=num, group=group, unit="difference", is_tracked=False)
            for num, drop in enumerate(by_num, start=1)
        ]

    def _planted(self, stands: np.ndarray) -> list[Estimate]:
        """Precision, recall and F1 of the modes that stand against what was planted, where that is known."""
        planted = self.source.planted(self.ground)
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
        dataset = self.ground.dataset
        return {} if dataset is None else {image.name or str(image.id): image.id for image in dataset.images}

    @cached_property
    def slices(self) -> dict[str, bytes]:
        """Each of the first failure modes as a slice that other methods take as their subset."""
        ids, dataset = self._id_of(), self.ground.dataset
        fingerprint = self.all.fingerprint if dataset is None else dataset.fingerprint
        found = {}
        for number, mode in enumerate(self.failures[:_MOST_SHOWN], start=1):
            names = [self.all.images[self.searched[place]] for place in self.images.members(mode)]
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
        ids, dataset = self._id_of(), self.ground.dataset
        image_of = {} if dataset is None else {image.id: image for image in dataset.images}
        shown = []
        for row, mode, nodes in zip(
            rows_of(self.records), self.failures[:_MOST_SHOWN], self.lattices[:_MOST_SHOWN], strict=False
        ):
            members = self.images.members(mode)
            wrong_first = members[np.argsort(self.images.correct[members], kind="stable")]
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
                    explained_by=str(row["explained_by"]),
                    lattice=nodes,
                    pictures=tuple(
                        PagePicture(
                            image_of[ids[self.all.images[self.searched[place]]]],
                            self._called(place),
                            bool(self.images.correct[place]),
                        )
                        for place in wrong_first[:_MOST_PICTURES].tolist()
                        if ids
                    ),
                )
            )
        return mode_page("Failure modes", self.sentences, shown)

    def _called(self, place: int) -> str:
        """What the model called an image that was searched, or whether it was right where that isn't known."""
        is_right, predictions = bool(self.images.correct[place]), self.all.predictions
        if predictions is None:
            return "right" if is_right else "wrong"
        name = self.all.prediction_names[predictions[self.searched[place]]]
        return name if is_right else f"called {name}"

    @cached_property
    def sentences(self) -> tuple[str, ...]:
        """What a reader must know first."""
        worth, stays = self.worth, int(self.survives.sum())
        held = self.held_out(self.failures)
        explained = int((self.survives & ~self.stands).sum())
        shadow = (
            f" {explained} of them {'fails' if explained == 1 else 'fail'} only where another one does."
            if explained
            else ""
        )
        groups = "classes" if self.images.strata is None else "fine classes"
        chance = (
            f" With outcomes shuffled within {groups}, the same search finds "
            f"{worth.expected_by_chance:.1f} modes in the mean."
            if len(worth.null_counts)
            else ""
        )
        smallest = float(worth.family_wise.min()) if self.failures else float("nan")
        best = f"; the smallest family-wise p-value is {p_value(smallest)}"
        searched = (
            f"Of {plain_count(worth.num_sets)} sets of tags that at least {self.criteria.min_support} images of a "
            "class carry, "
        )
        if not self.failures:
            return (f"{searched}none is a failure mode.{chance}", *self.remarks)
        if len(self.failures) == 1:
            found = f"one is a failure mode, and it {'survives' if stays else 'does not survive'}"
        else:
            verb = "survives" if stays == 1 else "survive"
            found = f"{len(self.failures)} are failure modes, and {stays} of these {verb}"
        return (
            f"{searched}{found} correction for all sets at q = {self.search.q:g}, each tag necessary{best}."
            f"{shadow}{chance}",
            *((held.in_words,) if held is not None else ()),
            *self._captions_in_words,
            *self.remarks,
        )

    @property
    def _captions_in_words(self) -> tuple[str, ...]:
        asked, dropped = self._captioned
        if not asked:
            return ()
        told = f"Of {len(self.written)} of the {plain_count(len(asked))} modes that stand a caption was written"
        why = ", ".join(f"{count} {reason}" for reason, count in dropped.items())
        rest = "; the template stands in for the others" if len(self.written) < len(asked) else ""
        return (f"{told}{f' (dropped: {why})' if why else ''}{rest}.",)

    @property
    def outcome(self) -> Outcome:
        """All of it, as a cell's outcome."""
        prompts = "".join(f"{prompt}\n" for prompts in self.records.get("prompts", ()) for prompt in prompts)
        return Outcome(
            records=self.records,
            estimates=self.estimates,
            facts={
                "sentences": list(self.sentences),
                "criteria": {**asdict(self.criteria), "necessity": list(self.criteria.necessity)},
                "classes": len(self.all.class_names),
                "images": {"searched": len(self.searched), "unseen": len(self.unseen)},
                "tags": self.num_tags,
            },
            files={"modes.html": self.page.encode(), "prompts.txt": prompts.encode(), **self.slices},
        )


def _counts(holds: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """How many of some images carry each tag, without a copy of all their tags."""
    counts = np.zeros(holds.shape[1], dtype=np.int64)
    for start in range(0, len(rows), _ROWS_AT_ONCE):
        counts += count_columns(holds[rows[start : start + _ROWS_AT_ONCE]])
    return counts
