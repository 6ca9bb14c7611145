"""A frozen sample of top-1 failures, named by its content."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from itertools import pairwise
from math import isfinite

import numpy as np
from jaxtyping import Int

from misfire.core.errors import UsageError, name_some
from misfire.core.hashing import sha256_json, sha256_text
from misfire.data import Dataset
from misfire.failures.label_doubt import LabelDoubt
from misfire.failures.mining_split import ALL_IMAGES, mined_images
from misfire.failures.taxonomy import Label, Taxonomy, load_taxonomy

TIE_RULE = "rank = 1 + images scored higher + equal-scored images that stand earlier in the gallery"
WORLD_TRUTH = "world truth"


@dataclass(frozen=True)
class Failure:
    """A caption whose best-scored image isn't the one that it describes.

    Ranks are the target's, from 1; ``best_rank`` and ``worst_rank`` count every equal-scored image below and above it.
    Scores are cosines, higher is better. The category is None where nobody has labelled the failure.

    Raises:
        UsageError: If the rank is 1, lies outside its bounds, a score isn't finite or a subtype has no category.
    """

    query_id: int
    caption: str
    target_image_id: int
    retrieved_image_id: int
    rank: int
    best_rank: int
    worst_rank: int
    target_score: float
    retrieved_score: float
    category: str | None = None
    ambiguous_subtype: str | None = None

    def __post_init__(self) -> None:
        if self.rank < 2 or not 1 <= self.best_rank <= self.rank <= self.worst_rank:
            raise UsageError(
                "a top-1 failure must have a rank above 1 within its tie bounds, got rank "
                f"{self.rank} in [{self.best_rank}, {self.worst_rank}] for query {self.query_id}; rank again."
            )
        if not (isfinite(self.target_score) and self.target_score <= self.retrieved_score < np.inf):
            raise UsageError(
                "scores must be finite and the retrieved image's at least the target's, got "
                f"{self.target_score} for the target and {self.retrieved_score} for the retrieved image of query "
                f"{self.query_id}; score the queries again."
            )
        if self.category is None and self.ambiguous_subtype is not None:
            raise UsageError(
                f"a subtype needs a category, got {self.ambiguous_subtype!r} alone for query {self.query_id}; "
                "give both or neither."
            )

    @property
    def text_sha256(self) -> str:
        """SHA-256 of the caption, by which a stale annotation is found."""
        return sha256_text(self.caption)

    def labelled(self, label: Label | None) -> "Failure":
        """The same failure under another label."""
        if label is None:
            return replace(self, category=None, ambiguous_subtype=None)
        return replace(self, category=label.category, ambiguous_subtype=label.ambiguous_subtype)


@dataclass(frozen=True)
class FailureSet:
    """A sample of a baseline's top-1 failures, in the order of their query ids.

    ``label_source`` says who labelled the failures, and is None for a set without labels; ``taxonomy`` is what the
    labels were chosen from, a team's own or, where it is None, ours, and gives them their spelling. ``mined_share`` is
    the share of the images that failures were mined from; where it is below 1, the other images are there to confirm on
    and queries and failures are counted without theirs. ``part`` says in words which of the dataset's captions were
    asked, and is None for all of them; queries and failures are counted among these. ``label_doubt`` is what several
    annotators' labels say of each query's true category; None where it wasn't measured. ``dataset_name`` is for the
    reader; it isn't part of the content.

    Raises:
        UsageError: If there is no failure, a query stands twice, the counts contradict each other or the labels, a
            label isn't in the taxonomy, or the doubt is about other queries or categories.
    """

    dataset_name: str
    dataset_fingerprint: str
    backbone_fingerprint: str
    precision: str
    seed: int
    num_queries: int
    num_top1_failures: int
    failures: tuple[Failure, ...]
    label_source: str | None = None
    tie_rule: str = TIE_RULE
    taxonomy: Taxonomy | None = None
    mined_share: float = ALL_IMAGES
    label_doubt: LabelDoubt | None = None
    part: str | None = None

    def __post_init__(self) -> None:
        if self.taxonomy == load_taxonomy():
            object.__setattr__(self, "taxonomy", None)  # ours has one name, so that equal sets have equal digests
        spelt = (_spelt(failure, self.label_taxonomy) for failure in self.failures)
        object.__setattr__(self, "failures", tuple(sorted(spelt, key=lambda failure: failure.query_id)))
        _check(self)

    def __len__(self) -> int:
        return len(self.failures)

    @property
    def query_ids(self) -> tuple[int, ...]:
        """The failures' caption ids, ascending."""
        return tuple(failure.query_id for failure in self.failures)

    @property
    def how_chosen(self) -> str:
        """How the queries were chosen, in words."""
        return (
            f"uniform sample without replacement of {len(self)} of the {self.num_top1_failures} top-1 failures "
            f"among {self.num_queries} queries{self._of_part}, seed {self.seed}{self._how_split}"
        )

    @property
    def _of_part(self) -> str:
        return "" if self.part is None else f" ({self.part})"

    @property
    def _how_split(self) -> str:
        if self.mined_share == ALL_IMAGES:
            return ""
        return f", of {self.mined_share:g} of the images, the others kept to confirm on"

    @property
    def label_taxonomy(self) -> Taxonomy:
        """What the labels were, or would be, chosen from."""
        return self.taxonomy or load_taxonomy()

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the scientific content: where the failures come from, how they were chosen, what they are.

        The labels are part of it; a path or a name changes nothing in it, nor do the scores, whose last bits differ
        between machines.
        """
        content = asdict(self)
        for failure in content["failures"]:
            del failure["target_score"], failure["retrieved_score"]
        del content["dataset_name"], content["taxonomy"], content["label_doubt"]
        if self.mined_share == ALL_IMAGES:
            del content["mined_share"]  # such sets had their digests before there was a split
        if self.part is None:
            del content["part"]  # nor has what was mined from the whole dataset another digest for that
        of_labels = {} if self.taxonomy is None else {"taxonomy": self.taxonomy.digest}
        of_doubt = {} if self.label_doubt is None else {"label_doubt": self.label_doubt.digest}
        return sha256_json({**content, **of_labels, **of_doubt, "how_chosen": self.how_chosen})

    def positions(self, dataset: Dataset) -> Int[np.ndarray, " failure"]:
        """Position in the dataset's captions of each failure.

        Raises:
            UsageError: If a query isn't in the dataset.
        """
        return query_positions(dataset, self.query_ids, of=f"failure set {self.digest[:12]}")

    def confirm_positions(self, dataset: Dataset) -> Int[np.ndarray, " confirm"]:
        """Position in the dataset's captions of every query of an image from which no failure was mined."""
        is_mined = mined_images(dataset, share=self.mined_share, seed=self.seed)
        return np.flatnonzero(~is_mined[dataset.targets])

    def relabelled(
        self,
        labels: Mapping[int, Label],
        *,
        label_source: str,
        taxonomy: Taxonomy | None = None,
        label_doubt: LabelDoubt | None = None,
    ) -> "FailureSet":
        """The same failures with labels by query id; a failure that isn't named has none.

        Args:
            labels: All labels of the new set.
            label_source: Who gave them.
            taxonomy: What they were chosen from; ours where none is given.
            label_doubt: How far they're in doubt, where that was measured.

        Raises:
            UsageError: If a label belongs to no failure of the set, or isn't in the taxonomy.
        """
        strangers = sorted(labels.keys() - set(self.query_ids))
        if strangers:
            raise UsageError(
                f"labels must belong to failure set {self.digest[:12]}, got {name_some(strangers)} by query id that "
                "don't; use the failure set that the sheets were made from."
            )
        failures = tuple(failure.labelled(labels.get(failure.query_id)) for failure in self.failures)
        return replace(self, failures=failures, label_source=label_source, taxonomy=taxonomy, label_doubt=label_doubt)

    def check_fits(self, dataset: Dataset, backbone_fingerprint: str | None = None) -> None:
        """Refuse a set that was mined from another dataset or, where one is named, with another backbone.

        Raises:
            UsageError: If anything differs; the message says what.
        """
        differences = self._dataset_differences(dataset)
        if backbone_fingerprint not in (None, self.backbone_fingerprint):
            differences.append(f"backbone {backbone_fingerprint}, not {self.backbone_fingerprint}")
        if differences:
            raise UsageError(
                f"failure set {self.digest[:12]} must fit its dataset and backbone, got {'; '.join(differences)}; "
                "mine the failures again or go back to what they were mined from."
            )

    def _dataset_differences(self, dataset: Dataset) -> list[str]:
        if dataset.fingerprint == self.dataset_fingerprint:
            return []
        differences = [
            f"dataset {dataset.name} with fingerprint {dataset.fingerprint[:12]}, not {self.dataset_name} with "
            f"{self.dataset_fingerprint[:12]}"
        ]
        captions = {caption.id: caption for caption in dataset.captions}
        absent = [query_id for query_id in self.query_ids if query_id not in captions]
        present = [failure for failure in self.failures if failure.query_id in captions]
        counts = {
            "queries that the dataset lacks": absent,
            "queries with another text": [f.query_id for f in present if captions[f.query_id].text != f.caption],
            "queries with another target": [
                f.query_id for f in present if captions[f.query_id].image_id != f.target_image_id
            ],
        }
        return differences + [f"{what}: {name_some(ids)}" for what, ids in counts.items() if ids]


def query_positions(dataset: Dataset, query_ids: tuple[int, ...], *, of: str) -> Int[np.ndarray, " query"]:
    """Position in the dataset's captions of each query id.

    Args:
        dataset: Its captions are the queries.
        query_ids: Caption ids in any order.
        of: What the ids belong to, for the reader of an error.

    Raises:
        UsageError: If an id isn't a caption's.
    """
    position = {caption.id: index for index, caption in enumerate(dataset.captions)}
    strangers = [query_id for query_id in query_ids if query_id not in position]
    if strangers:
        raise UsageError(
            f"the queries of {of} must belong to dataset {dataset.name}, got {name_some(strangers)} by id among "
            f"{len(query_ids)} that don't; choose the dataset that they come from."
        )
    return np.array([position[query_id] for query_id in query_ids], dtype=np.int64)


def _spelt(failure: Failure, taxonomy: Taxonomy) -> Failure:
    if failure.category is None:
        return failure
    return failure.labelled(taxonomy.label(failure.category, failure.ambiguous_subtype))


def _check(failure_set: FailureSet) -> None:
    ids = failure_set.query_ids
    if not ids:
        raise UsageError("a failure set must have failures, got none; raise num_failures or use a harder dataset.")
    repeated = [first for first, second in pairwise(ids) if first == second]
    if repeated:
        raise UsageError(
            f"a query must stand once in a failure set, got {name_some(repeated)} twice; drop one of each."
        )
    if not len(ids) <= failure_set.num_top1_failures <= failure_set.num_queries:
        raise UsageError(
            "a failure set can't be larger than its population, got "
            f"{len(ids)} of {failure_set.num_top1_failures} top-1 failures among {failure_set.num_queries} queries; "
            "count them again."
        )
    _check_doubt(failure_set)
    labelled = [failure.query_id for failure in failure_set.failures if failure.category is not None]
    if labelled and failure_set.label_source is None:
        raise UsageError(f"labels must have a label_source, got {name_some(labelled)} labelled without one; name it.")


def _check_doubt(failure_set: FailureSet) -> None:
    doubt = failure_set.label_doubt
    if doubt is None:
        return
    strangers = sorted(doubt.probability.keys() - set(failure_set.query_ids))
    without = [one.query_id for one in failure_set.failures if one.category and one.query_id not in doubt.probability]
    differences = {"that aren't in the set": strangers, "that are labelled and left out": without}
    found = [f"{name_some(ids)} {what}" for what, ids in differences.items() if ids]
    if doubt.categories != failure_set.label_taxonomy.names:
        found.append(f"categories {', '.join(doubt.categories)}")
    if found:
        raise UsageError(
            "label doubt must be about the set's labelled queries and its taxonomy's categories, got "
            f"{'; '.join(found)}; make it from the same sheets as the labels."
        )
