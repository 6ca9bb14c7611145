import copy
from typing import Any

import pytest
import torch

from misfire.embeddings import OpenClipEncoder
from misfire.embeddings.short_context import can_be_shortened, encode_shortened

# Lengths in no order, so that a group that isn't put back in its place is seen.
LONG = "a photo of three large striped stars in the city at night under a starry sky, " * 3
TEXTS = [LONG, "a cat", "two small dotted keys to the left of one red bell", "", LONG[7:], "a"]
VISION = {"image_size": 32, "layers": 1, "width": 32, "patch_size": 16, "head_width": 16}
TEXT = {"context_length": 32, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 2}


def built(kind: str, **text: Any) -> torch.nn.Module:
    import open_clip
    from open_clip.coca_model import CoCa

    torch.manual_seed(0)
    classes = {"own": open_clip.CLIP, "apart": open_clip.CustomTextCLIP}
    if kind == "coca":
        multimodal = {"width": 32, "context_length": 32, "vocab_size": 49408, "heads": 2, "layers": 1}
        network: torch.nn.Module = CoCa(
            16, multimodal, {**TEXT, "embed_cls": True, "output_tokens": True}, dict(VISION)
        )
    else:
        network = classes[kind](16, dict(VISION), {**TEXT, **text})
    return network.eval().requires_grad_(False)


SHORTENED = [("own", {}), ("apart", {}), ("own", {"pool_type": "eos", "eos_id": 49407})]
SHORTENED.append(("apart", {"pool_type": "eos", "eos_id": 49407, "proj_bias": True}))


@pytest.fixture(scope="module", params=SHORTENED, ids=["clip", "apart", "clip-eos", "apart-eos"])
def network(request: pytest.FixtureRequest) -> torch.nn.Module:
    kind, text = request.param
    return built(kind, **text)


# Another batch or length adds the same products up in another order: one rounding a summand at worst, of sums as
# long as the feed-forward layer is wide, of numbers of the embedding's size, in each layer.
_NUM_ROUNDINGS = 4 * TEXT["width"] * TEXT["layers"]


def assert_same_but_for_rounding(found: torch.Tensor, expected: torch.Tensor) -> None:
    largest = float(expected.abs().max())
    torch.testing.assert_close(found, expected, atol=_NUM_ROUNDINGS * 2.0**-24 * largest, rtol=0)


def test_an_embedding_is_that_of_the_whole_context(network: torch.nn.Module) -> None:
    import open_clip

    tokens = open_clip.tokenize(TEXTS, context_length=32)
    encode: Any = network.encode_text
    whole = torch.nn.functional.normalize(encode(tokens), dim=1)
    short = torch.nn.functional.normalize(encode_shortened(network, tokens), dim=1)
    assert can_be_shortened(network)
    assert_same_but_for_rounding(short, whole)


def test_an_embedding_does_not_depend_on_its_neighbours(network: torch.nn.Module) -> None:
    import open_clip

    tokens = open_clip.tokenize(TEXTS, context_length=32)
    together = encode_shortened(network, tokens)
    alone = torch.cat([encode_shortened(network, row[None]) for row in tokens])
    assert_same_but_for_rounding(together, alone)


def test_a_tower_that_sees_what_follows_is_not_shortened() -> None:
    seeing = copy.deepcopy(built("own"))
    seeing.attn_mask = torch.zeros_like(seeing.attn_mask)
    assert not can_be_shortened(seeing)
    seeing.attn_mask = None
    assert not can_be_shortened(seeing)


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("own", {"no_causal_mask": True}),  # the smaller MobileCLIP's
        ("apart", {"no_causal_mask": True, "pool_type": "last"}),  # SigLIP's
        ("apart", {"pool_type": "last"}),
        ("apart", {"pool_type": "first"}),
        ("coca", {}),
    ],
)
def test_a_tower_of_another_kind_is_run_over_its_whole_context(kind: str, text: dict[str, Any]) -> None:
    assert not can_be_shortened(built(kind, **text))


def test_shortening_siglips_tower_would_change_its_embeddings() -> None:
    """So the refusal above is needed."""
    import open_clip

    siglip: Any = built("apart", no_causal_mask=True, pool_type="last")
    tokens = open_clip.tokenize(["a cat"], context_length=32)
    assert (siglip.encode_text(tokens) - siglip.encode_text(tokens[:, :8])).abs().max() > 1e-4


def test_the_bundled_encoder_is_shortened() -> None:
    assert can_be_shortened(OpenClipEncoder(model="bundled:world_clip").module())
