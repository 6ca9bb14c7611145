"""The rule that turns a cell's numbers into yes or no, fixed before they are seen, and the answer that it leads to."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

from misfire.cells.comparison import Compared, Verdict
from misfire.cells.estimates import Estimate
from misfire.cells.paired import OTHERS, Paired
from misfire.core.errors import UsageError

_MOST_NAMES = 6


@final
@dataclass(frozen=True, eq=False)
class Candidate:
    """A cell that is held to the decision rule.

    Args:
        name: What it is called in a sentence.
        paired: Its outcomes, unit by unit.
        gain: Its gain on the chosen units, with the interval that the rule reads.
        compared: What its numbers support among all cells that were looked at.
        caveats: What must be said with its gain; may be empty.
    """

    name: str
    paired: Paired
    gain: Estimate
    compared: Compared
    caveats: tuple[str, ...] = ()

    @property
    def meets_rule(self) -> bool:
        """Whether the interval of its gain lies above 0 and the others lose no more than they win.

        A cell whose others were never asked doesn't meet it: what isn't known isn't no loss. The rule looks at a cell
        as if it were the only one, on units that nobody chose; what is left with both counted, :func:`answer` says.
        """
        others = self.paired.flips(OTHERS)
        return self.gain.low > 0 and not self.paired.are_others_unknown and others.net >= 0

    @property
    def passes(self) -> bool:
        """Whether it meets the rule and its gain can be claimed."""
        return self.meets_rule and self.compared.verdict is Verdict.GAIN


def answer(candidates: Sequence[Candidate], *, measure: str, units: str) -> str:
    """A sweep's answer in plain words: which cells pass, what was corrected for, and the largest gain.

    A cell passes if it meets the rule and its gain can be claimed with all cells and the choice of the units counted.
    By the rule alone many a sweep of equal cells has a cell that meets it, and so has many a pair of equal systems on
    units that were chosen by failing.

    Args:
        candidates: All cells that were looked at.
        measure: What was measured: ``hit@10``.
        units: What was measured on: ``queries``.

    Raises:
        UsageError: If there is no cell.
    """
    if not candidates:
        raise UsageError("an answer needs finished cells and the comparison of each, got 0 cells; run the sweep first.")
    met = [one for one in candidates if one.meets_rule]
    passing = [one for one in met if one.passes]
    best = max(passing or candidates, key=lambda one: one.gain.value)
    return (
        f"{_verdict(passing, len(candidates))} {correction([one.compared for one in candidates], units=units)}"
        f"{_by_rule_alone(met, passing, len(candidates))} "
        f"{'Its gain' if len(candidates) == 1 else 'The largest gain'} is {_gain(best, measure, units)}."
        + "".join(f" {caveat}" for caveat in best.caveats)
    )


def correction(compared: Sequence[Compared], *, units: str) -> str:
    """One sentence: how many cells show a gain once their number and the choice of their units are counted.

    Args:
        compared: All cells that were looked at.
        units: What was measured on: ``queries``.
    """
    num_gains = sum(one.verdict is Verdict.GAIN for one in compared)
    by = f"{len(compared)} cells" if len(compared) > 1 else "the one cell"
    chosen = f" and for how their {units} were chosen" if any(one.is_chosen_by_failing for one in compared) else ""
    found = {0: "no gain can be claimed", 1: "1 cell shows a gain"}.get(num_gains, f"{num_gains} cells show a gain")
    return f"Corrected for having looked at {by}{chosen}, {found}."


def _verdict(passing: Sequence[Candidate], num_cells: int) -> str:
    if num_cells == 1:
        return f"The cell {'passes' if passing else 'does not pass'}."
    if not passing:
        return f"None of the {num_cells} cells passes."
    named = "; ".join(one.name for one in passing[:_MOST_NAMES])
    rest = f"; and {len(passing) - _MOST_NAMES} more" if len(passing) > _MOST_NAMES else ""
    return f"{len(passing)} of {num_cells} cells {'passes' if len(passing) == 1 else 'pass'}: {named}{rest}."


def _by_rule_alone(met: Sequence[Candidate], passing: Sequence[Candidate], num_cells: int) -> str:
    others = len(met) - len(passing)
    if not others:
        return ""
    who = "it" if num_cells == 1 else f"{others} {'cell' if others == 1 else 'cells'}"
    return f" By the rule alone, without that correction, {who}{' more' if passing else ''} would pass."


def _gain(best: Candidate, measure: str, units: str) -> str:
    gain, others = best.gain, best.paired.flips(OTHERS)
    interval = f"{100 * best.paired.confidence:g} % bootstrap interval"
    elsewhere = (
        f"; on {others.num_units:,} other {units} it fixed {others.fixed} and broke {others.broken}"
        if others.num_units
        else ""
    )
    return (
        f"{best.name}: {100 * gain.value:+.2f} pp {measure} on n = {best.compared.flips.num_units} "
        f"({interval} [{100 * gain.low:.2f}, {100 * gain.high:.2f}]){elsewhere}"
    )
