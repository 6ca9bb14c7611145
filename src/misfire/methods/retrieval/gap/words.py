"""An oracle gap in words that follow from its numbers."""

from collections.abc import Sequence

from misfire.cells import Estimate
from misfire.methods.retrieval.gap.logged import LoggedGap, LoggedSystem
from misfire.methods.retrieval.logged import notes_of


def gap_sentence(gap: LoggedGap, *, k: int | None = None) -> str:
    """What gold labels gain at a cut-off (the last by default), and what is left of it without them.

    Args:
        gap: What was measured.
        k: One of its cut-offs.
    """
    k = gap.ks[-1] if k is None else k
    without = gap.without_labels
    best = max(without, key=lambda system: system.at("net", k).value)
    worst = min(without, key=lambda system: system.at("net", k).value)
    return (
        f"Over all {gap.num_queries:,} queries, hit@{k} changes by {_points(gap.oracle.at('net', k))} where gold "
        "labels choose the templates and say which queries fail, which no deployed system knows. "
        f"Without labels, the best of {len(without)} is {best.label}, {_points(best.at('net', k))}, and the last "
        f"{worst.label}, {_points(worst.at('net', k))}. {_verdict(gap, k, without)} {_how_sure(gap)}"
    )


def _verdict(gap: LoggedGap, k: int, without: Sequence[LoggedSystem]) -> str:
    gaining = [system for system in without if system.at("net", k).low > 0]
    losing = [system for system in without if system.at("net", k).high < 0]
    behind = [system for system in without if system.at("behind_oracle", k).low > 0]
    doubt = "" if gap.oracle.at("net", k).low > 0 else "The oracle's own change can't be told from none. "
    return (
        f"{doubt}Better than the plain caption: {_names(gaining)}; worse: {_names(losing)}; behind the oracle: "
        f"{_names(behind)}."
    )


def _how_sure(gap: LoggedGap) -> str:
    return (
        f"The intervals are wide enough that those of all {len(gap.systems) - 1} systems hold at once in "
        f"{gap.confidence:.0%} of comparisons like this."
    )


def _names(systems: Sequence[LoggedSystem]) -> str:
    return " and ".join(system.label for system in systems) or "no system"


def _points(net: Estimate) -> str:
    return f"{100 * net.value:+.2f} pp [{100 * net.low:.2f}, {100 * net.high:.2f}]"


def told(gap: LoggedGap) -> str:
    """What it comes to, then every system at every cut-off, the decisive one first."""
    from misfire.methods.retrieval.gap.table import gap_table
    from misfire.reporting.table import to_text

    return "\n".join([gap.logged.name, gap_sentence(gap), *notes_of([gap.logged]), "", to_text(gap_table(gap)), ""])
