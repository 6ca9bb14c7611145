import numpy as np
import torch

from misfire.scoring import EmbeddingMean, MeanPooling, ensemble_outcomes, ensemble_ranks
from tests.scoring.brute_force import as_tuples, units


def test_mean_is_numpy_s() -> None:
    scores = np.random.default_rng(0).normal(size=(4, 6, 9))
    np.testing.assert_allclose(MeanPooling()(torch.from_numpy(scores)), scores.mean(axis=1), rtol=1e-12, atol=1e-15)


def test_one_product_gives_the_mean_of_all_products() -> None:
    rng = np.random.default_rng(1)
    prompts, gallery = units(rng, 20, 3, 8), units(rng, 15, 8)
    outcomes = ensemble_outcomes(prompts, gallery, torch.arange(15).repeat(2)[:20], MeanPooling())
    scores = np.einsum("qpd,gd->qpg", prompts.double().numpy(), gallery.double().numpy()).mean(axis=1)
    np.testing.assert_allclose(outcomes.top_score, scores.max(axis=1), atol=1e-7)


def test_unit_prompts_rank_as_under_the_mean_embedding() -> None:
    rng = np.random.default_rng(2)
    prompts, gallery, targets = units(rng, 40, 5, 24), units(rng, 60, 24), torch.arange(40)
    by_scores, by_embeddings = (ensemble_ranks(prompts, gallery, targets, p) for p in (MeanPooling(), EmbeddingMean()))
    assert as_tuples(by_scores) == as_tuples(by_embeddings)
