import math

import numpy as np
import pytest
import torch

from misfire.core.errors import UsageError
from misfire.methods.multilabel import asymmetric_loss


def slow_loss(logits: list[list[float]], labels: list[list[int]], *, positive: float, negative: float, clip: float):
    """The published equations, one label at a time, in double precision."""
    total = 0.0
    for row, known in zip(logits, labels, strict=True):
        for logit, label in zip(row, known, strict=True):
            p = 1 / (1 + math.exp(-logit))
            if label == 1:
                total += (1 - p) ** positive * -math.log(p)
            if label == -1:
                shifted = max(p - clip, 0.0)
                total += shifted**negative * -math.log(1 - shifted)
    return total


@pytest.fixture
def drawn() -> tuple[torch.Tensor, torch.Tensor]:
    rng = np.random.default_rng(0)
    return torch.from_numpy(rng.normal(size=(7, 5)) * 3), torch.from_numpy(rng.choice([-1, 0, 1], size=(7, 5)))


@pytest.mark.parametrize(("positive", "negative", "clip"), [(1, 2, 0.05), (0, 0, 0.0), (0, 4, 0.2), (1, 2, 0.0)])
def test_it_is_the_published_one(drawn: tuple, positive: float, negative: float, clip: float) -> None:
    logits, labels = drawn
    settings = {"gamma_positive": positive, "gamma_negative": negative, "clip": clip}
    found = asymmetric_loss(logits, labels, **settings)
    expected = slow_loss(logits.tolist(), labels.tolist(), positive=positive, negative=negative, clip=clip)
    assert float(found) == pytest.approx(expected, rel=1e-5)
    mean = asymmetric_loss(logits, labels, reduction="mean", **settings)
    assert float(mean) == pytest.approx(expected / int((labels != 0).sum()), rel=1e-5)


def test_its_gradient_is_that_of_the_cross_entropy_under_frozen_weights(drawn: tuple) -> None:
    logits, labels = drawn
    variable = logits.clone().requires_grad_()
    asymmetric_loss(variable, labels).backward()
    p = torch.sigmoid(logits)
    weights = torch.where(labels == 1, 1 - p, (p - 0.05).clamp(min=0) ** 2)

    def frozen(point: torch.Tensor) -> float:
        q = torch.sigmoid(point)
        costs = torch.where(labels == 1, -q.log(), -(1 - (q - 0.05).clamp(min=0)).log())
        return float((weights * costs * (labels != 0)).sum())

    step = 1e-5
    for place in np.ndindex(*logits.shape):
        moved = [logits.clone(), logits.clone()]
        moved[0][place] += step
        moved[1][place] -= step
        numeric = (frozen(moved[0]) - frozen(moved[1])) / (2 * step)
        assert float(variable.grad[place]) == pytest.approx(numeric, abs=2e-5)


def test_hidden_labels_and_their_logits_never_matter() -> None:
    rng = np.random.default_rng(1)
    truth = rng.choice([-1, 1], size=(20, 6))
    known = rng.random((20, 6)) < 0.3
    logits = rng.normal(size=(20, 6)).astype(np.float32)
    losses, gradients = [], []
    for seed in range(3):
        other = np.random.default_rng(seed)
        hidden = np.where(known, truth, other.choice([-1, 1], size=truth.shape))
        scored = torch.from_numpy(np.where(known, logits, other.normal(size=truth.shape) * 50).astype(np.float32))
        scored.requires_grad_()
        loss = asymmetric_loss(scored, torch.from_numpy(np.where(known, hidden, 0)))
        loss.backward()
        losses.append(loss.item())
        gradients.append(scored.grad)
    assert losses[0] == losses[1] == losses[2]
    assert torch.equal(gradients[0], gradients[1])
    assert not gradients[0][torch.from_numpy(~known)].any()


def test_a_hidden_nan_does_not_reach_it() -> None:
    logits = torch.tensor([[0.0, torch.nan]], requires_grad=True)
    asymmetric_loss(logits, torch.tensor([[1, 0]])).backward()
    assert logits.grad.tolist() == [[pytest.approx(-0.25), 0.0]]


def test_extreme_logits_keep_a_finite_loss_and_a_gradient() -> None:
    logits = torch.tensor([[-200.0, 200.0]], requires_grad=True)
    loss = asymmetric_loss(logits, torch.tensor([[1, -1]]), clip=0.0)
    loss.backward()
    assert loss.item() == pytest.approx(400.0)
    assert logits.grad.tolist() == [[-1.0, 1.0]]


@pytest.mark.parametrize(
    ("labels", "settings", "message"),
    [
        ([[0, 0]], {}, "at least one label must be known, got 2 that are all unknown; draw a larger fraction."),
        ([[1, 0]], {"clip": 1.0}, r"powers >= 0 and a clip in \[0, 1\), got .* clip 1.0"),
        ([[1, 0]], {"reduction": "max"}, "reduction must be one of sum, mean, got 'max'"),
    ],
)
def test_refusals(labels: list, settings: dict, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        asymmetric_loss(torch.zeros(1, 2), torch.tensor(labels), **settings)
