import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from misfire.core.errors import UsageError
from misfire.methods.retrieval.templates.margin_gate import MarginGate, best_threshold


@given(st.lists(st.tuples(st.sampled_from([0.0, 0.1, 0.25, 0.5, 1.0]), st.integers(-2, 2)), min_size=1, max_size=12))
def test_no_threshold_wins_more_and_none_as_good_is_lower(queries: list[tuple[float, int]]) -> None:
    margins, worth = (np.array(column, dtype=float) for column in zip(*queries, strict=True))
    threshold = best_threshold(margins, worth)
    won = float(worth[margins < threshold].sum())
    tried = {candidate: float(worth[margins < candidate].sum()) for candidate in (-1.0, 0.05, 0.2, 0.4, 0.7, 2.0)}
    assert won == max(tried.values())
    touched = (margins < threshold).sum()
    assert touched == min((margins < candidate).sum() for candidate, sum_ in tried.items() if sum_ == won)


def test_an_ensemble_that_only_breaks_is_never_applied() -> None:
    assert best_threshold(np.array([0.1, 0.2]), np.array([-1.0, -1.0])) == -np.inf


def test_a_gate_learns_from_other_images_where_an_ensemble_helps() -> None:
    rng = np.random.default_rng(0)
    margins = rng.random(400)
    worth = np.where(margins < 0.3, 1.0, -1.0)
    opened = MarginGate().is_open(margins, np.arange(400) // 2, lambda is_dev: worth[is_dev])
    assert (opened != (margins < 0.3)).mean() < 0.02


def test_no_image_is_gated_by_its_own_worth() -> None:
    """A huge worth planted on an image moves the threshold of all other folds, and not its own."""
    rng = np.random.default_rng(1)
    margins, images = rng.random(60), np.arange(60) // 3
    worth = np.where(margins < 0.3, 1.0, -1.0)
    before = MarginGate().is_open(margins, images, lambda is_dev: worth[is_dev])
    planted = np.where(images == 7, 1000.0, worth)
    after = MarginGate().is_open(margins, images, lambda is_dev: planted[is_dev])
    np.testing.assert_array_equal(before[images == 7], after[images == 7])
    assert (before != after).any()


def test_a_single_image_and_settings_out_of_range_are_refused() -> None:
    with pytest.raises(UsageError, match=r"needs queries of two images, got 1; ask more queries\.$"):
        MarginGate().is_open(np.zeros(2), np.array([4, 4]), lambda is_dev: np.zeros(int(is_dev.sum())))
    with pytest.raises(UsageError, match=r"needs k >= 1 and num_folds >= 2, got 0 and 5; 1 and 5 are usual\.$"):
        MarginGate(k=0)
