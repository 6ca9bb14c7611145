"""Every query of a cell before and after, and the outcome that follows from them at each cut-off."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from jaxtyping import Int

from misfire.core.seeding import generator
from misfire.failures import AMBIGUOUS
from misfire.methods.retrieval.baseline.ceilings import RankedSide, hit_ceiling
from misfire.methods.retrieval.ensemble.cell import Cell
from misfire.methods.retrieval.ensemble.confirmation import Confirmation, confirm
from misfire.methods.retrieval.ensemble.ledger import flips_by_category, flips_by_template, net_change, without
from misfire.methods.retrieval.ensemble.outcome import CutoffOutcome, Gain
from misfire.methods.retrieval.ensemble.placebo import PlaceboBand, noise_band, paraphrase_band, paraphrases
from misfire.methods.retrieval.flips import Flips, flip_ledger


@dataclass(frozen=True, eq=False)
class Evidence:
    """All that a cell's outcome at a cut-off follows from.

    Args:
        cell: What was run.
        before: The plain caption's side.
        after: The pooled prompts' side.
        template_ranks: Rank of each query's target with each template alone.
        categories: Category of each query; None where it isn't labelled.
    """

    cell: Cell
    before: RankedSide
    after: RankedSide
    template_ranks: Int[np.ndarray, "template query"]
    categories: Sequence[str | None]

    def at(self, k: int, gain: Gain) -> CutoffOutcome:
        """The outcome at cut-off ``k``, whose bootstrap is given."""
        cell, before, after = self.cell, self.before.ranks, self.after.ranks
        num_subset = len(cell.subset)
        subset = slice(num_subset)
        targets = torch.from_numpy(self._targets[subset])
        return CutoffOutcome(
            k=k,
            subset=flip_ledger(before[subset], after[subset], k=k),
            gain=gain,
            complement=flip_ledger(before[num_subset:], after[num_subset:], k=k),
            net=net_change(
                before,
                after,
                self._targets,
                num_subset=num_subset,
                num_others=cell.others,
                k=k,
                confidence=cell.statistics.confidence,
            ),
            by_category=self._by_category(k),
            by_template=flips_by_template(
                before, self.template_ranks, cell.template_set.templates, num_subset=num_subset, k=k
            ),
            placebos=tuple(band for band in (self._noise(k), self._paraphrase(k)) if band is not None),
            baseline_bounds=self.before.bounds(targets, k=k),
            ensembled_bounds=self.after.bounds(targets, k=k),
            ceiling=hit_ceiling(cell.dataset, cell.subset.positions, k=k),
            without_ambiguous=self._without_ambiguous(k),
            confirmation=self._confirmation(k),
        )

    @cached_property
    def _targets(self) -> Int[np.ndarray, " query"]:
        targets: Int[np.ndarray, " query"] = self.cell.dataset.targets[self.cell.queries]
        return targets

    def _by_category(self, k: int) -> dict[str, Flips]:
        subset = slice(len(self.cell.subset))
        if not any(self.categories[subset]):
            return {}
        return flips_by_category(self.before.ranks[subset], self.after.ranks[subset], self.categories[subset], k=k)

    def _without_ambiguous(self, k: int) -> Flips | None:
        subset = slice(len(self.cell.subset))
        kept = without(self.categories[subset], AMBIGUOUS)
        if kept.all():
            return None
        return flip_ledger(self.before.ranks[subset][kept], self.after.ranks[subset][kept], k=k)

    def _noise(self, k: int) -> PlaceboBand | None:
        statistics = self.cell.statistics
        return noise_band(
            self.before.ranks,
            self.after.ranks,
            self._targets,
            num_subset=len(self.cell.subset),
            num_others=self.cell.others,
            k=k,
            num_replicates=statistics.num_replicates,
            confidence=statistics.confidence,
            rng=generator(statistics.seed, "noise placebo", k),
        )

    def _paraphrase(self, k: int) -> PlaceboBand | None:
        statistics, subset = self.cell.statistics, slice(len(self.cell.subset))
        wrappers = paraphrases(self.cell.template_set.templates)
        if not wrappers:
            return None
        return paraphrase_band(
            self.before.ranks[subset],
            self.after.ranks[subset],
            self.template_ranks[wrappers, subset],
            self._targets[subset],
            k=k,
            num_replicates=statistics.num_replicates,
            confidence=statistics.confidence,
            rng=generator(statistics.seed, "paraphrase placebo", k),
        )

    def _confirmation(self, k: int) -> Confirmation | None:
        cell = self.cell
        num_images = len(np.unique(cell.dataset.targets[cell.confirm]))
        # The subset's own queries are of mined images; of the others, a sample was asked.
        here = np.flatnonzero(np.isin(cell.queries, cell.confirm))
        here = here[here >= len(cell.subset)]
        if not len(here):
            return None
        queries, failures = confirm(
            self.before.ranks[here],
            self.after.ranks[here],
            self._targets[here],
            k=k,
            confidence=cell.statistics.confidence,
        )
        return Confirmation(
            queries,
            failures,
            how_split=(
                f"{len(here):,} sampled captions of {num_images:,} of {len(cell.dataset.images):,} images, from which "
                "no failure was mined"
            ),
        )
