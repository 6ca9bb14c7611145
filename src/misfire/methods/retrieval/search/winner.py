"""What a search's winner is worth: its gain where it was chosen, where it was not, and what the choosing flattered."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import final

import numpy as np

from misfire.cells import Logged
from misfire.cells.comparison import Compared, Verdict, adjusted_p_values, compare
from misfire.core.errors import UsageError
from misfire.core.seeding import generator
from misfire.core.words import change, how_often, points, queries
from misfire.methods.retrieval.ensemble.conclusion import Decided, conclude
from misfire.methods.retrieval.ensemble.logged import LoggedEnsemble
from misfire.methods.retrieval.ensemble.words import CHOSEN_BY_FAILING, ORACLE
from misfire.reporting.conclusion import Conclusion, Statement
from misfire.stats import mcnemar

_LEVEL = 0.05


@final
@dataclass(frozen=True, eq=False)
class Winner:
    """A winner on both sides of a split.

    Args:
        dev: Its cell on the queries on which it was chosen.
        test: Its cell on the queries that were held back.
        k: Cut-off that is read.
        num_settings: Among how many different settings it was chosen.
        p_selected: Two-sided p-value of its gain on dev, adjusted for having been chosen among them.
        num_looks: How many different winners of this study have been read on test, this one included.
        seed: Of the swaps by which its cell on test is tested.
    """

    dev: LoggedEnsemble
    test: LoggedEnsemble
    k: int
    num_settings: int
    p_selected: float
    num_looks: int
    seed: int

    @property
    def optimism(self) -> float:
        """Gain on dev less gain on test, as a fraction: what choosing flattered, with the noise of both."""
        return self.dev.delta(self.k) - self.test.delta(self.k)

    @property
    def p_unadjusted(self) -> float:
        """Exact McNemar p-value of the gain on dev, as if nothing had been chosen."""
        return self._exact(self.dev)

    @property
    def p_test(self) -> float:
        """Exact McNemar p-value of the gain on test."""
        return self._exact(self.test)

    def _exact(self, cell: LoggedEnsemble) -> float:
        flips = cell.flips(self.k)
        return float(mcnemar(flips.fixed, flips.broken).p_exact)

    @property
    def holds(self) -> bool:
        """Whether the gain on test is real by the rule: above 0, p-value below 0.05, and no net loss elsewhere.

        The p-value is multiplied by how many winners have been read on test (Bonferroni). Where the queries are all
        queries, or were mined from failures, the interval of the change over all queries must lie above 0, too: it
        counts the captions of an image together, and two systems of equal quality win on failures what they lose
        elsewhere, which a small sample of the others needn't show.
        """
        elsewhere, test = self.test.flips(self.k, "complement"), self.test
        is_cost_known = elsewhere.num_units > 0 or test.num_others == 0
        if (test.is_failure_mined or test.num_others == 0) and not test.at("all/net", self.k).low > 0:
            return False
        p_value = self.p_test * self.num_looks
        return test.delta(self.k) > 0 and p_value < _LEVEL and is_cost_known and elsewhere.net >= 0

    @cached_property
    def compared(self) -> Compared:
        """The cell on test by itself, at a level shared by all winners that were read there."""
        paired = self.test.paired(self.k)
        level = (1 - paired.confidence) / self.num_looks
        [found] = compare([replace(paired, confidence=1 - level)], rng=generator(self.seed, "winner on test"))
        return found

    def answer(self, name: str) -> str:
        """What came out, in plain words.

        Args:
            name: What the winner is called.
        """
        k, dev, test = self.k, self.dev, self.test
        return (
            f"The winner {'mends' if self.holds else 'does not mend'} by the rule. {name} gained "
            f"{100 * dev.delta(k):+.2f} pp hit@{k} on the {dev.num_queries} dev queries on which it was chosen "
            f"among {self.num_settings} settings (p {_printed(self.p_selected)} adjusted for the choice), and "
            f"{100 * test.delta(k):+.2f} pp on the {test.num_queries} test queries "
            f"(exact p {_printed(self.p_test)}): an optimism of {100 * self.optimism:+.2f} pp."
            f"{self._level()}{self._cost()}{self._caveats()}"
        )

    def _level(self) -> str:
        """Where the hits stand, by which backbones are compared; among mined failures that says nothing."""
        if self.test.is_failure_mined:
            return ""
        dev, test = (100 * one.at("ensembled", self.k).value for one in (self.dev, self.test))
        return f" It hits {dev:.2f} % of these dev queries and {test:.2f} % of the test queries."

    def _cost(self) -> str:
        elsewhere = self.test.flips(self.k, "complement")
        if elsewhere.num_units:
            fixed, broken = elsewhere.fixed, elsewhere.broken
            return f" On {elsewhere.num_units:,} other test queries it fixed {fixed} and broke {broken}."
        return " What it does to other test queries was not asked." if self.test.num_others else ""

    def _caveats(self) -> str:
        caveats = [
            f" {CHOSEN_BY_FAILING}{self._over_all()}" if self.test.is_failure_mined else "",
            f" {ORACLE}" if self.test.is_oracle else "",
            f" Test was read for {self.num_looks} winners of this study, so its p-value is flattered too, and the rule "
            "counts them."
            if self.num_looks > 1
            else "",
        ]
        return "".join(caveats)

    def _over_all(self) -> str:
        net = self.test.at("all/net", self.k)
        if math.isnan(net.low):
            return " What it changes over all test queries isn't known."
        return (
            f" Over all test queries that comes to {100 * net.value:+.2f} pp "
            f"[{100 * net.low:.2f}, {100 * net.high:.2f}]."
        )


def selection_adjusted_p(
    tried: Mapping[str, Logged], chosen: str, *, k: int, num_replicates: int, rng: np.random.Generator
) -> float:
    """Two-sided p-value of one cell's gain in hit@k on its subset, adjusted for having been chosen among all cells.

    Args:
        tried: Each different cell by its id, whole or as far as it was asked; subsets may differ (as they do between
            backbones).
        chosen: Which was chosen.
        k: Cut-off.
        num_replicates: How many assignments are drawn.
        rng: Source of the swaps.

    Raises:
        UsageError: If there is no such cell.
    """
    if chosen not in tried:
        raise UsageError(f"the chosen cell must be one of {len(tried)}, got {chosen[:12]}; read its records too.")
    paired = [LoggedEnsemble(one).paired(k) for one in tried.values()]
    subsets = [one.only(one.is_chosen) for one in paired]
    adjusted = adjusted_p_values(subsets, num_replicates=num_replicates, rng=rng)
    return float(adjusted[list(tried).index(chosen)])


def conclude_winner(winner: Winner, *, name: str) -> Conclusion:
    """How the winner was found, and what the queries that had no part in that say of it, in plain words.

    Args:
        winner: The winner on both sides.
        name: The winner in words.
    """
    p_value = _p_value(winner)
    test = replace(winner.compared.test, p_exact=p_value)
    compared = replace(winner.compared, verdict=_verdict(winner, p_value), test=test, p_adjusted=p_value)
    said = conclude(Decided(winner.test, name, winner.k, compared))
    return replace(said, parts=(Statement("How was it found?", _found(winner)), *said.parts))


def _p_value(winner: Winner) -> float:
    """The rule's p-value; where the rule isn't met, at least that of swaps, which keep captions together."""
    p_value = winner.p_test if winner.holds else max(winner.p_test, winner.compared.p_adjusted)
    return min(1.0, p_value * winner.num_looks)


def _verdict(winner: Winner, p_value: float) -> Verdict:
    """What the rule supports, so that words and rule can't disagree."""
    if winner.holds:
        return Verdict.GAIN
    if p_value >= _LEVEL or not winner.test.delta(winner.k):
        return Verdict.NONE
    if winner.test.delta(winner.k) < 0:
        return Verdict.LOSS
    if winner.test.num_others == 0:  # the rule asked for the interval of these very queries
        return Verdict.NONE
    return Verdict.CHOSEN if winner.test.is_failure_mined else Verdict.GAIN


def _found(winner: Winner) -> str:
    gain, asked = winner.dev.delta(winner.k), queries(winner.dev.num_queries)
    if winner.num_settings == 1:
        tried = f"One setting was tried on {asked}: {change(gain)}."
    else:
        tried = (
            f"{winner.num_settings} settings were tried on {asked}, and the best of them was kept: {change(gain)}. The "
            "best of as many settings that are no better and no worse than the plain caption would look this different "
            f"{how_often(winner.p_selected)}."
        )
    earlier = winner.num_looks - 1
    winners = "1 earlier winner" if earlier == 1 else f"{earlier} earlier winners"
    looks = f" They had been asked with {winners} before, which is counted." if earlier else ""
    return (
        f"{tried} So the winner was asked once more, about pictures that had no part in choosing it. "
        f"{_flattery(winner.optimism)} All that follows is about these other queries.{looks}"
    )


def _flattery(optimism: float) -> str:
    if optimism > 0:
        return f"There it gained {points(optimism)} less: whoever picks the best of many picks good luck, too."
    return f"There it gained {f'{points(optimism)} more' if optimism else 'as much'}, so the choice flattered nothing."


def _printed(p_value: float) -> str:
    return f"{p_value:.3f}" if p_value >= 0.001 else "< 0.001"
