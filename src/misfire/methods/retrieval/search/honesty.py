"""What a search's winner is worth: its gain where it was chosen, where it was not, and what the choosing flattered."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from misfire.core.errors import UsageError
from misfire.methods.retrieval.ensemble.decision import CHOSEN_BY_FAILING
from misfire.methods.retrieval.ensemble.outcome import CellOutcome, CutoffOutcome
from misfire.metrics import hit_at_k
from misfire.stats import max_t, mcnemar

_LEVEL = 0.05


@dataclass(frozen=True)
class Verdict:
    """A winner on both sides of a split.

    Args:
        dev: Its cell on the queries on which it was chosen.
        test: Its cell on the queries that were held back.
        k: Cut-off that is read.
        num_settings: Among how many different settings it was chosen.
        p_selected: Two-sided p-value of its gain on dev, adjusted for having been chosen among them.
        num_looks: How many different winners of this study have been read on test, this one included.
    """

    dev: CellOutcome
    test: CellOutcome
    k: int
    num_settings: int
    p_selected: float
    num_looks: int

    @property
    def on_dev(self) -> CutoffOutcome:
        """The dev cell at the cut-off."""
        return self.dev.at(self.k)

    @property
    def on_test(self) -> CutoffOutcome:
        """The test cell at the cut-off."""
        return self.test.at(self.k)

    @property
    def optimism(self) -> float:
        """Gain on dev less gain on test, as a fraction: what choosing flattered, with the noise of both."""
        return self.on_dev.delta - self.on_test.delta

    @property
    def p_unadjusted(self) -> float:
        """Exact McNemar p-value of the gain on dev, as if nothing had been chosen."""
        return mcnemar(self.on_dev.subset.fixed, self.on_dev.subset.broken).p_exact

    @property
    def p_test(self) -> float:
        """Exact McNemar p-value of the gain on test."""
        return mcnemar(self.on_test.subset.fixed, self.on_test.subset.broken).p_exact

    @property
    def holds(self) -> bool:
        """Whether the gain on test is real by the rule: above 0, p-value below 0.05, and no net loss elsewhere.

        The p-value is multiplied by how many winners have been read on test (Bonferroni). Where the queries are all
        queries, or were mined from failures, the interval of the change over all queries must lie above 0, too: it
        counts the captions of an image together, and two systems of equal quality win on failures what they lose
        elsewhere, which a small sample of the others needn't show.
        """
        elsewhere, net = self.on_test.complement, self.on_test.net
        is_cost_known = elsewhere.num_queries > 0 or self.test.num_others == 0
        is_sure = net is not None and net.low > 0
        if (self.test.is_failure_mined or self.test.num_others == 0) and not is_sure:
            return False
        p_value = self.p_test * self.num_looks
        return self.on_test.delta > 0 and p_value < _LEVEL and is_cost_known and elsewhere.net >= 0

    def answer(self, name: str) -> str:
        """What came out, in plain words.

        Args:
            name: What the winner is called.
        """
        dev, test = self.on_dev, self.on_test
        return (
            f"The winner {'mends' if self.holds else 'does not mend'} by the rule. {name} gained "
            f"{100 * dev.delta:+.2f} pp hit@{self.k} on the {self.dev.num_queries} dev queries on which it was chosen "
            f"among {self.num_settings} settings (p {_printed(self.p_selected)} adjusted for the choice), and "
            f"{100 * test.delta:+.2f} pp on the {self.test.num_queries} test queries "
            f"(exact p {_printed(self.p_test)}): an optimism of {100 * self.optimism:+.2f} pp."
            f"{self._level()}{self._cost()}{self._caveats()}"
        )

    def _level(self) -> str:
        """Where the hits stand, by which backbones are compared; among mined failures that says nothing."""
        if self.test.is_failure_mined:
            return ""
        dev, test = (100 * one.at(self.k).ensembled_hits / one.num_queries for one in (self.dev, self.test))
        return f" It hits {dev:.2f} % of these dev queries and {test:.2f} % of the test queries."

    def _cost(self) -> str:
        elsewhere = self.on_test.complement
        if elsewhere.num_queries:
            fixed, broken = elsewhere.fixed, elsewhere.broken
            return f" On {elsewhere.num_queries:,} other test queries it fixed {fixed} and broke {broken}."
        return " What it does to other test queries was not asked." if self.test.num_others else ""

    def _caveats(self) -> str:
        caveats = [
            f"{CHOSEN_BY_FAILING}{self._over_all()}" if self.test.is_failure_mined else "",
            " The templates were chosen by gold labels: an oracle, not a system." if self.test.is_oracle else "",
            f" Test was read for {self.num_looks} winners of this study, so its p-value is flattered too, and the rule "
            "counts them."
            if self.num_looks > 1
            else "",
        ]
        return "".join(caveats)

    def _over_all(self) -> str:
        net = self.on_test.net
        if net is None:
            return " What it changes over all test queries isn't known."
        return (
            f" Over all test queries that comes to {100 * net.estimate:+.2f} pp "
            f"[{100 * net.low:.2f}, {100 * net.high:.2f}]."
        )


def selection_adjusted_p(
    records: Sequence[pd.DataFrame], chosen: int, *, k: int, num_replicates: int, rng: np.random.Generator
) -> float:
    """Two-sided p-value of one cell's gain in hit@k on its subset, adjusted for having been chosen among all cells.

    Westfall and Young's max-T over the cells; the captions of an image are swapped together.

    Args:
        records: Each cell's records, one row a query; subsets may differ (as they do between backbones).
        chosen: Place of the cell that was chosen.
        k: Cut-off.
        num_replicates: How many assignments are drawn.
        rng: Source of the swaps.

    Raises:
        UsageError: If there is no such cell.
    """
    if not 0 <= chosen < len(records):
        raise UsageError(f"the chosen cell must be one of {len(records)}, got place {chosen}; read its records too.")
    subsets = [frame[frame["part"] == "subset"].set_index("query_id") for frame in records]
    images = pd.concat([subset["image_id"] for subset in subsets])
    image_of = images[~images.index.duplicated()].sort_index()
    baseline, ensembled = (
        np.stack([_hits(subset[f"{system}_rank"], image_of.index, k) for subset in subsets])
        for system in ("baseline", "ensembled")
    )
    adjusted = max_t(baseline, ensembled, clusters=image_of.to_numpy(), num_replicates=num_replicates, rng=rng)
    return float(adjusted[chosen])


def _hits(ranks: pd.Series, queries: pd.Index, k: int) -> np.ndarray:
    """Hits of the cell's queries as 0 and 1, NaN for those of other cells."""
    hits = pd.Series(hit_at_k(ranks.to_numpy(), k=k).astype(float), index=ranks.index)
    return hits.reindex(queries).to_numpy()


def _printed(p_value: float) -> str:
    return f"{p_value:.3f}" if p_value >= 0.001 else "< 0.001"
