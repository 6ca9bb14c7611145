"""What a report says beyond its cells' own numbers: their comparison, pictures of flips, and what else was measured."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import final

from misfire.methods.retrieval.attribution.outcome import TemplateAttribution
from misfire.methods.retrieval.ensemble.comparison import ComparedCell
from misfire.methods.retrieval.gap.outcome import OracleGap
from misfire.methods.retrieval.profile.outcome import TauProfile
from misfire.reporting.gallery import Gallery


@final
@dataclass(frozen=True)
class Findings:
    """What was computed over an experiment before its report is written.

    Args:
        k: Cut-off of the decision.
        compared: The comparison of each cell, by cell id; none without cells.
        galleries: Pictures of what cells fixed and broke; none where the pictures can't be had.
        profiles: Hit rates against tau, where the experiment has them.
        gaps: What gold labels are worth, where the experiment has measured it.
        attributions: Which templates a gain comes from, where the experiment has measured it.
    """

    k: int
    compared: Mapping[str, ComparedCell] = field(default_factory=dict)
    galleries: tuple[Gallery, ...] = ()
    profiles: tuple[TauProfile, ...] = ()
    gaps: tuple[OracleGap, ...] = ()
    attributions: tuple[TemplateAttribution, ...] = ()

    @property
    def num_further(self) -> int:
        """How many things beside cells were measured."""
        return len(self.profiles) + len(self.gaps) + len(self.attributions)

    @property
    def further_on(self) -> list[tuple[str, str]]:
        """Model and data of each of these."""
        return [
            *((one.backbone, one.dataset) for one in self.profiles),
            *((one.backbone, one.dataset) for one in self.gaps),
            *((one.backbone, one.dataset) for one in self.attributions),
        ]
