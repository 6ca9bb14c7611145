"""What all kinds of cells that ask queries with several prompts share: a design, what is asked, and their names."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from typing_extensions import override

from misfire.cells import Cell, Lab, Settings
from misfire.core.errors import UsageError
from misfire.failures import FailureSet
from misfire.methods.retrieval.design import QueryDesign, Templates, content_of
from misfire.methods.retrieval.prompted import PromptedQueries
from misfire.scoring import PromptPooling

if TYPE_CHECKING:
    from misfire.cells.cell import Json
    from misfire.methods.retrieval.gap.systems import GapSystems
    from misfire.methods.retrieval.profile.tau_grid import TauGrid

MATCHED = "matched"  # what a cell asks with unless it is told otherwise


@dataclass(frozen=True, eq=False)
class PromptedCell(Cell):
    """Queries of a design, asked with prompts whose scores are pooled.

    A kind adds what it measures of them, and what it says of that.

    Args:
        design: Which queries are asked, and how what comes out is measured.
        templates: What they are asked with.
        pooling: What makes one score out of the prompts' scores.
    """

    design: QueryDesign
    templates: "Templates | GapSystems"
    pooling: "PromptPooling | TauGrid"

    has_sides: ClassVar[bool] = False
    """Whether it can be told to keep to one side of a split of the images."""

    @classmethod
    @override
    def configured(cls, settings: Settings) -> "PromptedCell":
        design = QueryDesign.configured(settings, has_sides=cls.has_sides)
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
        described = self.pooling.describe().items()
        return {
            "subset": self.design.subset.name,
            "templates": self.templates.name,
            **{name: value if isinstance(value, str) else f"{value:g}" for name, value in described},
            **({} if self.design.side is None else {"side": self.design.side.name}),
            "backbone": self.design.encoder.name,
            "dataset": self.design.dataset.name,
            "seed": str(self.design.seed),
        }

    @property
    @override
    def name(self) -> str:
        """Subset, pooling and templates; matched ones, which a cell has unless told otherwise, aren't named."""
        templates = [] if self.templates.name == MATCHED else [self.templates.name]
        return " · ".join([self.design.subset.name, self.pooling.label, *templates])

    @property
    @override
    def marks(self) -> Mapping[str, str]:
        return {
            "oracle": str(self.templates.is_oracle).lower(),
            "failure_mined": str(self.design.subset.is_chosen_by_failing).lower(),
            "backbone_fingerprint": self.design.encoder.fingerprint,
        }

    @property
    @override
    def data(self) -> tuple[str, str]:
        return self.design.dataset.name, self.design.dataset.fingerprint

    def asked(
        self, lab: Lab, templates: Templates, pooling: PromptPooling
    ) -> tuple[FailureSet | None, PromptedQueries]:
        """The queries with their prompts, after a word on prompts that no encoder would take as they are."""
        from misfire.methods.retrieval.templates.lint import warn_of_prompts

        failure_set, asked = self.design.resolve(lab, templates, pooling)
        warn_of_prompts(asked, self.design.encoder)
        return failure_set, asked


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
