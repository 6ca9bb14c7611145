import pytest
import torch

from misfire.embeddings import OpenClipEncoder
from misfire.embeddings.short_context import can_be_shortened, encode_shortened

# Lengths in no order, so that a group that isn't put back in its place is seen.
LONG = "a photo of three large striped stars in the city at night under a starry sky, " * 3
TEXTS = [LONG, "a cat", "two small dotted keys to the left of one red bell", "", LONG[7:], "a"]


@pytest.fixture(scope="module")
def network() -> torch.nn.Module:
    import open_clip

    torch.manual_seed(0)
    config = {"image_size": 32, "layers": 1, "width": 32, "patch_size": 16, "head_width": 16}
    text = {"context_length": 32, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 2}
    model = open_clip.CLIP(16, config, text).eval()
    return model.requires_grad_(False)


def test_an_embedding_is_that_of_the_whole_context(network: torch.nn.Module) -> None:
    import open_clip

    tokens = open_clip.tokenize(TEXTS, context_length=32)
    whole = torch.nn.functional.normalize(network.encode_text(tokens), dim=1)
    short = torch.nn.functional.normalize(encode_shortened(network, tokens), dim=1)
    assert can_be_shortened(network)
    torch.testing.assert_close(short, whole, atol=1e-6, rtol=0)


def test_an_embedding_does_not_depend_on_its_neighbours(network: torch.nn.Module) -> None:
    import open_clip

    tokens = open_clip.tokenize(TEXTS, context_length=32)
    together = encode_shortened(network, tokens)
    alone = torch.cat([encode_shortened(network, row[None]) for row in tokens])
    torch.testing.assert_close(together, alone, atol=1e-6, rtol=0)


def test_a_tower_that_sees_what_follows_is_not_shortened(network: torch.nn.Module) -> None:
    import copy

    seeing = copy.deepcopy(network)
    seeing.attn_mask = torch.zeros_like(network.attn_mask)
    assert not can_be_shortened(seeing)
    seeing.attn_mask = None
    assert not can_be_shortened(seeing)


def test_the_bundled_encoder_is_shortened() -> None:
    assert can_be_shortened(OpenClipEncoder(model="bundled:world_clip").module())
