"""Templates that are applied only where the plain caption's retrieval is unsure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np
import torch
from jaxtyping import Int
from typing_extensions import override

from misfire.cells.lab import Workbench
from misfire.core.errors import UsageError
from misfire.core.progress import say
from misfire.failures import FailureSet
from misfire.methods.retrieval.templates.by_caption import AskedQueries, TemplatesByCaption
from misfire.methods.retrieval.templates.gating import Routes, gated, plain_margins, routed_by, same_for_all
from misfire.methods.retrieval.templates.margin_gate import MarginGate
from misfire.methods.retrieval.templates.ranked_sets import PLAIN_CAPTION, RankedSets
from misfire.methods.retrieval.templates.routing import PredictedTemplates, routing_problem
from misfire.prompts import MatchedTemplates, RoutedTemplates, TemplateChoice, TemplateSet
from misfire.scoring import PromptPooling, target_ranks

_PLAIN = TemplateSet("caption_only", ("{caption}",))


@final
@dataclass(frozen=True)
class GatedTemplates(TemplatesByCaption):
    """What another choice gives, where a margin gate is open; the plain caption elsewhere.

    Whether the gate is open follows from the plain caption's scores and a threshold that other images' queries chose:
    neither a query's own hit nor its label has a part in it.

    Args:
        templates: What is applied: one set for all captions, or a set by predicted category; by gold labels it makes
            an oracle.
        gate: Where.
        name: What tables call it.

    Raises:
        UsageError: If ``templates`` is gated itself; on choosing, if there are other queries and none is asked.
    """

    templates: TemplateChoice
    gate: MarginGate
    name: str = "gated"
    learns_from_hits: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if isinstance(self.templates, GatedTemplates):
            raise UsageError(
                "a gate must stand before templates without one, got gated ones; name generic or predicted."
            )

    @property
    def sets(self) -> Mapping[str, TemplateSet]:
        """The template sets that it may choose, by name; none where gold labels would choose one."""
        if isinstance(self.templates, TemplateSet):
            return {self.templates.name: self.templates}
        return dict(getattr(self.templates, "sets", {}))

    @property
    @override
    def needs_labels(self) -> bool:
        return isinstance(self.templates, TemplatesByCaption) and self.templates.needs_labels

    @property
    @override
    def is_oracle(self) -> bool:
        return getattr(self.templates, "is_oracle", isinstance(self.templates, MatchedTemplates))

    @override
    def for_queries(
        self,
        bench: Workbench,
        failure_set: FailureSet | None,
        asked: AskedQueries,
        pooling: PromptPooling,
        *,
        learnt_from: Int[np.ndarray, " known"] | None = None,
    ) -> RoutedTemplates:
        if asked.is_sample_missing:
            raise UsageError(
                f"templates={self.name} must be tried on other queries than the subset's, by which the gate's "
                "threshold is chosen, got complement.num_queries=0; 2000 is a good sample, all is exact."
            )
        positions = asked.positions
        sets, routes, is_oracle = self._routes(bench, failure_set, asked, learnt_from)
        plain = bench.texts([bench.dataset.captions[position].text for position in positions])
        before = target_ranks(plain, bench.gallery, bench.targets[torch.from_numpy(positions)]).rank.numpy()
        ranked = RankedSets(bench, positions, sets, pooling, before)
        chosen = gated(self.gate, routes, ranked, plain_margins(bench, positions), asked.weights)
        num_open = sum(name != PLAIN_CAPTION for name in chosen)
        say(f"{self.name}: the gate is open for {num_open:,} of {len(chosen):,} queries.")
        ids = [bench.dataset.captions[position].id for position in positions]
        return RoutedTemplates(
            self.name, {**sets, PLAIN_CAPTION: _PLAIN}, dict(zip(ids, chosen, strict=True)), is_oracle=is_oracle
        )

    def _routes(
        self,
        bench: Workbench,
        failure_set: FailureSet | None,
        asked: AskedQueries,
        learnt_from: Int[np.ndarray, " known"] | None,
    ) -> tuple[Mapping[str, TemplateSet], Routes, bool]:
        """The sets to apply, what is chosen for each query, and whether gold labels had a part in it."""
        inner = self.templates
        if isinstance(inner, PredictedTemplates):
            problem = routing_problem(bench, failure_set, asked.positions, tuple(inner.sets), learnt_from)
            return inner.sets, routed_by(inner.router, problem), False
        one = inner.for_categories(asked.categories)
        return {one.name: one}, same_for_all(one.name, len(asked.positions)), one.is_oracle
