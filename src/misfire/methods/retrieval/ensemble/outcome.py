"""What came out of a cell: counts and intervals at each cut-off, and the evidence behind them."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, TypeVar

import numpy as np
import pandas as pd
from jaxtyping import Float

from misfire.methods.retrieval.baseline.ceilings import HitBounds
from misfire.methods.retrieval.ensemble.confirmation import Confirmation
from misfire.methods.retrieval.ensemble.label_noise import NoisyGain
from misfire.methods.retrieval.ensemble.ledger import NetChange, TemplateFlips
from misfire.methods.retrieval.ensemble.placebo import PlaceboBand
from misfire.methods.retrieval.flips import Flips, net_of_all

MATCHED = "matched"
"""What the templates of a cell are called that its subset's gold categories choose."""

Part = TypeVar("Part")


@dataclass(frozen=True)
class Gain:
    """Bootstrap of the paired difference of hit rates, as fractions."""

    mean: float
    low: float
    high: float
    p_positive: float


@dataclass(frozen=True)
class CutoffOutcome:
    """A cell at one cut-off k: the subset's flips and interval, and what the same mend does to the other queries.

    What follows ``complement`` is the evidence for and against the gain; a cell of an earlier version has none of it.

    Args:
        k: The cut-off.
        subset: Flips on the queries in question.
        gain: Bootstrap of the gain on them.
        complement: Flips on the sample of other queries.
        net: Estimated change over all queries, with its interval; None where other queries were not asked.
        by_category: The subset's flips apart by category of failure; they add up to ``subset`` where all are labelled.
        by_template: What each single template alone would have fixed and broken, in the templates' order.
        placebos: What systems of equal quality show on a subset chosen this way, beside the gain.
        baseline_bounds: How far the plain caption's hits on the subset hang on ties and on rounding.
        ensembled_bounds: The same for the pooled prompts.
        ceiling: Best expected hit rate of the subset's texts alone (see ``hit_ceiling``); a fraction.
        without_ambiguous: The subset's flips without the queries labelled Ambiguous; None where none is. It must be
            shown with ``subset``, its strict twin, or not at all.
        confirmation: The same mend on the half of the images that wasn't mined; None without such a split.
        label_noise: The gain's interval with the doubt about labels carried on; None where the doubt isn't known.
    """

    k: int
    subset: Flips
    gain: Gain
    complement: Flips
    net: NetChange | None = None
    by_category: Mapping[str, Flips] = field(default_factory=dict)
    by_template: tuple[TemplateFlips, ...] = ()
    placebos: tuple[PlaceboBand, ...] = ()
    baseline_bounds: HitBounds | None = None
    ensembled_bounds: HitBounds | None = None
    ceiling: float | None = None
    without_ambiguous: Flips | None = None
    confirmation: Confirmation | None = None
    label_noise: NoisyGain | None = None

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
        return net_of_all(self.subset, self.complement, num_others)

    def placebo(self, kind: str) -> PlaceboBand | None:
        """The placebo band of a kind (``noise``, ``paraphrase``), if there is one."""
        return next((band for band in self.placebos if band.kind == kind), None)

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "CutoffOutcome":
        """Read what ``asdict`` wrote, of this version or an earlier one."""
        return cls(
            k=value["k"],
            subset=Flips(**value["subset"]),
            gain=Gain(**value["gain"]),
            complement=Flips(**value["complement"]),
            net=_read(NetChange, value.get("net")),
            by_category={name: Flips(**flips) for name, flips in value.get("by_category", {}).items()},
            by_template=tuple(map(TemplateFlips.from_json, value.get("by_template", ()))),
            placebos=tuple(PlaceboBand(**band) for band in value.get("placebos", ())),
            baseline_bounds=_read(HitBounds, value.get("baseline_bounds")),
            ensembled_bounds=_read(HitBounds, value.get("ensembled_bounds")),
            ceiling=value.get("ceiling"),
            without_ambiguous=_read(Flips, value.get("without_ambiguous")),
            confirmation=_confirmation(value.get("confirmation")),
            label_noise=_read(NoisyGain, value.get("label_noise")),
        )


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
        """What differs between cells: ``object · logmeanexp tau=1``, ``object · mean · predicted``."""
        return label_of_cell(self.subset, self.pooling_label, self.templates)

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
        cutoffs = tuple(map(CutoffOutcome.from_json, value["cutoffs"]))
        return cls(**{**value, "cutoffs": cutoffs, "dataset_notes": tuple(value.get("dataset_notes", ()))})


def _confirmation(value: Mapping[str, Any] | None) -> Confirmation | None:
    return None if value is None else Confirmation.from_json(value)


def _read(kind: type[Part], value: Mapping[str, Any] | None) -> Part | None:
    return None if value is None else kind(**value)


@dataclass(frozen=True)
class CellResult:
    """An outcome with its evidence: one record a query, and the bootstrap replicates a cut-off (fractions)."""

    outcome: CellOutcome
    records: pd.DataFrame
    replicates: Mapping[int, Float[np.ndarray, " replicate"]]


def label_of_cell(subset: str, pooling: str, templates: str) -> str:
    """Subset, pooling and templates; matched ones, which a cell has unless it is told otherwise, aren't named."""
    return " · ".join([subset, pooling, *([] if templates == MATCHED else [templates])])


def run_name(outcome: CellOutcome) -> str:
    """What differs between cells and what came out, in one line: ``object · logmeanexp tau=1 · +4.8 pp @5``."""
    headline = outcome.cutoffs[min(1, len(outcome.cutoffs) - 1)]
    return f"{outcome.label} · {100 * headline.delta:+.1f} pp @{headline.k}"
