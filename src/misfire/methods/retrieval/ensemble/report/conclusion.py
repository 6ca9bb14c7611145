"""A sweep of ablation cells put into words that need no statistics."""

import math

from misfire.methods.retrieval.ensemble.comparison import Claim
from misfire.methods.retrieval.ensemble.report.facts import Facts
from misfire.reporting.conclusion import Conclusion, Statement
from misfire.core.words import plain_count
from misfire.core.words import change, how_often, points, queries, signed

_FEW_OTHERS = 100


def conclude(facts: Facts) -> Conclusion:
    """Put the numbers into words."""
    many = f"{plain_count(facts.num_cells)} settings" if facts.num_cells > 1 else ""
    oracle = (
        "The prompts were picked by labels that nobody has for a new query, so this bounds what could be reached and "
        "is no result of a usable system."
        if facts.is_oracle
        else ""
    )
    parts = (
        Statement(f"What can {queries(facts.num_queries)} show?", _reach(facts)),
        Statement("What was seen?", _seen(facts)),
        Statement("Can it be luck?", _judged(facts)),
        Statement("Were the queries picked?", _chosen(facts)),
        Statement("And the other queries?", f"{_elsewhere(facts)} {_whole(facts)}".strip()),
        Statement("Could a real system do this?", oracle),
        Statement(f"And the rest of the {many}?", _losses(facts)),
    )
    return Conclusion(
        parts=tuple(part for part in parts if part.text),
        may=_MAY[facts.claim](facts),
        may_not=_may_not(facts),
        verdict=_verdict(facts),
    )


def _verdict(facts: Facts) -> str:
    if facts.claim is Claim.CHOSEN:
        return "No gain can be claimed: what was won may be no more than what picking the failures gives anybody."
    if facts.claim is Claim.LOSS:
        return "The new prompts do harm here, and that isn't luck."
    if facts.claim is Claim.GAIN:
        return f"The gain isn't luck{', but it takes labels that nobody has' if facts.is_oracle else ''}."
    return "No gain can be claimed: luck can do as much." if facts.gain > 0 else "No gain was seen."


def _reach(facts: Facts) -> str:
    if math.isnan(facts.least_gain):
        return (
            f"{queries(facts.num_queries)} {'is' if facts.num_queries == 1 else 'are'} too few to show any gain: even "
            "if a change fixed every one of them, luck could not be ruled out."
        )
    more = "; the more settings are tried, the larger it must be" if facts.num_cells > 1 else ""
    count = round(facts.least_gain * facts.num_queries)
    return (
        f"{queries(facts.num_queries)} can show a gain of {points(facts.least_gain)} or more, which is {count} of "
        f"them{more}."
    )


def _seen(facts: Facts) -> str:
    who = (
        f"the best of {facts.num_cells} settings ({facts.name})"
        if facts.num_cells > 1
        else f"the new way ({facts.name})"
    )
    if facts.fixed + facts.broken == 0:
        return f"Here {who} changed nothing: the same pictures were found among the first {facts.k} as before."
    return (
        f"Here {who} fixed {facts.fixed} of them and broke {facts.broken}: {change(facts.gain)} in the share "
        f"whose picture is found among the first {facts.k}."
    )


def _judged(facts: Facts) -> str:
    if facts.fixed + facts.broken == 0:
        return ""
    luck = _luck(facts)
    if facts.claim is Claim.NONE:
        if facts.fixed == facts.broken:
            return "So nothing was won."
        alone = (
            " Had it been the only setting, it would have passed; as the best of so many it doesn't."
            if facts.p_alone <= 0.05
            else ""
        )
        verb = "no gain" if facts.gain > 0 else "no loss"
        return f"That can't be told from {verb} at all: {luck}.{alone}"
    if facts.claim is Claim.CHOSEN:
        return f"Luck alone doesn't explain that: {luck}."
    return f"That {'loss' if facts.claim is Claim.LOSS else 'difference'} isn't luck: {luck}."


def _luck(facts: Facts) -> str:
    """How often equals look this different: on queries that nobody picked, which is all that the test knows of."""
    where = "on queries drawn by lot, " if facts.is_failure_mined else ""
    who = "the best of as many settings" if facts.num_cells > 1 else "a setting"
    are = "are" if facts.num_cells > 1 else "is"
    return (
        f"{where}{who} that {are} no better and no worse than the plain caption would look this different "
        f"{how_often(facts.p_adjusted)}"
    )


def _chosen(facts: Facts) -> str:
    if not facts.is_failure_mined:
        return ""
    if facts.claim is Claim.LOSS:
        return (
            "And that on queries which were picked because the plain caption fails on them, where any other way of "
            "asking starts with an advantage."
        )
    start = {Claim.NONE: "Besides", Claim.CHOSEN: "But", Claim.GAIN: "Some of it was to be expected"}[facts.claim]
    link = ": " if facts.claim is Claim.GAIN else ", " if facts.claim is Claim.NONE else " "
    said = (
        f"{start}{link}these queries were picked because the plain caption fails on them, and any other way of asking, "
        "better or not, wins some of those back"
    )
    if not math.isnan(facts.placebo[0]):
        low, high = facts.placebo
        said += f": on them, changes that improve nothing show anything from {signed(low)} to {signed(high)} points"
    return said + "."


def _elsewhere(facts: Facts) -> str:
    if not facts.num_others:
        return "There are no other queries."
    if not facts.others_asked:
        return (
            f"What the same change does to the other {queries(facts.num_others)} was not tried, so whether it does "
            "more good than harm is unknown."
        )
    fixed, broken = facts.others_fixed, facts.others_broken
    if fixed == broken == 0:
        outcome = "the same change fixed and broke nothing"
    elif fixed == broken:
        outcome = f"the same change broke as many as it fixed, {fixed} each"
    else:
        outcome = f"the same change fixed {fixed} and broke {broken}"
    asked = plain_count(facts.others_asked)
    where = (
        f"on the other {queries(facts.num_others)}"
        if facts.others_asked == facts.num_others
        else f"on {asked} of the other {queries(facts.num_others)}"
    )
    few = ", but so few say little" if facts.others_asked < min(_FEW_OTHERS, facts.num_others) else ""
    return f"Elsewhere, {where}, {outcome}{few}."


def _whole(facts: Facts) -> str:
    low, high = facts.net_interval
    if math.isnan(facts.net) or math.isnan(low) or not facts.num_others:
        return ""
    if facts.is_more_everywhere or facts.is_fewer_everywhere:
        verdict = f"{'more' if facts.is_more_everywhere else 'fewer'} hits than before"
    elif low <= 0 <= high or facts.num_cells == 1:
        verdict = "which can't be told from no change"
    else:
        verdict = "but luck alone can do as much for the best of so many settings"
    return (
        f"Over all queries that comes to {signed(facts.net)} points (anything from {signed(low)} to {signed(high)} "
        f"fits what was seen), {verdict}."
    )


def _losses(facts: Facts) -> str:
    if facts.claim is Claim.LOSS or not facts.num_losses:
        return ""
    are = "1 of the settings does" if facts.num_losses == 1 else f"{facts.num_losses} of the settings do"
    return f"{are} worse than the plain caption, and that isn't luck."


def _range(facts: Facts) -> str:
    """The interval, as far as it agrees with the claim: a test that resamples may be a little finer or coarser."""
    low, high = facts.low, facts.high
    if facts.claim is Claim.GAIN and low <= 0:
        return f"above 0 and at {signed(high)} points at most"
    if facts.claim is Claim.LOSS and high >= 0:
        return f"below 0 and at {signed(low)} points at worst"
    if facts.claim is Claim.NONE:
        low, high = min(low, 0.0), max(high, 0.0)
    return f"between {signed(low)} and {signed(high)} points"


def _may_none(facts: Facts) -> str:
    return f"On such queries the true change lies, as far as these can tell, {_range(facts)}; no more is known."


def _may_gain(facts: Facts) -> str:
    who = "Prompts picked by true labels find" if facts.is_oracle else "The new prompts find"
    return f"{who} more of such queries' images within the first {facts.k}; the gain lies {_range(facts)}."


def _may_loss(facts: Facts) -> str:
    found = f"The new prompts find fewer of such queries' images within the first {facts.k}"
    return f"{found}: the change lies {_range(facts)}."


def _may_chosen(facts: Facts) -> str:
    return "The new prompts answer these queries differently than the plain caption; that they are better isn't shown."


_MAY = {Claim.NONE: _may_none, Claim.GAIN: _may_gain, Claim.LOSS: _may_loss, Claim.CHOSEN: _may_chosen}


def _may_not(facts: Facts) -> str:
    if facts.claim is Claim.NONE:
        return "That the change helps, that it harms, or that it does nothing."
    if facts.claim is Claim.LOSS:
        return "That it helps any query but those it fixed here, or that it harms queries of another kind as well."
    if facts.claim is Claim.CHOSEN:
        return "That the change is an improvement: it may win here only what it loses elsewhere."
    said = []
    if facts.is_oracle:
        said.append("that a system without the true labels would gain anything")
    if facts.is_failure_mined or facts.num_cells > 1:
        said.append(
            f"that new queries would gain as much as {points(facts.gain)}, which was the best of what was tried"
        )
    if facts.num_others and not facts.is_more_everywhere:
        said.append("that it helps over all queries")
    if not said:
        said.append("that it helps with another model or other data")
    joined = "; ".join(said)
    return joined[0].upper() + joined[1:] + "."
