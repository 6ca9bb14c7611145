"""The kind of cell that says which templates a gain comes from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, final

from typing_extensions import override

from misfire.cells import Cell, Estimates, Lab, Logged, Outcome, Question, ReportPart, Settings
from misfire.methods.retrieval.design import DesignSchema, QueryDesign, Templates, content_of
from misfire.methods.retrieval.ensemble.ensemble_cell import label_of, marks_of, name_of, one_pooling, pooling_label
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
class AttributionCell(Cell):
    """A subset's gain by the pooled prompts of some templates, taken apart by template.

    Args:
        design: Which queries are asked, and how what comes out is measured.
        templates: What they are asked with.
        pooling: What makes one score out of the prompts' scores.

    Raises:
        UsageError: If there is no template but the plain caption.
    """

    design: QueryDesign
    templates: Templates
    pooling: PromptPooling

    kind: ClassVar[str] = "attribution"
    schema: ClassVar[type] = AttributionSchema

    def __post_init__(self) -> None:
        from misfire.methods.retrieval.attribution.attribution import check_templates

        if isinstance(self.templates, TemplateSet):
            check_templates(self.templates.templates, name=self.templates.name)

    @classmethod
    @override
    def configured(cls, settings: Settings) -> "AttributionCell":
        design = QueryDesign.configured(settings)
        return cls(design, design.templates_for(settings["templates"]), one_pooling(settings))

    @override
    def identity(self) -> "Mapping[str, Json]":
        return {
            **self.design.identity(self.templates),
            "templates": content_of(self.templates),
            "pooling": self.pooling.describe(),
            "num_orders": NUM_ORDERS,
        }

    @override
    def label(self) -> Mapping[str, str]:
        return label_of(self.design, self.templates, self.pooling)

    @property
    @override
    def name(self) -> str:
        return f"attribution · {name_of(self.design, self.templates, pooling_label(self.pooling))}"

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
        from misfire.methods.retrieval.attribution.attribution import attribution_outcome
        from misfire.methods.retrieval.templates.lint import warn_of_prompts

        failure_set, asked = self.design.resolve(lab, self.templates, self.pooling)
        warn_of_prompts(asked, self.design.encoder)
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
