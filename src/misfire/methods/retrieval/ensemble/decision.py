"""The rule that turns a cell's numbers into yes or no, fixed before they are seen, and the answer that it leads to."""

from collections.abc import Sequence
from dataclasses import dataclass

from misfire.core.errors import UsageError
from misfire.methods.retrieval.ensemble.comparison import Claim, ComparedCell
from misfire.methods.retrieval.ensemble.outcome import MATCHED, CellOutcome

CHOSEN_BY_FAILING = (
    " Its queries were picked because the plain caption fails on them; any other way of asking, better or not, wins "
    "some of those back."
)
"""What must be said with a gain on mined failures."""

_MOST_NAMES = 6


@dataclass(frozen=True)
class DecisionRule:
    """A mend counts where the interval of its gain lies above zero and it doesn't cost more elsewhere than it brings.

    Args:
        k: Cut-off that is read.
    """

    k: int

    def holds(self, outcome: CellOutcome) -> bool:
        """Whether the cell meets the rule: its gain's lower end is above 0, and the others lose no more than they win.

        A cell whose other queries were never asked doesn't: what isn't known isn't no loss. The rule looks at a cell as
        if it were the only one, on queries that nobody chose; what is left with both counted, :func:`answer` says.
        """
        cutoff = outcome.at(self.k)
        is_cost_known = cutoff.complement.num_queries > 0 or outcome.num_others == 0
        return cutoff.gain.low > 0 and is_cost_known and cutoff.complement.net >= 0


def answer(outcomes: Sequence[CellOutcome], rule: DecisionRule, compared: Sequence[ComparedCell]) -> str:
    """The sweep's answer in plain words: which cells pass, what was corrected for, and the largest gain.

    A cell passes if it meets the rule and its gain can be claimed with all cells and the choice of the queries counted.
    By the rule alone many a sweep of equal cells has a cell that meets it, and so has many a pair of equal systems on
    mined failures.

    Args:
        outcomes: Finished cells.
        rule: What was to be met.
        compared: The cells' comparison, in any order.

    Raises:
        UsageError: If there is no cell, or one isn't compared.
    """
    claims = {one.cell_id: one.claim for one in compared}
    num_unknown = sum(outcome.cell_id not in claims for outcome in outcomes)
    if not outcomes or num_unknown:
        raise UsageError(
            f"an answer needs finished cells and the comparison of each, got {len(outcomes)} cells, {num_unknown} of "
            "them not compared; run the sweep first, then compare all of its cells."
        )
    met = [outcome for outcome in outcomes if rule.holds(outcome)]
    passing = [outcome for outcome in met if claims[outcome.cell_id] is Claim.GAIN]
    best = max(passing or outcomes, key=lambda outcome: outcome.at(rule.k).delta)
    return (
        f"{_verdict(passing, len(outcomes))} {correction(compared)}{_by_rule_alone(met, passing, len(outcomes))} "
        f"{'Its gain' if len(outcomes) == 1 else 'The largest gain'} is {_gain(best, rule.k)}.{_caveats(best)}"
    )


def correction(compared: Sequence[ComparedCell]) -> str:
    """One sentence: how many cells show a gain once their number and the choice of their queries are counted.

    Args:
        compared: All cells that were looked at.
    """
    num_gains = sum(one.claim is Claim.GAIN for one in compared)
    by = f"{len(compared)} cells" if len(compared) > 1 else "the one cell"
    mined = " and for how their queries were chosen" if any(one.is_failure_mined for one in compared) else ""
    found = {0: "no gain can be claimed", 1: "1 cell shows a gain"}.get(num_gains, f"{num_gains} cells show a gain")
    return f"Corrected for having looked at {by}{mined}, {found}."


def _verdict(passing: Sequence[CellOutcome], num_cells: int) -> str:
    if num_cells == 1:
        return f"The cell {'passes' if passing else 'does not pass'}."
    if not passing:
        return f"None of the {num_cells} cells passes."
    named = "; ".join(map(_named, passing[:_MOST_NAMES]))
    rest = f"; and {len(passing) - _MOST_NAMES} more" if len(passing) > _MOST_NAMES else ""
    return f"{len(passing)} of {num_cells} cells {'passes' if len(passing) == 1 else 'pass'}: {named}{rest}."


def _by_rule_alone(met: Sequence[CellOutcome], passing: Sequence[CellOutcome], num_cells: int) -> str:
    others = len(met) - len(passing)
    if not others:
        return ""
    who = "it" if num_cells == 1 else f"{others} {'cell' if others == 1 else 'cells'}"
    return f" By the rule alone, without that correction, {who}{' more' if passing else ''} would pass."


def _named(outcome: CellOutcome) -> str:
    tau = "" if outcome.tau is None else f" (tau {outcome.tau:g})"
    over = "" if outcome.templates == MATCHED else f" over the {outcome.templates} templates"
    return f"{outcome.subset} with {outcome.pooling}{tau}{over}"


def _gain(outcome: CellOutcome, k: int) -> str:
    cutoff = outcome.at(k)
    elsewhere = (
        f"; on {cutoff.complement.num_queries:,} other queries it fixed {cutoff.complement.fixed} and broke "
        f"{cutoff.complement.broken}"
        if cutoff.complement.num_queries
        else ""
    )
    return (
        f"{_named(outcome)}: {100 * cutoff.delta:+.2f} pp hit@{k} on n = {outcome.num_queries} "
        f"[{100 * cutoff.gain.low:.2f}, {100 * cutoff.gain.high:.2f}]{elsewhere}"
    )


def _caveats(best: CellOutcome) -> str:
    caveats = [
        CHOSEN_BY_FAILING if best.is_failure_mined else "",
        " The templates were chosen by gold labels: an oracle, not a system." if best.is_oracle else "",
    ]
    return "".join(caveats)
