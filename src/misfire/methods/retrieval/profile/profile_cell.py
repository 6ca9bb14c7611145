"""The kind of cell that asks a subset at every temperature of a grid, from max to mean, in one pass over the scores."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, final

from typing_extensions import override

from misfire.cells import Estimates, Lab, Logged, Outcome, Question, ReportPart, Settings
from misfire.core.errors import UsageError
from misfire.methods.retrieval.design import QueryDesign, Templates
from misfire.methods.retrieval.ensemble.ensemble_cell import EnsembleSchema
from misfire.methods.retrieval.profile.tau_grid import TauGrid
from misfire.methods.retrieval.prompted_cell import PromptedCell
from misfire.methods.retrieval.templates.by_caption import TemplatesByCaption


@final
@dataclass(frozen=True, eq=False)
class ProfileCell(PromptedCell):
    """A subset's captions, asked with the pooled prompts of some templates at every temperature of a grid.

    Args:
        design: Which queries are asked, and how what comes out is measured.
        templates: What they are asked with.
        pooling: The temperatures.

    Raises:
        UsageError: If the templates learn from hits under one pooling.
    """

    templates: Templates
    pooling: TauGrid

    kind: ClassVar[str] = "profile"
    schema: ClassVar[type] = EnsembleSchema
    has_sides: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if isinstance(self.templates, TemplatesByCaption) and self.templates.learns_from_hits:
            raise UsageError(
                f"a profile must ask templates that are the same at every tau, got templates={self.templates.name}, "
                "which learn from hits under one pooling; run `misfire ensemble` with a single pooling."
            )

    @classmethod
    @override
    def configured(cls, settings: Settings) -> "ProfileCell":
        grid = settings["pooling"]
        if not isinstance(grid, TauGrid):
            raise UsageError("a profile must have a grid of taus, got a single pooling; use pooling=profile.")
        design = QueryDesign.configured(settings, has_sides=cls.has_sides)
        return cls(design, design.templates_for(settings["templates"]), grid)

    @override
    def run(self, lab: Lab) -> Outcome:
        from misfire.methods.retrieval.profile.profile import ProfilePlan, profile_outcome
        from misfire.scoring import MaxPooling

        failure_set, asked = self.asked(lab, self.templates, MaxPooling())
        return profile_outcome(ProfilePlan(asked, self.pooling), self.design.bench(lab), failure_set)

    @classmethod
    @override
    def headline(cls, estimates: Estimates, facts: Mapping[str, Any]) -> str:
        from misfire.methods.retrieval.ensemble.measured import HIT

        k = max(facts["ks"])
        return f"{100 * estimates.at(HIT, k=k, group='best/delta').value:+.1f} pp @{k} at its best"

    @classmethod
    @override
    def tell(cls, logged: Logged) -> str:
        from misfire.methods.retrieval.profile.logged import LoggedProfile
        from misfire.methods.retrieval.profile.words import told

        return told(LoggedProfile(logged))

    @classmethod
    @override
    def report(cls, cells: Sequence[Logged], question: Question) -> ReportPart:
        from misfire.methods.retrieval.profile.report_part import profile_part

        return profile_part(cells)
