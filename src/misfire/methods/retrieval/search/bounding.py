"""Whether an ensemble can still be among the best of a search: bounds on its objectives after a part of its queries.

An objective is never better for a query more that is missed. So its value lies between the one it would have if every
query that wasn't asked yet were missed and the one if every such query were hit: a cell whose best case is beaten is
beaten, whatever else it would be asked.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd
import torch
from jaxtyping import Bool, Int

from misfire.cells import Estimate, Estimates, Flips, Objective, Outcome, Rival, Workbench
from misfire.cells.pareto import beats
from misfire.methods.retrieval.baseline.baseline import ids_of
from misfire.methods.retrieval.ensemble.ensembling import plain_side, targets_of
from misfire.methods.retrieval.ensemble.measured import HIT, SUBSET, broken_elsewhere
from misfire.methods.retrieval.flips import net_of_all
from misfire.methods.retrieval.prompted import PromptedQueries
from misfire.methods.retrieval.search.objectives import HitObjective
from misfire.metrics import hit_at_k
from misfire.scoring import ensemble_outcomes, ensemble_top_items

_AT_ONCE = 250
# Products of other shapes gave cosines that differ by 2e-7: what trails by less than this may be a hit in a whole run.
_ROUNDING = 2.0**-20


def bound_outcome(
    cell: PromptedQueries, bench: Workbench, objectives: Sequence[Objective], rivals: Sequence[Rival], *, k: int
) -> Outcome | None:
    """The best that a cell can still be, as soon as a rival beats that; None where none does.

    The subset is asked first and whole, then, some at a time, those other queries that the objectives depend on. What
    comes out follows from the arguments alone. A cell without such an outcome isn't beaten, unless by a hit that hangs
    on the last bits of its scores.

    Args:
        cell: What is asked.
        bench: Where its embeddings come from.
        objectives: What is made large or small.
        rivals: Values of finished cells, one number an objective.
        k: Cut-off at which the search decides.

    Returns:
        Estimates of the best case, exact where they don't depend on queries that weren't asked; and the subset's
        records, as a whole run records them.
    """
    is_maximised = [objective.is_maximised for objective in objectives]
    asking = _Asking(cell, bench, k)
    for part in _parts(asking, objectives) if rivals else ():
        asking.ask(part)
        best, worst = asking.best_and_worst()
        may_be, must_be = (tuple(one.of(case, k=k) for one in objectives) for case in (best, worst))
        if any(beats(rival, may_be, is_maximised=is_maximised) for rival in rivals):
            return _outcome(asking, best)
        if not any(beats(rival, must_be, is_maximised=is_maximised) for rival in rivals):
            return None  # asking more decides nothing
    return None


def best_and_worst(
    *,
    before: Bool[np.ndarray, " query"],
    after: Bool[np.ndarray, " query"],
    is_asked: Bool[np.ndarray, " query"],
    num_subset: int,
    num_others: int,
    k: int,
) -> tuple[Estimates, Estimates]:
    """What a cell's objectives read if every query that wasn't asked is hit, and if each of them is missed.

    Args:
        before: The plain caption's hits, the subset's queries first.
        after: The pooled prompts' hits; what stands at a query that wasn't asked isn't read.
        is_asked: Which queries were asked.
        num_subset: How many of the queries are the subset's.
        num_others: How many queries the others are a sample of.
        k: The cut-off.
    """

    def estimates(hits: Bool[np.ndarray, " query"]) -> Estimates:
        subset, others = (Flips.of(before[part], hits[part]) for part in (slice(num_subset), slice(num_subset, None)))
        n = subset.num_units
        rows = (
            Estimate(HIT, subset.net_fraction, group="delta", unit="difference", n=n),
            Estimate(HIT, subset.right_after / n, group="ensembled", n=n),
            broken_elsewhere(others),
            Estimate(HIT, net_of_all(subset, others, num_others), group="all/net", unit="difference"),
        )
        return Estimates.of(Estimate(row.metric, row.value, k, row.group, row.unit, n=row.n) for row in rows)

    return estimates(after | ~is_asked), estimates(after & is_asked)


def _outcome(asking: "_Asking", best: Estimates) -> Outcome:
    cell = asking.cell
    return Outcome(
        records=asking.subset_records(),
        estimates=best,
        facts={
            "subset": cell.subset.name,
            "how_chosen": cell.subset.how_chosen,
            "is_failure_mined": cell.subset.is_failure_mined,
            "num_queries": len(cell.subset),
            "num_others": cell.others,
            "num_others_asked": asking.num_others_asked,
            "confidence": float(cell.statistics.confidence),
            "dataset_fingerprint": cell.dataset.fingerprint,
            "ks": list(cell.ks),
        },
    )


def _parts(asking: "_Asking", objectives: Sequence[Objective]) -> Iterator[Int[np.ndarray, " part"]]:
    yield np.arange(asking.num_subset)
    telling = [
        one.telling(asking.other_baseline_ranks, asking.k) for one in objectives if isinstance(one, HitObjective)
    ]
    others = np.concatenate([np.array([], dtype=np.int64), *telling])
    places = asking.num_subset + np.array(list(dict.fromkeys(others.tolist())), dtype=np.int64)
    for start in range(0, len(places), _AT_ONCE):
        yield places[start : start + _AT_ONCE]


class _Asking:
    """A cell of whose queries a part has been asked."""

    def __init__(self, cell: PromptedQueries, bench: Workbench, k: int) -> None:
        self.cell, self.k, self.num_subset = cell, k, len(cell.subset)
        self._bench = bench
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
        cell, bench, k = self.cell, self._bench, self.k
        prompts = bench.prompts([cell.prompts[place] for place in part.tolist()])
        targets = targets_of(cell, bench)[torch.from_numpy(part)]
        outcomes = ensemble_outcomes(prompts, bench.gallery, targets, cell.pooling)
        may_hit = torch.from_numpy(hit_at_k(outcomes.ranks.rank, k=k))
        missed = (~may_hit).nonzero()[:, 0]
        if len(missed):
            top = ensemble_top_items(prompts[missed], bench.gallery, cell.pooling, k=k)
            may_hit[missed] = outcomes.target_score[missed] >= top.score[:, -1] - _ROUNDING
        # A query that is asked with its caption alone is the baseline, to the last tie.
        is_plain, baseline = cell.is_plain[part], self._baseline_ranks[part]
        self._ranks[part] = np.where(is_plain, baseline, outcomes.ranks.rank.numpy())
        self._may_hit[part] = np.where(is_plain, hit_at_k(baseline, k=k), may_hit.numpy())
        self._is_asked[part] = True

    def best_and_worst(self) -> tuple[Estimates, Estimates]:
        return best_and_worst(
            before=hit_at_k(self._baseline_ranks, k=self.k),
            after=self._may_hit,
            is_asked=self._is_asked,
            num_subset=self.num_subset,
            num_others=self.cell.others,
            k=self.k,
        )

    def subset_records(self) -> pd.DataFrame:
        cell, subset = self.cell, slice(self.num_subset)
        captions = [cell.dataset.captions[position] for position in cell.subset.positions]
        return pd.DataFrame(
            {
                "query_id": ids_of(captions),
                "image_id": [caption.image_id for caption in captions],
                "part": SUBSET,
                "baseline_rank": self._baseline_ranks[subset],
                "ensembled_rank": self._ranks[subset],
            }
        )
