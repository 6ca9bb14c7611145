from collections import Counter
from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from misfire.core.errors import UsageError
from misfire.methods.modes.tag_mode import Criteria, Mode, TaggedOutcomes, greedy_prime, prime, success_modes
from misfire.methods.modes.tag_sets import ClassTable, count_columns, pack

IMAGENET_X = Path(__file__).parents[4] / "shared" / "data" / "imagenet_x"
Table = tuple[np.ndarray, np.ndarray, np.ndarray]


def brute_force(
    table: Table, *, min_support: int, min_drop: str, necessity: Sequence[str], max_size: int
) -> Iterator[tuple[int, tuple[int, ...], int, int]]:
    """The definition, word by word, in fractions and Python loops."""
    correct, labels, tags = (array.tolist() for array in table)

    def accuracy(members: list[int]) -> Fraction:
        return Fraction(sum(correct[image] for image in members), len(members))

    for label in sorted(set(labels)):
        of_class = [image for image, own in enumerate(labels) if own == label]
        for size in range(1, max_size + 1):
            for chosen in combinations(range(len(tags[0])), size):
                members = [image for image in of_class if all(tags[image][tag] for tag in chosen)]
                if len(members) < min_support or accuracy(members) > accuracy(of_class) - Fraction(min_drop):
                    continue
                without = [[tag for tag in chosen if tag != left_out] for left_out in chosen]
                easier = [[i for i in of_class if all(tags[i][tag] for tag in rest)] for rest in without]
                if size == 1 or all(
                    accuracy(subset) >= accuracy(members) + Fraction(necessity[size - 2]) for subset in easier
                ):
                    yield label, chosen, len(members), sum(correct[image] for image in members)


def as_rows(modes: list[Mode]) -> list[tuple[int, tuple[int, ...], int, int]]:
    return [(mode.label, mode.tags, mode.support, mode.num_correct) for mode in modes]


@st.composite
def tables(draw: st.DrawFn) -> Table:
    """Small tables with equal columns, complementary ones, classes of one image and classes without an error."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    num_images, num_tags = draw(st.sampled_from([1, 2, 10, 20, 40, 60])), draw(st.sampled_from([0, 1, 3, 4, 5]))
    labels = rng.integers(0, draw(st.sampled_from([1, 1, 2])), num_images) * 7 - 3
    tags = rng.random((num_images, num_tags)) < draw(st.sampled_from([0.4, 0.6, 0.8]))
    relation = draw(st.sampled_from(["none", "none", "none", "equal", "complementary"]))
    if num_tags > 2 and relation != "none":
        tags[:, 0] = tags[:, 1] if relation == "equal" else ~tags[:, 1]
    failing = tags[:, : draw(st.integers(1, 4))].all(axis=1)
    correct = rng.random(num_images) < np.where(failing, 0.1, draw(st.sampled_from([0.7, 0.9, 1.0])))
    return correct, labels, tags


# Thresholds at which small counts tie, and one that 64 bits can't hold when it is multiplied out.
DROPS = st.sampled_from(["0.0", "0.05", "0.1", "0.2", "0.25", "0.3", "0.3333333333333333", "0.5"])
RISES = st.sampled_from(["0.0", "0.025", "0.05", "0.1", "0.1111111111111111", "0.25"])


@settings(max_examples=100, deadline=None)
@given(tables(), st.integers(1, 6), DROPS, st.tuples(RISES, RISES, RISES), st.integers(1, 4))
def test_modes_are_those_of_the_definition(
    table: Table, min_support: int, min_drop: str, necessity: tuple[str, ...], max_size: int
) -> None:
    modes = prime(
        *table,
        min_support=min_support,
        min_drop=float(min_drop),
        necessity=tuple(map(float, necessity)),
        max_size=max_size,
    )
    assert as_rows(modes) == list(
        brute_force(table, min_support=min_support, min_drop=min_drop, necessity=necessity, max_size=max_size)
    )
    for mode in modes:
        assert mode.class_accuracy == table[0][table[1] == mode.label].mean()


@settings(max_examples=30, deadline=None)
@given(tables(), st.integers(0, 2**32))
def test_order_of_images_and_tags_is_irrelevant(table: Table, seed: int) -> None:
    correct, labels, tags = table
    rng = np.random.default_rng(seed)
    images, columns = rng.permutation(len(correct)), rng.permutation(tags.shape[1])
    modes = prime(correct, labels, tags, min_support=3, min_drop=0.2)
    shuffled = prime(
        correct[images],
        labels[images],
        np.asfortranarray(tags[images][:, columns]),
        min_support=3,
        min_drop=0.2,
    )
    renamed = [(mode.label, tuple(sorted(columns[list(mode.tags)].tolist())), mode.support) for mode in shuffled]
    assert sorted(renamed) == sorted((mode.label, mode.tags, mode.support) for mode in modes)


@settings(max_examples=30, deadline=None)
@given(tables())
def test_a_success_mode_is_a_mode_of_the_errors(table: Table) -> None:
    correct, labels, tags = table
    found = success_modes(TaggedOutcomes(*table), Criteria(min_support=3, min_drop=0.2))
    expected = brute_force(
        (~correct, labels, tags), min_support=3, min_drop="0.2", necessity=("0.1", "0.05", "0.025"), max_size=4
    )
    assert [(m.label, m.tags, m.support, m.support - m.num_correct) for m in found] == list(expected)
    assert all(mode.class_accuracy == correct[labels == mode.label].mean() for mode in found)


@settings(max_examples=30, deadline=None)
@given(tables(), st.integers(1, 3))
def test_a_greedy_search_finds_a_part_and_all_of_it_when_it_is_wide(table: Table, width: int) -> None:
    everything = prime(*table, min_support=3, min_drop=0.2)
    images, criteria = TaggedOutcomes(*table), Criteria(min_support=3, min_drop=0.2)
    assert greedy_prime(images, criteria, width=1000) == everything
    assert set(greedy_prime(images, criteria, width=width)) <= set(everything)


def test_a_greedy_search_misses_tags_that_are_harmless_alone() -> None:
    """Two tags that fail only together, and one that fails alone and takes the only place."""
    tags = np.zeros((120, 3), dtype=bool)
    tags[:40, 0], tags[20:60, 1], tags[100:, 2] = True, True, True
    correct = np.ones(120, dtype=bool)
    correct[20:40], correct[100:] = False, False
    thresholds: dict[str, Any] = {"min_support": 10, "min_drop": 0.3}
    pair, single = (0, 1), (2,)
    assert [mode.tags for mode in prime(correct, np.zeros(120, dtype=int), tags, **thresholds)] == [single, pair]
    images = TaggedOutcomes(correct, np.zeros(120, dtype=int), tags)
    greedy = greedy_prime(images, Criteria(**thresholds), width=1)
    assert [mode.tags for mode in greedy] == [single]


def test_a_set_with_an_idle_tag_can_have_a_superset_without_one() -> None:
    """Minimality is no reason to stop: {0} does all of {0, 1}, but {0, 1, 2} is worse than each of its pairs."""
    tags = np.array([[image >> bit & 1 for bit in (7, 6, 5)] for image in range(256)], dtype=bool)
    num_right = {(1, 1, 1): 0, (1, 1, 0): 32, (1, 0, 1): 20, (1, 0, 0): 12}
    correct = np.concatenate([np.arange(32) < num_right.get(tuple(row), 32) for row in tags[::32].astype(int).tolist()])
    found = {mode.tags for mode in prime(correct, np.zeros(256, dtype=int), tags, min_drop=0.2)}
    assert (0, 1) not in found
    assert (0, 1, 2) in found


def test_many_images_and_words_of_64_are_counted_to_the_last_bit() -> None:
    rng = np.random.default_rng(3)
    for num_images in (63, 64, 65, 700, 1031):
        carries = rng.random((num_images, 9)) < 0.7
        assert np.bitwise_count(pack(carries)).sum(axis=0).tolist() == carries.sum(axis=0).tolist()
        assert count_columns(carries).tolist() == carries.sum(axis=0).tolist()


def test_the_search_meets_every_frequent_set_once_whatever_its_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(1)
    correct, tags = rng.random(500) < 0.8, rng.random((500, 9)) < 0.5
    expected = {
        chosen: (int(carried.sum()), int((carried & ~correct).sum()))
        for size in range(1, 5)
        for chosen in combinations(range(9), size)
        if (carried := tags[:, list(chosen)].all(axis=1)).sum() >= 40
    }
    for words_at_once in (1, 100, 2**19):
        monkeypatch.setattr("misfire.methods.modes.tag_sets._WORDS_AT_ONCE", words_at_once)
        blocks = list(ClassTable(correct, tags, min_support=40).sets(4))
        rows = [
            (tuple(tags), (support, wrong))
            for block in blocks
            for tags, support, wrong in zip(
                block.tags.tolist(), block.support.tolist(), block.num_wrong.tolist(), strict=True
            )
        ]
        assert len(rows) == len(expected)
        assert dict(rows) == expected


@pytest.mark.skipif(not IMAGENET_X.is_dir(), reason="the outcomes of ImageNet-X aren't at hand")
@pytest.mark.parametrize(
    ("model", "min_drop", "by_size"),
    [
        ("resnet50", 0.30, {1: 28, 2: 6, 3: 2}),
        ("resnet50", 0.15, {1: 72, 2: 12, 3: 3, 4: 1}),
        ("vit", 0.30, {1: 15, 2: 12, 3: 1, 4: 2}),
    ],
)
def test_modes_of_real_outcomes(model: str, min_drop: float, by_size: dict[int, int]) -> None:
    """Counts that an independent enumeration found on 48,868 images in 100 groups of classes."""
    tags = pd.read_parquet(IMAGENET_X / "tags.parquet")
    table = tags.merge(pd.read_parquet(IMAGENET_X / "predictions.parquet"), on="image")
    modes = prime(
        (table[f"predicted_{model}"] == table.class_index).to_numpy(),
        pd.factorize(table.metaclass, sort=True)[0],
        table[tags.columns[1:]].to_numpy().astype(bool),
        min_drop=min_drop,
    )
    assert Counter(len(mode.tags) for mode in modes) == by_size


def test_classes_without_an_error_or_smaller_than_the_support_have_no_mode() -> None:
    tags = np.ones((35, 2), dtype=bool)
    labels = np.array([0] * 33 + [1, 2])
    assert prime(np.ones(35, dtype=bool), labels, tags) == []
    assert prime(np.zeros(35, dtype=bool), labels, tags) == []  # no set is worse than a class that fails altogether
    assert prime(np.zeros(35, dtype=bool), labels, tags, min_support=1000) == []


def test_bad_input_is_refused_with_its_remedy() -> None:
    correct, labels, tags = np.ones(4, dtype=bool), np.zeros(4, dtype=int), np.ones((4, 2), dtype=bool)
    for arrays, sentence in [
        ((correct.astype(float), labels, tags), r"correct must be boolean, got float64; threshold scores first"),
        ((correct, labels, tags * 0.3), r"tags must be boolean, got float64; .* for example tags >= 0.5"),
        ((correct, labels * 1.0, tags), r"labels must be whole numbers, got float64; number the classes first"),
        ((correct, labels, tags[0]), r"tags must have 2 axes: image and tag, got shape \(2,\)"),
        ((correct[:3], labels, tags), r"must be of the same images, got 3, 4 and 4"),
        ((correct[:0], labels[:0], tags[:0]), r"needs images, got none"),
    ]:
        with pytest.raises(UsageError, match=sentence):
            prime(*arrays)
    for thresholds, sentence in [
        ({"min_support": 0}, r"min_support must be >= 1, got 0; the accuracy on no image is undefined"),
        ({"min_drop": 30}, r"min_drop must be in \[0, 1\], got 30; write 30 points as 0.3"),
        ({"min_drop": float("nan")}, r"min_drop must be in \[0, 1\], got nan"),
        ({"necessity": (0.1, 5, 2.5)}, r"necessity must be in \[0, 1\], got 5"),
        ({"max_size": 0}, r"max_size must be >= 1, got 0"),
        ({"max_size": 6}, r"each size from 2 to max_size=6, got 3 value\(s\) .*; add 2 more"),
    ]:
        with pytest.raises(UsageError, match=sentence):
            prime(correct, labels, tags, **thresholds)
    with pytest.raises(UsageError, match=r"width must be >= 1, got 0"):
        greedy_prime(TaggedOutcomes(correct, labels, tags), Criteria(), width=0)
