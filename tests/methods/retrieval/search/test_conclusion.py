"""What a study's report says of its winner agrees with the rule that it was judged by."""

import re

import pytest

from misfire.cells import Flips
from misfire.methods.retrieval.ensemble.logged import LoggedEnsemble
from misfire.methods.retrieval.search.winner import Winner, conclude_winner
from misfire.reporting.conclusion import Conclusion
from tests.methods.retrieval.finished import cut_off, ensemble

SURE = (0.01, 0.03)
UNSURE = (-0.01, 0.05)
MOST = Flips(3, 2, 10, 5)


def side(subset: Flips, *, net: tuple[float, float] | None = None, **changed: object) -> LoggedEnsemble:
    others = MOST if changed.get("num_others", 1) else Flips(0, 0, 0, 0)
    return ensemble(cut_off(5, subset, others, net=net), **changed)


def said(dev: LoggedEnsemble, test: LoggedEnsemble, *, num_settings: int = 40, num_looks: int = 1) -> Conclusion:
    winner = Winner(dev, test, k=5, num_settings=num_settings, p_selected=0.3, num_looks=num_looks, seed=0)
    return conclude_winner(winner, name="pooling=max")


DEV = side(Flips(10, 2, 0, 8))


def test_it_says_how_the_winner_was_found_and_what_that_flattered() -> None:
    found = said(DEV, side(Flips(6, 4, 3, 7)))
    assert found.parts[0].question == "How was it found?"
    assert found.parts[0].text == (
        "40 settings were tried on 20 queries, and the best of them was kept: a gain of 40 points. The best of as many "
        "settings that are no better and no worse than the plain caption would look this different in about 30 of 100 "
        "such trials. So the winner was asked once more, about pictures that had no part in choosing it. There it "
        "gained 30 points less: whoever picks the best of many picks good luck, too. All that follows is about these "
        "other queries."
    )
    assert "Here the new way (pooling=max) fixed 6 of them and broke 4: a gain of 10 points" in found.paragraph
    assert re.search(r"plain caption would look this different in about (7|8)\d of 100 such trials", found.paragraph)
    assert found.verdict == "No gain can be claimed: luck can do as much."


def test_one_setting_was_not_chosen_and_no_less_is_no_flattery() -> None:
    found = said(DEV, DEV, num_settings=1, num_looks=2).parts[0].text
    assert found.startswith("One setting was tried on 20 queries: a gain of 40 points. So the winner")
    assert "There it gained as much, so the choice flattered nothing." in found
    assert found.endswith("They had been asked with 1 earlier winner before, which is counted.")
    more = said(side(Flips(6, 4, 3, 7)), DEV, num_looks=3).parts[0].text
    assert "There it gained 30 points more, so the choice flattered nothing." in more
    assert more.endswith("They had been asked with 2 earlier winners before, which is counted.")


@pytest.mark.parametrize(
    ("test", "num_looks", "verdict", "may"),
    [
        (side(Flips(12, 1, 0, 7), net=SURE, is_oracle=False), 1, "The gain isn't luck.", "The new prompts find more"),
        (side(Flips(9, 1, 0, 10), net=SURE), 3, "No gain can be claimed: luck", "On such queries the true change"),
        (side(Flips(12, 1, 0, 7), net=UNSURE), 1, "No gain can be claimed: what was won", "that they are better isn't"),
        (side(Flips(1, 12, 0, 7), net=SURE), 1, "The new prompts do harm here", "The new prompts find fewer"),
        (side(Flips(4, 4, 5, 7), net=SURE), 1, "No gain was seen.", "On such queries the true change"),
        (
            side(Flips(12, 1, 0, 7), num_others=0, net=UNSURE, is_failure_mined=False),
            1,
            "No gain",
            "true change",
        ),
    ],
)
def test_words_and_rule_agree(test: LoggedEnsemble, num_looks: int, verdict: str, may: str) -> None:
    found = said(DEV, test, num_looks=num_looks)
    assert found.verdict.startswith(verdict)
    assert may in found.may
    whole = " ".join((found.paragraph, found.may, found.may_not))
    assert not re.search(r"nan|inf\b|  |\.\.|\b1 queries", whole)
