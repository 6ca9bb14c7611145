from types import SimpleNamespace
from typing import cast

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom, binomtest

from misfire.cells import Flips, Logged
from misfire.cells.searched import Searched, TrialRow
from misfire.core.errors import UsageError
from misfire.methods.retrieval.ensemble.logged import LoggedEnsemble
from misfire.methods.retrieval.search.report_part import numbered_templates
from misfire.methods.retrieval.search.winner import Winner
from misfire.methods.retrieval.search.winner import selection_adjusted_p as adjusted_for_selection
from misfire.methods.retrieval.search.winner_table import winner_table
from tests.methods.retrieval.ensemble.simulated_sweeps import Design, K, simulated_sweep
from tests.methods.retrieval.finished import cut_off, ensemble

OTHERS = Flips(3, 2, 10, 5)


SURE = (0.01, 0.03)
UNSURE = (-0.01, 0.05)


def side(
    subset: Flips, others: Flips = OTHERS, *, net: tuple[float, float] | None = None, **changed: object
) -> LoggedEnsemble:
    return ensemble(cut_off(5, subset, others, net=net), **changed)


def verdict(dev: LoggedEnsemble, test: LoggedEnsemble, **changed: object) -> Winner:
    content = {"k": 5, "num_settings": 40, "p_selected": 0.3, "num_looks": 1, "seed": 0, **changed}
    return Winner(dev=dev, test=test, **content)  # type: ignore[arg-type]


def selection_adjusted_p(
    frames: list[pd.DataFrame], chosen: int, *, k: int, num_replicates: int, rng: np.random.Generator
) -> float:
    tried: dict[str, Logged] = {str(place): ensemble(records=frame).logged for place, frame in enumerate(frames)}
    return adjusted_for_selection(tried, str(chosen), k=k, num_replicates=num_replicates, rng=rng)


def test_the_optimism_and_the_p_values() -> None:
    found = verdict(side(Flips(10, 2, 0, 8)), side(Flips(6, 4, 3, 7)))
    assert found.optimism == pytest.approx(8 / 20 - 2 / 20)
    assert found.p_test == pytest.approx(binomtest(6, 10).pvalue)
    assert found.p_unadjusted == pytest.approx(binomtest(10, 12).pvalue)
    said = found.answer("max (trial 3)")
    assert said.startswith("The winner does not mend by the rule. max (trial 3) gained +40.00 pp hit@5 on the 20 dev")
    assert "among 40 settings (p 0.300 adjusted for the choice), and +10.00 pp on the 20 test queries" in said
    assert "(exact p 0.754): an optimism of +30.00 pp." in said
    assert "On 20 other test queries it fixed 3 and broke 2." in said
    assert "Its queries were picked because the plain caption fails on them" in said
    assert "What it changes over all test queries isn't known." in said
    assert "an oracle, not a system" in said
    assert "winners of this study" not in said


def test_the_table_says_both_sides() -> None:
    table = winner_table(
        verdict(side(Flips(10, 2, 0, 8)), side(Flips(6, 4, 3, 7), Flips(0, 0, 0, 0)), num_settings=4, p_selected=0.25)
    )
    dev, test = ([cell.text for cell in row] for row in table.rows)
    assert dev[:5] == ["dev, chosen here", "20", "10.00", "50.00", "+40.00"]
    assert test[:5] == ["test, held back", "20", "35.00", "45.00", "+10.00"]
    assert (dev[6], test[6]) == ("0.250", "0.754")
    assert test[7:] == ["0", *"\N{EN DASH}" * 3]  # nobody was asked: not 0 broken
    assert "adjusted for 4 settings" in table.note
    assert "less that on test: +30.00 pp" in table.note


@pytest.mark.parametrize(
    ("test", "holds"),
    [
        (side(Flips(12, 1, 0, 7), net=SURE), True),
        (side(Flips(12, 1, 0, 7), net=UNSURE), False),  # mined failures, which equal systems win and lose elsewhere
        (side(Flips(12, 1, 0, 7)), False),
        (side(Flips(12, 1, 0, 7), is_failure_mined=False), True),  # nobody picked them
        (side(Flips(1, 12, 0, 7), net=SURE), False),  # a loss, however sure
        (side(Flips(6, 2, 4, 8), net=SURE), False),  # a gain that chance makes
        (side(Flips(12, 1, 0, 7), Flips(2, 3, 10, 5), net=SURE), False),  # and it costs more elsewhere
        (side(Flips(12, 1, 0, 7), Flips(0, 0, 0, 0), net=SURE), False),  # and nobody asked what it costs
        (side(Flips(12, 1, 0, 7), Flips(0, 0, 0, 0), num_others=0, net=SURE), True),  # there is nobody to ask
        (side(Flips(12, 1, 0, 7), Flips(0, 0, 0, 0), num_others=0, net=UNSURE, is_failure_mined=False), False),
    ],
)
def test_the_rule(test: LoggedEnsemble, holds: bool) -> None:
    assert verdict(side(Flips(0, 20, 0, 0)), test).holds == holds


def test_hits_are_told_where_the_queries_were_not_chosen_by_failing() -> None:
    sides = [side(Flips(*counts), is_failure_mined=False) for counts in ((5, 2, 6, 7), (1, 3, 11, 5))]
    # What was hit before and still is, and what was fixed.
    told = "It hits 55.00 % of these dev queries and 60.00 % of the test queries."
    assert told in verdict(*sides).answer("it")
    assert "It hits" not in verdict(side(Flips(5, 2, 6, 7)), side(Flips(1, 3, 11, 5))).answer("it")


def test_the_cost_elsewhere_is_told_where_there_is_an_elsewhere() -> None:
    nobody = Flips(0, 0, 0, 0)
    unasked, alone = (
        verdict(side(Flips(1, 0, 0, 9)), side(Flips(1, 0, 0, 9), nobody, **changed)).answer("it")
        for changed in ({}, {"num_others": 0})
    )
    assert "What it does to other test queries was not asked." in unasked
    assert "other test queries" not in alone


def test_a_second_look_is_owned_up_to() -> None:
    said = verdict(side(Flips(1, 0, 0, 9)), side(Flips(1, 0, 0, 9)), num_looks=2).answer("it")
    assert (
        "Test was read for 2 winners of this study, so its p-value is flattered too, and the rule counts them." in said
    )
    test = side(Flips(9, 1, 0, 10), net=SURE)  # p 0.021
    assert verdict(test, test).holds
    assert not verdict(test, test, num_looks=3).holds


def test_equal_systems_do_not_mend_each_others_failures() -> None:
    """Winner and plain caption are equally good; the failures of the one are all mined, and few others are asked."""
    rng = np.random.default_rng(4)
    by_subset_alone, mending, num_studies = 0, 0, 100
    design = Design(1, num_queries=1000, num_asked=20, mined_beyond=K, ease=1.5)
    for _ in range(num_studies):
        [made] = simulated_sweep(rng, design)
        found = verdict(made, made, k=K)
        by_subset_alone += found.p_test < 0.05 and found.test.flips(K, "complement").net >= 0
        mending += found.holds
    assert by_subset_alone > num_studies / 5
    assert mending <= binom.ppf(0.995, num_studies, 0.05)


def records(baseline: np.ndarray, ensembled: np.ndarray, images: np.ndarray, first: int = 0) -> pd.DataFrame:
    """Hits as ranks 1 and 9 in another order, with a complement that must not count."""
    size = len(baseline)
    shuffled = np.random.default_rng(0).permutation(size)
    ids = first + np.arange(size)
    return pd.DataFrame(
        {
            "query_id": np.concatenate([ids[shuffled], 1000 + ids]),
            "image_id": np.concatenate([images[shuffled], images]),
            "part": np.repeat(["subset", "complement"], size),
            "baseline_rank": np.concatenate([np.where(baseline, 1, 9)[shuffled], np.full(size, 9)]),
            "ensembled_rank": np.concatenate([np.where(ensembled, 1, 9)[shuffled], np.full(size, 1)]),
        }
    )


def test_the_best_of_one_is_enumerated() -> None:
    before, after = np.zeros(6, dtype=bool), np.array([1, 1, 1, 1, 1, 0], dtype=bool)
    found = selection_adjusted_p(
        [records(before, after, np.arange(6))], 0, k=5, num_replicates=2000, rng=np.random.default_rng(0)
    )
    assert found == pytest.approx(2 / 32)


def test_captions_of_an_image_count_together() -> None:
    before, after = np.zeros(6, dtype=bool), np.array([1, 1, 1, 1, 1, 1], dtype=bool)
    found = selection_adjusted_p(
        [records(before, after, np.repeat([7, 8], 3))], 0, k=5, num_replicates=2000, rng=np.random.default_rng(0)
    )
    assert found == pytest.approx(2 / 4)


def test_choosing_among_equals_rarely_looks_significant() -> None:
    """Thirty systems as good as the baseline: the best one's adjusted p-value is at most 0.05 in 5 % of studies."""
    rng = np.random.default_rng(1)
    num_studies, num_significant, num_naive = 60, 0, 0
    for _ in range(num_studies):
        before = rng.random(60) < 0.4
        cells = [rng.random(60) < 0.4 for _ in range(30)]
        best = int(np.argmax([cell.sum() for cell in cells]))
        frames = [records(before, cell, np.arange(60)) for cell in cells]
        found = selection_adjusted_p(frames, best, k=5, num_replicates=200, rng=rng)
        num_significant += found <= 0.05
        fixed, broken = int((cells[best] & ~before).sum()), int((~cells[best] & before).sum())
        num_naive += binomtest(fixed, fixed + broken).pvalue <= 0.05
    assert num_significant <= 9  # binomial(60, 0.05) is above that once in 1,000
    assert num_naive > 9


def test_cells_of_other_queries_share_an_axis() -> None:
    """Two backbones fail on different queries: each cell is held against its own baseline."""
    before = np.zeros(6, dtype=bool)
    better, equal = np.ones(6, dtype=bool), before
    frames = [records(before, better, np.arange(6)), records(before, equal, np.arange(3, 9), first=3)]
    found = [
        selection_adjusted_p(frames, place, k=5, num_replicates=2000, rng=np.random.default_rng(0)) for place in (0, 1)
    ]
    assert found == [pytest.approx(2 / 64), pytest.approx(1.0)]


def test_the_chosen_must_be_there() -> None:
    with pytest.raises(UsageError, match="the chosen cell must be one of 0, got 0;"):
        selection_adjusted_p([], 0, k=5, num_replicates=10, rng=np.random.default_rng(0))


def test_the_templates_behind_the_numbers_are_named() -> None:
    texts = ("{caption}", "a photo of {caption}", "what is shown: {caption}")
    kept = ({"template 2": True, "template 3": False}, {"template 2": False, "template 3": True})
    asked = (texts[:2], (texts[0], texts[2]))
    trials = [TrialRow(n, "", setting, (0.0,), False, False, str(n)) for n, setting in enumerate(kept)]
    tried = {str(n): ensemble(templates_asked=list(some)).logged for n, some in enumerate(asked)}
    found = SimpleNamespace(trials=trials, tried=tried)
    assert numbered_templates(cast("Searched", found)) == (
        "Templates by the numbers that settings show: 1 is '{caption}'; 2 is 'a photo of {caption}'; "
        "3 is 'what is shown: {caption}'.",
    )
    without = SimpleNamespace(trials=[TrialRow(0, "", {"pooling": "max"}, (0.0,), True, True, "0")], tried=tried)
    assert numbered_templates(cast("Searched", without)) == ()
