"""What may be concluded of a search's winner, in words that need no statistics."""

from dataclasses import replace

from misfire.core.words import change, how_often, points, queries
from misfire.methods.retrieval.ensemble.comparison import Claim, ComparedCell
from misfire.methods.retrieval.ensemble.report.conclusion import conclude
from misfire.methods.retrieval.ensemble.report.facts import decisive_facts
from misfire.methods.retrieval.ensemble.report.rows import CellRow
from misfire.methods.retrieval.search.honesty import Verdict
from misfire.reporting.conclusion import Conclusion, Statement

_LEVEL = 0.05


def conclude_study(verdict: Verdict, row: CellRow, compared: ComparedCell, *, name: str) -> Conclusion:
    """How the winner was found, and what the queries that had no part in that say of it.

    Args:
        verdict: The winner on both sides.
        row: Its cell on test.
        compared: The test of that cell, as of one that stands alone.
        name: The winner in words.
    """
    p_value = _p_value(verdict, compared)
    facts = decisive_facts([row], {row.cell_id: compared}, verdict.k)
    facts = replace(facts, name=name, claim=_claim(verdict, p_value), p_alone=p_value, p_adjusted=p_value)
    said = conclude(facts)
    return replace(said, parts=(Statement("How was it found?", _found(verdict)), *said.parts))


def _p_value(verdict: Verdict, compared: ComparedCell) -> float:
    """The rule's p-value; where the rule isn't met, at least that of swaps, which keep captions together."""
    p_value = verdict.p_test if verdict.holds else max(verdict.p_test, compared.p_adjusted)
    return min(1.0, p_value * verdict.num_looks)


def _claim(verdict: Verdict, p_value: float) -> Claim:
    """What the rule of the verdict supports, so that words and rule can't disagree."""
    if verdict.holds:
        return Claim.GAIN
    if p_value >= _LEVEL or not verdict.on_test.delta:
        return Claim.NONE
    if verdict.on_test.delta < 0:
        return Claim.LOSS
    if verdict.test.num_others == 0:  # the rule asked for the interval of these very queries
        return Claim.NONE
    return Claim.CHOSEN if verdict.test.is_failure_mined else Claim.GAIN


def _found(verdict: Verdict) -> str:
    dev = verdict.on_dev
    if verdict.num_settings == 1:
        tried = f"One setting was tried on {queries(verdict.dev.num_queries)}: {change(dev.delta)}."
    else:
        tried = (
            f"{verdict.num_settings} settings were tried on {queries(verdict.dev.num_queries)}, and the best of them "
            f"was kept: {change(dev.delta)}. The best of as many settings that are no better and no worse than the "
            f"plain caption would look this different {how_often(verdict.p_selected)}."
        )
    earlier = verdict.num_looks - 1
    winners = "1 earlier winner" if earlier == 1 else f"{earlier} earlier winners"
    looks = f" They had been asked with {winners} before, which is counted." if earlier else ""
    return (
        f"{tried} So the winner was asked once more, about pictures that had no part in choosing it. "
        f"{_flattery(verdict)} All that follows is about these other queries.{looks}"
    )


def _flattery(verdict: Verdict) -> str:
    optimism = verdict.optimism
    if optimism > 0:
        return f"There it gained {points(optimism)} less: whoever picks the best of many picks good luck, too."
    return f"There it gained {f'{points(optimism)} more' if optimism else 'as much'}, so the choice flattered nothing."
