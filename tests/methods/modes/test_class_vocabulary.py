import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from misfire.core.errors import UsageError
from misfire.methods.modes.class_vocabulary import class_tags, tags_above, top_tags
from misfire.methods.modes.tag_mode import prime


def test_rare_tags_fall_away_in_their_class_alone() -> None:
    labels = np.array([0, 0, 0, 1, 1])
    tags = np.array([[1, 0], [1, 1], [0, 0], [1, 0], [0, 1]], dtype=bool)
    shown = class_tags(labels, tags, ["dark", "red"], min_count=2)
    assert shown.holds.tolist() == [[True, False], [True, False], [False, False], [False, False], [False, False]]
    assert shown.words(0, (0, 1)) == ("dark", "red")


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32))
def test_tags_of_the_same_images_are_one_tag_with_both_names(seed: int) -> None:
    """The search finds the same groups of images, each once, and says all names."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 2, 120)
    tags = rng.random((120, 5)) < 0.5
    tags[:, 3] = tags[:, 1]
    tags[labels == 1, 4] = tags[labels == 1, 0]
    correct = rng.random(120) < np.where(tags[:, 1], 0.4, 0.9)
    shown = class_tags(labels, tags, list("abcde"))
    thresholds = {"min_support": 5, "min_drop": 0.1}
    found = prime(correct, labels, shown.holds, **thresholds)
    everything = prime(correct, labels, tags, **thresholds)

    def groups(modes: list) -> set[tuple[int, bytes]]:  # type: ignore[type-arg]
        return {(m.label, ((labels == m.label) & tags[:, list(m.tags)].all(axis=1)).tobytes()) for m in modes}

    assert groups(found) == groups(everything)
    assert len(groups(found)) == len(found)
    assert shown.name(0, 1) == "b/d"
    assert shown.name(1, 0) == "a/e"
    assert shown.name(0, 0) == "a"


def test_tags_that_nearly_imply_each_other_are_one_from_a_share_on() -> None:
    images = np.arange(20)
    tags = np.stack([images < 10, images < 9, images < 8, images >= 12], axis=1)
    labels = np.zeros(20, dtype=int)
    assert class_tags(labels, tags, list("abcd"), min_overlap=0.9).name(0, 0) == "a/b"
    assert class_tags(labels, tags, list("abcd"), min_overlap=0.8).name(0, 0) == "a/b/c"
    assert class_tags(labels, tags, list("abcd")).name(0, 0) == "a"


def test_a_tagger_keeps_what_reaches_a_threshold_or_the_best() -> None:
    scores = np.array([[0.2, 0.5, 0.2], [0.1, 0.0, 0.3]])
    assert tags_above(scores, 0.2).tolist() == [[True, True, True], [False, False, True]]
    assert top_tags(scores, 2).tolist() == [[True, True, False], [True, False, True]]


def test_bad_input_is_refused_with_its_remedy() -> None:
    labels, tags = np.zeros(3, dtype=int), np.ones((3, 2), dtype=bool)
    with pytest.raises(UsageError, match=r"every tag must have a name, got 1 names of 2 tags"):
        class_tags(labels, tags, ["a"])
    with pytest.raises(UsageError, match=r"min_count must be >= 1, got 0"):
        class_tags(labels, tags, ["a", "b"], min_count=0)
    with pytest.raises(UsageError, match=r"min_overlap must be in \(0, 1\], got 1.5"):
        class_tags(labels, tags, ["a", "b"], min_overlap=1.5)
    with pytest.raises(UsageError, match=r"num_tags must be from 1 to 2, the size of the vocabulary, got 3"):
        top_tags(np.zeros((1, 2)), 3)
