"""Whether a cell can still be among the best of a search: bounds on its objectives after a part of its queries.

An objective is never better for a query more that is missed. So its value lies between the one it would have if every
query that wasn't asked yet were missed and the one if every such query were hit: a cell whose best case is beaten is
beaten, whatever else it would be asked.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from jaxtyping import Bool, Int

from misfire.cells.lab import Workbench
from misfire.cells.pareto import beats
from misfire.core.errors import UsageError
from misfire.methods.retrieval.baseline.baseline import ids_of
from misfire.methods.retrieval.ensemble.cell import Cell
from misfire.methods.retrieval.ensemble.ensembling import plain_side, targets_of
from misfire.methods.retrieval.flips import flips_of_hits
from misfire.methods.retrieval.search.objective import Objective
from misfire.metrics import hit_at_k
from misfire.scoring import ensemble_outcomes, ensemble_top_items

Values = tuple[float, ...]

_AT_ONCE = 250
# Products of other shapes gave cosines that differ by 2e-7: what trails by less than this may be a hit in a whole run.
_ROUNDING = 2.0**-20


@dataclass(frozen=True)
class Bounds:
    """Between which values the objectives of a cell lie, whatever becomes of the queries that weren't asked.

    Args:
        best: If each of them is hit; one number an objective.
        worst: If each of them is missed.
    """

    best: Values
    worst: Values


@dataclass(frozen=True, eq=False)
class PrunedCell:
    """A cell that was cut short: a finished one beats its best case.

    Args:
        cell: What was to be run.
        bound: The best values that it may still have; exact where they don't depend on queries that weren't asked.
        rival: Values of the finished cell: at least as good in all objectives, and better in one.
        num_asked: How many of its other queries were asked, beside the whole subset.
        records: The subset's queries, as a whole run records them: ``query_id``, ``image_id``, ``part``,
            ``baseline_rank``, ``ensembled_rank``.
    """

    cell: Cell
    bound: Values
    rival: Values
    num_asked: int
    records: pd.DataFrame

    @property
    def pooling_label(self) -> str:
        """The pooling with its temperature, if it has one: ``logmeanexp tau=1``."""
        description = self.cell.pooling.describe()
        tau = f" tau={float(description['tau']):g}" if "tau" in description else ""
        return f"{description['pooling']}{tau}"


def bounds_of(
    objectives: Sequence[Objective],
    *,
    before: Bool[np.ndarray, " query"],
    after: Bool[np.ndarray, " query"],
    is_asked: Bool[np.ndarray, " query"],
    num_subset: int,
    num_others: int,
) -> Bounds:
    """Between which values a cell's objectives lie when only some of its queries were asked; equal when all were.

    Args:
        objectives: What is bounded.
        before: The plain caption's hits, the subset's queries first.
        after: The pooled prompts' hits; what stands at a query that wasn't asked isn't read.
        is_asked: Which queries were asked.
        num_subset: How many of the queries are the subset's.
        num_others: How many queries the others are a sample of.

    Example:
        >>> from misfire.methods.retrieval.search.objective import objective_named
        >>> goals = [objective_named(name, k=1) for name in ("gain", "broken")]
        >>> before, after = np.array([False, False, True, True]), np.array([True, False, False, False])
        >>> asked = np.array([True, True, True, False])
        >>> bounds_of(goals, before=before, after=after, is_asked=asked, num_subset=2, num_others=9)
        Bounds(best=(50.0, 50.0), worst=(50.0, 100.0))
    """

    def values(hits: Bool[np.ndarray, " query"]) -> Values:
        subset, others = (
            flips_of_hits(before[part], hits[part]) for part in (slice(num_subset), slice(num_subset, None))
        )
        return tuple(objective.of(subset, others, num_others) for objective in objectives)

    return Bounds(best=values(after | ~is_asked), worst=values(after & is_asked))


def prune(cell: Cell, bench: Workbench, objectives: Sequence[Objective], rivals: Sequence[Values]) -> PrunedCell | None:
    """The cell, cut short as soon as a rival beats its best case; ``None`` where none does.

    The subset is asked first and whole, then, some at a time, those other queries that the objectives depend on. What
    comes out follows from the arguments alone. A cell that isn't cut short isn't beaten, unless by a hit that hangs on
    the last bits of its scores.

    Args:
        cell: What is asked.
        bench: Where its embeddings come from.
        objectives: What is made large or small, all at one cut-off.
        rivals: Values of finished cells, one number an objective.

    Raises:
        UsageError: If the objectives have different cut-offs, or need other queries and the cell has none.
    """
    ks = sorted({objective.k for objective in objectives})
    if len(ks) != 1:
        raise UsageError(f"a bound must be at one cut-off, got objectives at {ks}; decide by one of them.")
    is_maximised = [objective.is_maximised for objective in objectives]
    asking = _Asking(cell, bench, ks[0])
    for part in _parts(asking, objectives) if rivals else ():
        asking.ask(part)
        bounds = asking.bounds(objectives)
        for rival in rivals:
            if beats(rival, bounds.best, is_maximised=is_maximised):
                return PrunedCell(cell, bounds.best, tuple(rival), asking.num_others_asked, asking.subset_records())
        if not any(beats(rival, bounds.worst, is_maximised=is_maximised) for rival in rivals):
            return None  # asking more decides nothing
    return None


def bound_sentence(pruned: PrunedCell, objectives: Sequence[Objective]) -> str:
    """Why a cell was cut short: ``gain at most 0.00, broken at least 0.35, beaten by gain 1.03, broken 0.25``."""
    limits = ("at most" if objective.is_maximised else "at least" for objective in objectives)
    names = [objective.name for objective in objectives]
    bound = [f"{name} {limit} {value:z.2f}" for name, limit, value in zip(names, limits, pruned.bound, strict=True)]
    rival = [f"{name} {value:z.2f}" for name, value in zip(names, pruned.rival, strict=True)]
    return f"{', '.join(bound)}, beaten by {', '.join(rival)}"


def _parts(asking: "_Asking", objectives: Sequence[Objective]) -> Iterator[Int[np.ndarray, " part"]]:
    yield np.arange(asking.num_subset)
    others = np.concatenate([objective.telling(asking.other_baseline_ranks) for objective in objectives])
    telling = asking.num_subset + np.array(list(dict.fromkeys(others.tolist())), dtype=np.int64)
    for start in range(0, len(telling), _AT_ONCE):
        yield telling[start : start + _AT_ONCE]


class _Asking:
    """A cell of whose queries a part has been asked."""

    def __init__(self, cell: Cell, bench: Workbench, k: int) -> None:
        self.num_subset = len(cell.subset)
        self._cell, self._bench, self._k = cell, bench, k
        self._baseline_ranks = plain_side(cell, bench).ranks
        self._ranks = np.zeros(len(cell.queries), dtype=np.int64)
        self._is_asked = np.zeros(len(cell.queries), dtype=bool)
        self._may_hit = np.zeros(len(cell.queries), dtype=bool)

    @property
    def other_baseline_ranks(self) -> Int[np.ndarray, " other"]:
        return self._baseline_ranks[self.num_subset :]

    @property
    def num_others_asked(self) -> int:
        return int(self._is_asked[self.num_subset :].sum())

    def ask(self, part: Int[np.ndarray, " part"]) -> None:
        """Rank the targets of the queries at these places by their pooled prompts."""
        prompts = self._bench.prompts([self._cell.prompts[place] for place in part.tolist()])
        targets = targets_of(self._cell, self._bench)[torch.from_numpy(part)]
        outcomes = ensemble_outcomes(prompts, self._bench.gallery, targets, self._cell.pooling)
        may_hit = torch.from_numpy(hit_at_k(outcomes.ranks.rank, k=self._k))
        missed = (~may_hit).nonzero()[:, 0]
        if len(missed):
            top = ensemble_top_items(prompts[missed], self._bench.gallery, self._cell.pooling, k=self._k)
            may_hit[missed] = outcomes.target_score[missed] >= top.score[:, -1] - _ROUNDING
        # A query that is asked with its caption alone is the baseline, to the last tie.
        is_plain, baseline = self._cell.is_plain[part], self._baseline_ranks[part]
        self._ranks[part] = np.where(is_plain, baseline, outcomes.ranks.rank.numpy())
        self._may_hit[part] = np.where(is_plain, hit_at_k(baseline, k=self._k), may_hit.numpy())
        self._is_asked[part] = True

    def bounds(self, objectives: Sequence[Objective]) -> Bounds:
        return bounds_of(
            objectives,
            before=hit_at_k(self._baseline_ranks, k=self._k),
            after=self._may_hit,
            is_asked=self._is_asked,
            num_subset=self.num_subset,
            num_others=self._cell.others,
        )

    def subset_records(self) -> pd.DataFrame:
        cell, subset = self._cell, slice(self.num_subset)
        captions = [cell.dataset.captions[position] for position in cell.subset.positions]
        return pd.DataFrame(
            {
                "query_id": ids_of(captions),
                "image_id": [caption.image_id for caption in captions],
                "part": "subset",
                "baseline_rank": self._baseline_ranks[subset],
                "ensembled_rank": self._ranks[subset],
            }
        )
