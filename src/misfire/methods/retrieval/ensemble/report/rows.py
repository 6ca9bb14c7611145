"""What a report is made from: finished cells as they were stored."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import final

import numpy as np
from jaxtyping import Float

from misfire.core.errors import UsageError
from misfire.methods.retrieval.ensemble.outcome import CellOutcome


@final
@dataclass(frozen=True)
class BootstrapRow:
    """Stored bootstrap of ensembled minus baseline at one k, in fractions.

    Args:
        mean: Mean of the replicates.
        low: Lower end of the percentile interval.
        high: Upper end of the percentile interval.
        p_positive: Share of the replicates above zero.
        confidence: Coverage that the interval aims at.
    """

    mean: float
    low: float
    high: float
    p_positive: float
    confidence: float = 0.95


@final
@dataclass(frozen=True, eq=False)
class CellRow:
    """One finished cell as read back from its records; nothing in a report is computed from anything else.

    Args:
        subset: Which queries, for example ``object_attribute``.
        num_queries: How many they are.
        num_templates: Prompts a query.
        templates: Name of the template set.
        is_oracle: Whether the templates were chosen by gold labels.
        pooling: Name of the pooling.
        tau: Its temperature; None where it has none.
        backbone: Name of the model.
        dataset: Name of the data.
        baseline_hits: For each k, how many queries the plain caption hits.
        ensembled_hits: For each k, how many queries the ensemble hits.
        bootstrap: For each k, the stored bootstrap of the difference.
        replicates: For each k, the difference in every resample, in fractions.
        complement_num_queries: Queries outside the subset that were evaluated, all of them or a sample; 0 if none.
        complement_fixed: For each k, queries outside the subset that only the ensemble hits.
        complement_broken: For each k, queries outside the subset that only the plain caption hits.
        cell_id: Content address of the cell.
        run_url: Where its run can be looked at, if anywhere.
        num_others: Queries outside the subset that the complement stands for; None where the cell didn't say.
        net_of_all: For each k, the estimated net change of the hit rate over all queries, as the cell computed it.
        dataset_notes: What was left out of the data, in sentences.
        outcome: All that the cell stored of its counts and bounds; None for a row of published numbers.

    Raises:
        UsageError: If there is no query or a count doesn't fit among the queries.
    """

    subset: str
    num_queries: int
    num_templates: int
    templates: str
    is_oracle: bool
    pooling: str
    tau: float | None
    backbone: str
    dataset: str
    baseline_hits: Mapping[int, int]
    ensembled_hits: Mapping[int, int]
    bootstrap: Mapping[int, BootstrapRow]
    replicates: Mapping[int, Float[np.ndarray, " replicate"]]
    complement_num_queries: int
    complement_fixed: Mapping[int, int]
    complement_broken: Mapping[int, int]
    cell_id: str
    run_url: str | None
    num_others: int | None = None
    net_of_all: Mapping[int, float] = field(default_factory=dict)
    dataset_notes: tuple[str, ...] = ()
    outcome: CellOutcome | None = None

    def __post_init__(self) -> None:
        if self.baseline_hits.keys() != self.ensembled_hits.keys() or not self.baseline_hits:
            raise UsageError(
                f"cell {self.cell_id} must hold hits of both systems at the same k, got "
                f"{sorted(self.baseline_hits)} and {sorted(self.ensembled_hits)}; run the cell again."
            )
        counts = (*self.baseline_hits.values(), *self.ensembled_hits.values())
        if self.num_queries < 1 or min(counts) < 0 or max(counts) > self.num_queries:
            raise UsageError(
                f"cell {self.cell_id} must count its hits among num_queries >= 1, got {list(counts)} of "
                f"{self.num_queries}; run the cell again."
            )

    @property
    def ks(self) -> tuple[int, ...]:
        """Cut-offs, ascending."""
        return tuple(sorted(self.baseline_hits))

    def gained_hits(self, k: int) -> int:
        """Net count of queries that the ensemble gains at ``k``; negative where it loses."""
        return self.ensembled_hits[k] - self.baseline_hits[k]

    def delta(self, k: int) -> float:
        """Gain in the hit rate at ``k``, a fraction; printed as percentage points."""
        return self.gained_hits(k) / self.num_queries


def bootstrap_row(outcome: CellOutcome, k: int) -> BootstrapRow:
    """The stored bootstrap of a cell at one k."""
    gain = outcome.at(k).gain
    return BootstrapRow(gain.mean, gain.low, gain.high, gain.p_positive, outcome.confidence)


def cell_row(
    outcome: CellOutcome, replicates: Mapping[int, Float[np.ndarray, " replicate"]], *, run_url: str | None
) -> CellRow:
    """A finished cell as a row.

    Args:
        outcome: What was stored of it.
        replicates: For each k, the difference in every resample, in fractions.
        run_url: Where its run can be looked at, if anywhere.
    """
    cutoffs = {cutoff.k: cutoff for cutoff in outcome.cutoffs}
    return CellRow(
        subset=outcome.subset,
        num_queries=outcome.num_queries,
        num_templates=outcome.num_templates,
        templates=outcome.templates,
        is_oracle=outcome.is_oracle,
        pooling=outcome.pooling,
        tau=outcome.tau,
        backbone=outcome.backbone,
        dataset=outcome.dataset,
        baseline_hits={k: cutoff.baseline_hits for k, cutoff in cutoffs.items()},
        ensembled_hits={k: cutoff.ensembled_hits for k, cutoff in cutoffs.items()},
        bootstrap={k: bootstrap_row(outcome, k) for k in cutoffs},
        replicates=replicates,
        complement_num_queries=outcome.cutoffs[0].complement.num_queries,
        complement_fixed={k: cutoff.complement.fixed for k, cutoff in cutoffs.items()},
        complement_broken={k: cutoff.complement.broken for k, cutoff in cutoffs.items()},
        cell_id=outcome.cell_id,
        run_url=run_url,
        num_others=outcome.num_others,
        net_of_all={k: cutoff.net_of_all(outcome.num_others) for k, cutoff in cutoffs.items()},
        dataset_notes=outcome.dataset_notes,
        outcome=outcome,
    )
