"""The zero-shot classifier: every pooling against the slow way, ties, weights, what is refused."""

import pytest
import torch

from misfire.core.errors import UsageError
from misfire.methods.classification.zero_shot import zero_shot_classifier
from misfire.scoring import EmbeddingMean, LogMeanExpPooling, MaxPooling, MeanPooling, PromptPooling
from tests.methods.classification.synthetic import problem, unit
from tests.scoring.unchecked import without_shape_checks

POOLINGS: list[PromptPooling] = [MeanPooling(), MaxPooling(), EmbeddingMean(), LogMeanExpPooling(tau=0.05)]


def slow_scores(images: torch.Tensor, prompts: torch.Tensor, pooling: PromptPooling) -> torch.Tensor:
    scores = torch.einsum("id,ctd->itc", images.double(), prompts.double())
    if isinstance(pooling, EmbeddingMean):
        return images.double() @ unit(prompts.double().mean(dim=1)).T
    if isinstance(pooling, MaxPooling):
        return scores.amax(dim=1)
    if isinstance(pooling, LogMeanExpPooling):
        return pooling.tau * (scores / pooling.tau).exp().mean(dim=1).log()
    return scores.mean(dim=1)


@pytest.mark.parametrize("pooling", POOLINGS, ids=lambda pooling: pooling.name)
def test_scores_and_predictions_are_those_of_the_slow_way(pooling: PromptPooling) -> None:
    given = problem()
    classifier = zero_shot_classifier(given.prompts, pooling)
    expected = slow_scores(given.images, given.prompts, pooling)
    scores = torch.cat([block.clone() for _, block in classifier.blocks(given.images)])
    torch.testing.assert_close(scores.double(), expected, atol=1e-6, rtol=0)
    said = classifier.predict(given.images, logit_scale=20.0)
    assert torch.equal(said.label, expected.argmax(dim=1))
    assert torch.equal(said.label, classifier.labels(given.images))
    first_two = expected.topk(2, dim=1)
    assert torch.equal(said.runner_up, first_two.indices[:, 1])
    torch.testing.assert_close(said.margin.double(), first_two.values[:, 0] - first_two.values[:, 1], atol=1e-6, rtol=0)
    probabilities = (20 * expected).softmax(dim=1)
    torch.testing.assert_close(said.max_probability.double(), probabilities.amax(dim=1), atol=1e-5, rtol=0)
    entropy = -(probabilities * probabilities.log()).sum(dim=1)
    torch.testing.assert_close(said.entropy.double(), entropy, atol=1e-4, rtol=0)


@pytest.mark.parametrize("pooling", POOLINGS, ids=lambda pooling: pooling.name)
def test_of_two_classes_with_the_same_prompts_only_the_first_is_ever_predicted(pooling: PromptPooling) -> None:
    given = problem(num_classes=40, num_images=900, dim=64)
    given.prompts[33] = given.prompts[7]
    labels = zero_shot_classifier(given.prompts, pooling).labels(given.images)
    assert (labels == 7).any()
    assert not (labels == 33).any()


def test_weights_act_on_the_cosines_or_on_the_embeddings() -> None:
    given = problem()
    weights = torch.tensor([0.5, 0.2, 0.2, 0.1, 0.0])
    by_class = torch.rand(6, 5)
    by_class /= by_class.sum(dim=1, keepdim=True)
    for chosen in (weights, by_class):
        wide = chosen.expand(6, 5).double()
        mean = torch.einsum("id,ctd,ct->ic", given.images.double(), given.prompts.double(), wide)
        for pooling, expected in (
            (MeanPooling(), mean),
            (EmbeddingMean(), mean / torch.einsum("ctd,ct->cd", given.prompts.double(), wide).norm(dim=1)),
        ):
            classifier = zero_shot_classifier(given.prompts, pooling, chosen)
            scores = torch.cat([block.clone() for _, block in classifier.blocks(given.images)])
            torch.testing.assert_close(scores.double(), expected, atol=1e-6, rtol=0)


def test_equal_weights_are_no_weights_for_every_pooling() -> None:
    given = problem()
    for pooling in POOLINGS:
        plain = zero_shot_classifier(given.prompts, pooling).labels(given.images)
        assert torch.equal(
            zero_shot_classifier(given.prompts, pooling, torch.full((5,), 0.2)).labels(given.images), plain
        )


@pytest.mark.parametrize(
    ("weights", "pooling", "sentence"),
    [
        (
            torch.tensor([0.5, 0.5, 0.0, 0.0, 0.0]),
            MaxPooling(),
            "mean or embedding_mean for weights that differ, got max",
        ),
        (
            torch.full((5,), 0.5),
            MeanPooling(),
            "sum to 1 over a class's templates, got a least of 0.5 and sums from 2.5",
        ),
        (torch.tensor([1.5, -0.5, 0, 0, 0]), MeanPooling(), "weights must be >= 0 and sum to 1"),
        (torch.full((5,), torch.nan), MeanPooling(), "weights must be >= 0 and sum to 1"),
        (torch.full((4,), 0.25), MeanPooling(), r"one a class and template, \(6, 5\), got shape \(4,\)"),
    ],
)
def test_what_are_no_weights_is_said_in_one_sentence(
    weights: torch.Tensor, pooling: PromptPooling, sentence: str
) -> None:
    with without_shape_checks(), pytest.raises(UsageError, match=sentence):
        zero_shot_classifier(problem().prompts, pooling, weights)
