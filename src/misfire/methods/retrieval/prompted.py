"""Queries with the prompts that each is asked with: a subset, and a sample of all others beside it."""

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Int

from misfire.core.errors import UsageError
from misfire.core.hashing import sha256_json
from misfire.core.seeding import generator
from misfire.data import Dataset
from misfire.failures import Selection
from misfire.prompts import RoutedTemplates, TemplateSet
from misfire.scoring import PromptPooling
from misfire.stats import StatisticsSettings


@dataclass(frozen=True)
class PromptedQueries:
    """The queries of a cell, found and drawn, with their prompts: what its numbers are computed from.

    Args:
        dataset: Images and captions.
        backbone_fingerprint: SHA-256 of the encoder: architecture, weights, preprocessing, tokenizer, precision.
        subset: The queries in question, and how they were chosen.
        complement: Positions of the other queries on which the same prompts and pooling are tried.
        template_set: The prompts' templates: the same for every query, or a set a query.
        pooling: What makes one score out of the prompts' scores.
        ks: Cut-offs of hit_at_k.
        statistics: Replicates, confidence and seed of the intervals.
        num_others: How many queries the complement is a sample of; None is all others of the dataset.
        confirm: Positions of the queries of images from which no failure was mined; none without a mine/confirm split.
    """

    dataset: Dataset
    backbone_fingerprint: str
    subset: Selection
    complement: Int[np.ndarray, " complement"]
    template_set: TemplateSet | RoutedTemplates
    pooling: PromptPooling
    ks: tuple[int, ...]
    statistics: StatisticsSettings
    num_others: int | None = None
    confirm: Int[np.ndarray, " confirm"] = field(default_factory=lambda: np.array([], dtype=np.int64))

    def __post_init__(self) -> None:
        check_cut_offs(self.ks)

    @cached_property
    def queries(self) -> Int[np.ndarray, " query"]:
        """Positions of all queries of the cell: the subset's, then the complement's."""
        return np.concatenate([self.subset.positions, self.complement])

    @cached_property
    def prompts(self) -> list[tuple[str, ...]]:
        """The rendered prompts of every query, in the order of ``queries``."""
        return self.prompts_of(self.queries)

    def prompts_of(self, positions: Int[np.ndarray, " asked"]) -> list[tuple[str, ...]]:
        """The rendered prompts of some queries, as many for each.

        A query that is asked with its caption alone has it as often as others have prompts.

        Args:
            positions: Places of the queries among the dataset's captions.
        """
        asked = [self.dataset.captions[position] for position in positions]
        rows = [self.template_set.for_query(caption.id).render(caption.text) for caption in asked]
        return [row * len(self.template_set) if len(row) == 1 else row for row in rows]

    @cached_property
    def is_plain(self) -> Bool[np.ndarray, " query"]:
        """Which of ``queries`` are asked with their caption alone: there the cell is the baseline."""
        ids = self._ids(self.queries)
        return np.array([self.template_set.for_query(query_id).is_plain for query_id in ids], dtype=bool)

    @property
    def others(self) -> int:
        """How many queries the complement is a sample of."""
        return len(self.dataset.captions) - len(self.subset) if self.num_others is None else self.num_others

    @cached_property
    def prompts_digest(self) -> str:
        """SHA-256 of what the prompts are rendered from, or of themselves where each query has its own templates."""
        if isinstance(self.template_set, TemplateSet):
            # Rendering costs more than all else of a cell whose neighbours have embedded the same prompts.
            return sha256_json([self.dataset.fingerprint, self.queries.tolist(), list(self.template_set.templates)])
        return sha256_json(self.prompts)

    def _ids(self, positions: Int[np.ndarray, " query"]) -> list[int]:
        return [self.dataset.captions[position].id for position in positions]


def check_cut_offs(ks: tuple[int, ...]) -> None:
    """Refuse cut-offs of hit_at_k that can't be read.

    Raises:
        UsageError: If there is none, one is below 1, or one stands twice.
    """
    if not ks or min(ks) < 1 or len(set(ks)) < len(ks):
        raise UsageError(f"ks must be different cut-offs from 1, got {list(ks)}; write ks=[1,5,10].")


def complement_sample(
    num_captions: int, subset: Int[np.ndarray, " query"], *, num_queries: int | None, seed: int
) -> Int[np.ndarray, " complement"]:
    """Positions of other queries than the subset's: the first of one seeded order, so that subsets share most of them.

    Args:
        num_captions: Size of the dataset.
        subset: Positions that must not be drawn.
        num_queries: How many to draw; ``None`` takes all.
        seed: Seed of the order.

    Raises:
        UsageError: If ``num_queries`` is negative.

    Example:
        >>> complement_sample(4, np.array([1]), num_queries=None, seed=0).tolist()
        [0, 2, 3]
    """
    if num_queries is not None and num_queries < 0:
        raise UsageError(
            f"complement.num_queries must be >= 0 or all, got {num_queries}; 2000 is a good sample, all is exact."
        )
    order = generator(seed, "complement").permutation(num_captions)
    others = order[~np.isin(order, subset)]
    return np.sort(others if num_queries is None else others[:num_queries])


def parse_num_queries(value: object) -> int | None:
    """Read ``complement.num_queries``: a count, or ``all`` (``None``).

    Raises:
        UsageError: If it is neither.
    """
    if value == "all":
        return None
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise UsageError(f"complement.num_queries must be a count or all, got {value!r}; 2000 is a good sample.")
