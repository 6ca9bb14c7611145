import math

import pytest
import torch

from misfire.core.errors import UsageError
from misfire.methods.multilabel import (
    DualCoOp,
    NegativeCoOp,
    PositiveCoOp,
    Prompting,
    VisionOnly,
    aggregate,
    log_odds,
    num_trainable,
    prompting_named,
)
from misfire.methods.multilabel.prompting import PairedEmbeddings, Sizes

SIZES = Sizes(num_classes=3, width=5, dim=4)
ALL = (DualCoOp, PositiveCoOp, NegativeCoOp, VisionOnly)


def text(contexts: torch.Tensor) -> torch.Tensor:
    """A frozen tower's stand-in: class names are told apart by a fixed table."""
    table = torch.arange(12.0).reshape(3, 4).sin()
    weights = torch.linspace(-1, 1, 20).reshape(5, 4)
    return contexts.mean(dim=-2).expand(*contexts.shape[:-3], 3, 5) @ weights + table


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize(
    ("method", "num_classes", "class_specific", "expected"),
    [
        ("dual_coop", 80, True, 1_310_720),
        ("dual_coop", 20, True, 327_680),
        ("DualCoOp", 20, False, 16_384),
        ("positive_coop", 20, True, 163_840 + 10_240),
        ("NegativeCoOp", 20, False, 8_192 + 10_240),
        ("vision_only", 80, True, 82_080),
        ("vision-only", 20, False, 20_520),
    ],
)
def test_parameters_are_the_published_ones(method: str, num_classes: int, class_specific: bool, expected: int) -> None:
    found = num_trainable(method, num_classes=num_classes, width=512, class_specific=class_specific)
    assert found == expected


def test_a_residual_adds_a_vector_a_class_and_prompt() -> None:
    assert num_trainable(DualCoOp(residual=True), num_classes=20, width=512) == 327_680 + 2 * 20 * 512


def test_logits_are_the_published_sums() -> None:
    positive, negative = torch.randn(2, 3, 4, generator=rng()), torch.randn(2, 3, 4, generator=rng(1))
    found = aggregate(positive, negative)
    for image in range(2):
        for kind in range(3):
            exps = [math.exp(value) for value in positive[image, kind].tolist()]
            weights = [value / sum(exps) for value in exps]
            for polarity, maps in enumerate((negative, positive)):
                expected = 5 * sum(w * s for w, s in zip(weights, maps[image, kind].tolist(), strict=True))
                assert found[image, polarity, kind].item() == pytest.approx(expected, rel=1e-5)
    two = torch.stack([found[:, 0], found[:, 1]], dim=-1).softmax(dim=-1)[..., 1]
    torch.testing.assert_close(log_odds(found).sigmoid(), two)


@pytest.mark.parametrize("kind", ALL)
@pytest.mark.parametrize("class_specific", [True, False])
def test_maps_are_scaled_cosines_or_a_projection(kind: type[Prompting], class_specific: bool) -> None:
    regions = torch.nn.functional.normalize(torch.randn(2, 6, 4, generator=rng()), dim=-1)
    module = kind(num_context=2, class_specific=class_specific).build(SIZES, rng=rng())
    positive, negative = module.maps(regions, text)
    assert positive.shape == negative.shape == (2, 3, 6)
    if isinstance(module, PairedEmbeddings):
        rows = module.embeddings(text)
        torch.testing.assert_close(torch.stack(rows).norm(dim=-1), torch.ones(2, 3))
        for maps, row in zip((positive, negative), rows, strict=True):
            assert maps[1, 2, 5].item() == pytest.approx(20 * (row[2] * regions[1, 5]).sum().item(), rel=1e-4)
    else:
        projected = 20 * module.linear(regions)
        torch.testing.assert_close(torch.cat([positive, negative], dim=1), projected.transpose(1, 2))


def test_both_prompts_in_one_pass_are_each_alone() -> None:
    module = DualCoOp(num_context=2, residual=True).build(SIZES, rng=rng())
    assert isinstance(module, PairedEmbeddings)
    together = module.embeddings(text)
    torch.testing.assert_close(together[0], module.positive(text))
    torch.testing.assert_close(together[1], module.negative(text))


def test_first_numbers_come_from_the_generator() -> None:
    for kind in ALL:
        first, again, other = (list(kind().build(SIZES, rng=rng(seed)).parameters()) for seed in (0, 0, 1))
        assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
        assert not torch.equal(first[0], other[0])
    contexts, *none = DualCoOp().build(Sizes(40, 512, 512), rng=rng()).groups()
    assert [contexts.name, len(contexts.parameters), none] == ["contexts", 2, []]
    assert contexts.parameters[0].std().item() == pytest.approx(0.02, rel=0.02)
    _, free = PositiveCoOp().build(Sizes(40, 512, 512), rng=rng()).groups()
    assert [free.name, free.scale] == ["embeddings", pytest.approx(512, rel=0.05)]
    assert free.parameters[0].std().item() == pytest.approx(1.0, rel=0.02)


def test_embeddings_can_start_at_the_mean_of_the_features() -> None:
    mean = torch.tensor([3.0, 0.0, 4.0, 0.0])
    module = PositiveCoOp(init="mean").build(SIZES, rng=rng(), mean=mean)
    assert isinstance(module, PairedEmbeddings)
    assert module.negative(text).tolist() == [pytest.approx([0.6, 0.0, 0.8, 0.0])] * 3


def test_refusals() -> None:
    with pytest.raises(UsageError, match="one of dual_coop, negative_coop, positive_coop, vision_only, got 'coop'"):
        prompting_named("coop")
    with pytest.raises(UsageError, match="num_context must be >= 1, got 0; the published prompts have 16"):
        DualCoOp(num_context=0)
    with pytest.raises(UsageError, match="init must be one of normal, mean, got 'zero'"):
        PositiveCoOp(init="zero")
    with pytest.raises(UsageError, match="num_classes and width must be >= 1, got 0 and 512"):
        num_trainable("dual_coop", num_classes=0, width=512)
