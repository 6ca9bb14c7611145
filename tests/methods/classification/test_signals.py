"""Label-free signals of a class and how well they tell its accuracy."""

from collections.abc import Callable

import numpy as np
import pytest
import torch

from misfire.core.errors import UsageError
from misfire.data.world import World
from misfire.data.world.facts import Kind
from misfire.embeddings import OpenClipEncoder
from misfire.methods.classification import class_matching_margin
from misfire.methods.classification.signals import ORACLE_MARGIN, label_free_signals, signal_table
from misfire.methods.classification.zero_shot import zero_shot_classifier
from misfire.metrics import class_counts, worst_classes
from misfire.scoring import EmbeddingMean, MeanPooling
from tests.methods.classification.synthetic import problem, unit


def test_signals_are_those_of_a_loop() -> None:
    given = problem()
    prompts = unit(given.prompts.mean(dim=1))
    said = zero_shot_classifier(given.prompts, MeanPooling()).predict(given.images, logit_scale=20.0)
    found = label_free_signals(given.images, prompts, said, oracle_labels=given.labels)
    for one in range(6):
        called = said.label == one
        assert found["predicted_share"][one] == pytest.approx(float(called.float().mean()))
        assert found["negative_entropy"][one] == pytest.approx(-float(said.entropy[called].mean()), abs=1e-5)
        assert found["max_probability"][one] == pytest.approx(float(said.max_probability[called].mean()), abs=1e-5)
        others = [other for other in range(6) if other != one]
        nearest = float((prompts[others] @ prompts[one]).max())
        assert found["prompt_distance"][one] == pytest.approx(1 - nearest, abs=1e-5)
        own = given.images[given.labels == one].mean(dim=0) @ prompts.T
        assert found[ORACLE_MARGIN][one] == pytest.approx(float(own[one] - own[others].max()), abs=1e-5)


def test_two_classes_made_alike_are_the_worst_and_rivals_of_each_other_by_margin() -> None:
    draws = torch.Generator().manual_seed(1)
    directions = unit(torch.randn(12, 64, generator=draws))
    directions[9] = unit(directions[2] + 0.06 * torch.randn(64, generator=draws))
    true = torch.arange(1200) % 12
    images = unit(directions[true] + 0.1 * torch.randn(1200, 64, generator=draws))
    prompts = unit(directions + 0.02 * torch.randn(12, 64, generator=draws))
    pseudo = zero_shot_classifier(prompts[:, None], MeanPooling()).labels(images)
    found = class_matching_margin(images, prompts, pseudo)
    assert sorted(found.worst(2).tolist()) == [2, 9]
    assert found.rival[[2, 9]].tolist() == [9, 2]
    accuracy = class_counts(true, true == pseudo, num_classes=12).accuracy
    assert sorted(worst_classes(accuracy, 2).tolist()) == [2, 9]


@pytest.mark.parametrize("pair", [("heart", "moon"), ("box", "fish")])
def test_two_kinds_of_the_world_that_no_picture_tells_apart_are_the_worst_and_rivals(pair: tuple[str, str]) -> None:
    """By the true labels, for a model that sees which kinds a picture shows, not which of two it was to show."""
    world, kinds = World(num_images=1500, captions_per_image=1, alike=pair), list(Kind)
    labels = world.labels.labels
    seen = 0.1 * np.random.default_rng(0).normal(size=(len(labels), len(kinds)))
    for row, scene in enumerate(world.scenes):
        for weight, group in zip((1.0, 0.5), scene.groups, strict=False):
            kind = scene.alike[scene.layout % 2] if group.kind in scene.alike else group.kind
            seen[row, kinds.index(kind)] += weight
    images = unit(torch.from_numpy(seen).float())
    found = class_matching_margin(images, torch.eye(images.shape[1]), torch.from_numpy(np.array(labels)))
    first, second = (kinds.index(Kind(kind)) for kind in pair)
    assert sorted(found.worst(2).tolist()) == sorted([first, second])
    assert found.rival[[first, second]].tolist() == [second, first]
    assert (found.margin[[first, second]].abs() < 0.2).all()
    others = [one for one in range(len(kinds)) if one not in (first, second)]
    assert (found.margin[others] > 0.4).all()


@pytest.fixture(scope="module")
def bundled() -> Callable[[World], tuple[torch.Tensor, torch.Tensor]]:
    """Images and class prompts of a world by the bundled model; a picture is encoded once for all worlds."""
    encoder, known = OpenClipEncoder("bundled:world_clip"), dict[str, torch.Tensor]()

    def embedded(world: World) -> tuple[torch.Tensor, torch.Tensor]:
        new = [image for image in world.images if image.source.content_sha256 not in known]
        for start in range(0, len(new), 64):
            part = new[start : start + 64]
            rows = encoder.encode_images(torch.stack([encoder.preprocess(image.source.load()) for image in part]))
            known.update(zip((image.source.content_sha256 for image in part), rows, strict=True))
        asked = [f"{article}{name}" for name in world.labels.names for article in ("a ", "", "a photo of a ")]
        prompts = encoder.encode_texts(encoder.tokenize(asked)).unflatten(0, (-1, 3))
        return torch.stack([known[image.source.content_sha256] for image in world.images]), prompts

    return embedded


@pytest.mark.parametrize("pair", [("heart", "moon"), ("car", "key"), ("house", "cup")])
def test_two_kinds_of_the_world_made_alike_are_the_bundled_models_worst_and_rivals_of_each_other(
    pair: tuple[str, str], bundled: Callable[[World], tuple[torch.Tensor, torch.Tensor]]
) -> None:
    world = World(num_images=400, captions_per_image=1, alike=pair)
    images, prompts = bundled(world)
    pseudo = zero_shot_classifier(prompts, EmbeddingMean()).labels(images)
    found = class_matching_margin(images, unit(prompts.mean(dim=1)), pseudo)
    first, second = (world.labels.names.index(name) for name in ("-".join(pair), "-".join(reversed(pair))))
    assert sorted(found.worst(2).tolist()) == sorted([first, second])
    assert found.rival[[first, second]].tolist() == [second, first]


def test_a_signal_that_knows_all_is_perfect_and_one_that_knows_nothing_is_not() -> None:
    rng = np.random.default_rng(0)
    accuracy = rng.random(200)
    noisy = accuracy + rng.normal(size=200) * 0.3
    table = signal_table(
        {"all": np.exp(5 * accuracy), "some": noisy, "nothing": rng.random(200), "flat": np.ones(200)}, accuracy, k=20
    ).set_index("signal")
    assert table.spearman["all"] == table.kendall["all"] == table.overlap["all"] == 1.0
    assert table.spearman_low["some"] < table.spearman["some"] < table.spearman_high["some"]
    assert table.spearman_low["nothing"] < 0 < table.spearman_high["nothing"]
    assert np.isnan(table.spearman["flat"])
    assert (table.overlap_by_chance == 0.1).all()


def test_intervals_cover_as_often_as_they_say() -> None:
    rng = np.random.default_rng(1)
    truth_spearman = 6 / np.pi * np.arcsin(0.6 / 2)
    truth_kendall = 2 / np.pi * np.arcsin(0.6)
    covered = []
    for _ in range(150):
        x, y = rng.multivariate_normal([0, 0], [[1, 0.6], [0.6, 1]], size=80).T
        row = signal_table({"s": x}, y.clip(-3, 3) / 6 + 0.5, k=5).iloc[0]
        covered.append(
            (
                row.spearman_low <= truth_spearman <= row.spearman_high,
                row.kendall_low <= truth_kendall <= row.kendall_high,
            )
        )
    assert np.mean(covered, axis=0) == pytest.approx([0.95, 0.95], abs=0.05)


def test_undefined_classes_are_left_out_and_counted() -> None:
    accuracy = np.array([0.1, 0.2, np.nan, 0.4, 0.5, 0.6, 0.7])
    signal = np.array([0.1, 0.2, 0.3, 0.4, 0.5, 0.6, np.nan])
    assert signal_table({"s": signal}, accuracy, k=2).num_classes[0] == 5
    with pytest.raises(UsageError, match="at least five classes and of k = 6, got 5 for s"):
        signal_table({"s": signal}, accuracy, k=6)
