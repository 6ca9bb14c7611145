"""The rule, and the sentences that a sweep ends with."""

from collections.abc import Sequence

import pytest

from misfire.cells import Flips
from misfire.cells.comparison import Compared, Verdict
from misfire.cells.decision import Candidate, answer, correction
from misfire.core.errors import UsageError
from misfire.methods.retrieval.ensemble.logged import LoggedEnsemble
from misfire.methods.retrieval.ensemble.report_part import answered, candidate
from tests.methods.retrieval.finished import compared, cut_off, ensemble

K = 5


def candidates(cells: Sequence[LoggedEnsemble], *verdicts: Verdict) -> list[Candidate]:
    """Cells of which tests say this."""
    return [
        candidate(
            cell,
            K,
            cell.paired(K),
            compared(cell.flips(K), verdict, num_compared=len(cells), is_chosen_by_failing=cell.is_failure_mined),
        )
        for cell, verdict in zip(cells, verdicts, strict=True)
    ]


def said_of(cells: Sequence[LoggedEnsemble], *verdicts: Verdict) -> str:
    return answered(candidates(cells, *verdicts), K)


def meets_rule(cell: LoggedEnsemble) -> bool:
    return candidates([cell], Verdict.NONE)[0].meets_rule


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
    assert meets_rule(ensemble(cut_off(5, low=low, others=others))) is holds


def test_a_mend_of_all_queries_has_nothing_else_to_break() -> None:
    assert meets_rule(ensemble(cut_off(5, low=0.01, others=Flips(0, 0, 0, 0)), num_others=0))


def small(**changed: object) -> LoggedEnsemble:
    return ensemble(
        cut_off(5, subset=Flips(1, 0, 5, 4)), cell_id="s", subset="action", pooling="max", tau=None, **changed
    )


SMALL = small()
PLAIN = {"is_failure_mined": False, "is_oracle": False}


def test_the_answer_names_templates_that_are_not_the_matched_ones() -> None:
    cells = [small(templates="predicted"), ensemble(templates="generic")]
    said = said_of(cells, Verdict.GAIN, Verdict.GAIN)
    assert "pass: action with max over the predicted templates; object with logmeanexp (tau 1) over the gen" in said


def test_the_answer_names_what_passes_and_the_best() -> None:
    cells = [SMALL, ensemble()]
    assert said_of(cells, Verdict.GAIN, Verdict.GAIN) == (
        "2 of 2 cells pass: action with max; object with logmeanexp (tau 1). Corrected for having looked at 2 cells "
        "and for how their queries were chosen, 2 cells show a gain. "
        "The largest gain is object with logmeanexp (tau 1): +20.00 pp hit@5 on n = 10 (95 % bootstrap interval "
        "[5.00, 40.00]); "
        "on 20 other queries it fixed 2 and broke 2. "
        "Its queries were picked because the plain caption fails on them; any other way of asking, better or not, wins "
        "some of those back. The templates were chosen by gold labels: an oracle, not a system."
    )


def test_a_rule_that_is_met_is_not_passed_without_a_claim() -> None:
    cells = [SMALL, ensemble()]
    none = said_of(cells, Verdict.CHOSEN, Verdict.NONE)
    assert none.startswith(
        "None of the 2 cells passes. Corrected for having looked at 2 cells and for how their queries were chosen, no "
        "gain can be claimed. By the rule alone, without that correction, 2 cells would pass. The largest gain is "
    )
    one = said_of(cells, Verdict.GAIN, Verdict.NONE)
    assert one.startswith("1 of 2 cells passes: action with max. Corrected for ")
    assert "1 cell shows a gain. By the rule alone, without that correction, 1 cell more would pass. " in one
    assert "The largest gain is action with max: +10.00 pp" in one  # of those that pass
    alone = said_of(cells[:1], Verdict.NONE)
    assert alone.startswith("The cell does not pass. Corrected for having looked at the one cell and for how ")
    assert "By the rule alone, without that correction, it would pass. Its gain is action with max" in alone


def test_a_gain_that_costs_more_elsewhere_does_not_pass() -> None:
    cells = [ensemble(cut_off(5, others=Flips(1, 2, 5, 5)), **PLAIN)]
    said = said_of(cells, Verdict.GAIN)
    assert said.startswith(
        "The cell does not pass. Corrected for having looked at the one cell, 1 cell shows a gain. Its gain is object"
    )


def test_the_answer_says_plainly_that_nothing_passes() -> None:
    made = [ensemble(cut_off(5, low=-0.1, others=Flips(0, 0, 0, 0)), **PLAIN)]
    assert said_of(made, Verdict.NONE) == (
        "The cell does not pass. Corrected for having looked at the one cell, no gain can be claimed. Its gain is "
        "object with logmeanexp (tau 1): +20.00 pp hit@5 on n = 10 (95 % bootstrap interval [-10.00, 40.00])."
    )


def test_of_many_that_pass_a_few_are_named() -> None:
    cells = [ensemble(cut_off(5), cell_id=str(place), pooling=f"p{place}", tau=None) for place in range(9)]
    said = said_of(cells, *[Verdict.GAIN] * 9)
    assert said.startswith("9 of 9 cells pass: object with p0; ")
    assert "object with p5; and 3 more. " in said


def test_the_correction_counts_gains_only() -> None:
    def told(*verdicts: Verdict) -> list[Compared]:
        return [one.compared for one in candidates([SMALL, ensemble(), ensemble(cell_id="t")], *verdicts)]

    said = correction(told(Verdict.LOSS, Verdict.CHOSEN, Verdict.NONE), units="queries")
    assert said.endswith("no gain can be claimed.")
    assert correction(told(*[Verdict.GAIN] * 3), units="queries").endswith(", 3 cells show a gain.")


def test_no_cell_has_no_answer() -> None:
    with pytest.raises(UsageError, match="an answer needs finished cells and the comparison of each, got 0 cells"):
        answer([], measure="hit@5", units="queries")
