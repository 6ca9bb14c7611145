"""An oracle gap in words that follow from its numbers."""

from collections.abc import Sequence

from misfire.methods.retrieval.ensemble.ledger import NetChange
from misfire.methods.retrieval.gap.outcome import GapSystem, OracleGap


def gap_sentence(gap: OracleGap, *, k: int | None = None) -> str:
    """What gold labels gain at a cut-off (the last by default), and what is left of it without them.

    Args:
        gap: What was measured.
        k: One of its cut-offs.
    """
    k = gap.ks[-1] if k is None else k
    without = gap.without_labels
    best = max(without, key=lambda system: system.at(k).net.estimate)
    worst = min(without, key=lambda system: system.at(k).net.estimate)
    return (
        f"Over all {gap.num_queries:,} queries, hit@{k} changes by {_points(gap.oracle.at(k).net)} where gold labels "
        "choose the templates and say which queries fail, which no deployed system knows. "
        f"Without labels, the best of {len(without)} is {best.label}, {_points(best.at(k).net)}, and the last "
        f"{worst.label}, {_points(worst.at(k).net)}. {_verdict(gap, k, without)} {_how_sure(gap)}"
    )


def _verdict(gap: OracleGap, k: int, without: Sequence[GapSystem]) -> str:
    gaining = [system for system in without if system.at(k).net.low > 0]
    losing = [system for system in without if system.at(k).net.high < 0]
    behind = [system for system in without if system.at(k).behind_oracle.low > 0]
    doubt = "" if gap.oracle.at(k).net.low > 0 else "The oracle's own change can't be told from none. "
    return (
        f"{doubt}Better than the plain caption: {_names(gaining)}; worse: {_names(losing)}; behind the oracle: "
        f"{_names(behind)}."
    )


def _how_sure(gap: OracleGap) -> str:
    return (
        f"The intervals are wide enough that those of all {len(gap.systems) - 1} systems hold at once in "
        f"{gap.confidence:.0%} of comparisons like this."
    )


def _names(systems: Sequence[GapSystem]) -> str:
    return " and ".join(system.label for system in systems) or "no system"


def _points(net: NetChange) -> str:
    return f"{100 * net.estimate:+.2f} pp [{100 * net.low:.2f}, {100 * net.high:.2f}]"
