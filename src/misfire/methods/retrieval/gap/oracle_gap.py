"""What gold labels are worth: templates chosen by them, by predicted categories, by a gate, and not at all."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import final

import numpy as np
import pandas as pd
from jaxtyping import Float, Int

from misfire.cells import Estimate, Estimates, Outcome, Workbench
from misfire.cells.comparison import NetChange, net_change
from misfire.core.errors import UsageError
from misfire.failures import FailureSet
from misfire.methods.retrieval.baseline.baseline import ids_of, text_to_image
from misfire.methods.retrieval.data_note import data_notes
from misfire.methods.retrieval.ensemble.measured import HIT, paired_hits
from misfire.methods.retrieval.flips import flip_ledger
from misfire.methods.retrieval.gap.logged import GATED, GENERIC, NONE, ORACLE, PREDICTED, system_label
from misfire.methods.retrieval.gap.systems import GapSystems
from misfire.methods.retrieval.prompted import check_cut_offs, complement_sample
from misfire.methods.retrieval.templates.gating import gated, plain_margins, routed_by
from misfire.methods.retrieval.templates.ranked_sets import PLAIN_CAPTION, RankedSets
from misfire.methods.retrieval.templates.routing import routing_problem
from misfire.scoring import PromptPooling
from misfire.stats import StatisticsSettings

_SAME = NetChange(0.0, 0.0, 0.0)  # a system held against itself


@final
@dataclass(frozen=True, eq=False)
class GapPlan:
    """Everything that an oracle gap's numbers depend on.

    The queries are a sample of two strata: the labelled failures stand for all top-1 failures of the plain caption, and
    a seeded sample of the queries that it gets right at the first place for all of those.

    Args:
        bench: Dataset and backbone.
        failure_set: Its labelled failures are asked.
        systems: What is compared.
        pooling: What makes one score out of the prompts' scores.
        ks: Cut-offs of hit_at_k.
        statistics: Confidence of the intervals of all systems together.
        num_others: How many other queries are asked; None asks all.
        seed: Of that sample.

    Raises:
        UsageError: If the failure set is of other data or another backbone, or has no label with a template set.
    """

    bench: Workbench
    failure_set: FailureSet
    systems: GapSystems
    pooling: PromptPooling
    ks: tuple[int, ...]
    statistics: StatisticsSettings
    num_others: int | None
    seed: int

    def __post_init__(self) -> None:
        check_cut_offs(self.ks)
        self.failure_set.check_fits(self.bench.dataset, self.bench.encoder.fingerprint)
        if not any(name in self.systems.sets for name in self.gold):
            raise UsageError(
                f"an oracle gap needs failures labelled with a category out of {', '.join(self.systems.sets)}, got "
                f"{len(self.gold)} labels without; annotate the failures and name them by failure_set=FOLDER."
            )
        if self.num_others is not None and self.num_others < 2:
            raise UsageError(
                f"an oracle gap needs other queries, got complement.num_queries={self.num_others}; 2000 is a good "
                "sample, all is exact."
            )

    @cached_property
    def gold(self) -> list[str]:
        """Gold category of each labelled failure, in lower case."""
        return [failure.category.lower() for failure in self.failure_set.failures if failure.category is not None]

    @cached_property
    def labelled(self) -> Int[np.ndarray, " failure"]:
        """Places of the labelled failures among the dataset's captions."""
        is_labelled = np.array([failure.category is not None for failure in self.failure_set.failures])
        places: Int[np.ndarray, " failure"] = self.failure_set.positions(self.bench.dataset)[is_labelled]
        return places

    @cached_property
    def plain_ranks(self) -> Int[np.ndarray, " query"]:
        """Rank of every query of the dataset with its plain caption."""
        ranks: Int[np.ndarray, " query"] = text_to_image(self.bench).ranks.rank.numpy()
        return ranks

    @cached_property
    def others(self) -> Int[np.ndarray, " other"]:
        """Places of the sampled queries that the plain caption gets right at the first place."""
        failing = np.flatnonzero(self.plain_ranks > 1)
        return complement_sample(len(self.plain_ranks), failing, num_queries=self.num_others, seed=self.seed)

    @cached_property
    def positions(self) -> Int[np.ndarray, " query"]:
        """Places of all queries that are asked: the labelled failures, then the others."""
        return np.concatenate([self.labelled, self.others])


@final
@dataclass(frozen=True, eq=False)
class _System:
    """A system's choice of template set for each query."""

    kind: str
    router: str
    chosen: list[str]


def gap_outcome(plan: GapPlan) -> Outcome:
    """Let every system choose, rank each query once with each set chosen for it, and count what is fixed and broken."""
    generic = plan.systems.generic
    ranked = RankedSets(
        bench=plan.bench,
        positions=plan.positions,
        sets={generic.name: generic, **plan.systems.sets},
        pooling=plan.pooling,
        plain_ranks=plan.plain_ranks[plan.positions],
    )
    systems = _systems(plan, ranked)
    ranks = {f"{system.kind} {system.router}".strip(): ranked.of(system.chosen) for system in systems}
    # Pages of trackers start from what was logged first: the largest cut-off, where it is decided.
    estimates = [
        row
        for k in sorted(plan.ks, reverse=True)
        for system, found in zip(systems, ranks.values(), strict=True)
        for row in _estimates_at(plan, system, found, ranks[ORACLE], k)
    ]
    failure_set = plan.failure_set
    num_failures = int((plan.plain_ranks > 1).sum())
    return Outcome(
        records=_records(plan, systems, ranks),
        estimates=Estimates.of([*estimates, *(row for system in systems for row in _choices(plan, system))]),
        facts={
            "subset": "failures",
            "how_chosen": failure_set.how_chosen,
            "label_source": failure_set.label_source or "nobody",
            "failure_set": failure_set.digest,
            "backbone": plan.bench.encoder.name,
            "backbone_fingerprint": plan.bench.encoder.fingerprint,
            "dataset": plan.bench.dataset.name,
            "dataset_fingerprint": plan.bench.dataset.fingerprint,
            "dataset_notes": data_notes(plan.bench, plan.ks, prompts=ranked.prompts),
            "pooling": plan.pooling.label,
            "systems": [[system.kind, system.router] for system in systems],
            "gold": dict(Counter(plan.gold).most_common()),
            "num_routable": sum(name in plan.systems.sets for name in plan.gold),
            "num_failures": num_failures,
            "num_hits": len(plan.plain_ranks) - num_failures,
            "num_others_asked": len(plan.others),
            "gate": (
                "applies templates where the plain caption's best image leads the second by less than a threshold, "
                f"under which most hits at {plan.systems.gate.k} are won on the images of the other "
                f"{plan.systems.gate.num_folds - 1} of {plan.systems.gate.num_folds} folds"
            ),
            "confidence": float(plan.statistics.confidence),
            "ks": list(plan.ks),
        },
    )


def _estimates_at(
    plan: GapPlan, system: "_System", ranks: Int[np.ndarray, " query"], oracle: Int[np.ndarray, " query"], k: int
) -> Iterator[Estimate]:
    """A system's change over all queries, what it is behind the oracle, and its flips."""
    before, label = plan.plain_ranks[plan.positions], system_label(system.kind, system.router)
    is_headline = k == max(plan.ks)
    for what, net in (
        ("net", _SAME if system.kind == NONE else _net(plan, before, ranks, k=k)),
        ("behind_oracle", _SAME if system.kind == ORACLE else _net(plan, ranks, oracle, k=k)),
    ):
        yield Estimate(
            HIT,
            net.estimate,
            k=k,
            group=f"{label}/{what}",
            unit="difference",
            low=net.low,
            high=net.high,
            n=len(plan.plain_ranks),
            is_tracked=is_headline and what == "net" and system.kind != NONE,
        )
    num_labelled = len(plan.labelled)
    for part, here in (("failures", slice(num_labelled)), ("others", slice(num_labelled, None))):
        flips = flip_ledger(before[here], ranks[here], k=k)
        for name in ("fixed", "broken", "still_right", "still_wrong"):
            group = f"{label}/{part}/{name}"
            yield Estimate(
                HIT, float(getattr(flips, name)), k=k, group=group, unit="count", n=flips.num_units, is_tracked=False
            )


def _choices(plan: GapPlan, system: "_System") -> Iterator[Estimate]:
    """To what share of all queries a system applies templates, and how many failures it routes to their category."""
    is_applied, weights = np.array([name != PLAIN_CAPTION for name in system.chosen]), _weights(plan)
    label = system_label(system.kind, system.router)
    yield Estimate("t2i/applied", float((weights * is_applied).sum() / weights.sum()), group=label, is_tracked=False)
    if system.kind == PREDICTED:
        right = sum(route == gold for route, gold in zip(system.chosen, plan.gold, strict=False))
        yield Estimate(
            "t2i/category_right", float(right), group=label, unit="count", n=len(plan.gold), is_tracked=False
        )


def _records(plan: GapPlan, systems: "list[_System]", ranks: Mapping[str, Int[np.ndarray, " query"]]) -> pd.DataFrame:
    captions = [plan.bench.dataset.captions[position] for position in plan.positions]
    return pd.DataFrame(
        {
            "query_id": ids_of(captions),
            "image_id": [caption.image_id for caption in captions],
            "part": ["failures"] * len(plan.labelled) + ["others"] * len(plan.others),
            "gold_category": [*plan.gold, *[None] * len(plan.others)],
            **{f"rank {name}": found for name, found in ranks.items()},
            **{f"templates {name}": system.chosen for name, system in zip(ranks, systems, strict=True)},
        }
    )


def _systems(plan: GapPlan, ranked: RankedSets) -> list[_System]:
    num_queries, others, routers = len(plan.positions), len(plan.others), plan.systems.routers
    problem = routing_problem(plan.bench, plan.failure_set, plan.positions, tuple(plan.systems.sets))
    routes = [routed_by(router, problem) for router in routers]
    # Nobody labels what isn't a failure: there the oracle leaves the caption alone.
    by_gold = [name if name in plan.systems.sets else PLAIN_CAPTION for name in plan.gold] + [PLAIN_CAPTION] * others
    same = [plan.systems.generic.name] * num_queries
    ranked.prepare([same, by_gold, *(one.chosen for one in routes)])
    margins, weights = plain_margins(plan.bench, plan.positions), _weights(plan)
    return [
        _System(NONE, "", [PLAIN_CAPTION] * num_queries),
        _System(GENERIC, "", same),
        _System(ORACLE, "", by_gold),
        *(_System(PREDICTED, router.label, list(one.chosen)) for router, one in zip(routers, routes, strict=True)),
        *(
            _System(GATED, router.label, gated(plan.systems.gate, one, ranked, margins, weights))
            for router, one in zip(routers, routes, strict=True)
        ),
    ]


def _weights(plan: GapPlan) -> Float[np.ndarray, " query"]:
    """How many queries of the dataset each asked one stands for."""
    num_failures = int((plan.plain_ranks > 1).sum())
    num_hits = len(plan.plain_ranks) - num_failures
    return np.repeat(
        [num_failures / len(plan.labelled), num_hits / max(len(plan.others), 1)], [len(plan.labelled), len(plan.others)]
    )


def _net(plan: GapPlan, before: Int[np.ndarray, " query"], after: Int[np.ndarray, " query"], *, k: int) -> NetChange:
    num_failures = int((plan.plain_ranks > 1).sum())
    paired = paired_hits(
        before,
        after,
        query=plan.positions,
        image=plan.bench.dataset.targets[plan.positions],
        num_subset=len(plan.labelled),
        stands_for=num_failures,
        num_others=len(plan.plain_ranks) - num_failures,
        k=k,
        is_failure_mined=True,
        confidence=plan.statistics.confidence,
        data=plan.bench.dataset.fingerprint,
    )
    # Bonferroni's: the intervals of all systems hold at once.
    found = net_change(paired, confidence=1 - (1 - plan.statistics.confidence) / plan.systems.num_compared)
    if found is None:
        raise UsageError(
            "an oracle gap needs labelled failures and other queries of two images each, got "
            f"{len(plan.labelled)} and {len(plan.others)} queries; label more failures or ask more others."
        )
    return found
