"""What a search over ensembles makes large or small, and which queries could still spoil it."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import final

import numpy as np
from jaxtyping import Int
from typing_extensions import override

from misfire.cells import Estimates, Objective
from misfire.core.errors import UsageError
from misfire.methods.retrieval.ensemble.measured import HIT
from misfire.metrics import hit_at_k

Telling = Callable[[Int[np.ndarray, " other"], int], Int[np.ndarray, " telling"]]


def no_other(baseline_ranks: Int[np.ndarray, " other"], k: int) -> Int[np.ndarray, " telling"]:
    """None of the other queries."""
    return np.array([], dtype=np.int64)


def hits_near_the_cut_off_first(baseline_ranks: Int[np.ndarray, " other"], k: int) -> Int[np.ndarray, " telling"]:
    """The plain caption's hits, those first that are likely to be broken."""
    worst_first = np.argsort(-baseline_ranks, kind="stable")
    hits: Int[np.ndarray, " telling"] = worst_first[hit_at_k(baseline_ranks[worst_first], k=k)]
    return hits


def misses_then_hits(baseline_ranks: Int[np.ndarray, " other"], k: int) -> Int[np.ndarray, " telling"]:
    """All other queries: each miss that stays one spoils a net change, and the worst of them nearly all do."""
    worst_first = np.argsort(-baseline_ranks, kind="stable")
    misses = worst_first[~hit_at_k(baseline_ranks[worst_first], k=k)]
    return np.concatenate([misses, hits_near_the_cut_off_first(baseline_ranks, k)])


@final
@dataclass(frozen=True)
class HitObjective(Objective):
    """A number of an ensemble that is never better for a query more that the pooled prompts miss.

    Args:
        telling: Places of the other queries that the number depends on, those first that are likely to spoil it, by
            their ranks under the plain caption and the cut-off.
    """

    telling: Telling = no_other

    @override
    def of(self, estimates: Estimates, *, k: int | None) -> float:
        value = super().of(estimates, k=k)
        if math.isnan(value):
            raise UsageError(
                f"objective {self.name} needs other queries than the subset's, got 0; raise complement.num_queries, "
                "or choose a smaller subset."
            )
        return value


OBJECTIVES: Mapping[str, Objective] = {
    one.name: one
    for one in (
        HitObjective("gain", HIT, "delta", title="gain in hit@{k} (pp)", scale=100.0),
        HitObjective("hits", HIT, "ensembled", title="hit@{k} (%)", scale=100.0),
        HitObjective(
            "broken",
            HIT,
            "complement/broken_share",
            is_maximised=False,
            title="broken elsewhere at {k} (per 100)",
            scale=100.0,
            telling=hits_near_the_cut_off_first,
        ),
        HitObjective(
            "net",
            HIT,
            "all/net",
            title="net change of hit@{k} over all queries (pp)",
            scale=100.0,
            telling=misses_then_hits,
        ),
    )
}
"""By name: gain on the subset; hits there, which compare where backbones differ; what is broken elsewhere; the net."""
