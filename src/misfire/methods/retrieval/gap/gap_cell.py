"""The kind of cell that says what gold labels are worth, and what is left of it without them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, final

from typing_extensions import override

from misfire.cells import Estimates, Lab, Logged, Outcome, Question, ReportPart, Settings
from misfire.core.errors import UsageError
from misfire.failures import AllFailures
from misfire.methods.retrieval.design import DesignSchema, QueryDesign
from misfire.methods.retrieval.gap.systems import GapSystems
from misfire.methods.retrieval.prompted_cell import PromptedCell, one_pooling
from misfire.scoring import PromptPooling


@final
@dataclass(frozen=True, eq=False)
class GapCell(PromptedCell):
    """Templates chosen by gold labels, by predicted categories, by a gate behind them, for all alike, and not at all.

    Args:
        design: Whose failures are asked, beside which others, and how what comes out is measured.
        templates: What is compared.
        pooling: What makes one score out of the prompts' scores.

    Raises:
        UsageError: If no other query would be asked.
    """

    templates: GapSystems
    pooling: PromptPooling

    kind: ClassVar[str] = "gap"
    schema: ClassVar[type] = DesignSchema

    def __post_init__(self) -> None:
        num_others = self.design.num_others
        if num_others is not None and num_others < 2:
            raise UsageError(
                f"an oracle gap needs other queries, got complement.num_queries={num_others}; 2000 is a good sample, "
                "all is exact."
            )

    @classmethod
    @override
    def configured(cls, settings: Settings) -> "GapCell":
        systems = settings["templates"]
        if not isinstance(systems, GapSystems):
            raise UsageError(
                f"misfire gap must be given what it compares, got templates={getattr(systems, 'name', 'matched')}; "
                "leave templates out, or name a file like conf/templates/gap.yaml."
            )
        for one in (*systems.sets.values(), systems.generic):
            one.check_asks_about("caption")
        return cls(QueryDesign.configured(settings, subset=AllFailures()), systems, one_pooling(settings))

    @override
    def label(self) -> Mapping[str, str]:
        return {
            "pooling": self.pooling.label,
            "systems": str(self.templates.num_compared),
            "backbone": self.design.encoder.name,
            "dataset": self.design.dataset.name,
            "seed": str(self.design.seed),
        }

    @property
    @override
    def name(self) -> str:
        return f"oracle gap · {self.pooling.label}"

    @override
    def run(self, lab: Lab) -> Outcome:
        from misfire.methods.retrieval.gap.oracle_gap import GapPlan, gap_outcome

        design = self.design
        return gap_outcome(
            GapPlan(
                bench=design.bench(lab),
                failure_set=design.failure_set(lab),
                systems=self.templates,
                pooling=self.pooling,
                ks=design.ks,
                statistics=design.statistics,
                num_others=design.num_others,
                seed=design.seed,
            )
        )

    @classmethod
    @override
    def headline(cls, estimates: Estimates, facts: Mapping[str, Any]) -> str:
        from misfire.methods.retrieval.ensemble.measured import HIT
        from misfire.methods.retrieval.gap.logged import ORACLE

        k = max(facts["ks"])
        return f"oracle {100 * estimates.at(HIT, k=k, group=f'{ORACLE}/net').value:+.1f} pp @{k}"

    @classmethod
    @override
    def tell(cls, logged: Logged) -> str:
        from misfire.methods.retrieval.gap.logged import LoggedGap
        from misfire.methods.retrieval.gap.words import told

        return told(LoggedGap(logged))

    @classmethod
    @override
    def report(cls, cells: Sequence[Logged], question: Question) -> ReportPart:
        from misfire.methods.retrieval.gap.report_part import gap_part

        return gap_part(cells)
