"""Which ways of choosing templates the oracle gap compares."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, final

from typing_extensions import override

from misfire.core.errors import UsageError
from misfire.methods.retrieval.templates.margin_gate import MarginGate
from misfire.methods.retrieval.templates.routers import CategoryRouter
from misfire.prompts import TemplateChoice, TemplateSet


@final
@dataclass(frozen=True)
class GapSystems(TemplateChoice):
    """Template sets by category, the set that serves all captions alike, the routers, and the gate behind them.

    Args:
        sets: Template sets by category, in lower case.
        generic: Templates that need no category.
        routers: Each predicts categories, and is shown ungated and gated.
        gate: Where to apply what a router chose.
        name: What it is called in a configuration.

    Raises:
        UsageError: If there is no set or no router, or two routers have one label.
    """

    sets: Mapping[str, TemplateSet]
    generic: TemplateSet
    routers: Sequence[CategoryRouter]
    gate: MarginGate
    name: str = "gap"
    is_oracle: ClassVar[bool] = True

    def __post_init__(self) -> None:
        labels = [router.label for router in self.routers]
        if not self.sets or not labels or len(set(labels)) < len(labels):
            raise UsageError(
                f"an oracle gap needs template sets and different routers, got {len(self.sets)} sets and "
                f"{', '.join(labels) or 'no router'}; see conf/templates/gap.yaml."
            )

    @property
    def num_compared(self) -> int:
        """How many systems are held against the plain caption, and as many against the oracle."""
        return 2 + 2 * len(self.routers)  # the generic set and the oracle; each router free and gated

    @override
    def for_categories(self, categories: Sequence[str]) -> TemplateSet:
        raise UsageError(
            "templates=gap must be compared as a whole, got a cell that wants one set; run misfire gap, or choose "
            "templates=predicted."
        )
