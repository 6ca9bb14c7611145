import numpy as np
import pytest
import torch

from misfire.core.errors import UsageError
from misfire.scoring import EmbeddingMean, ensemble_outcomes
from tests.scoring.brute_force import units


def test_score_is_the_cosine_with_the_mean_direction() -> None:
    rng = np.random.default_rng(0)
    prompts, gallery = 3 * units(rng, 10, 4, 8), units(rng, 12, 8)
    prompts[:, 0] *= 5  # a prompt's length must not weigh
    outcomes = ensemble_outcomes(prompts, gallery, torch.arange(10), EmbeddingMean())
    unit = prompts.double().numpy() / np.linalg.norm(prompts.double().numpy(), axis=-1, keepdims=True)
    direction = unit.sum(axis=1) / np.linalg.norm(unit.sum(axis=1), axis=-1, keepdims=True)
    np.testing.assert_allclose(
        outcomes.target_score, (direction @ gallery.double().numpy().T)[range(10), range(10)], atol=1e-6
    )


@pytest.mark.parametrize(
    ("prompts", "message"),
    [
        ([[[0.0, 0.0], [1.0, 0.0]]], "a prompt's embedding must not be zero to be normalised, got 1 of length 0"),
        ([[[-1.0, 0.0], [1.0, 0.0]]], "mean of a query's unit embeddings must not be zero to be normalised, got 1"),
    ],
)
def test_what_has_no_direction_is_refused(prompts: list[list[list[float]]], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        ensemble_outcomes(torch.tensor(prompts), torch.ones(3, 2), torch.tensor([0]), EmbeddingMean())
