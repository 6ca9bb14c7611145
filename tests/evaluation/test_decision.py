"""The rule, and the sentences that a sweep ends with."""

import pytest

from misfire.core.errors import UsageError
from misfire.evaluation import DecisionRule, Flips, answer
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


def test_the_answer_names_what_passes_and_the_best() -> None:
    small = outcome(cutoff(5, subset=Flips(1, 0, 5, 4)), subset="action", pooling="max", tau=None)
    said = answer([small, outcome()], RULE)
    assert said == (
        "2 of 2 cells pass: action with max; object with logmeanexp (tau 1). "
        "The largest gain is object with logmeanexp (tau 1): +20.00 pp hit@5 on n = 10 [5.00, 40.00]; "
        "on 20 other queries it fixed 2 and broke 2. "
        "The subset was mined from failures, so part of any gain on it is regression to the mean. "
        "The templates were chosen by gold labels: an oracle, not a system."
    )


def test_the_answer_says_plainly_that_nothing_passes() -> None:
    made = outcome(cutoff(5, low=-0.1, others=Flips(0, 0, 0, 0)), is_failure_mined=False, is_oracle=False)
    assert answer([made], RULE) == (
        "The cell does not pass. Its gain is object with logmeanexp (tau 1): +20.00 pp hit@5 on n = 10 [-10.00, 40.00]."
    )


def test_of_several_cells_none_may_pass() -> None:
    made = outcome(cutoff(5, low=-0.1))
    assert answer([made, made], RULE).startswith(
        "None of the 2 cells passes. The largest gain is object with logmeanexp"
    )


def test_no_cell_has_no_answer() -> None:
    with pytest.raises(UsageError, match="an answer needs finished cells, got none; run the sweep first"):
        answer([], RULE)
