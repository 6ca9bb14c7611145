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
)
from misfire.core.errors import UsageError
from misfire.methods.retrieval.design import DesignSchema, Templates
from misfire.methods.retrieval.prompted_cell import PromptedCell
from misfire.methods.retrieval.search.objectives import OBJECTIVES
from misfire.scoring import PromptPooling

if TYPE_CHECKING:
    from misfire.cells.searched import Searched


@dataclass
class EnsembleSchema(DesignSchema):
    """What an ensemble can be configured with."""

    subset: Any = "???"
    side: str | None = None
    dev_share: float = 0.5
    split_seed: int = 42


@final
@dataclass(frozen=True, eq=False)
class EnsembleCell(PromptedCell):
    """A subset's captions, asked with the pooled prompts of some templates, beside a sample of the other queries.

    Args:
        design: Which queries are asked, and how what comes out is measured.
        templates: What they are asked with.
        pooling: What makes one score out of the prompts' scores.
    """

    templates: Templates
    pooling: PromptPooling

    kind: ClassVar[str] = "ensemble"
    schema: ClassVar[type] = EnsembleSchema
    units: ClassVar[str] = "queries"
    has_sides: ClassVar[bool] = True
    objectives: ClassVar[Mapping[str, Objective]] = OBJECTIVES

    @override
    def run(self, lab: Lab) -> Outcome:
        from misfire.methods.retrieval.ensemble.ensembling import ensemble_outcome

        failure_set, asked = self.asked(lab, self.templates, self.pooling)
        return ensemble_outcome(asked, self.design.bench(lab), failure_set)

    @override
    def bound(
        self, lab: Lab, objectives: Sequence[Objective], rivals: Sequence[Rival], *, k: int | None
    ) -> Outcome | None:
        from misfire.methods.retrieval.search.bounding import bound_outcome

        if not rivals:
            return None
        _, asked = self.design.resolve(lab, self.templates, self.pooling)
        k = max(self.design.ks) if k is None else k
        return bound_outcome(asked, self.design.bench(lab), objectives, rivals, k=k)

    @classmethod
    @override
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
    @override
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
