"""Placebo bands, held against systems of which it is known whether one is better."""

import numpy as np
import pytest
import yaml

from misfire.config import conf_folder
from misfire.core.errors import UsageError
from misfire.methods.retrieval.ensemble.placebo import WRAPPERS, PlaceboBand, noise_band, paraphrase_band, paraphrases
from tests.methods.retrieval.equal_systems import mined, systems

NUM_REPLICATES = 300


def noise(
    before: np.ndarray,
    after: np.ndarray,
    images: np.ndarray,
    *,
    num_subset: int,
    num_others: int,
    num_replicates: int,
    k: int = 1,
    rng: np.random.Generator | None = None,
) -> PlaceboBand:
    """The noise band where there is one."""
    band = noise_band(
        before,
        after,
        images,
        num_subset=num_subset,
        num_others=num_others,
        k=k,
        num_replicates=num_replicates,
        confidence=0.95,
        rng=rng or np.random.default_rng(0),
    )
    assert band is not None
    return band


def band_of(rng: np.random.Generator, *, lift: float, num_failures: int, k: int) -> PlaceboBand:
    both = systems(rng, lifts=(0.0, lift))
    asked = mined(rng, both.ranks[0], num_failures=num_failures, num_others=400)
    return noise(
        both.ranks[0][asked],
        both.ranks[1][asked],
        both.images[asked],
        num_subset=num_failures,
        num_others=len(both.images) - num_failures,
        k=k,
        num_replicates=NUM_REPLICATES,
        rng=rng,
    )


@pytest.mark.parametrize(("num_failures", "k"), [(24, 1), (24, 5), (100, 1), (100, 5)])
def test_the_gain_of_an_equal_system_on_the_others_failures_lies_within(num_failures: int, k: int) -> None:
    rng = np.random.default_rng(20_000 + num_failures + k)
    bands = [band_of(rng, lift=0.0, num_failures=num_failures, k=k) for _ in range(150)]
    inside = sum(not band.is_outside for band in bands)
    # 142.5 of 150 in expectation, with a standard deviation of 2.7; hits of few queries are coarse and hold more.
    assert inside >= 134
    assert np.mean([band.mean for band in bands]) == pytest.approx(np.mean([band.observed for band in bands]), abs=0.02)
    if k == 1:
        # What selection alone shows: the two systems are equal, and the mined subset says 14 to 20 points.
        assert 0.14 < np.mean([band.observed for band in bands]) < 0.2
    above = sum(band.p_at_least <= 0.025 for band in bands)
    assert above <= 11  # 3.75 in expectation


@pytest.mark.parametrize("k", [1, 5])
def test_a_truly_better_system_falls_outside(k: int) -> None:
    rng = np.random.default_rng(k)
    bands = [band_of(rng, lift=1.5, num_failures=100, k=k) for _ in range(25)]
    assert sum(band.is_outside and band.observed > band.high for band in bands) >= 24


def test_a_worse_system_falls_below() -> None:
    rng = np.random.default_rng(0)
    bands = [band_of(rng, lift=-1.0, num_failures=100, k=5) for _ in range(10)]
    assert all(band.observed < band.high for band in bands)
    assert sum(band.observed < band.low for band in bands) >= 7


def test_the_odds_by_hand() -> None:
    # The one fixed query and the two broken ones turned round are flips at rank 2, each by half, over the two queries
    # that the baseline has there; their images get random weights.
    before = np.array([2, 2, 1, 1, 1, 1, 1, 1])
    after = np.array([1, 2, 2, 2, 1, 1, 1, 1])
    band = noise(before, after, np.arange(8), num_subset=2, num_others=6, num_replicates=4000)
    assert band.observed == 0.5
    fixed, kept, first, second = np.random.default_rng(1).standard_exponential((4, 100_000))
    odds = np.minimum((fixed + first + second) / 2 / (fixed + kept), 1.0)
    assert band.mean == pytest.approx(odds.mean(), abs=0.02)
    assert (band.low, band.high) == (0.0, 1.0)
    assert not band.is_outside


def test_no_flip_is_no_gain() -> None:
    ranks = np.array([2, 3, 1, 1, 4, 1])
    band = noise(ranks, ranks, np.arange(6), num_subset=2, num_others=40, num_replicates=50)
    assert (band.observed, band.mean, band.low, band.high, band.p_at_least) == (0.0, 0.0, 0.0, 0.0, 1.0)
    assert not band.is_outside


def test_captions_that_share_an_image_widen_the_band() -> None:
    rng = np.random.default_rng(3)
    before = np.full(400, 2)
    before[200:] = 1
    after = np.where(np.repeat(rng.random(80) < 0.4, 5), 3 - before, before)  # an image's captions flip together

    def width(images: np.ndarray) -> float:
        """Of the band, none of which is beyond what all 200 could gain or lose."""
        band = noise(before, after, images, num_subset=200, num_others=200, num_replicates=2000)
        assert 0 <= band.low <= band.high <= 1
        return band.high - band.low

    assert width(np.repeat(np.arange(80), 5)) > 1.5 * width(np.arange(400))


def test_no_placebo_loses_what_the_subset_does_not_have() -> None:
    before = np.array([2] * 10 + [1] * 90)
    after = np.array([1] + [2] * 9 + [1] * 90)
    images = np.concatenate([np.repeat([0, 1], 5), np.arange(2, 92)])
    band = noise(before, after, images, num_subset=10, num_others=90, num_replicates=500)
    assert band.low == 0.0


def test_others_that_were_not_asked_leave_no_band() -> None:
    ranks = np.array([2, 3])
    arguments = {"num_subset": 2, "k": 1, "num_replicates": 10, "confidence": 0.95}
    for num_others, is_known in ((5, False), (0, True)):
        band = noise_band(
            ranks,
            ranks,
            np.arange(2),
            num_others=num_others,
            rng=np.random.default_rng(0),
            **arguments,  # type: ignore[arg-type]
        )
        assert (band is not None) is is_known


def test_a_band_repeats_itself() -> None:
    bands = [band_of(np.random.default_rng(5), lift=0.3, num_failures=50, k=5) for _ in range(2)]
    assert bands[0] == bands[1]


def paraphrase(rng: np.random.Generator, *, lift: float) -> PlaceboBand:
    found = systems(rng, lifts=(0.0, lift, 0.0, 0.0, 0.0, 0.0))
    chosen = mined(rng, found.ranks[0], num_failures=60, num_others=0)
    before, after, *wrappers = (ranks[chosen] for ranks in found.ranks)
    return paraphrase_band(
        before,
        after,
        np.stack(wrappers),
        found.images[chosen],
        k=1,
        num_replicates=NUM_REPLICATES,
        confidence=0.95,
        rng=rng,
    )


def test_equal_prompts_lie_within_the_wrappers_band_and_better_ones_outside() -> None:
    rng = np.random.default_rng(1)
    equal = [paraphrase(rng, lift=0.0) for _ in range(60)]
    assert sum(not band.is_outside for band in equal) >= 53  # 57 in expectation
    better = [paraphrase(rng, lift=1.5) for _ in range(15)]
    assert all(band.is_outside and band.observed > band.high for band in better)
    assert equal[0].how.startswith("4 single prompts that only paraphrase")


def test_the_wrappers_are_those_of_the_generic_set() -> None:
    generic = conf_folder() / "templates" / "generic.yaml"
    templates = yaml.safe_load(generic.read_text(encoding="utf-8"))["templates"]
    assert [text for text in templates if text != "{caption}"] == list(WRAPPERS)
    assert paraphrases(templates) == [1, 2, 3, 4]
    assert paraphrases(["{caption}", "exactly {caption}"]) == []


def test_no_wrapper_is_refused() -> None:
    ranks = np.array([1, 2])
    with pytest.raises(UsageError, match="a paraphrase band must have wrappers, got none; add those of templates=gen"):
        paraphrase_band(
            ranks,
            ranks,
            np.empty((0, 2), dtype=np.int64),
            np.arange(2),
            k=1,
            num_replicates=10,
            confidence=0.95,
            rng=np.random.default_rng(0),
        )
