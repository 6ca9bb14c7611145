import math
from typing import Any

import pytest

from misfire.methods.retrieval.profile.words import profile_conclusion, reference_sentence, transition_sentence
from tests.methods.retrieval.profile.invented_profile import profile, transition

FOUND = (
    "The best at 10, tau=0.1, gains +7.50 pp on 40 queries (4 fixed, 1 broken); with 12 looks counted its p-value is "
)


@pytest.mark.parametrize(
    ("changed", "rest"),
    [
        (
            {"p_value": 0.05},
            "0.050: it can't be told from no change, so nothing here speaks for one tau over another.",
        ),
        (
            {"p_value": 0.0312},
            "0.031: more than the luck of choosing a tau, but these queries were chosen because the plain caption "
            "fails on them, where any change of the scores fixes more than it breaks; on 200 other queries it fixed 5 "
            "and broke 5.",
        ),
        (
            {"p_value": 0.0004998, "is_failure_mined": False},
            "0.0005: more than the luck of choosing a tau; on 200 other queries it fixed 5 and broke 5.",
        ),
        (
            {"p_value": 0.01, "is_failure_mined": False, "num_others_asked": 0},
            "0.010: more than the luck of choosing a tau; what it does to the other queries wasn't asked.",
        ),
        (
            {"p_value": 0.01, "is_failure_mined": False, "num_others_asked": 0, "num_others": 0},
            "0.010: more than the luck of choosing a tau.",
        ),
    ],
)
def test_what_may_be_concluded_goes_by_the_adjusted_p_value(changed: dict[str, Any], rest: str) -> None:
    assert profile_conclusion(profile(**changed)) == FOUND + rest


def test_equals_are_counted_and_the_one_nearest_to_the_mean_is_named() -> None:
    flat = profile({1: (1,) * 6, 10: (22, 22, 22, 22, 22, 22)})
    assert profile_conclusion(flat).startswith(
        "The best at 10, mean (as good as 5 of the other 5 poolings), gains +5.00"
    )


@pytest.mark.parametrize("hits", [(20,) * 6, (12, 13, 14, 15, 16, 17)])
def test_no_gain_is_no_best(hits: tuple[int, ...]) -> None:
    assert profile_conclusion(profile({1: (0,) * 6, 10: hits}, p_value=1.0)) == (
        "No pooling between max and mean hits more of the 40 queries at 10 than the plain caption does."
    )


@pytest.mark.parametrize(
    ("start", "end", "said"),
    [
        (
            0.1,
            1.0,
            "leave max's ranks at tau = 0.1 (a tenth gone) and have mean's from tau = 1 on (nine tenths there).",
        ),
        (0.01, None, "leave max's ranks at or below tau = 0.01 (a tenth gone) and haven't reached mean's at tau = 10."),
        (None, None, "leave max's ranks above tau = 10 and haven't reached mean's at tau = 10."),
    ],
)
def test_a_transition_may_lie_beyond_the_grid(start: float | None, end: float | None, said: str) -> None:
    moved = profile(transition=transition(50, start, end, num_queries=1240))
    assert (
        transition_sentence(moved) == f"The ranks of the 50 of 1,240 queries that max and mean rank differently {said}"
    )


def test_without_a_transition_no_tau_matters() -> None:
    still = profile(transition=transition(0, None, None))
    assert transition_sentence(still) == "Max and mean rank each of the 240 queries alike, so no tau matters."


@pytest.mark.parametrize(
    ("spread", "said"),
    [
        (
            {},
            "the mean to 3 decimals as a rule: scores spread by 0.0120 over the prompts, so it stands 7.2e-05 above "
            "the mean, at most 9.0e-04 (the nearest rival of a target is 3.0e-03 away), and 239 of 240 queries rank as "
            "under mean.",
        ),
        (
            {"shift": 4e-6, "gap": math.nan},
            "the mean to 5 decimals as a rule: scores spread by 0.0120 over the prompts, so it stands 4.0e-06 above "
            "the mean, at most 9.0e-04, and 239 of 240 queries rank as under mean.",
        ),
        (
            {"deviation": 0.7, "shift": 0.2, "largest_shift": 0.3},
            "the mean in no decimal as a rule: scores spread by 0.7000 over the prompts, so it stands 2.0e-01 above "
            "the mean, at most 3.0e-01 (the nearest rival of a target is 3.0e-03 away), and 239 of 240 queries rank as "
            "under mean.",
        ),
        (
            {"deviation": 0.0, "shift": 0.0, "largest_shift": 0.0},
            "the mean, since the prompts' scores don't differ: 239 of 240 queries rank as under mean.",
        ),
    ],
)
def test_tau_1_is_said_to_be_as_much_of_the_mean_as_it_is(spread: dict[str, float], said: str) -> None:
    assert reference_sentence(profile(spread=spread)) == f"At tau = 1 LogMeanExp is {said}"
