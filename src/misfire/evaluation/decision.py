"""The rule that turns a cell's numbers into yes or no, fixed before they are seen."""

from collections.abc import Sequence
from dataclasses import dataclass

from misfire.core.errors import UsageError
from misfire.evaluation.outcome import CellOutcome


@dataclass(frozen=True)
class DecisionRule:
    """A mend counts where the interval of its gain lies above zero and it doesn't cost more elsewhere than it brings.

    Args:
        k: Cut-off that is read.
    """

    k: int

    def holds(self, outcome: CellOutcome) -> bool:
        """Whether the cell passes: its gain's lower end is above 0, and the others lose no more than they win.

        A cell whose other queries were never asked doesn't pass: what isn't known isn't no loss.
        """
        cutoff = outcome.at(self.k)
        is_cost_known = cutoff.complement.num_queries > 0 or outcome.num_others == 0
        return cutoff.gain.low > 0 and is_cost_known and cutoff.complement.net >= 0


def answer(outcomes: Sequence[CellOutcome], rule: DecisionRule) -> str:
    """The sweep's answer in plain words: which cells pass, out of how many, and what the best one is.

    Raises:
        UsageError: If there is no cell.
    """
    if not outcomes:
        raise UsageError("an answer needs finished cells, got none; run the sweep first.")
    passing = [outcome for outcome in outcomes if rule.holds(outcome)]
    best = max(outcomes, key=lambda outcome: outcome.at(rule.k).delta)
    if len(outcomes) == 1:
        said = f"The cell {'passes' if passing else 'does not pass'}. Its gain is"
    elif passing:
        said = f"{len(passing)} of {len(outcomes)} cells pass: {'; '.join(map(_named, passing))}. The largest gain is"
    else:
        said = f"None of the {len(outcomes)} cells passes. The largest gain is"
    return f"{said} {_gain(best, rule.k)}.{_caveats(best)}"


def _named(outcome: CellOutcome) -> str:
    tau = "" if outcome.tau is None else f" (tau {outcome.tau:g})"
    return f"{outcome.subset} with {outcome.pooling}{tau}"


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
        " The subset was mined from failures, so part of any gain on it is regression to the mean."
        if best.is_failure_mined
        else "",
        " The templates were chosen by gold labels: an oracle, not a system." if best.is_oracle else "",
    ]
    return "".join(caveats)
