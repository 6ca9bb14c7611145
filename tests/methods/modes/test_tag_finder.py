from dataclasses import replace

import numpy as np
import pytest

from misfire.core.errors import UsageError
from misfire.methods.modes import Scorecard, TagCombinations, prime
from tests.methods.modes.planted import Planted, planted

FINDER = TagCombinations(min_support=20, min_drop=0.2, max_size=2)


@pytest.fixture(scope="module")
def known() -> Planted:
    """Contexts and two words that mean nothing as tags."""
    found = planted(num_images=1600)
    noise = np.random.default_rng(0).random((1600, 2)) < 0.5
    tags = np.concatenate([np.eye(4, dtype=bool)[found.contexts], noise], axis=1)
    names = (*(f"place {one}" for one in range(4)), "odd", "even")
    images = replace(found.images, tags=tags, tag_names=names)
    return Planted(images, found.contexts, found.sentences, found.num_classes)


def test_modes_are_primes_and_hold_on_other_images(known: Planted) -> None:
    found = FINDER.find(known.images, known.sentences, rng=np.random.default_rng(0))
    plain = prime(
        known.images.performance == 1, known.images.strata, known.images.tags, min_support=20, min_drop=0.2, max_size=2
    )
    assert {(mode.label, mode.tags) for mode in found.modes} == {(mode.label, mode.tags) for mode in plain}
    assert found.names[0].startswith("class ")
    assert "place" in found.names[0]
    members = found.members(known.images)
    for place, mode in enumerate(found.modes):
        assert members[:, place].sum() == mode.support
        assert known.images.performance[members[:, place]].mean() == pytest.approx(mode.accuracy)
    errors = [mode.support - mode.num_correct for mode in found.modes]
    assert errors == sorted(errors, reverse=True)


def test_a_mode_of_a_context_is_described_by_its_sentence(known: Planted) -> None:
    found = FINDER.find(known.images, known.sentences, rng=np.random.default_rng(0))
    for mode, chosen in zip(found.modes, found.sentences, strict=True):
        if mode.tags[0] < 4:
            assert known.sentences.texts[chosen[0]] == f"An image taken in place {mode.tags[0]}"


def test_it_stands_on_the_scorecard(known: Planted) -> None:
    card = Scorecard(num_shuffles=1, num_repeats=0, clock=lambda: 0.0)
    row = card.row(FINDER, known.images, known.sentences, is_failure=known.images.performance == 0, seed=0)
    assert row.label == "PRIME"
    assert row.values["drop"] > 0.15
    assert row.values["false_discovery"] < 0.3


def test_unfit_images_are_refused(known: Planted) -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(UsageError, match="PRIME needs tags of the images, got none"):
        FINDER.find(replace(known.images, tags=None), known.sentences, rng=rng)
    with pytest.raises(UsageError, match="PRIME needs a performance of 0 and 1, got graded values"):
        FINDER.find(replace(known.images, performance=known.images.performance / 2), known.sentences, rng=rng)
    with pytest.raises(UsageError, match="most_modes must be >= 1, got 0"):
        TagCombinations(most_modes=0)
