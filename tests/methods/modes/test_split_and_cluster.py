import numpy as np
import pytest

from misfire.core.errors import UsageError
from misfire.methods.modes import (
    EntropySplit,
    FPDiff,
    PDiff,
    PerformanceSplit,
    RankingSplit,
    ScoredImages,
    SplitAndCluster,
    TopS,
    WardClustering,
)
from tests.methods.modes.planted import planted


def finder(num_clusters: int = 4, **others: object) -> SplitAndCluster:
    settings = {"selector": PDiff(2), "split": PerformanceSplit(), "clusterer": WardClustering(num_clusters), **others}
    return SplitAndCluster(**settings)  # type: ignore[arg-type]


def test_every_step_by_hand() -> None:
    known = planted()
    found = finder().find(known.images, known.sentences, rng=np.random.default_rng(0))
    unit = known.images.embeddings / np.linalg.norm(known.images.embeddings, axis=1, keepdims=True)
    texts = known.sentences.embeddings / np.linalg.norm(known.sentences.embeddings, axis=1, keepdims=True)
    wrong = known.images.performance < known.images.performance.mean() - 0.2 * known.images.performance.std()
    assigned = {}
    for name, inside in (("hard", wrong), ("easy", known.images.performance == 1)):
        clusters = WardClustering(4)(unit[inside], rng=np.random.default_rng(0))
        assigned[name] = [unit[inside][clusters == one].mean(axis=0) for one in range(4)]
    for chosen, hard in zip(found.sentences, assigned["hard"], strict=True):
        direction = hard / np.linalg.norm(hard)
        easy = max((centre / np.linalg.norm(centre) for centre in assigned["easy"]), key=lambda one: one @ direction)
        difference = texts @ direction - texts @ easy
        assert list(chosen) == sorted(range(len(texts)), key=lambda one: -difference[one])[:2]


def test_sentences_of_hard_clusters_are_about_the_misleading_context() -> None:
    known = planted(noise=0.05)
    found = finder(is_per_class=True, clusterer=WardClustering(3)).find(
        known.images, known.sentences, rng=np.random.default_rng(0)
    )
    assert len(found) == 3 * known.num_classes
    first = [known.sentences.texts[chosen[0]] for chosen in found.sentences]
    assert sum(text.startswith("An image taken in place") for text in first) >= 8  # 3 or 4 by chance
    classes = [int(name.removeprefix("class ").split(",")[0]) for name in found.names]
    own = [text == f"An image taken in place {one}" for text, one in zip(first, classes, strict=True)]
    assert sum(own) <= 2
    for mode, of_class in enumerate(classes):
        assert not found.members(known.images)[known.images.strata != of_class, mode].any()


def test_members_are_nearest_to_one_prototype_of_all() -> None:
    known = planted()
    found = finder().find(known.images, known.sentences, rng=np.random.default_rng(0))
    parts = found.partition_weights(known.images)
    assert parts.shape == (len(known.images), 8)
    assert ((parts > 0).sum(axis=1) == 1).all()
    assert np.array_equal(parts[:, :4], found.weights(known.images))
    accuracy = [known.images.performance[inside].mean() for inside in (parts[:, :4] > 0).T if inside.any()]
    assert max(accuracy) < known.images.performance.mean()


def test_fewer_candidates_are_said() -> None:
    known = planted()
    found = finder(selector=FPDiff(2, threshold=0.9)).find(known.images, known.sentences, rng=np.random.default_rng(0))
    assert set(found.sentences) == {()}
    assert any("Fewer than 2 sentences were candidates for 4 (hard cluster 1" in remark for remark in found.remarks)


def test_ranking_of_a_class_takes_its_false_positives_in() -> None:
    known = planted()
    found = finder(2, split=RankingSplit(), is_per_class=True, selector=TopS(1)).find(
        known.images, known.sentences, rng=np.random.default_rng(0)
    )
    of_first = (found.partition_weights(known.images)[:, :2] > 0).any(axis=1)
    assert not (found.members(known.images)[known.images.strata != 0, :2]).any()
    assert set(known.images.strata[of_first].tolist()) == {0, 1, 2, 3}
    assert (known.images.predicted[of_first & (known.images.strata != 0)] == 0).all()


def test_equal_seeds_find_equal_modes() -> None:
    known = planted()
    twice = [finder().find(known.images, known.sentences, rng=np.random.default_rng(1)) for _ in range(2)]
    assert twice[0].sentences == twice[1].sentences
    assert np.array_equal(twice[0].weights(known.images), twice[1].weights(known.images))


def test_one_cluster_is_the_whole_hard_set() -> None:
    known = planted()
    found = finder(1).find(known.images, known.sentences, rng=np.random.default_rng(0))
    assert found.names == ("hard cluster 1",)


def test_images_without_failures_or_too_few_are_refused() -> None:
    known = planted()
    rng = np.random.default_rng(0)
    flawless = ScoredImages(known.images.embeddings, np.ones(len(known.images)))
    with pytest.raises(UsageError, match=r"only where some images are harder than others, got all of one"):
        finder().find(flawless, known.sentences, rng=rng)
    few = known.images.take(np.flatnonzero(known.images.performance == 0)[:2])
    both = known.images.take(
        np.concatenate([np.flatnonzero(known.images.performance == 0)[:2], np.flatnonzero(known.images.performance)])
    )
    with pytest.raises(UsageError, match=r"got all of one hardness"):
        finder().find(few, known.sentences, rng=rng)
    with pytest.raises(UsageError, match=r"no easy and 2 hard images; split by another measure, lower its margin"):
        finder().find(both, known.sentences, rng=rng)
    with pytest.raises(UsageError, match=r"4 clusters .* need as many of both, got 2 hard and \d+ easy; lower .* to 2"):
        finder(split=PerformanceSplit(0.0)).find(both, known.sentences, rng=rng)
    with pytest.raises(UsageError, match=r"some class must have 300 hard and as many easy images"):
        finder(300, is_per_class=True).find(known.images, known.sentences, rng=rng)
    bare = ScoredImages(known.images.embeddings, known.images.performance)
    with pytest.raises(UsageError, match=r"a split by entropy needs predictions"):
        finder(split=EntropySplit()).find(bare, known.sentences, rng=rng)
