from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from misfire.core.errors import IntegrityError, UsageError
from misfire.methods.multilabel import DualCoOp, NegativeCoOp, PositiveCoOp, Prompting, VisionOnly, draw_mask, hide
from misfire.methods.multilabel.training import BatchOrder, Epoch, Fit, Frozen, TrainingSettings, fit, scores
from misfire.metrics import mean_average_precision

CLASSES = ("cat", "dog", "cow")
DIM = 8
TABLE = torch.randn(3, DIM, generator=torch.Generator().manual_seed(5))
WEIGHTS = torch.randn(DIM, DIM, generator=torch.Generator().manual_seed(6))
SETTINGS = TrainingSettings(
    max_epochs=4,
    batch_size=32,
    prompt_learning_rate=0.02,
    embedding_learning_rate=0.1,
    projector_learning_rate=0.02,
    validation_share=0.25,
)


def text(contexts: torch.Tensor) -> torch.Tensor:
    return contexts.mean(dim=-2).expand(*contexts.shape[:-3], 3, DIM) @ WEIGHTS + 0.1 * TABLE


FROZEN = Frozen("model a", DIM, text)


def made(num_images: int, seed: int) -> tuple[torch.Tensor, np.ndarray]:
    """Images of two regions, each of which shows a class or nothing: unit vectors near that class's direction."""
    rng = np.random.default_rng(seed)
    directions = np.random.default_rng(9).normal(size=(4, DIM))
    shown = rng.integers(0, 4, size=(num_images, 2))
    regions = directions[shown] + 0.3 * rng.normal(size=(num_images, 2, DIM))
    labels = np.where((shown[:, :, None] == np.arange(3)).any(axis=1), 1, -1)
    return torch.nn.functional.normalize(torch.from_numpy(regions).float(), dim=-1), labels


@pytest.fixture(scope="module")
def data() -> tuple[torch.Tensor, np.ndarray]:
    return made(160, 0)


def trained(data: tuple[torch.Tensor, np.ndarray], kind: Prompting | None = None, **options: Any) -> Fit:
    settings = options.pop("settings", SETTINGS)
    return fit(kind or PositiveCoOp(num_context=2), FROZEN, *data, classes=CLASSES, settings=settings, **options)


def numbers(found: Fit) -> list[Any]:
    """All that must be the same, bit for bit: the chosen state and every epoch, its seconds left out."""
    states = [value.numpy().tobytes() for value in found.module.state_dict().values()]
    return [states, found.chosen, [replace(epoch, seconds=0.0, watched=0.0) for epoch in found.history]]


@pytest.mark.parametrize("kind", [DualCoOp, PositiveCoOp, NegativeCoOp, VisionOnly])
def test_every_method_learns_from_half_of_the_labels(data: tuple, kind: type[Prompting]) -> None:
    regions, labels = data
    partial = hide(labels, draw_mask(labels.shape, fraction=0.5, seed=0))
    settings = replace(SETTINGS, max_epochs=15, batch_size=16)
    found = trained((regions, partial), kind(num_context=2), settings=settings)
    test_regions, test_labels = made(300, 1)
    after = mean_average_precision(scores(found.module, text, test_regions), test_labels).mean
    chance = float((test_labels == 1).mean())
    assert after > chance + 0.2
    assert found.history[-1].loss < found.history[0].loss
    assert found.chosen == max(found.history, key=lambda epoch: epoch.validation).number
    assert found.num_images == (120, 40)


def test_a_run_repeats_bit_for_bit_and_another_seed_gives_another(data: tuple) -> None:
    first = numbers(trained(data))
    assert numbers(trained(data)) == first
    assert numbers(trained(data, settings=replace(SETTINGS, seed=1)))[0] != first[0]


@pytest.mark.parametrize("killed_after", [1, 3])
def test_a_killed_run_ends_as_if_nothing_had_happened(data: tuple, tmp_path: Path, killed_after: int) -> None:
    class Killed(Exception):
        pass

    def kill(history: Sequence[Epoch]) -> None:
        if history[-1].number == killed_after + 1:  # the state of the epoch before is on disk
            raise Killed

    with pytest.raises(Killed):
        trained(data, folder=tmp_path, on_epoch=kill)
    seen: list[list[int]] = []
    resumed = trained(data, folder=tmp_path, on_epoch=lambda history: seen.append([one.number for one in history]))
    assert seen == [list(range(1, last + 1)) for last in range(killed_after + 1, SETTINGS.max_epochs + 1)]
    assert numbers(resumed) == numbers(trained(data))
    again = trained(data, folder=tmp_path, on_epoch=lambda epoch: pytest.fail("it had ended"))
    assert numbers(again) == numbers(resumed)


def test_what_is_hidden_never_reaches_the_training(data: tuple) -> None:
    regions, labels = data
    known = draw_mask(labels.shape, fraction=0.5, seed=1)
    other = np.where(known, labels, np.random.default_rng(3).choice([-1, 1], size=labels.shape))
    assert (other != labels).any()
    assert numbers(trained((regions, hide(labels, known)))) == numbers(trained((regions, hide(other, known))))


def test_training_ends_when_nothing_gets_better(data: tuple) -> None:
    settings = replace(SETTINGS, max_epochs=50, patience=2)
    found = trained(data, VisionOnly(), settings=settings)
    assert len(found.history) == found.chosen + 2 < 50


def test_watching_changes_nothing(data: tuple) -> None:
    watched = trained(data, watch=lambda module: 0.25)
    assert [epoch.watched for epoch in watched.history] == [0.25] * SETTINGS.max_epochs
    assert numbers(watched) == numbers(trained(data))


def test_rates_warm_up_and_fall(data: tuple) -> None:
    history = trained(data, settings=replace(SETTINGS, warm_up_epochs=2)).history
    rates = [epoch.learning_rates["contexts"] for epoch in history]
    assert rates[1] == pytest.approx(0.02, rel=0.2)
    assert rates[0] < rates[1] > rates[2] > rates[3]
    embeddings = [epoch.learning_rates["embeddings"] for epoch in history]
    assert embeddings[3] / embeddings[1] == pytest.approx(rates[3] / rates[1])


def test_autocast_trains(data: tuple) -> None:
    found = trained(data, settings=replace(SETTINGS, precision="bf16", max_epochs=2))
    assert all(value.dtype == torch.float32 for value in found.module.state_dict().values())


def test_processes_share_every_batch() -> None:
    alone, shares = BatchOrder(10, 4, seed=3), [BatchOrder(10, 4, seed=3, rank=r, num_processes=2) for r in range(2)]
    for order in (alone, *shares):
        order.set_epoch(2)
    whole = list(alone)
    assert sorted(image for batch in whole for image in batch) == list(range(10))
    for batch, *parts in zip(whole, *shares, strict=True):
        assert sorted(batch) == sorted(image for part in parts for image in part)
    alone.set_epoch(1)
    assert list(alone) != whole


def test_two_processes_learn_what_one_does(data: tuple, tmp_path: Path) -> None:
    regions, labels = data
    partial = hide(labels, draw_mask(labels.shape, fraction=0.5, seed=0))
    settings = replace(SETTINGS, max_epochs=2)
    alone = trained((regions, partial), settings=settings)
    together = trained((regions, partial), settings=settings, folder=tmp_path, devices=2, strategy="ddp_fork")
    assert [epoch.number for epoch in together.history] == [1, 2]
    for one, other in zip(alone.module.state_dict().values(), together.module.state_dict().values(), strict=True):
        torch.testing.assert_close(one, other, atol=1e-5, rtol=1e-4)


def with_nan(data: tuple) -> tuple:
    regions = data[0].clone()
    regions[3, 1, 0] = torch.nan
    return regions, data[1]


def with_labels(data: tuple, change: Any) -> tuple:
    labels = data[1].copy()
    change(labels)
    return data[0], labels


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (with_nan, r"must be finite, got 1 \(3\) of 160 images \(counted from 0\) whose features aren't; encode them"),
        (lambda data: with_labels(data, lambda labels: labels.fill(0)), "got 480 that are all unknown; draw a larger"),
        (
            lambda data: with_labels(data, lambda labels: labels.__setitem__((slice(None), 1), -1)),
            r"each class must have a known positive image to learn from, got 1 \(dog\) without",
        ),
        (lambda data: (data[0], data[1][:, :2]), "each of 160 images and a column for each of 3 classes, got 160 x 2"),
    ],
)
def test_bad_data_is_refused(data: tuple, spoil: Any, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        trained(spoil(data))


def test_a_foreign_or_broken_checkpoint_is_refused(data: tuple, tmp_path: Path) -> None:
    trained(data, folder=tmp_path, settings=replace(SETTINGS, max_epochs=2))
    other = Frozen("model b", DIM, text)
    with pytest.raises(UsageError, match="to be resumed, got another backbone; give this run a folder of its own"):
        fit(
            PositiveCoOp(num_context=2),
            other,
            *data,
            classes=CLASSES,
            settings=replace(SETTINGS, max_epochs=2),
            folder=tmp_path,
        )
    with pytest.raises(UsageError, match="got another method, settings;"):
        trained(data, DualCoOp(num_context=2), folder=tmp_path)
    (tmp_path / "last.ckpt").write_bytes(b"not a checkpoint")
    with pytest.raises(
        IntegrityError, match=r"must be whole and hold plain values, got .*last.ckpt, which doesn't load"
    ):
        trained(data, folder=tmp_path)


def test_a_run_that_diverges_says_so(data: tuple) -> None:
    with pytest.raises(
        UsageError, match=r"must stay finite, got scores that aren't after epoch .*; lower the learning"
    ):
        trained(data, VisionOnly(), settings=replace(SETTINGS, projector_learning_rate=1e38))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"max_epochs": 0}, "max_epochs must be >= 1, got 0"),
        ({"warm_up_epochs": 4, "max_epochs": 4}, "below max_epochs, got 4 of 4"),
        ({"validation_share": 1.0}, r"validation_share must be in \(0, 1\), got 1.0"),
        ({"momentum": 1.0}, "the momentum in"),
        ({"precision": "fp16"}, "precision must be one of fp32, bf16, got 'fp16'"),
    ],
)
def test_bad_settings_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        TrainingSettings(**settings)
