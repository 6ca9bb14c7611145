"""The kind of cell that asks queries again with many prompts, pools their scores, and tests the gain."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, final

from typing_extensions import override

from misfire.cells import (
    Cell,
    Estimates,
    Lab,
    Logged,
    Objective,
    Outcome,
    Paired,
    Question,
    ReportPart,
    Rival,
    Settings,
)
from misfire.core.errors import UsageError
from misfire.methods.retrieval.design import DesignSchema, QueryDesign, Templates, content_of
from misfire.methods.retrieval.search.objectives import OBJECTIVES
from misfire.scoring import PromptPooling

if TYPE_CHECKING:
    from misfire.cells.cell import Json
    from misfire.cells.searched import Searched

MATCHED = "matched"  # what a cell asks with unless it is told otherwise


@dataclass
class EnsembleSchema(DesignSchema):
    """What an ensemble can be configured with."""

    subset: Any = "???"
    side: str | None = None
    dev_share: float = 0.5
    split_seed: int = 42


@final
@dataclass(frozen=True, eq=False)
class EnsembleCell(Cell):
    """A subset's captions, asked with the pooled prompts of some templates, beside a sample of the other queries.

    Args:
        design: Which queries are asked, and how what comes out is measured.
        templates: What they are asked with.
        pooling: What makes one score out of the prompts' scores.
    """

    design: QueryDesign
    templates: Templates
    pooling: PromptPooling

    kind: ClassVar[str] = "ensemble"
    schema: ClassVar[type] = EnsembleSchema
    units: ClassVar[str] = "queries"
    objectives: ClassVar[Mapping[str, Objective]] = OBJECTIVES

    @classmethod
    @override
    def configured(cls, settings: Settings) -> "EnsembleCell":
        design = QueryDesign.configured(settings, has_sides=True)
        return cls(design, design.templates_for(settings["templates"]), one_pooling(settings))

    @override
    def identity(self) -> "Mapping[str, Json]":
        return {
            **self.design.identity(self.templates),
            "templates": content_of(self.templates),
            "pooling": self.pooling.describe(),
        }

    @override
    def label(self) -> Mapping[str, str]:
        return label_of(self.design, self.templates, self.pooling)

    @property
    @override
    def name(self) -> str:
        return name_of(self.design, self.templates, pooling_label(self.pooling))

    @property
    @override
    def marks(self) -> Mapping[str, str]:
        return marks_of(self.design, self.templates)

    @property
    @override
    def data(self) -> tuple[str, str]:
        return self.design.dataset.name, self.design.dataset.fingerprint

    @override
    def run(self, lab: Lab) -> Outcome:
        from misfire.methods.retrieval.ensemble.ensembling import ensemble_outcome
        from misfire.methods.retrieval.templates.lint import warn_of_prompts

        failure_set, asked = self.design.resolve(lab, self.templates, self.pooling)
        warn_of_prompts(asked, self.design.encoder)
        return ensemble_outcome(asked, self.design.bench(lab), failure_set)

    @override
    def bound(
        self, lab: Lab, objectives: Sequence[Objective], rivals: Sequence[Rival], *, k: int | None = None
    ) -> Outcome | None:
        from misfire.methods.retrieval.search.bounding import bound_outcome

        if not rivals:
            return None
        _, asked = self.design.resolve(lab, self.templates, self.pooling)
        k = max(self.design.ks) if k is None else k
        return bound_outcome(asked, self.design.bench(lab), objectives, rivals, k=k)

    @classmethod
    def check_comparable(cls, cells: "Sequence[Cell]") -> None:
        """Refuse cells that a search can't hold against each other.

        Raises:
            UsageError: If backbones would be asked different queries: whoever has the easier ones would win.
        """
        ensembles = [one for one in cells if isinstance(one, EnsembleCell)]
        backbones = {one.design.encoder.fingerprint for one in ensembles}
        mined = [one for one in ensembles if one.design.subset.needs_failure_set]
        if len(backbones) > 1 and mined:
            raise UsageError(
                f"a search over backbones must ask all of them the same queries, got {len(backbones)} different "
                f"subsets {mined[0].design.subset.name}, each of a backbone's own failures; fix subset: all or a file, "
                "and choose the objective hits."
            )

    @classmethod
    def searched(cls, found: "Searched", question: Question) -> ReportPart:
        """The part of a report that is about a search over ensembles."""
        from misfire.methods.retrieval.search.report_part import search_part

        return search_part(found, question)

    @classmethod
    @override
    def headline(cls, estimates: Estimates, facts: Mapping[str, Any]) -> str:
        from misfire.methods.retrieval.ensemble.measured import HIT

        k = max(facts["ks"])
        return f"{100 * estimates.at(HIT, k=k, group='delta').value:+.1f} pp @{k}"

    @classmethod
    @override
    def tell(cls, logged: Logged) -> str:
        from misfire.methods.retrieval.ensemble.words import told

        return told(logged)

    @classmethod
    @override
    def paired(cls, logged: Logged, *, k: int | None) -> Paired:
        from misfire.methods.retrieval.ensemble.logged import LoggedEnsemble

        one = LoggedEnsemble(logged)
        return one.paired(one.ks[-1] if k is None else k)

    @classmethod
    @override
    def report(cls, cells: Sequence[Logged], question: Question) -> ReportPart:
        from misfire.methods.retrieval.ensemble.report_part import ensemble_part

        return ensemble_part(cells, question)


def one_pooling(settings: Settings) -> PromptPooling:
    """The configured pooling.

    Raises:
        UsageError: If a whole grid of poolings is chosen instead of one.
    """
    chosen = settings["pooling"]
    if not isinstance(chosen, PromptPooling):
        raise UsageError(
            "pooling must be a single one here, got a grid of taus; use `misfire ensemble` for a profile, or "
            "pooling=logmeanexp with a pooling.tau."
        )
    return chosen


def pooling_label(pooling: PromptPooling) -> str:
    """The pooling with its temperature, if it has one: ``logmeanexp tau=1``."""
    described = pooling.describe()
    return f"{described['pooling']} tau={described['tau']:g}" if "tau" in described else str(described["pooling"])


def label_of(design: QueryDesign, templates: Templates, pooling: PromptPooling | None) -> dict[str, str]:
    """What tells a cell from its neighbours, in the order in which tables of runs show it."""
    described = {} if pooling is None else pooling.describe()
    return {
        "subset": design.subset.name,
        "templates": templates.name,
        **({} if pooling is None else {"pooling": str(described["pooling"])}),
        **({"tau": f"{described['tau']:g}"} if "tau" in described else {}),
        **({} if design.side is None else {"side": design.side.name}),
        "backbone": design.encoder.name,
        "dataset": design.dataset.name,
        "seed": str(design.seed),
    }


def name_of(design: QueryDesign, templates: Templates, pooling: str) -> str:
    """Subset, pooling and templates; matched ones, which a cell has unless it is told otherwise, aren't named."""
    return " · ".join([design.subset.name, pooling, *([] if templates.name == MATCHED else [templates.name])])


def marks_of(design: QueryDesign, templates: Templates) -> dict[str, str]:
    """What must be known beside every number: how the queries were chosen, whether gold labels took part."""
    is_mined = design.subset.is_chosen_by_failing
    return {
        "oracle": str(templates.is_oracle).lower(),
        "failure_mined": str(is_mined).lower(),
        "backbone_fingerprint": design.encoder.fingerprint,
    }
