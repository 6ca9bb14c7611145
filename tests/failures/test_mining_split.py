"""A share of the images is mined, the others stay to confirm on."""

from collections import Counter
from types import ModuleType

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from misfire.core.errors import UsageError
from misfire.failures import FailureSet, mine
from misfire.failures.mining_split import mined_images


def mined(invented: ModuleType, *, share: float, seed: int, num_failures: int = 1) -> FailureSet:
    data = invented.dataset(num_images=20)
    return mine(
        data,
        invented.outcome(data),
        backbone_fingerprint="b",
        precision="fp32",
        num_failures=num_failures,
        seed=seed,
        mined_share=share,
    )


@settings(max_examples=50, deadline=None)
@given(st.floats(0.01, 0.99), st.integers(0, 2**32))
def test_failures_and_confirming_queries_share_no_image(invented: ModuleType, share: float, seed: int) -> None:
    data = invented.dataset(num_images=20)
    is_mined = mined_images(data, share=share, seed=seed)
    assert 1 <= is_mined.sum() <= 19
    assert abs(is_mined.sum() - share * 20) <= 1
    assume((invented.outcome(data).rank > 1)[is_mined[data.targets]].any())  # else there is nothing to mine
    chosen = mined(invented, share=share, seed=seed)
    confirm = chosen.confirm_positions(data)
    image_of = {caption.id: place for place, caption in enumerate(data.captions)}
    confirmed = {data.captions[position].image_id for position in confirm}
    assert not {failure.target_image_id for failure in chosen.failures} & confirmed
    assert chosen.num_queries + len(confirm) == len(data.captions) == len(image_of)
    failing = invented.outcome(data).rank > 1
    assert chosen.num_top1_failures == int(failing[is_mined[data.targets]].sum())


def test_every_image_is_mined_equally_often(invented: ModuleType) -> None:
    data = invented.dataset(num_images=20)
    counts = Counter(
        int(image) for seed in range(400) for image in np.flatnonzero(mined_images(data, share=0.5, seed=seed))
    )
    # 200 of 400 in the mean, with a standard deviation of 10.
    assert len(counts) == 20
    assert all(abs(count - 200) < 50 for count in counts.values())


def test_all_images_leave_nothing_to_confirm_on_and_change_no_digest(invented: ModuleType) -> None:
    data = invented.dataset(num_images=20)
    assert mined_images(data, share=1.0, seed=3).all()
    whole = mined(invented, share=1.0, seed=3)
    assert len(whole.confirm_positions(data)) == 0
    asked = {"backbone_fingerprint": "b", "precision": "fp32", "num_failures": 1, "seed": 3}
    assert whole.digest == mine(data, invented.outcome(data), **asked).digest
    assert "images" not in whole.how_chosen


def test_the_split_is_part_of_the_content(invented: ModuleType) -> None:
    halves = mined(invented, share=0.5, seed=3)
    assert halves.how_chosen.endswith(", seed 3, of 0.5 of the images, the others kept to confirm on")
    assert halves.digest != mined(invented, share=0.6, seed=3).digest


@pytest.mark.parametrize("share", [0.0, -0.1, 1.5])
def test_an_impossible_share_is_refused(invented: ModuleType, share: float) -> None:
    with pytest.raises(UsageError, match=r"mined_share must be a fraction in \(0, 1\], got .*; 0.5 mines one half"):
        mined_images(invented.dataset(), share=share, seed=0)


def test_one_image_is_not_divided(invented: ModuleType) -> None:
    with pytest.raises(UsageError, match="a mine/confirm split needs two images, got 1 in invented; leave mined_share"):
        mined_images(invented.dataset(num_images=1), share=0.5, seed=0)


def test_more_failures_than_the_mined_images_have_are_refused(invented: ModuleType) -> None:
    with pytest.raises(UsageError, match=r"among the 30 queries of the mined images of invented, got 60; choose"):
        mined(invented, share=0.5, seed=0, num_failures=60)
