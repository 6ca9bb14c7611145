"""The rule, and the sentences that a sweep ends with."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from misfire.core.errors import UsageError
from misfire.methods.retrieval.ensemble.comparison import Claim, ComparedCell, compare_cells
from misfire.methods.retrieval.ensemble.decision import DecisionRule, answer, correction
from misfire.methods.retrieval.ensemble.outcome import CellOutcome
from misfire.methods.retrieval.flips import Flips
from tests.evaluation.outcomes import cutoff, outcome

RULE = DecisionRule(k=5)


@pytest.mark.parametrize(
    ("low", "others", "holds"),
    [
        (0.01, Flips(2, 1, 5, 5), True),
        (0.01, Flips(2, 2, 5, 5), True),
        (0.01, Flips(1, 2, 5, 5), False),
        (0.0, Flips(2, 1, 5, 5), False),
        (-0.1, Flips(2, 1, 5, 5), False),
        (0.01, Flips(0, 0, 0, 0), False),
    ],
)
def test_a_mend_gains_for_sure_and_costs_nothing_elsewhere(low: float, others: Flips, holds: bool) -> None:
    assert RULE.holds(outcome(cutoff(5, low=low, others=others))) is holds


def test_a_mend_of_all_queries_has_nothing_else_to_break() -> None:
    assert RULE.holds(outcome(cutoff(5, low=0.01, others=Flips(0, 0, 0, 0)), num_others=0))


def test_the_rule_reads_its_own_cut_off() -> None:
    made = outcome(cutoff(5, low=0.1), cutoff(10, low=-0.1))
    assert (DecisionRule(k=5).holds(made), DecisionRule(k=10).holds(made)) == (True, False)


FACTS: dict[Claim, dict[str, object]] = {
    Claim.GAIN: {"p_adjusted": 0.01, "flips": Flips(3, 1, 2, 4), "p_everywhere": 0.01, "net_low": 0.01},
    Claim.CHOSEN: {"p_adjusted": 0.01, "flips": Flips(3, 1, 2, 4), "p_everywhere": 0.5, "net_low": -0.01},
    Claim.LOSS: {"p_adjusted": 0.01, "flips": Flips(1, 3, 2, 4)},
    Claim.NONE: {"p_adjusted": 0.5, "flips": Flips(3, 1, 2, 4)},
}
RECORDS = pd.DataFrame(
    {"query_id": [0, 1], "image_id": [0, 1], "part": "subset", "baseline_rank": [9, 9], "ensembled_rank": [1, 9]}
)


def compared(cells: list[CellOutcome], *claims: Claim) -> list[ComparedCell]:
    """Comparisons that make these claims, in the reverse of the cells' order."""
    [one] = compare_cells([outcome()], [RECORDS], k=5, rng=np.random.default_rng(0))
    found = [
        replace(one, cell_id=cell.cell_id, is_failure_mined=cell.is_failure_mined, **FACTS[claim])  # type: ignore[arg-type]
        for cell, claim in zip(cells, claims, strict=True)
    ]
    assert [one.claim for one in found] == list(claims)
    return found[::-1]


SMALL = outcome(cutoff(5, subset=Flips(1, 0, 5, 4)), cell_id="s", subset="action", pooling="max", tau=None)
PLAIN = {"is_failure_mined": False, "is_oracle": False}


def test_the_answer_names_templates_that_are_not_the_matched_ones() -> None:
    cells = [replace(SMALL, templates="predicted"), outcome(templates="generic")]
    said = answer(cells, RULE, compared(cells, Claim.GAIN, Claim.GAIN))
    assert "pass: action with max over the predicted templates; object with logmeanexp (tau 1) over the gen" in said


def test_the_answer_names_what_passes_and_the_best() -> None:
    cells = [SMALL, outcome()]
    assert answer(cells, RULE, compared(cells, Claim.GAIN, Claim.GAIN)) == (
        "2 of 2 cells pass: action with max; object with logmeanexp (tau 1). Corrected for having looked at 2 cells "
        "and for how their queries were chosen, 2 cells show a gain. "
        "The largest gain is object with logmeanexp (tau 1): +20.00 pp hit@5 on n = 10 [5.00, 40.00]; "
        "on 20 other queries it fixed 2 and broke 2. "
        "Its queries were picked because the plain caption fails on them; any other way of asking, better or not, wins "
        "some of those back. The templates were chosen by gold labels: an oracle, not a system."
    )


def test_a_rule_that_is_met_is_not_passed_without_a_claim() -> None:
    cells = [SMALL, outcome()]
    none = answer(cells, RULE, compared(cells, Claim.CHOSEN, Claim.NONE))
    assert none.startswith(
        "None of the 2 cells passes. Corrected for having looked at 2 cells and for how their queries were chosen, no "
        "gain can be claimed. By the rule alone, without that correction, 2 cells would pass. The largest gain is "
    )
    one = answer(cells, RULE, compared(cells, Claim.GAIN, Claim.NONE))
    assert one.startswith("1 of 2 cells passes: action with max. Corrected for ")
    assert "1 cell shows a gain. By the rule alone, without that correction, 1 cell more would pass. " in one
    assert "The largest gain is action with max: +10.00 pp" in one  # of those that pass
    alone = answer(cells[:1], RULE, compared(cells[:1], Claim.NONE))
    assert alone.startswith("The cell does not pass. Corrected for having looked at the one cell and for how ")
    assert "By the rule alone, without that correction, it would pass. Its gain is action with max" in alone


def test_a_gain_that_costs_more_elsewhere_does_not_pass() -> None:
    cells = [outcome(cutoff(5, others=Flips(1, 2, 5, 5)), **PLAIN)]
    said = answer(cells, RULE, compared(cells, Claim.GAIN))
    assert said.startswith(
        "The cell does not pass. Corrected for having looked at the one cell, 1 cell shows a gain. Its gain is object"
    )


def test_the_answer_says_plainly_that_nothing_passes() -> None:
    made = [outcome(cutoff(5, low=-0.1, others=Flips(0, 0, 0, 0)), **PLAIN)]
    assert answer(made, RULE, compared(made, Claim.NONE)) == (
        "The cell does not pass. Corrected for having looked at the one cell, no gain can be claimed. Its gain is "
        "object with logmeanexp (tau 1): +20.00 pp hit@5 on n = 10 [-10.00, 40.00]."
    )


def test_of_many_that_pass_a_few_are_named() -> None:
    cells = [outcome(cutoff(5), cell_id=str(place), pooling=f"p{place}", tau=None) for place in range(9)]
    said = answer(cells, RULE, compared(cells, *[Claim.GAIN] * 9))
    assert said.startswith("9 of 9 cells pass: object with p0; ")
    assert "object with p5; and 3 more. " in said


def test_the_correction_counts_gains_only() -> None:
    cells = [SMALL, outcome(), outcome(cell_id="t")]
    found = compared(cells, Claim.LOSS, Claim.CHOSEN, Claim.NONE)
    assert correction(found).endswith("no gain can be claimed.")
    assert correction(compared(cells, *[Claim.GAIN] * 3)).endswith(", 3 cells show a gain.")


def test_no_cell_has_no_answer() -> None:
    with pytest.raises(
        UsageError, match="an answer needs finished cells and the comparison of each, got 0 cells, 0 of"
    ):
        answer([], RULE, [])
    with pytest.raises(UsageError, match="got 1 cells, 1 of them not compared; run the sweep first, then compare all"):
        answer([SMALL], RULE, [])
