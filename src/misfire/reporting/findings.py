"""What a report says beyond its cells' own numbers: their comparison, pictures of flips, profiles of tau."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import final

from misfire.evaluation import OracleGap, TauProfile
from misfire.evaluation.comparison import ComparedCell
from misfire.reporting.flip_gallery import FlipGallery


@final
@dataclass(frozen=True)
class Findings:
    """What was computed over all cells before the report is written.

    Args:
        k: Cut-off of the decision.
        compared: The comparison of each cell, by cell id.
        galleries: Pictures of what cells fixed and broke; none where the pictures can't be had.
        profiles: Hit rates against tau, where the experiment has them.
        gaps: What gold labels are worth, where the experiment has measured it.
    """

    k: int
    compared: Mapping[str, ComparedCell]
    galleries: tuple[FlipGallery, ...] = ()
    profiles: tuple[TauProfile, ...] = ()
    gaps: tuple[OracleGap, ...] = ()
