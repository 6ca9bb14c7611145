"""The class-wise matching margin: a slow second opinion, identities, ties, what is refused."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from misfire.core.errors import UsageError
from misfire.methods.classification import class_matching_margin, template_margins
from tests.scoring.unchecked import without_shape_checks


def unit(rows: torch.Tensor) -> torch.Tensor:
    return torch.nn.functional.normalize(rows, dim=-1)


def problem(seed: int, *, num_images: int = 60, num_classes: int = 7, dim: int = 8) -> tuple[torch.Tensor, ...]:
    draws = torch.Generator().manual_seed(seed)
    images, prompts = torch.randn(num_images, dim, generator=draws), torch.randn(num_classes, dim, generator=draws)
    labels = torch.randint(num_classes, (num_images,), generator=draws)
    return unit(images), unit(prompts), labels


def brute_force(
    images: torch.Tensor, prompts: torch.Tensor, labels: torch.Tensor, *, per_image: bool
) -> tuple[list[float], list[int]]:
    """Sums over lists, slow on purpose."""
    margins, rivals = [], []
    for own in range(len(prompts)):
        rows = [image for image, label in zip(images.tolist(), labels.tolist(), strict=True) if label == own]
        if not rows:
            margins.append(float("nan"))
            rivals.append(-1)
            continue
        scores = [[sum(a * b for a, b in zip(row, prompt, strict=True)) for prompt in prompts.tolist()] for row in rows]
        mean = [sum(column) / len(rows) for column in zip(*scores, strict=True)]
        others = [other for other in range(len(prompts)) if other != own]
        if per_image:
            nearest = [max(others, key=row.__getitem__) for row in scores]
            margins.append(mean[own] - sum(map(max, ([row[o] for o in others] for row in scores))) / len(rows))
            rivals.append(max(others, key=lambda other: (nearest.count(other), -other)))
        else:
            rivals.append(max(others, key=lambda other: (mean[other], -other)))
            margins.append(mean[own] - mean[rivals[-1]])
    return margins, rivals


@pytest.mark.parametrize("per_image", [False, True])
@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_margins_are_those_of_sums_over_lists(seed: int, per_image: bool) -> None:
    images, prompts, labels = problem(seed)
    found = class_matching_margin(images, prompts, labels, per_image=per_image)
    margins, rivals = brute_force(images, prompts, labels, per_image=per_image)
    np.testing.assert_allclose(found.margin, margins, atol=1e-6)
    assert found.rival.tolist() == rivals


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_the_order_of_images_and_classes_changes_nothing_but_order(seed: int) -> None:
    images, prompts, labels = problem(seed)
    found = class_matching_margin(images, prompts, labels)
    image_order, class_order = torch.randperm(len(images)), torch.randperm(len(prompts))
    place = class_order.argsort()
    again = class_matching_margin(images[image_order], prompts[class_order], place[labels[image_order]])
    torch.testing.assert_close(again.margin, found.margin[class_order], equal_nan=True)
    named = again.rival >= 0
    assert class_order[again.rival[named]].tolist() == found.rival[class_order][named].tolist()


def test_a_prompt_that_two_classes_share_leaves_no_margin() -> None:
    images, prompts, _ = problem(3, num_images=4000, num_classes=400, dim=64)
    prompts[301] = prompts[17]
    labels = (images @ prompts.T).argmax(dim=1)
    labels[labels == 17] = torch.where(torch.arange(int((labels == 17).sum())) % 2 == 0, 17, 301)
    for per_image in (False, True):
        found = class_matching_margin(images, prompts, labels, per_image=per_image)
        assert (found.margin[[17, 301]] <= 0).all()
        if (found.rival[[17, 301]] == torch.tensor([301, 17])).all():
            assert found.margin[[17, 301]].tolist() == [0.0, 0.0]
    averaged = class_matching_margin(images, prompts, labels)
    assert averaged.rival[[17, 301]].tolist() == [301, 17]
    assert averaged.worst(2).tolist() == [17, 301]


def test_a_class_without_images_has_no_margin_and_is_named() -> None:
    images, prompts, labels = problem(0)
    labels[labels == 2] = 1
    for per_image in (False, True):
        found = class_matching_margin(images, prompts, labels, per_image=per_image)
        assert found.without_images == [2]
        assert torch.stack([found.margin[2], found.own[2]]).isnan().all()
        assert found.rival[2] == -1
        assert 2 not in found.worst(6).tolist()
    with pytest.raises(UsageError, match=r"classes with a margin, 6, got 7; classes without an image are 1 \(2\)"):
        found.worst(7)


def test_a_template_alone_is_scored_as_its_prompts_are() -> None:
    images, _, labels = problem(1)
    prompts = unit(torch.randn(7, 5, 8))
    together = template_margins(images, prompts, labels)
    for template in range(5):
        alone = class_matching_margin(images, prompts[:, template], labels)
        torch.testing.assert_close(together[template].float(), alone.margin, equal_nan=True)


def test_half_precision_and_double_are_taken() -> None:
    images, prompts, labels = problem(2)
    single = class_matching_margin(images, prompts, labels)
    assert single.margin.dtype == torch.float32
    double = class_matching_margin(images.double(), prompts.double(), labels.int())
    assert double.margin.dtype == torch.float64
    torch.testing.assert_close(double.margin.float(), single.margin)
    half = class_matching_margin(images.bfloat16(), prompts.bfloat16(), labels)
    torch.testing.assert_close(half.margin, single.margin, atol=0.01, rtol=0)


IMAGES, PROMPTS, LABELS = problem(5)
NAN = torch.full_like(PROMPTS, torch.nan)


@pytest.mark.parametrize(
    ("images", "prompts", "labels", "sentence"),
    [
        (IMAGES, PROMPTS[:, :4], LABELS, r"same dim, got shapes \(60, 8\) and \(7, 4\); embed both with the same"),
        (IMAGES, PROMPTS[:1], LABELS, "at least two classes to confuse, got 1"),
        (IMAGES, NAN, LABELS, r"prompts must be finite, got NaN or infinity in rows 7 \(0, 1, 2, 3, 4, ...\)"),
        (IMAGES, PROMPTS, LABELS[:9], r"one whole number an image, got torch.int64 of shape \(9,\) for 60 images"),
        (IMAGES, PROMPTS, LABELS.float(), "one whole number an image, got torch.float32"),
        (IMAGES, PROMPTS[:2], torch.full((60,), 2), r"must lie in 0 to 1, got 60 \(2 at position 0, "),
    ],
)
def test_what_is_wrong_is_said_in_one_sentence(
    images: torch.Tensor, prompts: torch.Tensor, labels: torch.Tensor, sentence: str
) -> None:
    with without_shape_checks(), pytest.raises(UsageError, match=sentence):
        class_matching_margin(images, prompts, labels)
