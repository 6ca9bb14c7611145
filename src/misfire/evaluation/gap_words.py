"""An oracle gap in a sentence that follows from its numbers."""

from misfire.evaluation.gap_outcome import GATED, GENERIC, PREDICTED, GapSystem, OracleGap
from misfire.evaluation.ledger import NetChange


def gap_sentence(gap: OracleGap, *, k: int | None = None) -> str:
    """What gold labels gain at a cut-off (the last by default), and what is left of it without them.

    Args:
        gap: What was measured.
        k: One of its cut-offs.
    """
    k = gap.ks[-1] if k is None else k
    told = "; ".join(
        f"{system.label} {_points(system.at(k).net)}" for system in gap.systems if system.kind in _WITHOUT_LABELS
    )
    return (
        f"Over all {gap.num_queries:,} queries, hit@{k} changes by {_points(gap.oracle.at(k).net)} where gold labels "
        f"choose the templates and say which queries fail, which no deployed system knows; without them: {told}; "
        f"{_verdict(gap, k)}."
    )


_WITHOUT_LABELS = (GENERIC, PREDICTED, GATED)


def _verdict(gap: OracleGap, k: int) -> str:
    without = [system for system in gap.systems if system.kind in _WITHOUT_LABELS]
    gaining = [system for system in without if system.at(k).net.low > 0]
    losing = [system for system in without if system.at(k).net.high < 0]
    behind = [system for system in without if system.at(k).behind_oracle.low > 0]
    parts = []
    if gap.oracle.at(k).net.low <= 0:
        parts.append("the oracle's own change can't be told from none")
    parts.append(f"surely better than the plain caption: {_names(gaining)}")
    if losing:
        parts.append(f"surely worse: {_names(losing)}")
    parts.append(f"surely behind the oracle: {_names(behind)}")
    return ", ".join(parts) + f" (each by its own {gap.confidence:.0%} interval)"


def _names(systems: list[GapSystem]) -> str:
    return " and ".join(system.label for system in systems) or "none"


def _points(net: NetChange) -> str:
    return f"{100 * net.estimate:+.2f} pp [{100 * net.low:.2f}, {100 * net.high:.2f}]"
