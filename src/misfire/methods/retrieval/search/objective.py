"""What a search makes large or small: numbers of one cell on dev queries."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar, Literal, final

import numpy as np
from jaxtyping import Int
from typing_extensions import override

from misfire.core.errors import UsageError
from misfire.methods.retrieval.ensemble.outcome import CellOutcome
from misfire.methods.retrieval.flips import Flips, net_of_all
from misfire.metrics import hit_at_k

Direction = Literal["maximize", "minimize"]


@dataclass(frozen=True)
class Objective(ABC):
    """A number of a cell at one cut-off; it is never better for a query more that the pooled prompts miss.

    Args:
        k: The cut-off.
    """

    k: int
    name: ClassVar[str]
    is_maximised: ClassVar[bool]

    @property
    def direction(self) -> Direction:
        """``maximize`` or ``minimize``."""
        return "maximize" if self.is_maximised else "minimize"

    @property
    @abstractmethod
    def title(self) -> str:
        """What it is, with its unit, for tables and axes."""

    def __call__(self, outcome: CellOutcome) -> float:
        """The number of a finished cell."""
        cutoff = outcome.at(self.k)
        return self.of(cutoff.subset, cutoff.complement, outcome.num_others)

    @abstractmethod
    def of(self, subset: Flips, others: Flips, num_others: int) -> float:
        """The number of a cell's two ledgers at the cut-off.

        Args:
            subset: Flips on the subset.
            others: Flips on the sample of other queries.
            num_others: How many queries that was sampled from.
        """

    def telling(self, baseline_ranks: Int[np.ndarray, " other"]) -> Int[np.ndarray, " telling"]:
        """Places of the other queries that the number depends on, those first that are likely to spoil it; none.

        Args:
            baseline_ranks: Rank of each other query's target under the plain caption.
        """
        return np.array([], dtype=np.int64)


@final
@dataclass(frozen=True)
class GainObjective(Objective):
    """Gain in hit@k on the subset, in percentage points."""

    name: ClassVar[str] = "gain"
    is_maximised: ClassVar[bool] = True

    @property
    @override
    def title(self) -> str:
        return f"gain in hit@{self.k} (pp)"

    @override
    def of(self, subset: Flips, others: Flips, num_others: int) -> float:
        return 100 * subset.net_fraction


@final
@dataclass(frozen=True)
class HitsObjective(Objective):
    """Share of the subset's queries hit by the pooled prompts, in percent; comparable where backbones differ."""

    name: ClassVar[str] = "hits"
    is_maximised: ClassVar[bool] = True

    @property
    @override
    def title(self) -> str:
        return f"hit@{self.k} (%)"

    @override
    def of(self, subset: Flips, others: Flips, num_others: int) -> float:
        return 100 * (subset.still_right + subset.fixed) / subset.num_queries


@final
@dataclass(frozen=True)
class BrokenObjective(Objective):
    """Queries outside the subset that the plain caption hits and the pooled prompts miss, per 100 of those asked."""

    name: ClassVar[str] = "broken"
    is_maximised: ClassVar[bool] = False

    @property
    @override
    def title(self) -> str:
        return f"broken elsewhere at {self.k} (per 100)"

    @override
    def of(self, subset: Flips, others: Flips, num_others: int) -> float:
        return 100 * _asked(others, self).broken / others.num_queries

    @override
    def telling(self, baseline_ranks: Int[np.ndarray, " other"]) -> Int[np.ndarray, " telling"]:
        return _hits_near_the_cut_off_first(baseline_ranks, self.k)


@final
@dataclass(frozen=True)
class NetObjective(Objective):
    """Estimated net change of hit@k over all queries of the side, in percentage points."""

    name: ClassVar[str] = "net"
    is_maximised: ClassVar[bool] = True

    @property
    @override
    def title(self) -> str:
        return f"net change of hit@{self.k} over all queries (pp)"

    @override
    def of(self, subset: Flips, others: Flips, num_others: int) -> float:
        if num_others:
            _asked(others, self)
        return 100 * net_of_all(subset, others, num_others)

    @override
    def telling(self, baseline_ranks: Int[np.ndarray, " other"]) -> Int[np.ndarray, " telling"]:
        # Each miss that stays one spoils it, and the worst of them nearly all do; of hits few are lost.
        worst_first = np.argsort(-baseline_ranks, kind="stable")
        misses = worst_first[~hit_at_k(baseline_ranks[worst_first], k=self.k)]
        return np.concatenate([misses, _hits_near_the_cut_off_first(baseline_ranks, self.k)])


_KINDS: dict[str, type[Objective]] = {
    kind.name: kind for kind in (GainObjective, HitsObjective, BrokenObjective, NetObjective)
}


def objective_named(name: str, *, k: int) -> Objective:
    """The objective of a name.

    Raises:
        UsageError: If there is none.

    Example:
        >>> objective_named("broken", k=10).direction
        'minimize'
    """
    if name not in _KINDS:
        raise UsageError(f"an objective must be one of {', '.join(_KINDS)}, got {name}; choose one.")
    return _KINDS[name](k)


def _hits_near_the_cut_off_first(ranks: Int[np.ndarray, " other"], k: int) -> Int[np.ndarray, " hit"]:
    worst_first = np.argsort(-ranks, kind="stable")
    hits: Int[np.ndarray, " hit"] = worst_first[hit_at_k(ranks[worst_first], k=k)]
    return hits


def _asked(others: Flips, objective: Objective) -> Flips:
    if not others.num_queries:
        raise UsageError(
            f"objective {objective.name} needs other queries than the subset's, got 0; raise complement.num_queries, "
            "or choose a smaller subset."
        )
    return others
