import math
from functools import reduce
from itertools import permutations

import numpy as np
import pytest

from misfire.core.errors import UsageError
from misfire.stats import annotator_departures

CATEGORIES = ["Ambiguous", "Object", "Attribute", "Action"]
MIX = [0.36, 0.36, 0.18, 0.1]


def simulated(num_items: int, rng: np.random.Generator, *, accuracy: float = 0.85) -> tuple[np.ndarray, np.ndarray]:
    """Truth and the labels of three equal annotators, as positions among the categories."""
    truth = rng.choice(4, p=MIX, size=num_items)
    mistakes = (truth[:, None] + rng.integers(1, 4, size=(num_items, 3))) % 4
    return truth, np.where(rng.random((num_items, 3)) < accuracy, truth[:, None], mistakes)


def with_drift(labels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The first annotator calls 30 % of the Objects Attribute after 40 labels."""
    drifted = labels.copy()
    own = np.flatnonzero(labels[:, 0] >= 0)[40:]
    own = own[(labels[own, 0] == 1) & (rng.random(len(own)) < 0.3)]
    drifted[own, 0] = 2
    return drifted


def exchange_sum(table: list[tuple[int, ...]], annotator: int, pair: tuple[int, int]) -> float:
    """By the definition: share of the others who say the first where the annotator says the second, and back."""
    total = 0.0
    for row in table:
        others = [label for place, label in enumerate(row) if place != annotator]
        for said, by_others, sign in ((pair[1], pair[0], 1), (pair[0], pair[1], -1)):
            if row[annotator] == said:
                total += sign * others.count(by_others) / len(others)
    return total


def test_statistic_and_p_value_are_those_of_every_permutation() -> None:
    observed = [(0, 1, 0), (1, 1, 1), (0, 1, 0), (0, 1, 0), (2, 0, 2), (0, 1, 2)]
    pairs = [(0, 1), (0, 2), (1, 2)]

    def table_sums(table: list[tuple[int, ...]]) -> np.ndarray:
        return np.array([[exchange_sum(table, annotator, pair) for pair in pairs] for annotator in range(3)])

    # A table's sums are its rows' together, so that each row is permuted by itself and every choice of rows added up.
    by_row = [np.array([table_sums([permuted]) for permuted in permutations(row)]) for row in observed]
    every = reduce(lambda sums, own: (sums[:, None] + own).reshape(-1, 3, 3), by_row)
    assert len(every) == 6 ** len(observed)
    sums = np.concatenate([table_sums(observed)[None], every])
    spread = np.sqrt((sums[1:] ** 2).mean(axis=0) + 0.5)
    largest = (np.abs(sums) / spread).max(axis=2)
    found = annotator_departures(observed, num_starts=1, num_permutations=10_000, rng=np.random.default_rng(0))
    most = int(largest[0].argmax())
    assert most == 1
    assert found[1].statistic == pytest.approx(largest[0, 1], rel=0.02)
    assert (found[1].from_category, found[1].to_category) == (0, 1)
    assert found[1].excess == pytest.approx(sums[0, 1, 0])
    exact = float((largest[1:].max(axis=1) >= largest[0, 1] - 1e-9).mean())
    assert found[1].p_value == pytest.approx(exact, abs=0.015)
    assert found[0].p_value == found[2].p_value >= found[1].p_value  # stepped down to these two


def test_who_relabels_objects_after_item_40_is_flagged() -> None:
    """200 shared items and three annotators: the drifting one is found, with what they do, and seldom another."""
    rng, trials = np.random.default_rng(1), 40
    found = [
        annotator_departures(with_drift(simulated(200, rng)[1], rng), num_permutations=199, rng=rng)
        for _ in range(trials)
    ]
    flagged = [entries[0] for entries in found if entries[0].p_value <= 0.05]
    assert len(flagged) >= 0.75 * trials
    assert np.mean([(entry.from_category, entry.to_category) == (1, 2) for entry in flagged]) > 0.9
    assert np.mean([entry.start for entry in flagged]) == pytest.approx(40, abs=35)
    innocent = [min(entry.p_value for entry in entries[1:]) <= 0.05 for entries in found]
    assert np.mean(innocent) < 0.25


def test_equal_annotators_are_seldom_flagged_and_a_careless_one_does_not_drift() -> None:
    rng, trials = np.random.default_rng(2), 80
    equal, careless = 0, 0
    for _ in range(trials):
        truth, labels = simulated(80, rng)
        found = annotator_departures(labels, num_permutations=99, rng=rng)
        adjusted = sorted(entry.p_value for entry in found)
        assert adjusted[1] == adjusted[2]  # the last two share theirs, which is no smaller than the first's
        equal += adjusted[0] <= 0.05
        labels[:, 0] = np.where(rng.random(80) < 0.7, truth, labels[:, 0])
        careless += annotator_departures(labels, num_permutations=99, rng=rng)[0].p_value <= 0.05
    assert equal / trials < 0.12
    assert careless / trials < 0.2


def test_a_reference_finds_drift_where_no_item_is_shared() -> None:
    rng, trials, with_reference, without = np.random.default_rng(3), 30, 0, 0
    for _ in range(trials):
        truth, labels = simulated(450, rng)
        labels = np.where(np.arange(450)[:, None] % 3 == np.arange(3), labels, -1)
        drifted = with_drift(labels, rng)
        options = {"num_permutations": 99, "rng": rng}
        with_reference += annotator_departures(drifted, reference=truth, **options)[0].p_value <= 0.05
        without += annotator_departures(drifted, **options)[0].p_value <= 0.05
    assert with_reference / trials > 0.7
    assert without < with_reference


def test_the_order_tells_from_where_on() -> None:
    """What is spread over the rows is the second half of the order."""
    rng = np.random.default_rng(4)
    labels = np.zeros((80, 3), dtype=np.int64)
    order = np.stack([rng.permutation(80) for _ in range(3)], axis=1)
    labels[(order[:, 2] >= 40) & (order[:, 2] % 4 == 0), 2] = 1
    departed = annotator_departures(labels, order=order, num_starts=4, rng=rng)[2]
    assert (departed.from_category, departed.to_category, departed.start, departed.excess) == (0, 1, 40, 10.0)
    whole = annotator_departures(labels, num_starts=1, rng=rng)[2]
    assert (whole.start, whole.excess) == (0, 10.0)


def test_names_of_categories_and_places_of_annotators_are_only_names() -> None:
    rng = np.random.default_rng(5)
    labels = with_drift(simulated(120, rng)[1], rng)
    by_code = annotator_departures(labels, rng=np.random.default_rng(0))
    renamed = np.array(CATEGORIES, dtype=object)[labels[:, ::-1]]
    by_name = annotator_departures(renamed, rng=np.random.default_rng(1))
    for code_entry, name_entry in zip(by_code, by_name[::-1], strict=True):
        assert name_entry.p_value == pytest.approx(code_entry.p_value, abs=0.05)
        assert name_entry.excess == pytest.approx(code_entry.excess)
        assert name_entry.to_category == CATEGORIES[code_entry.to_category]


def test_nothing_to_compare_is_undefined_or_no_departure() -> None:
    rng = np.random.default_rng(0)
    alone = annotator_departures([["a", None], ["b", None]], rng=rng)
    assert [math.isnan(entry.p_value) for entry in alone] == [True, True]
    assert [entry.reason for entry in alone] == ["nobody else labelled anything.", "the annotator labelled nothing."]
    unanimous = annotator_departures([["a", "a"], ["b", "b"]], rng=rng)
    assert [(entry.p_value, entry.from_category, entry.excess) for entry in unanimous] == [(1.0, None, 0.0)] * 2
    two = annotator_departures([["a", "b"]] * 12 + [["c", "c"]] * 9, num_starts=1, rng=rng)
    assert two[0].p_value == two[1].p_value < 0.01
    assert (two[0].to_category, two[1].to_category) == ("a", "b")


def test_bad_input_is_refused_with_its_remedy() -> None:
    rng, table = np.random.default_rng(0), [["a", "b"], ["a", "a"]]
    with pytest.raises(UsageError, match=r"must be >= 1, got 0 and 8; use 2000 and 8"):
        annotator_departures(table, num_permutations=0, rng=rng)
    with pytest.raises(UsageError, match=r"order must have the labels' shape \(2, 2\), got \(3, 2\)"):
        annotator_departures(table, order=np.zeros((3, 2)), rng=rng)
    with pytest.raises(UsageError, match=r"must have a place in the order, got none for some in column 1"):
        annotator_departures(table, order=np.array([[0, 1], [1, np.nan]]), rng=rng)
    with pytest.raises(UsageError, match=r"a reference an item, got 1 for 2; join by id"):
        annotator_departures(table, reference=["a"], rng=rng)
