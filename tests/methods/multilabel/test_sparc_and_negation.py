import json
from pathlib import Path

import numpy as np
import pytest

from misfire.core.errors import UsageError
from misfire.methods.multilabel import count_negations, normalised_scores
from misfire.methods.multilabel.negation import negations_in

CAPTIONS = Path(__file__).resolve().parents[4] / "shared/data/coco_val2017/captions_val2017.json"


def test_rows_then_columns_are_standardised() -> None:
    scores = np.random.default_rng(0).normal(size=(30, 5)) * 3 + np.arange(30)[:, None]
    by_row = (scores - scores.mean(axis=1, keepdims=True)) / scores.std(axis=1, keepdims=True)
    expected = (by_row - by_row.mean(axis=0)) / by_row.std(axis=0)
    np.testing.assert_allclose(normalised_scores(scores), expected)


def test_an_images_offset_and_scale_no_longer_matter() -> None:
    rng = np.random.default_rng(1)
    scores = rng.normal(size=(20, 4))
    moved = scores * rng.uniform(0.5, 3, size=(20, 1)) + rng.normal(size=(20, 1))
    np.testing.assert_allclose(normalised_scores(moved), normalised_scores(scores), atol=1e-12)


def test_equal_scores_become_0_and_one_class_is_refused() -> None:
    assert not normalised_scores(np.ones((3, 2))).any()
    with pytest.raises(
        UsageError, match="at least two images and two classes, to be normalised, got 3 x 1 with 0 that"
    ):
        normalised_scores(np.ones((3, 1)))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("There is no cat, and NOT a dog.", ["no", "not"]),
        ("It isn't here and doesn\N{RIGHT SINGLE QUOTATION MARK}t bark", ["n't", "n't"]),
        ("Another knot in the north; nobody's dog", []),
        ("without none nothing", ["without", "none", "nothing"]),
        ("", []),
    ],
)
def test_whole_words_negate(text: str, expected: list[str]) -> None:
    assert negations_in(text) == expected


def test_texts_are_counted_once_and_blank_ones_not_at_all() -> None:
    found = count_negations(["no no", "yes", " ", "not here, no"])
    assert (found.num_texts, found.num_negated, found.share) == (3, 2, 2 / 3)
    assert found.by_word == (("no", 2), ("not", 1))
    low, high = found.interval()
    assert 0 < low < 2 / 3 < high < 1
    assert count_negations(["sans chat"], words=["sans"]).num_negated == 1
    with pytest.raises(UsageError, match="a corpus must hold at least one text, got none"):
        count_negations(["", "  "])


@pytest.mark.skipif(not CAPTIONS.is_file(), reason="COCO's captions aren't here")
def test_few_of_cocos_captions_negate() -> None:
    texts = [one["caption"] for one in json.loads(CAPTIONS.read_text())["annotations"]]
    found = count_negations(texts)
    by_split = sum(
        any(word.strip(".,;:!?\"'()") in {"no", "not", "without"} for word in text.lower().split()) for text in texts
    )
    assert found.num_texts == len([text for text in texts if text.strip()])
    assert by_split <= found.num_negated <= by_split + 100
    assert 0.001 < found.share < 0.02
    print(found.num_negated, found.num_texts, found.by_word[:6])
