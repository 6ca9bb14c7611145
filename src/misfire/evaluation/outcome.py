"""What came out of a cell: counts and intervals at each cut-off, and the evidence behind them."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Float

from misfire.evaluation.flips import Flips


@dataclass(frozen=True)
class Gain:
    """Bootstrap of the paired difference of hit rates, as fractions."""

    mean: float
    low: float
    high: float
    p_positive: float


@dataclass(frozen=True)
class CutoffOutcome:
    """A cell at one cut-off k: the subset's flips and interval, and what the same mend does to the other queries."""

    k: int
    subset: Flips
    gain: Gain
    complement: Flips

    @property
    def baseline_hits(self) -> int:
        """Queries of the subset that the plain caption hits."""
        return self.subset.still_right + self.subset.broken

    @property
    def ensembled_hits(self) -> int:
        """Queries of the subset that the pooled prompts hit."""
        return self.subset.still_right + self.subset.fixed

    @property
    def delta(self) -> float:
        """Gain on the subset, as a fraction."""
        return self.subset.net_fraction

    def net_of_all(self, num_others: int) -> float:
        """Estimated net change over all queries, as a fraction: the subset's flips and the complement's, scaled up.

        Args:
            num_others: How many queries the complement was sampled from.
        """
        others = self.complement.net_fraction * num_others if num_others else 0.0
        return (self.subset.net + others) / (self.subset.num_queries + num_others)


@dataclass(frozen=True)
class CellOutcome:
    """A finished cell: what it was, and its outcome at each cut-off. Fractions and counts; percent is for printers.

    ``failure_counts`` is the category distribution of the failure set that the subset came from; empty without one.
    ``num_others`` is how many queries the complement was drawn from, ``dataset_notes`` what was left out of the data.
    """

    cell_id: str
    subset: str
    how_chosen: str
    is_failure_mined: bool
    templates: str
    num_templates: int
    is_oracle: bool
    pooling: str
    tau: float | None
    backbone: str
    backbone_fingerprint: str
    dataset: str
    dataset_fingerprint: str
    num_others: int
    confidence: float
    failure_counts: Mapping[str, int]
    cutoffs: tuple[CutoffOutcome, ...]
    dataset_notes: tuple[str, ...] = ()

    @property
    def num_queries(self) -> int:
        """Queries of the subset."""
        return self.cutoffs[0].subset.num_queries

    @property
    def label(self) -> str:
        """What differs between cells: ``object · logmeanexp tau=1``."""
        return f"{self.subset} · {self.pooling_label}"

    @property
    def pooling_label(self) -> str:
        """The pooling with its temperature, if it has one: ``logmeanexp tau=1``."""
        return self.pooling if self.tau is None else f"{self.pooling} tau={self.tau:g}"

    def at(self, k: int) -> CutoffOutcome:
        """The outcome at cut-off ``k``.

        Raises:
            KeyError: If the cell was not evaluated there.
        """
        found = {cutoff.k: cutoff for cutoff in self.cutoffs}
        return found[k]

    def to_json(self) -> dict[str, Any]:
        """A JSON value that ``from_json`` reads back."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "CellOutcome":
        """Read what ``to_json`` wrote."""
        cutoffs = tuple(
            CutoffOutcome(
                k=cutoff["k"],
                subset=Flips(**cutoff["subset"]),
                gain=Gain(**cutoff["gain"]),
                complement=Flips(**cutoff["complement"]),
            )
            for cutoff in value["cutoffs"]
        )
        return cls(**{**value, "cutoffs": cutoffs, "dataset_notes": tuple(value.get("dataset_notes", ()))})


@dataclass(frozen=True)
class CellResult:
    """An outcome with its evidence: one record a query, and the bootstrap replicates a cut-off (fractions)."""

    outcome: CellOutcome
    records: pd.DataFrame
    replicates: Mapping[int, Float[np.ndarray, " replicate"]]


def run_name(outcome: CellOutcome) -> str:
    """What differs between cells and what came out, in one line: ``object · logmeanexp tau=1 · +4.8 pp @5``."""
    headline = outcome.cutoffs[min(1, len(outcome.cutoffs) - 1)]
    return f"{outcome.label} · {100 * headline.delta:+.1f} pp @{headline.k}"
