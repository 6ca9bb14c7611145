"""A sweep of ensembles put into words that need no statistics."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import final

from misfire.cells import Flips
from misfire.cells.comparison import Compared, Verdict
from misfire.core.words import change, how_often, p_value, plain_count, points, queries, signed
from misfire.methods.retrieval.ensemble.logged import LoggedEnsemble
from misfire.methods.retrieval.ensemble.series import cell_label, sorted_rows
from misfire.methods.retrieval.percentiles import PERCENTILES_ARE_SHORT, leaves_out_zero_alone
from misfire.reporting.conclusion import Conclusion, Statement

_PLACEBOS = {
    "placebo_noise": "systems of equal quality that change as many",
    "placebo_paraphrase": "prompts that only say the same in other words",
}
"""Changes that improve nothing, by their group of estimates."""

_LEVEL = 0.05
_FEW_OTHERS = 100


@final
@dataclass(frozen=True, eq=False)
class Decided:
    """The cell that a conclusion is about, among those that it was looked at with.

    Args:
        cell: The cell.
        name: What it is called.
        k: Cut-off of a hit.
        compared: What its numbers support.
        num_losses: How many of the cells show a loss.
    """

    cell: LoggedEnsemble
    name: str
    k: int
    compared: Compared
    num_losses: int = 0

    @property
    def flips(self) -> Flips:
        """The subset's flips."""
        return self.compared.flips

    @property
    def verdict(self) -> Verdict:
        """What may be said of the cell."""
        return self.compared.verdict

    @property
    def num_queries(self) -> int:
        """Queries of the subset."""
        return self.compared.flips.num_units

    @property
    def gain(self) -> float:
        """Gain on the subset."""
        return self.compared.flips.net_fraction

    @property
    def elsewhere(self) -> Flips:
        """The flips of the other queries that were asked."""
        return self.cell.flips(self.k, "complement")

    @property
    def net_interval(self) -> tuple[float, float]:
        """Interval of the change over all queries, for this cell alone; NaN where it isn't known."""
        net = self.cell.at("all/net", self.k)
        return net.low, net.high

    @property
    def placebos(self) -> list[tuple[str, float, float]]:
        """What each kind of change of no worth shows on queries that were chosen by failing, where that is known."""
        known = _PLACEBOS.items() if self.compared.is_chosen_by_failing else ()
        bands = [(said, self.cell.find(group, self.k)) for group, said in known]
        return [(said, band.low, band.high) for said, band in bands if band is not None and not math.isnan(band.low)]

    @property
    def is_more_everywhere(self) -> bool:
        """Whether more hits over all queries can be told from luck, the number of cells counted."""
        return self.compared.p_everywhere <= _LEVEL and self.compared.net_low > 0

    @property
    def is_fewer_everywhere(self) -> bool:
        """Whether fewer hits over all queries can be told from luck, the number of cells counted."""
        return self.compared.p_everywhere <= _LEVEL and self.net_interval[1] < 0


def decisive(rows: Sequence[LoggedEnsemble], compared: Mapping[str, Compared], k: int) -> Decided:
    """The cell that a conclusion is about: the largest gain that holds, else the largest one; the first of equals.

    Args:
        rows: Finished cells, in any order.
        compared: The comparison of each, by cell id.
        k: The cut-off that was compared.
    """

    def weight(row: LoggedEnsemble) -> tuple[bool, float]:
        one = compared[row.cell_id]
        return one.verdict is Verdict.GAIN, one.flips.net_fraction

    best = max((row for row in sorted_rows(rows) if row.cell_id in compared), key=weight)
    num_losses = sum(one.verdict is Verdict.LOSS for one in compared.values())
    return Decided(best, cell_label(best, rows), k, compared[best.cell_id], num_losses)


def conclude(one: Decided) -> Conclusion:
    """Put the numbers into words."""
    many = f"{plain_count(one.compared.num_compared)} settings" if one.compared.num_compared > 1 else ""
    oracle = (
        "The prompts were picked by labels that nobody has for a new query, so this bounds what could be reached and "
        "is no result of a usable system."
        if one.cell.is_oracle
        else ""
    )
    parts = (
        Statement(f"What can {queries(one.num_queries)} show?", _reach(one)),
        Statement("What was seen?", _seen(one)),
        Statement("Can it be luck?", _judged(one)),
        Statement("Were the queries picked?", _chosen(one)),
        Statement("And the other queries?", f"{_elsewhere(one)} {_whole(one)}".strip()),
        Statement("Could a real system do this?", oracle),
        Statement(f"And the rest of the {many}?", _losses(one)),
    )
    return Conclusion(
        parts=tuple(part for part in parts if part.text),
        may=_MAY[one.verdict](one),
        may_not=_may_not(one),
        verdict=_verdict(one),
    )


def _verdict(one: Decided) -> str:
    if one.verdict is Verdict.CHOSEN:
        return "No gain can be claimed: what was won may be no more than what picking the failures gives anybody."
    if one.verdict is Verdict.LOSS:
        return "The new prompts do harm here, and that isn't luck."
    if one.verdict is Verdict.GAIN:
        return f"The gain isn't luck{', but it takes labels that nobody has' if one.cell.is_oracle else ''}."
    return "No gain can be claimed: luck can do as much." if one.gain > 0 else "No gain was seen."


def _reach(one: Decided) -> str:
    if math.isnan(one.compared.least_gain):
        return (
            f"{queries(one.num_queries)} {'is' if one.num_queries == 1 else 'are'} too few to show any gain: even "
            "if a change fixed every one of them, luck could not be ruled out."
        )
    more = "; the more settings are tried, the larger it must be" if one.compared.num_compared > 1 else ""
    count = round(one.compared.least_gain * one.num_queries)
    return (
        f"{queries(one.num_queries)} can show a gain of {points(one.compared.least_gain)} or more, which is {count} "
        f"of them{more}."
    )


def _seen(one: Decided) -> str:
    who = (
        f"the best of {one.compared.num_compared} settings ({one.name})"
        if one.compared.num_compared > 1
        else f"the new way ({one.name})"
    )
    if one.flips.fixed + one.flips.broken == 0:
        return f"Here {who} changed nothing: the same pictures were found among the first {one.k} as before."
    return (
        f"Here {who} fixed {one.flips.fixed} of them and broke {one.flips.broken}: {change(one.gain)} in the "
        f"share whose picture is found among the first {one.k}."
    )


def _judged(one: Decided) -> str:
    if one.flips.fixed + one.flips.broken == 0:
        return ""
    luck = _luck(one)
    if one.verdict is Verdict.NONE:
        if one.flips.fixed == one.flips.broken:
            return "So nothing was won."
        alone = (
            " Had it been the only setting, it would have passed; as the best of so many it doesn't."
            if one.compared.test.p_exact <= 0.05
            else ""
        )
        verb = "no gain" if one.gain > 0 else "no loss"
        return f"That can't be told from {verb} at all: {luck}.{alone}{_percentiles(one)}"
    if one.verdict is Verdict.CHOSEN:
        return f"Luck alone doesn't explain that: {luck}."
    return f"That {'loss' if one.verdict is Verdict.LOSS else 'difference'} isn't luck: {luck}."


def _percentiles(one: Decided) -> str:
    """Why the bootstrap's percentiles may seem to say more than the exact test."""
    stored, p_exact = one.cell.at("delta", one.k), one.compared.test.p_exact
    if not leaves_out_zero_alone(p_exact, stored.low, stored.high, level=_LEVEL):
        return ""
    said = PERCENTILES_ARE_SHORT.format(signed(stored.low), signed(stored.high), p_value(p_exact))
    return f" {said[0].upper()}{said[1:]}"


def _luck(one: Decided) -> str:
    """How often equals look this different: on queries that nobody picked, which is all that the test knows of."""
    where = "on queries drawn by lot, " if one.compared.is_chosen_by_failing else ""
    who = "the best of as many settings" if one.compared.num_compared > 1 else "a setting"
    are = "are" if one.compared.num_compared > 1 else "is"
    return (
        f"{where}{who} that {are} no better and no worse than the plain caption would look this different "
        f"{how_often(one.compared.p_adjusted)}"
    )


def _chosen(one: Decided) -> str:
    if not one.compared.is_chosen_by_failing:
        return ""
    if one.verdict is Verdict.LOSS:
        return (
            "And that on queries which were picked because the plain caption fails on them, where any other way of "
            "asking starts with an advantage."
        )
    start = {Verdict.NONE: "Besides", Verdict.CHOSEN: "But", Verdict.GAIN: "Some of it was to be expected"}[one.verdict]
    link = ": " if one.verdict is Verdict.GAIN else ", " if one.verdict is Verdict.NONE else " "
    said = (
        f"{start}{link}these queries were picked because the plain caption fails on them, and any other way of asking, "
        "better or not, wins some of those back"
    )
    told = [f"from {signed(low)} to {signed(high)} points ({who})" for who, low, high in one.placebos]
    shown = f": on them, changes that improve nothing show anything {', and '.join(told)}" if told else ""
    return f"{said}{shown}."


def _elsewhere(one: Decided) -> str:
    if not one.cell.num_others:
        return "There are no other queries."
    if not one.cell.num_others_asked:
        return (
            f"What the same change does to the other {queries(one.cell.num_others)} was not tried, so whether it does "
            "more good than harm is unknown."
        )
    fixed, broken = one.elsewhere.fixed, one.elsewhere.broken
    if fixed == broken == 0:
        outcome = "the same change fixed and broke nothing"
    elif fixed == broken:
        outcome = f"the same change broke as many as it fixed, {fixed} each"
    else:
        outcome = f"the same change fixed {fixed} and broke {broken}"
    asked = plain_count(one.cell.num_others_asked)
    where = (
        f"on the other {queries(one.cell.num_others)}"
        if one.cell.num_others_asked == one.cell.num_others
        else f"on {asked} of the other {queries(one.cell.num_others)}"
    )
    few = ", but so few say little" if one.cell.num_others_asked < min(_FEW_OTHERS, one.cell.num_others) else ""
    return f"Elsewhere, {where}, {outcome}{few}."


def _whole(one: Decided) -> str:
    low, high = one.net_interval
    if math.isnan(one.compared.net_everywhere) or math.isnan(low) or not one.cell.num_others:
        return ""
    if one.is_more_everywhere or one.is_fewer_everywhere:
        verdict = f"{'more' if one.is_more_everywhere else 'fewer'} hits than before"
    elif low <= 0 <= high or one.compared.num_compared == 1:
        verdict = "which can't be told from no change"
    else:
        verdict = "but luck alone can do as much for the best of so many settings"
    return (
        f"Over all queries that comes to {signed(one.compared.net_everywhere)} points (anything from {signed(low)} to "
        f"{signed(high)} fits what was seen), {verdict}."
    )


def _losses(one: Decided) -> str:
    if one.verdict is Verdict.LOSS or not one.num_losses:
        return ""
    are = "1 of the settings does" if one.num_losses == 1 else f"{one.num_losses} of the settings do"
    return f"{are} worse than the plain caption, and that isn't luck."


def _range(one: Decided) -> str:
    """The interval, as far as it agrees with the claim: a test that resamples may be a little finer or coarser."""
    low, high = one.compared.shared_low, one.compared.shared_high
    if one.verdict is Verdict.GAIN and low <= 0:
        return f"above 0 and at {signed(high)} points at most"
    if one.verdict is Verdict.LOSS and high >= 0:
        return f"below 0 and at {signed(low)} points at worst"
    if one.verdict is Verdict.NONE:
        low, high = min(low, 0.0), max(high, 0.0)
    return f"between {signed(low)} and {signed(high)} points"


def _may_none(one: Decided) -> str:
    return f"On such queries the true change lies, as far as these can tell, {_range(one)}; no more is known."


def _may_gain(one: Decided) -> str:
    who = "Prompts picked by true labels find" if one.cell.is_oracle else "The new prompts find"
    return f"{who} more of such queries' images within the first {one.k}; the gain lies {_range(one)}."


def _may_loss(one: Decided) -> str:
    found = f"The new prompts find fewer of such queries' images within the first {one.k}"
    return f"{found}: the change lies {_range(one)}."


def _may_chosen(one: Decided) -> str:
    return "The new prompts answer these queries differently than the plain caption; that they are better isn't shown."


_MAY = {Verdict.NONE: _may_none, Verdict.GAIN: _may_gain, Verdict.LOSS: _may_loss, Verdict.CHOSEN: _may_chosen}


def _may_not(one: Decided) -> str:
    if one.verdict is Verdict.NONE:
        return "That the change helps, that it harms, or that it does nothing."
    if one.verdict is Verdict.LOSS:
        return "That it helps any query but those it fixed here, or that it harms queries of another kind as well."
    if one.verdict is Verdict.CHOSEN:
        return "That the change is an improvement: it may win here only what it loses elsewhere."
    said = []
    if one.cell.is_oracle:
        said.append("that a system without the true labels would gain anything")
    if one.compared.is_chosen_by_failing or one.compared.num_compared > 1:
        said.append(f"that new queries would gain as much as {points(one.gain)}, which was the best of what was tried")
    if one.cell.num_others and not one.is_more_everywhere:
        said.append("that it helps over all queries")
    if not said:
        said.append("that it helps with another model or other data")
    joined = "; ".join(said)
    return joined[0].upper() + joined[1:] + "."
