"""The paragraph, on number combinations that a reader may meet; each claim is judged against the numbers alone."""

import math
import re
from dataclasses import dataclass, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from misfire.cells import Estimate, Flips
from misfire.cells.comparison import Verdict
from misfire.methods.retrieval.ensemble.conclusion import Decided
from misfire.methods.retrieval.ensemble.conclusion import conclude as conclude_decided
from misfire.methods.retrieval.ensemble.measured import HIT
from misfire.reporting.conclusion import Conclusion
from tests.methods.retrieval.finished import compared, cut_off, ensemble


@dataclass(frozen=True)
class Facts:
    """The numbers that a conclusion follows from; shares are fractions."""

    name: str
    k: int
    num_queries: int
    num_cells: int
    fixed: int
    broken: int
    verdict: Verdict
    p_alone: float
    p_adjusted: float
    low: float
    high: float
    least_gain: float
    is_failure_mined: bool
    is_oracle: bool
    num_others: int
    others_asked: int
    others_fixed: int
    others_broken: int
    net: float = math.nan
    net_interval: tuple[float, float] = (math.nan, math.nan)
    p_everywhere: float = math.nan
    net_low: float = math.nan
    placebo: tuple[float, float] = (math.nan, math.nan)
    paraphrases: tuple[float, float] = (math.nan, math.nan)
    num_losses: int = 0

    @property
    def is_more_everywhere(self) -> bool:
        return self.p_everywhere <= 0.05 and self.net_low > 0


def conclude(facts: Facts) -> Conclusion:
    """What is concluded of a cell with these numbers."""
    flips = Flips(facts.fixed, facts.broken, 0, facts.num_queries - facts.fixed - facts.broken)
    asked = facts.others_asked - facts.others_fixed - facts.others_broken
    others = Flips(facts.others_fixed, facts.others_broken, asked, 0)
    bands = [
        Estimate(HIT, 0.0, facts.k, group, "difference", *ends)
        for group, ends in (("placebo_noise", facts.placebo), ("placebo_paraphrase", facts.paraphrases))
        if not math.isnan(ends[0])
    ]
    cell = ensemble(
        cut_off(facts.k, flips, others, net=facts.net_interval, more=bands),
        is_failure_mined=facts.is_failure_mined,
        is_oracle=facts.is_oracle,
        num_others=facts.num_others,
    )
    one = compared(
        flips,
        facts.verdict,
        num_compared=facts.num_cells,
        p_adjusted=facts.p_adjusted,
        p_everywhere=facts.p_everywhere,
        net_everywhere=facts.net,
        net_low=facts.net_low,
        shared_low=facts.low,
        shared_high=facts.high,
        least_gain=facts.least_gain,
        is_chosen_by_failing=facts.is_failure_mined,
    )
    one = replace(one, test=replace(one.test, p_exact=facts.p_alone))
    return conclude_decided(Decided(cell, facts.name, facts.k, one, facts.num_losses))


PAPER = Facts(
    name="max on Action",
    k=10,
    num_queries=24,
    num_cells=12,
    fixed=5,
    broken=0,
    verdict=Verdict.NONE,
    p_alone=0.0625,
    p_adjusted=0.31,
    low=0.043,
    high=0.405,
    least_gain=0.25,
    is_failure_mined=True,
    is_oracle=True,
    num_others=24_976,
    others_asked=2000,
    others_fixed=14,
    others_broken=14,
    net=0.0,
    net_interval=(-0.005, 0.005),
    placebo=(-0.036, 0.071),
)
ALONE = replace(PAPER, num_cells=1, is_failure_mined=False, is_oracle=False, placebo=(math.nan, math.nan))


def paragraph(facts: Facts) -> str:
    return conclude(facts).paragraph


def test_every_placebo_that_is_known_is_shown_with_who_made_it() -> None:
    facts = replace(PAPER, paraphrases=(-0.01, 0.167))
    assert (
        "changes that improve nothing show anything from -3.6 to +7.1 points (systems of equal quality that change as "
        "many), and from -1.0 to +16.7 points (prompts that only say the same in other words)."
    ) in paragraph(facts)


def test_a_gain_that_cannot_be_told_from_none_is_said_whole() -> None:
    assert paragraph(PAPER) == (
        "24 queries can show a gain of 25 points or more, which is 6 of them; the more settings are tried, the "
        "larger it must be. Here the best of 12 settings (max on Action) fixed 5 of them and broke 0: a gain of "
        "20.8 points in the share whose picture is found among the first 10. That can't be told from no gain at "
        "all: on queries drawn by lot, the best of as many settings that are no better and no worse than the plain "
        "caption would look this different in about 31 of 100 such trials. The bootstrap's percentiles leave 0 out "
        "(+5.0 to +40.0 points) though the exact test doesn't (p = 0.062): resamples of a few flips that go one way "
        "all go that way, which says little of other queries. The exact test counts. Besides, these queries were "
        "picked because the plain caption fails on them, and any other way of asking, better or not, wins some of "
        "those back: on them, changes that improve nothing show anything from -3.6 to +7.1 points (systems of equal "
        "quality that change as many). Elsewhere, on 2,000 of "
        "the other 24,976 queries, the same change broke as many as it fixed, 14 each. Over all queries that comes "
        "to 0 points (anything from -0.5 to +0.5 fits what was seen), which can't be told from no change. The "
        "prompts were picked by labels that nobody has for a new query, so this bounds what could be reached and is "
        "no result of a usable system."
    )
    assert conclude(PAPER).verdict == "No gain can be claimed: luck can do as much."
    assert [part.question for part in conclude(PAPER).parts] == [
        "What can 24 queries show?",
        "What was seen?",
        "Can it be luck?",
        "Were the queries picked?",
        "And the other queries?",
        "Could a real system do this?",
    ]
    assert conclude(PAPER).may_not == "That the change helps, that it harms, or that it does nothing."


@pytest.mark.parametrize(
    ("changed", "expected", "absent"),
    [
        (
            {"num_queries": 1, "fixed": 1, "least_gain": math.nan},
            "1 query is too few to show any gain: even if a change fixed every one of them, luck could not be ruled "
            "out.",
            "can show",
        ),
        ({"num_queries": 5, "least_gain": math.nan}, "5 queries are too few to show any gain", "can show"),
        (
            {"fixed": 0, "broken": 0},
            "Here the new way (max on Action) changed nothing: the same pictures were found among the first 10 as "
            "before.",
            "luck",
        ),
        ({"fixed": 3, "broken": 3}, "fixed 3 of them and broke 3: no change in the share", "luck"),
        ({"fixed": 1, "broken": 5}, "a loss of 16.7 points", "a gain of 16.7"),
        (
            {"fixed": 0, "broken": 9, "verdict": Verdict.LOSS, "p_adjusted": 0.004},
            "That loss isn't luck: a setting that is no better and no worse than the plain caption would look this "
            "different in fewer than 1 of 100 such trials.",
            "can't be told from no loss",
        ),
        ({"is_oracle": True}, "labels that nobody has for a new query", "usable systems"),
        ({"is_failure_mined": True}, "these queries were picked because the plain caption fails on them", "worth"),
        ({"others_asked": 5, "others_fixed": 0, "others_broken": 1}, "broke 1, but so few say little.", "as many"),
        (
            {"others_asked": 0, "net": math.nan},
            "was not tried, so whether it does more good than harm is unknown.",
            "Over",
        ),
        ({"num_others": 0, "others_asked": 0}, "There are no other queries.", "Elsewhere"),
        ({"others_fixed": 0, "others_broken": 0}, "the same change fixed and broke nothing.", "each"),
        ({"others_asked": 24_976}, "Elsewhere, on the other 24,976 queries, the", "2,000"),
        (
            {"net": -0.02, "net_interval": (-0.03, -0.01), "p_everywhere": 0.01},
            "fits what was seen), fewer hits than before.",
            "can't be told from no change",
        ),
        (
            {"net": 0.02, "net_interval": (0.01, 0.03), "p_everywhere": 0.01, "net_low": 0.005},
            "fits what was seen), more hits than before.",
            "can't be told from no change",
        ),
        (
            {"num_cells": 12, "net": 0.02, "net_interval": (0.01, 0.03), "p_everywhere": 0.3, "net_low": -0.01},
            "fits what was seen), but luck alone can do as much for the best of so many settings.",
            "more hits than before",
        ),
        (
            {"num_cells": 12, "net": 0.02, "net_interval": (0.01, 0.03), "p_everywhere": 0.01, "net_low": -0.01},
            "but luck alone can do as much for the best of so many settings.",  # too few others to show a loss
            "more hits than before",
        ),
        (
            {"num_cells": 12, "p_alone": 0.03},
            "Had it been the only setting, it would have passed; as the best of so many it doesn't.",
            "isn't luck",
        ),
        ({"num_losses": 1}, "1 of the settings does worse than the plain caption, and that isn't luck.", "do worse"),
        ({"num_losses": 3}, "3 of the settings do worse", "does worse"),
        (
            {"verdict": Verdict.GAIN, "p_adjusted": 0.02, "fixed": 9},
            "in about 2 of 100 such trials",
            "can't be told from no gain",
        ),
        ({"p_adjusted": 1.0}, "would look this different nearly always", "100 of 100"),
    ],
)
def test_each_case_has_its_words(changed: dict[str, object], expected: str, absent: str) -> None:
    said = paragraph(replace(ALONE, **changed))  # type: ignore[arg-type]
    assert expected.lower() in said.lower()
    assert absent not in said


def test_a_gain_that_only_the_choice_of_queries_explains_is_no_improvement() -> None:
    said = conclude(replace(PAPER, verdict=Verdict.CHOSEN, p_adjusted=0.001, fixed=12))
    assert "But these queries were picked because" in said.paragraph
    assert "Luck alone doesn't explain that: on queries drawn by lot, the best of" in said.paragraph
    assert "isn't luck" not in said.paragraph
    assert said.may_not == "That the change is an improvement: it may win here only what it loses elsewhere."
    assert said.may.endswith("that they are better isn't shown.")


def test_an_oracles_gain_is_nobodys() -> None:
    said = conclude(replace(PAPER, verdict=Verdict.GAIN, p_adjusted=0.001, fixed=12))
    assert said.may.startswith("Prompts picked by true labels find more of such queries' images within the first 10")
    assert "a system without the true labels would gain anything" in said.may_not
    assert "it helps over all queries" in said.may_not
    plain = conclude(replace(ALONE, verdict=Verdict.GAIN, num_others=0))
    assert plain.may_not == "That it helps with another model or other data."


@pytest.mark.parametrize(
    ("verdict", "net", "interval", "expected"),
    [
        (Verdict.NONE, 5, (0.003, 0.4), "between 0 and +40.0 points"),
        (Verdict.NONE, 5, (-0.1, 0.4), "between -10.0 and +40.0 points"),
        (Verdict.NONE, -5, (-0.4, -0.003), "between -40.0 and 0 points"),
        (Verdict.GAIN, 5, (0.043, 0.405), "between +4.3 and +40.5 points"),
        (Verdict.GAIN, 5, (-0.01, 0.405), "above 0 and at +40.5 points at most"),
        (Verdict.LOSS, -5, (-0.3, 0.01), "below 0 and at -30.0 points at worst"),
    ],
)
def test_what_may_be_concluded_of_the_size_agrees_with_the_claim(
    verdict: Verdict, net: int, interval: tuple[float, float], expected: str
) -> None:
    low, high = interval
    fixed, broken = max(net, 0), max(-net, 0)
    said = conclude(replace(ALONE, verdict=verdict, fixed=fixed, broken=broken, low=low, high=high))
    assert expected in said.may


@st.composite
def facts(draw: st.DrawFn) -> Facts:
    num_queries = draw(st.integers(1, 10_000))
    fixed = draw(st.integers(0, num_queries))
    broken = draw(st.integers(0, num_queries - fixed))
    net = fixed - broken
    verdicts = [Verdict.NONE] + ([Verdict.GAIN, Verdict.CHOSEN] if net > 0 else [Verdict.LOSS] if net < 0 else [])
    verdict = draw(st.sampled_from(verdicts))
    low, high = sorted([draw(st.floats(-1, 1)), draw(st.floats(-1, 1))])
    others = draw(st.integers(0, 30_000))
    asked = draw(st.integers(0, others))
    lost = draw(st.integers(0, asked))
    return Facts(
        name="mean on Object",
        k=draw(st.sampled_from([1, 5, 10])),
        num_queries=num_queries,
        num_cells=draw(st.integers(1, 300)),
        fixed=fixed,
        broken=broken,
        verdict=verdict,
        p_alone=draw(st.floats(0, 1)),
        p_adjusted=draw(st.floats(0.06, 1) if verdict is Verdict.NONE else st.floats(0, 0.05)),
        low=min(low, net / num_queries),
        high=max(high, net / num_queries),
        least_gain=draw(st.one_of(st.just(math.nan), st.floats(1e-4, 1))),
        is_failure_mined=draw(st.booleans()),
        is_oracle=draw(st.booleans()),
        num_others=others,
        others_asked=asked,
        others_fixed=draw(st.integers(0, asked - lost)),
        others_broken=lost,
        net=draw(st.one_of(st.just(math.nan), st.floats(-1, 1))),
        net_interval=draw(st.sampled_from([(math.nan, math.nan), (-0.1, 0.1), (0.01, 0.2), (-0.2, -0.01)])),
        placebo=draw(st.sampled_from([(math.nan, math.nan), (-0.1, 0.2)])),
        p_everywhere=draw(st.one_of(st.just(math.nan), st.floats(0, 1))),
        net_low=draw(st.floats(-1, 1)),
        num_losses=draw(st.integers(0, 3)),
    )


def has_p_value(given_facts: Facts) -> bool:
    """Whether a p-value is said: something flipped, and not as much one way as the other without a claim."""
    return given_facts.verdict is not Verdict.NONE or given_facts.fixed != given_facts.broken


@given(facts())
@settings(max_examples=150, deadline=None)
def test_any_numbers_make_sentences_that_agree_with_them(given_facts: Facts) -> None:
    said = conclude(given_facts)
    whole = " ".join((said.paragraph, said.may, said.may_not))
    assert not re.search(r"nan|inf\b|  |\.\.|\+0 |-0 |\b1 queries|(?<![\d.,+-])1 points", whole)
    for part in (said.paragraph, said.may, said.may_not):
        assert part[0].isupper() or part[0].isdigit()
        assert part.endswith(".")
    assert ("isn't luck:" in said.paragraph) == (given_facts.verdict in (Verdict.GAIN, Verdict.LOSS))
    # On mined failures equals differ more often than the test's p-value says.
    assert ("drawn by lot" in said.paragraph) == (given_facts.is_failure_mined and has_p_value(given_facts))
    assert ("gain isn't luck" in said.verdict) == (given_facts.verdict is Verdict.GAIN)
    assert said.verdict.startswith("No gain") == (given_facts.verdict in (Verdict.NONE, Verdict.CHOSEN))
    if given_facts.verdict is not Verdict.GAIN:
        assert "more hits than before" not in said.paragraph or given_facts.is_more_everywhere
    assert ("gain lies" in said.may) == (given_facts.verdict is Verdict.GAIN)
    if given_facts.is_failure_mined:
        assert "picked because the plain caption fails" in said.paragraph
    if given_facts.is_oracle:
        assert "labels that nobody has" in said.paragraph
