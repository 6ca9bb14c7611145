"""The design of an experiment in retrieval: which queries are asked, beside which others, measured how."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, final

import numpy as np
from jaxtyping import Int

from misfire.core.counts import check_seed
from misfire.core.errors import UsageError
from misfire.data import Dataset
from misfire.embeddings import Encoder
from misfire.failures import FailureSet, QuerySubset, Selection, load_taxonomy, read_failure_set
from misfire.methods.retrieval.failure_sets import mined_failure_set
from misfire.methods.retrieval.prompted import (
    PromptedQueries,
    check_cut_offs,
    complement_sample,
    parse_num_queries,
)
from misfire.methods.retrieval.split import Side, dev_queries, test_queries
from misfire.methods.retrieval.templates.by_caption import AskedQueries, TemplatesByCaption
from misfire.methods.retrieval.templates.lint import check_asks_with_captions
from misfire.prompts import RoutedTemplates, TemplateChoice, TemplateSet
from misfire.scoring import PromptPooling
from misfire.stats import StatisticsSettings

if TYPE_CHECKING:
    from misfire.cells import Lab, Settings, Workbench

Templates = TemplateSet | TemplatesByCaption
"""What a cell asks with: a set for all its queries, or a rule that chooses one for each."""


@final
@dataclass(frozen=True)
class SplitSide:
    """One side of a split of the images, on whose captions alone a cell is run.

    Args:
        name: ``dev`` or ``test``.
        dev_share: Share of the images whose captions are dev queries, in (0, 1).
        seed: Of the split.

    Raises:
        UsageError: If there is no such side, or the share is out of range.
    """

    name: str
    dev_share: float
    seed: int

    def __post_init__(self) -> None:
        if self.name not in ("dev", "test"):
            raise UsageError(f"side must be dev, test or null, got {self.name!r}; null asks all queries.")
        check_seed(split_seed=self.seed)
        if not 0 < self.dev_share < 1:
            raise UsageError(
                f"dev_share must be a fraction in (0, 1), got {self.dev_share!r}; 0.5 splits the images in halves."
            )

    @classmethod
    def configured(cls, settings: "Settings") -> "SplitSide | None":
        """The side that a configuration asks for, None where it asks for none; what it says of a split is checked."""
        asked = settings["side"]
        side = cls("dev" if asked is None else asked, settings["dev_share"], settings["split_seed"])
        return None if asked is None else side

    def of(self, dataset: Dataset) -> Side:
        """The queries of this side."""
        split = dev_queries if self.name == "dev" else test_queries
        return split(dataset, dev_share=self.dev_share, seed=self.seed)


@final
@dataclass(frozen=True, eq=False)
class QueryDesign:
    """Which queries are asked, beside which others, at which cut-offs, measured how: what all kinds of cells share.

    Nothing is mined, ranked or embedded before :meth:`resolve`: what is asked and chosen names a cell.

    Args:
        dataset: Images and captions.
        encoder: What embeds them.
        subset: Which queries are in question.
        num_failures: How many of the plain caption's top-1 failures make the failure set that is mined where one is
            needed and none is named.
        mined_share: Share of the images from which they are mined, in (0, 1].
        named: A failure set that stands in for a mined one.
        num_others: How many of the other queries are asked too; all where it's None.
        seed: Of the failures' sample and of the others'.
        ks: Cut-offs of hit_at_k.
        statistics: Replicates, confidence and seed of the intervals.
        side: The only queries that are asked, be it to mine or to measure; all where it's None.

    Raises:
        UsageError: If the cut-offs or the number of others can't be, the named set is of other data, or the side has
            no query of a subset that is known without mining.
    """

    dataset: Dataset
    encoder: Encoder
    subset: QuerySubset
    num_failures: int
    mined_share: float
    named: FailureSet | None
    num_others: int | None
    seed: int
    ks: tuple[int, ...]
    statistics: StatisticsSettings
    side: SplitSide | None = None

    def __post_init__(self) -> None:
        _ = self.dataset.targets  # a dataset without captions is refused
        check_cut_offs(self.ks)
        if self.num_failures < 1:
            raise UsageError(
                f"num_failures must be a whole number from 1, got {self.num_failures}; 200 is a good sample."
            )
        if not 0 < self.mined_share <= 1:
            raise UsageError(
                f"mined_share must be a fraction in (0, 1], got {self.mined_share!r}; 0.5 mines one half of the "
                "images, 1 all of them."
            )
        check_seed(seed=self.seed)
        if self.num_others is not None and self.num_others < 0:
            raise UsageError(
                f"complement.num_queries must be >= 0 or all, got {self.num_others}; 2000 is a good sample, all is "
                "exact."
            )
        if self.named is not None:
            self.named.check_fits(self.dataset, backbone_fingerprint=self.encoder.fingerprint)
        if self.named is not None or not self.subset.needs_failure_set:
            # Known without mining, so what has no query, or none on its side, is refused before anything runs.
            selection = self.subset.select(self.dataset, self.named)
            if self.side is not None:
                self.side.of(self.dataset).part_of(selection)

    @classmethod
    def configured(
        cls, settings: "Settings", *, subset: QuerySubset | None = None, has_sides: bool = False
    ) -> "QueryDesign":
        """The design that a configuration describes.

        Args:
            settings: The configuration.
            subset: Which queries are in question, for a verb that doesn't ask.
            has_sides: Whether the verb can be told to keep to one side of a split.

        Raises:
            UsageError: If its parts don't fit each other.
        """
        named = settings["failure_set"]
        if settings["taxonomy"] is not None:  # also where nothing reads it, or a slip would be obeyed by chance
            load_taxonomy(Path(settings["taxonomy"]))
        return cls(
            dataset=settings["dataset"],
            encoder=settings["backbone"],
            subset=settings["subset"] if subset is None else subset,
            num_failures=settings["num_failures"],
            mined_share=settings["mined_share"],
            named=None if named is None else read_failure_set(Path(named)),
            num_others=parse_num_queries(settings["complement.num_queries"]),
            seed=settings["seed"],
            ks=tuple(settings["ks"]),
            statistics=settings["statistics"],
            side=SplitSide.configured(settings) if has_sides else None,
        )

    def templates_for(self, choice: TemplateChoice) -> Templates:
        """What the subset's queries are asked with: chosen by its categories now, or caption by caption later.

        Raises:
            UsageError: If the choice goes by gold categories and the subset has none, or would learn from test.
        """
        check_asks_with_captions(choice)
        if not isinstance(choice, TemplatesByCaption):
            return choice.for_categories([name.lower() for name in self.subset.categories_asked])
        if self.side is not None and choice.learns_from_hits:
            raise UsageError(
                f"a search must ask templates that learn from no hits, got templates={choice.name}, which the "
                "winner's test queries would teach; search what stands behind the gate, and gate the winner."
            )
        return choice

    def identity(self, templates: TemplateChoice | None = None) -> dict[str, Any]:
        """What the design's queries and their measurement depend on, as JSON values.

        Args:
            templates: What they are asked with; a failure set may be needed to choose it.
        """
        return {
            "dataset": self.dataset.fingerprint,
            "backbone": self.encoder.fingerprint,
            "subset": dict(self.subset.identity(self.dataset)),
            "failures": self._failures_identity() if self._needs_failures(templates) else None,
            "others": {"num_queries": self.num_others, "seed": self.seed},
            "side": None if self.side is None else asdict(self.side),
            "ks": list(self.ks),
            "statistics": asdict(self.statistics),
        }

    def failure_set(self, lab: "Lab", side: Side | None = None) -> FailureSet:
        """The named failure set, or the one that is mined as asked; found where it was mined before."""
        if self.named is not None:
            return self.named
        bench = self.bench(lab)
        asked = (self.num_failures, self.seed, self.mined_share, None if side is None else side.how_split)
        return bench.once(
            f"failures {asked}",
            lambda: mined_failure_set(
                bench,
                lab.root / "failures",
                num_failures=self.num_failures,
                seed=self.seed,
                mined_share=self.mined_share,
                side=side,
            )[0],
        )

    def bench(self, lab: "Lab") -> "Workbench":
        """Where the design's images and texts are embedded."""
        return lab.bench(self.dataset, self.encoder)

    def resolve(
        self, lab: "Lab", templates: Templates, pooling: PromptPooling
    ) -> tuple[FailureSet | None, PromptedQueries]:
        """The queries with their prompts, and the failure set that they come from, if they come from one.

        Raises:
            UsageError: If the subset has no query, or nothing teaches what must learn.
        """
        side = None if self.side is None else self.side.of(self.dataset)
        failure_set = self.failure_set(lab, side) if self._needs_failures(templates) else None
        selection, others, confirm = self._queries(self.bench(lab), failure_set, side)
        cell = PromptedQueries(
            dataset=self.dataset,
            backbone_fingerprint=self.encoder.fingerprint,
            subset=selection,
            complement=others,
            template_set=self._resolved(lab, templates, failure_set, selection, others, side, pooling),
            pooling=pooling,
            ks=self.ks,
            statistics=self.statistics,
            num_others=None if side is None else len(side) - len(selection),
            confirm=confirm,
        )
        if side is not None:
            side.check_holds(cell)
        return failure_set, cell

    def _needs_failures(self, templates: TemplateChoice | None) -> bool:
        needs_labels = isinstance(templates, TemplatesByCaption) and templates.needs_labels
        return self.subset.needs_failure_set or self.named is not None or needs_labels

    def _failures_identity(self) -> dict[str, Any]:
        if self.named is not None:
            return {"failure_set": self.named.digest}
        return {"num_failures": self.num_failures, "seed": self.seed, "mined_share": float(self.mined_share)}

    def _queries(
        self, bench: "Workbench", failure_set: FailureSet | None, side: Side | None
    ) -> tuple[Selection, Int[np.ndarray, " other"], Int[np.ndarray, " confirm"]]:
        """The selection, a sample of the others, and the queries of images from which no failure was mined."""
        asked = (self.subset, self.num_others, self.seed, failure_set and failure_set.digest, side and side.how_split)

        def chosen() -> tuple[Selection, Int[np.ndarray, " other"], Int[np.ndarray, " confirm"]]:
            selection = self.subset.select(self.dataset, failure_set)
            confirm = np.array([], dtype=np.int64)
            if failure_set is not None and selection.is_failure_mined:
                confirm = failure_set.confirm_positions(self.dataset)
            if side is None:
                others = complement_sample(
                    len(self.dataset.captions), selection.positions, num_queries=self.num_others, seed=self.seed
                )
                return selection, others, confirm
            here = side.part_of(selection)
            others = side.others(here, num_queries=self.num_others, seed=self.seed)
            return here, others, np.intersect1d(confirm, side.positions)

        return bench.once(f"queries {asked}", chosen)

    def _resolved(
        self,
        lab: "Lab",
        templates: Templates,
        failure_set: FailureSet | None,
        selection: Selection,
        others: Int[np.ndarray, " other"],
        side: Side | None,
        pooling: PromptPooling,
    ) -> TemplateSet | RoutedTemplates:
        if isinstance(templates, TemplateSet):
            return templates
        # Queries that may be of the subset's category by their labels are asked too.
        doubtful = np.setdiff1d([] if selection.in_doubt is None else selection.in_doubt.positions, selection.positions)
        doubtful = np.setdiff1d(doubtful, others).astype(np.int64)
        asked = AskedQueries.of_sample(
            selection.positions,
            others,
            doubtful,
            num_others=len(self.dataset.captions if side is None else side) - len(selection),
            categories=[name.lower() for name in selection.categories],
        )
        if side is None:
            return templates.for_queries(self.bench(lab), failure_set, asked, pooling)
        fitted_on = side.fitted_on
        known = failure_set if failure_set is None or fitted_on is side else self.failure_set(lab, fitted_on)
        return templates.for_queries(self.bench(lab), known, asked, pooling, learnt_from=fitted_on.positions)


def content_of(value: Any) -> Any:
    """An object's content as JSON values: its class and fields, theirs likewise. What it is called has no part in it.

    Example:
        >>> content_of(TemplateSet("mine", ("{caption}",)))
        {'class': 'TemplateSet', 'templates': ['{caption}'], 'is_oracle': False, 'placeholder': 'caption'}
    """
    if is_dataclass(value) and not isinstance(value, type):
        named = {one.name: content_of(getattr(value, one.name)) for one in fields(value) if one.name != "name"}
        return {"class": type(value).__name__, **named}
    if isinstance(value, Mapping):
        return {str(key): content_of(one) for key, one in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [content_of(one) for one in value]
    return value


@dataclass
class ComplementSchema:
    """The other queries on which a mend is tried: a count, or ``all``."""

    num_queries: Any = 2000


@dataclass
class HouseSchema:
    """What every cell can be told: where it runs, and where its result goes."""

    tracking: Any = None
    trainer: Any = None
    paths: Any = None


@dataclass
class DesignSchema(HouseSchema):
    """What a cell that asks failing queries again can be configured with; kinds add their own."""

    dataset: Any = "???"
    backbone: Any = "???"
    templates: Any = "???"
    pooling: Any = "???"
    statistics: Any = "???"
    complement: ComplementSchema = field(default_factory=ComplementSchema)
    seed: int = 42
    ks: list[int] = field(default_factory=lambda: [1, 5, 10])
    num_failures: int = 200
    mined_share: float = 1.0
    failure_set: str | None = None
    taxonomy: str | None = None
