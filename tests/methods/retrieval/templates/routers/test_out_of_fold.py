"""The classifier learns from other images' labels alone: labels planted on an image don't reach its captions."""

import numpy as np
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

from misfire.core.errors import UsageError
from misfire.methods.retrieval.templates.routers import OutOfFoldRouter
from misfire.methods.retrieval.templates.routers.out_of_fold import image_folds
from tests.methods.retrieval.templates.routers.problems import captions, problem

WORDS = {"count": "two three four", "action": "runs jumps sits", "spatial": "left above behind"}
RNG = np.random.default_rng(0)
LABELS = [list(WORDS)[place % 3] for place in range(60)]
TEXTS = [f"{RNG.choice(WORDS[label].split())} thing{RNG.integers(4)}" for label in LABELS]
IMAGES = [place // 2 for place in range(60)]  # two captions an image


def test_words_that_go_with_a_category_are_learnt_from_other_images() -> None:
    routes = OutOfFoldRouter().route(problem(captions(TEXTS, IMAGES), captions(TEXTS, IMAGES), LABELS))
    assert np.mean([route == label for route, label in zip(routes, LABELS, strict=True)]) > 0.95


def test_a_caption_of_no_annotated_image_is_routed_by_all_labels() -> None:
    asked = ["behind thing1", "jumps thing3", "three thing0"]
    routes = OutOfFoldRouter().route(problem(captions(asked, [900, 901, 902]), captions(TEXTS, IMAGES), LABELS))
    words = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, token_pattern=r"(?u)\b\w+\b")
    model = LogisticRegression(class_weight="balanced", max_iter=1000).fit(words.fit_transform(TEXTS), LABELS)
    assert list(routes) == model.predict(words.transform(asked)).tolist() == ["spatial", "action", "count"]


@pytest.mark.parametrize("image", [0, 11, 29])
def test_labels_planted_on_an_image_reach_no_caption_of_it(image: int) -> None:
    """Each caption of the image has a word of its own, and the planted labels give it away to whoever reads them."""
    texts = [f"{text} giveaway{image}" if own == image else text for text, own in zip(TEXTS, IMAGES, strict=True)]
    # A further caption of the image, which isn't annotated itself, must not profit either.
    asked = captions([*texts, f"giveaway{image}"], [*IMAGES, image])
    routes = {}
    for planted in ("count", "action", "spatial"):
        labels = [planted if own == image else label for label, own in zip(LABELS, IMAGES, strict=True)]
        found = OutOfFoldRouter().route(problem(asked, captions(texts, IMAGES), labels))
        routes[planted] = [route for route, own in zip(found, asked.images, strict=True) if own == image]
    assert len(routes["count"]) == 3
    assert routes["count"] == routes["action"] == routes["spatial"]


def test_the_same_labels_planted_on_other_images_do_reach_it() -> None:
    """The test above could not fail if nothing were learnt."""
    texts = [f"{text} giveaway" if own < 15 else text for text, own in zip(TEXTS, IMAGES, strict=True)]
    routes = {
        planted: OutOfFoldRouter().route(
            problem(
                captions(["giveaway"], [900]),
                captions(texts, IMAGES),
                [planted if own < 15 else label for label, own in zip(LABELS, IMAGES, strict=True)],
            )
        )
        for planted in ("count", "action")
    }
    assert routes == {"count": ("count",), "action": ("action",)}


def test_folds_are_even_and_hold_whole_images() -> None:
    folds = image_folds(np.array(IMAGES), num_folds=4, seed=3)
    sizes = np.bincount(list(folds.values()))
    assert sorted(folds) == list(range(30))
    assert sizes.max() - sizes.min() <= 1
    assert folds != image_folds(np.array(IMAGES), num_folds=4, seed=4)


def test_a_fold_with_one_category_left_predicts_it() -> None:
    known = captions(["two things", "three things"], [0, 1])
    assert OutOfFoldRouter().route(problem(known, known, ("count", "action"))) == ("action", "count")


def test_too_few_annotated_images_and_settings_out_of_range_are_refused() -> None:
    with pytest.raises(UsageError, match=r"of two images, got 1 among 2 with a category; annotate more"):
        OutOfFoldRouter().route(problem(captions(["x"]), captions(["a", "b"], [5, 5]), ("count", "action")))
    with pytest.raises(UsageError, match=r"num_folds must be an integer >= 2, got 1; 5 is usual\.$"):
        OutOfFoldRouter(num_folds=1)
    with pytest.raises(UsageError, match=r"inverse_penalty must be > 0, got 0\.0; 1\.0 is usual\.$"):
        OutOfFoldRouter(inverse_penalty=0.0)
