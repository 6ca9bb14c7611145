from typing import Any

import pytest
import torch

from misfire.core.errors import UsageError
from misfire.data.world import World
from misfire.embeddings import EmbeddingStore, OpenClipEncoder, TrainerSettings, embed_images, embed_regions
from misfire.embeddings.regions import regional_features

VISION = {"image_size": 64, "layers": 2, "width": 32, "patch_size": 16, "head_width": 16}
TEXT = {"context_length": 32, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 1}


def built(**vision: Any) -> torch.nn.Module:
    import open_clip

    torch.manual_seed(0)
    return open_clip.CLIP(16, {**VISION, **vision}, dict(TEXT)).eval().requires_grad_(False)


@pytest.fixture
def pixels() -> torch.Tensor:
    return torch.randn(3, 3, 64, 64, generator=torch.Generator().manual_seed(1))


def test_a_resnets_regions_are_what_its_attention_pool_averages(pixels: torch.Tensor) -> None:
    network = built(layers=[1, 1, 1, 1], width=8, head_width=32, patch_size=None)
    pool: Any = network.visual.attnpool
    with torch.no_grad():  # all queries 0: each position gets the same attention, so the pool is a plain mean
        pool.q_proj.weight.zero_()
        pool.q_proj.bias.zero_()
    captured: list[torch.Tensor] = []
    handle = pool.register_forward_pre_hook(lambda _, inputs: captured.append(inputs[0]))
    pooled = network.encode_image(pixels)
    handle.remove()
    regions = regional_features(network, pixels, name="ours")
    assert regions.shape == (3, 4, 16)
    query = captured[0].flatten(2).mean(dim=2) + pool.positional_embedding[0]
    of_query = pool.c_proj(pool.v_proj(query))
    torch.testing.assert_close((regions.sum(dim=1) + of_query) / 5, pooled, atol=1e-5, rtol=1e-5)


def test_a_transformers_regions_are_projected_as_its_class_token_is(pixels: torch.Tensor) -> None:
    network = built(pool_type="avg")
    regions = regional_features(network, pixels, name="ours")
    assert regions.shape == (3, 16, 16)
    # Average pooling projects the mean of the normalised patch tokens, and projecting is linear.
    torch.testing.assert_close(regions.mean(dim=1), network.encode_image(pixels), atol=1e-5, rtol=1e-5)


def test_regions_of_the_world_are_stored_once_and_are_unit_rows(tmp_path: Any) -> None:
    images, trainer = World(num_images=5).images, TrainerSettings(accelerator="cpu", batch_size=4)
    encoder, store = OpenClipEncoder("bundled:world_clip"), EmbeddingStore(tmp_path / "store")
    regions = embed_regions(images, encoder, store, trainer)
    assert regions.shape == (5, 4, encoder.dim)
    torch.testing.assert_close(regions.norm(dim=2), torch.ones(5, 4))
    direct = encoder.encode_regions(torch.stack([encoder.preprocess(image.source.load()) for image in images]))
    torch.testing.assert_close(regions, direct, atol=1e-6, rtol=0)
    again = embed_regions(images[::-1], OpenClipEncoder("bundled:world_clip"), EmbeddingStore(store.root), trainer)
    assert torch.equal(again.flip(0), regions)
    assert embed_images(images, encoder, store, trainer).shape == (5, encoder.dim)  # another table of the same store


def test_towers_without_regions_are_refused_by_name(pixels: torch.Tensor, tmp_path: Any) -> None:
    pooled = built(attentional_pool=True, attn_pooler_queries=4, attn_pooler_heads=2)
    with pytest.raises(UsageError, match="got ours, whose visual tower is one that pools by learned queries; choose"):
        regional_features(pooled, pixels, name="ours")
    network = built()
    network.visual = torch.nn.Identity()
    with pytest.raises(UsageError, match="got ours, whose visual tower is Identity; choose another backbone"):
        regional_features(network, pixels, name="ours")


def test_an_encoder_without_regions_is_refused(encoder: Any, store: EmbeddingStore, trainer: TrainerSettings) -> None:
    with pytest.raises(UsageError, match="must come from an encoder that has them, got fake"):
        embed_regions(World(num_images=1).images, encoder, store, trainer)
