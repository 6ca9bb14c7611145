"""What every weighting of templates must do, and what each does in particular."""

from dataclasses import replace

import pytest
import torch

from misfire.core.errors import UsageError
from misfire.methods.classification import template_margins
from misfire.methods.classification.weighting import (
    CarprtWeighting,
    CpeWeighting,
    PromptWeighting,
    RandomWeighting,
    UniformWeighting,
    ZpeWeighting,
)
from misfire.methods.classification.weighting.base import pseudo_labels
from misfire.methods.classification.weighting.cpe import own_margins, worst_k_margin
from tests.methods.classification.synthetic import Problem, problem

JUDGING: list[PromptWeighting] = [
    CpeWeighting(worst_k=2),
    CpeWeighting(worst_k=2, keep_top=3),
    CpeWeighting(per_class=True),
    CpeWeighting(own_labels=True),
    ZpeWeighting(),
    CarprtWeighting(),
    CarprtWeighting(keep_top=2, nearest_images=0),
]
ALL: list[PromptWeighting] = [UniformWeighting(), RandomWeighting(seed=3), *JUDGING]
every_weighting = pytest.mark.parametrize("weighting", ALL, ids=lambda one: str(one))
every_judge = pytest.mark.parametrize("weighting", JUDGING, ids=lambda one: str(one))


def test_every_weighting_is_tested() -> None:
    assert {type(one) for one in ALL} == set(PromptWeighting.__subclasses__())


@every_weighting
def test_weights_are_shares_of_each_class(weighting: PromptWeighting) -> None:
    given = problem()
    found = weighting(given.images, given.prompts)
    assert found.weights.shape == (6, 5)
    assert (found.weights >= 0).all()
    torch.testing.assert_close(found.weights.sum(dim=1), torch.ones(6))
    torch.testing.assert_close(found.of_templates.sum(), torch.tensor(1.0))
    assert 1 <= found.effective_number <= 5 + 1e-6
    assert weighting.describe()["weighting"] == weighting.name


@every_weighting
def test_order_changes_nothing_but_order(weighting: PromptWeighting) -> None:
    given = problem(4)
    image, one, template = torch.randperm(300), torch.randperm(6), torch.randperm(5)
    straight = weighting(given.images, given.prompts).weights
    shuffled = weighting(given.images[image], given.prompts[one][:, template]).weights
    torch.testing.assert_close(shuffled, straight[one][:, template], atol=1e-5, rtol=1e-4)


@every_weighting
def test_equal_templates_get_equal_weights(weighting: PromptWeighting) -> None:
    given = problem(5)
    prompts = given.prompts[:, [0, 1, 2, 1, 4]]
    weights = weighting(given.images, prompts).weights
    torch.testing.assert_close(weights[:, 1], weights[:, 3])


@every_judge
def test_a_poisoned_template_gets_the_least_weight(weighting: PromptWeighting) -> None:
    for seed in range(3):
        given = problem(seed, poisoned=3)
        weights = weighting(given.images, given.prompts).of_templates
        assert weights[3] == weights.min()
        assert weights[3] < 0.02


@every_weighting
def test_a_class_that_nothing_is_predicted_as_has_weights_all_the_same(weighting: PromptWeighting) -> None:
    given = with_a_class_that_is_never_predicted()
    found = weighting(given.images, given.prompts)
    assert found.weights[-1].isfinite().all()
    torch.testing.assert_close(found.weights.sum(dim=1), torch.ones(7))


def with_a_class_that_is_never_predicted() -> Problem:
    given = problem(2)
    hidden = given.prompts[:1].clone()
    return Problem(given.images, torch.cat([given.prompts, hidden]), given.labels)  # the twin of the first class


def test_carprt_judges_a_class_that_wins_nothing_by_its_nearest_images() -> None:
    given = with_a_class_that_is_never_predicted()
    released = CarprtWeighting(nearest_images=0)(given.images, given.prompts)
    assert released.unjudged == (6,)
    torch.testing.assert_close(released.weights[6], torch.full((5,), 0.2))
    mended = CarprtWeighting(nearest_images=4)(given.images, given.prompts)
    assert mended.unjudged == (6,)
    scores = (given.images @ given.prompts[6].T).topk(4, dim=0).values.mean(dim=0)
    torch.testing.assert_close(mended.weights[6], (scores / 0.01).softmax(dim=0), atol=1e-4, rtol=1e-3)
    torch.testing.assert_close(mended.weights[:6], released.weights[:6])


def test_carprt_is_what_a_loop_over_images_gives() -> None:
    given = problem(7)
    weights = CarprtWeighting(temperature=0.05)(given.images, given.prompts).weights
    for one in range(6):
        means = []
        for template in range(5):
            scores = given.images.double() @ given.prompts[:, template].double().T
            won = [float(row[one]) for row in scores if int(row.argmax()) == one]
            means.append(sum(won) / len(won) / 0.05 if won else -torch.inf)
        torch.testing.assert_close(weights[one], torch.tensor(means).softmax(dim=0), atol=1e-5, rtol=1e-4)


def test_zpe_is_what_a_loop_over_templates_gives() -> None:
    given = problem(8)
    pretraining = tuple(torch.linspace(-0.1, 0.1, 24).tolist())
    for weighting, mean in (
        (ZpeWeighting(temperature=0.05), given.images.double().mean(dim=0)),
        (
            ZpeWeighting(temperature=0.05, pretraining_mean=pretraining),
            (given.images.double().mean(dim=0) + torch.tensor(pretraining).double()) / 2,
        ),
    ):
        scores = []
        for template in range(5):
            prompts = given.prompts[:, template].double()
            corrected = given.images.double() @ prompts.T - prompts @ mean
            scores.append(corrected.amax(dim=1).mean())
        found = weighting(given.images, given.prompts)
        torch.testing.assert_close(found.template_score.double(), torch.stack(scores), atol=1e-6, rtol=0)
        torch.testing.assert_close(
            found.weights[0].double(), (torch.stack(scores) / 0.05).softmax(dim=0), rtol=1e-4, atol=0
        )


def test_cpe_softens_the_worst_margins_of_each_template() -> None:
    given = problem(9)
    margins = template_margins(given.images, given.prompts, pseudo_labels(given.images, given.prompts))
    scores = torch.stack([row[row.isfinite()].sort().values[:2].mean() for row in margins])
    found = CpeWeighting(worst_k=2, temperature=0.02)(given.images, given.prompts)
    torch.testing.assert_close(found.template_score.double(), scores, atol=1e-6, rtol=0)
    torch.testing.assert_close(found.weights[3].double(), (scores / 0.02).softmax(dim=0), rtol=1e-4, atol=0)
    kept = CpeWeighting(worst_k=2, temperature=0.02, keep_top=2)(given.images, given.prompts).weights[0]
    assert set(kept.nonzero()[:, 0].tolist()) == set(scores.topk(2).indices.tolist())


def test_margins_by_own_labels_are_those_of_each_template_s_predictions() -> None:
    given = problem(10)
    found = own_margins(given.images, given.prompts)
    for template in range(5):
        labels = (given.images @ given.prompts[:, template].T).argmax(dim=1)
        alone = template_margins(given.images, given.prompts[:, [template]], labels)[0]
        torch.testing.assert_close(found[template], alone, equal_nan=True)


def test_a_class_specific_weight_falls_back_on_the_common_one() -> None:
    given = with_a_class_that_is_never_predicted()
    common = CpeWeighting()(given.images, given.prompts)
    own = CpeWeighting(per_class=True)(given.images, given.prompts)
    assert own.unjudged == (6,)
    torch.testing.assert_close(own.weights[6], common.weights[6])
    assert not torch.allclose(own.weights[0], common.weights[0], atol=1e-3)


def test_the_worst_margins_of_a_template_skip_the_undefined() -> None:
    nan = torch.nan
    found = worst_k_margin(torch.tensor([[0.3, 0.1, nan], [nan, 0.2, nan], [0.5, 0.4, 0.0]]), 2)
    torch.testing.assert_close(found, torch.tensor([0.2, 0.2, 0.2]))


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        (lambda: CpeWeighting(worst_k=0), "worst_k must be >= 1, got 0"),
        (lambda: CpeWeighting(temperature=0.0), "temperature must be a positive finite number, got 0.0"),
        (lambda: replace(ZpeWeighting(), keep_top=0), "keep_top must be >= 1, got 0"),
        (lambda: CarprtWeighting(nearest_images=-1), "nearest_images must be >= 0, got -1; 0 is as released."),
        (lambda: RandomWeighting(seed=-1), "weighting.seed must be a whole number from 0, got -1; 42"),
        (
            lambda: ZpeWeighting(pretraining_mean=(0.1,))(problem().images, problem().prompts),
            "pretraining_mean must have 24 values, as the embeddings have, got 1",
        ),
    ],
)
def test_what_is_wrong_is_said_in_one_sentence(wrong: object, sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        wrong()  # type: ignore[operator]
