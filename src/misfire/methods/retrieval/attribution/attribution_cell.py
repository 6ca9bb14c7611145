"""The kind of cell that says which templates a gain comes from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, final

from typing_extensions import override

from misfire.cells import Estimates, Lab, Logged, Outcome, Question, ReportPart
from misfire.methods.retrieval.design import DesignSchema, Templates
from misfire.methods.retrieval.prompted_cell import PromptedCell
from misfire.prompts import TemplateSet
from misfire.scoring import PromptPooling

if TYPE_CHECKING:
    from misfire.cells.cell import Json

NUM_ORDERS = 200
"""Orders of joining that are followed for more than twelve templates; up to twelve, all of them are counted."""


@dataclass
class AttributionSchema(DesignSchema):
    """What an attribution can be configured with."""

    subset: Any = "???"


@final
@dataclass(frozen=True, eq=False)
class AttributionCell(PromptedCell):
    """A subset's gain by the pooled prompts of some templates, taken apart by template.

    Args:
        design: Which queries are asked, and how what comes out is measured.
        templates: What they are asked with.
        pooling: What makes one score out of the prompts' scores.

    Raises:
        UsageError: If there is no template but the plain caption.
    """

    templates: Templates
    pooling: PromptPooling

    kind: ClassVar[str] = "attribution"
    schema: ClassVar[type] = AttributionSchema

    def __post_init__(self) -> None:
        from misfire.methods.retrieval.attribution.attribution import check_templates

        if isinstance(self.templates, TemplateSet):
            check_templates(self.templates.templates, name=self.templates.name)

    @override
    def identity(self) -> "Mapping[str, Json]":
        return {**super().identity(), "num_orders": NUM_ORDERS}

    @property
    @override
    def name(self) -> str:
        return f"attribution · {super().name}"

    @override
    def run(self, lab: Lab) -> Outcome:
        from misfire.methods.retrieval.attribution.attribution import attribution_outcome

        failure_set, asked = self.asked(lab, self.templates, self.pooling)
        return attribution_outcome(asked, self.design.bench(lab), failure_set=failure_set, num_orders=NUM_ORDERS)

    @classmethod
    @override
    def headline(cls, estimates: Estimates, facts: Mapping[str, Any]) -> str:
        from misfire.methods.retrieval.ensemble.measured import HIT

        k = max(facts["ks"])
        parts = [
            estimates.at(HIT, k=k, group=f"template_{place}/shapley").value
            for place in range(1, len(facts["templates_asked"]) + 1)
        ]
        best = max(range(len(parts)), key=parts.__getitem__)
        gain = estimates.at(HIT, k=k, group="delta").value
        return f"{facts['templates_asked'][best]} {100 * parts[best]:+.1f} of {100 * gain:+.1f} pp @{k}"

    @classmethod
    @override
    def tell(cls, logged: Logged) -> str:
        from misfire.methods.retrieval.attribution.logged import LoggedAttribution
        from misfire.methods.retrieval.attribution.words import told

        return told(LoggedAttribution(logged))

    @classmethod
    @override
    def report(cls, cells: Sequence[Logged], question: Question) -> ReportPart:
        from misfire.methods.retrieval.attribution.report_part import attribution_part

        return attribution_part(cells)
