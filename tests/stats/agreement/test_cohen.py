import math
import warnings
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm
from sklearn.metrics import cohen_kappa_score
from statsmodels.stats.inter_rater import cohens_kappa

from misfire.core.errors import UsageError
from misfire.stats import cohen_kappa

Pairs = list[tuple[str, str]]


def brute_force_kappa(pairs: Pairs) -> float:
    """By the definition, in fractions of the items; NaN where the agreement by chance is 1."""
    num_items = len(pairs)
    observed = sum(a == b for a, b in pairs) / num_items
    first, second = Counter(a for a, _ in pairs), Counter(b for _, b in pairs)
    if len(first) == 1 and first.keys() == second.keys():
        return math.nan
    expected = sum(first[label] * second[label] for label in first) / num_items**2
    return (observed - expected) / (1 - expected)


def table_pairs(table: list[list[int]]) -> tuple[list[str], list[str]]:
    pairs = [(str(a), str(b)) for a, row in enumerate(table) for b, count in enumerate(row) for _ in range(count)]
    return [a for a, _ in pairs], [b for _, b in pairs]


def simulated_pair(num_items: int, accuracy: float, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Two annotators who err evenly over the other three of four categories."""
    truth = rng.choice(4, p=[0.4, 0.35, 0.15, 0.1], size=num_items)
    drawn = [
        np.where(rng.random(num_items) < accuracy, truth, (truth + rng.integers(1, 4, num_items)) % 4) for _ in "ab"
    ]
    return drawn[0], drawn[1]


def true_kappa(accuracy: float) -> float:
    given = np.full((4, 4), (1 - accuracy) / 3) + np.eye(4) * (accuracy - (1 - accuracy) / 3)
    joint = np.einsum("t,ta,tb->ab", [0.4, 0.35, 0.15, 0.1], given, given)
    expected = float(joint.sum(axis=0) @ joint.sum(axis=1))
    return float((np.trace(joint) - expected) / (1 - expected))


@pytest.mark.parametrize(
    ("table", "published"),
    [
        ([[88, 14, 18], [10, 40, 10], [2, 6, 12]], 0.492),  # Cohen 1960: 0.70 observed, 0.41 expected
        ([[40, 9], [6, 45]], 0.70),  # Feinstein and Cicchetti 1990, balanced margins
        ([[80, 10], [5, 5]], 0.32),  # the same raw agreement of 0.85 with unbalanced margins
        ([[45, 15], [25, 15]], 0.1304),
        ([[25, 35], [5, 35]], 0.2593),
    ],
)
def test_published_examples(table: list[list[int]], published: float) -> None:
    result = cohen_kappa(*table_pairs(table), rng=np.random.default_rng(0))
    digits = len(str(published)) - 2
    assert round(result.kappa, digits) == pytest.approx(published)
    assert result.low < result.kappa < result.high


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("abc")), min_size=1, max_size=30))
def test_kappa_is_the_definition_and_scikit_learns(pairs: Pairs) -> None:
    first, second = [a for a, _ in pairs], [b for _, b in pairs]
    result = cohen_kappa(first, second, num_replicates=20, rng=np.random.default_rng(0))
    assert result.kappa == pytest.approx(brute_force_kappa(pairs), nan_ok=True)
    assert result.raw_agreement == pytest.approx(np.mean([a == b for a, b in pairs]))
    if not math.isnan(result.kappa):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            assert result.kappa == pytest.approx(cohen_kappa_score(first, second))
    swapped = cohen_kappa(second, first, num_replicates=20, rng=np.random.default_rng(0))
    assert swapped.kappa == pytest.approx(result.kappa, nan_ok=True)


def test_replicates_spread_as_the_analytic_standard_error_says() -> None:
    first, second = simulated_pair(400, 0.85, np.random.default_rng(0))
    table = np.histogram2d(first, second, bins=4)[0]
    analytic = cohens_kappa(table)
    result = cohen_kappa(first, second, num_replicates=20_000, rng=np.random.default_rng(1))
    assert result.kappa == pytest.approx(analytic.kappa)
    assert (result.high - result.low) / 2 / 1.96 == pytest.approx(analytic.std_kappa, rel=0.03)


def test_the_interval_is_bca_by_hand() -> None:
    """The same draws, kappa by its definition, and a jackknife that leaves out item by item."""
    first, second = simulated_pair(40, 0.9, np.random.default_rng(3))
    pairs = sorted((str(a), str(b)) for a, b in zip(first, second, strict=True))
    cells = sorted(set(pairs))
    counts = np.array([pairs.count(cell) for cell in cells])
    drawn = np.random.default_rng(0).multinomial(40, counts / 40, size=500)
    replicates = np.array(
        [
            brute_force_kappa([cell for cell, times in zip(cells, row, strict=True) for _ in range(times)])
            for row in drawn
        ]
    )
    estimate = brute_force_kappa(pairs)
    left_out = np.array([brute_force_kappa(pairs[:item] + pairs[item + 1 :]) for item in range(40)])
    centred = left_out.mean() - left_out
    acceleration = (centred**3).sum() / (6 * (centred**2).sum() ** 1.5)
    ties = np.isclose(replicates, estimate)
    bias = norm.ppf((((replicates < estimate) & ~ties).sum() + ties.sum() / 2) / 500)
    sides = bias + norm.ppf([0.025, 0.975])
    expected = np.quantile(replicates, norm.cdf(bias + sides / (1 - acceleration * sides)))
    result = cohen_kappa(first, second, num_replicates=500, rng=np.random.default_rng(0))
    assert result.interval_method == "BCa bootstrap over items"
    assert (result.low, result.high) == pytest.approx(tuple(expected), abs=1e-9)
    plain = np.quantile(replicates, [0.025, 0.975])
    assert (result.low, result.high) != pytest.approx(tuple(plain), abs=1e-3)


@pytest.mark.parametrize(("num_items", "accuracy"), [(30, 0.8), (90, 0.9), (200, 0.85)])
def test_the_interval_holds_the_truth_as_often_as_it_says(num_items: int, accuracy: float) -> None:
    rng, truth, trials = np.random.default_rng(7), true_kappa(accuracy), 300
    results = [
        cohen_kappa(*simulated_pair(num_items, accuracy, rng), num_replicates=300, rng=rng) for _ in range(trials)
    ]
    covered = sum(result.low <= truth <= result.high for result in results)
    assert 0.915 <= covered / trials <= 0.98


def test_agreement_by_chance_of_one_is_undefined_and_says_why() -> None:
    result = cohen_kappa(["Object"] * 20, ["Object"] * 20, rng=np.random.default_rng(0))
    assert math.isnan(result.kappa)
    assert math.isnan(result.low)
    assert math.isnan(result.high)
    assert result.raw_agreement == 1.0
    assert result.reason == "both annotators gave every item the label 'Object', so that the agreement by chance is 1."


def test_no_common_item_is_undefined_and_says_why() -> None:
    result = cohen_kappa(["a", None], [None, "b"], rng=np.random.default_rng(0))
    assert math.isnan(result.kappa)
    assert math.isnan(result.raw_agreement)
    assert (result.num_items, result.reason) == (0, "no item was labelled by both annotators.")


def test_undefined_resamples_are_counted() -> None:
    labels = ["a"] * 9 + ["b"], ["a"] * 8 + ["b", "b"]
    result = cohen_kappa(*labels, num_replicates=4000, rng=np.random.default_rng(0))
    assert result.num_undefined / 4000 == pytest.approx(0.8**10, abs=0.02)  # only the pair (a, a) was drawn
    assert result.low <= result.kappa <= result.high


def test_perfect_agreement_is_not_certainty() -> None:
    few = cohen_kappa(["a", "b"] * 5, ["a", "b"] * 5, rng=np.random.default_rng(0))
    many = cohen_kappa(["a", "b"] * 500, ["a", "b"] * 500, rng=np.random.default_rng(0))
    assert (few.kappa, few.high, many.kappa, many.high) == (1.0, 1.0, 1.0, 1.0)
    assert few.low == pytest.approx((10 / (10 + 1.959964**2) - 0.5) / 0.5)
    assert few.low < 0.5 < 0.99 < many.low < 1
    one_sided = ["a"] * 49 + ["b"]
    assert cohen_kappa(one_sided, one_sided, confidence=0.999, rng=np.random.default_rng(0)).low == -1.0


def test_one_category_against_two_has_no_interval() -> None:
    """Kappa is 0 in every resample by its form, whatever the annotators think."""
    result = cohen_kappa(["a", "b"] * 5, ["a"] * 10, rng=np.random.default_rng(0))
    assert result.kappa == 0.0
    assert math.isnan(result.low)
    assert "show no spread" in result.reason


def test_missing_labels_and_the_kind_of_label_change_nothing() -> None:
    first, second = simulated_pair(50, 0.8, np.random.default_rng(0))
    numbers = cohen_kappa(first, second, rng=np.random.default_rng(0))
    texts = cohen_kappa(first.astype(str), second.astype(str), rng=np.random.default_rng(0))
    padded = cohen_kappa(
        np.append(first.astype(object), [None, 2]), np.append(second, [1, -1]), rng=np.random.default_rng(0)
    )
    assert numbers == texts == padded


def test_bad_settings_are_refused() -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(UsageError, match=r"Use 0.95, not 95."):
        cohen_kappa(["a"], ["b"], confidence=95.0, rng=rng)
    with pytest.raises(UsageError, match=r"num_replicates must be an integer >= 1, got 0"):
        cohen_kappa(["a", "b"], ["a", "b"], num_replicates=0, rng=rng)
    with pytest.raises(UsageError, match=r"got 1 and 2; join them by query id first"):
        cohen_kappa(["a"], ["b", "b"], rng=rng)
