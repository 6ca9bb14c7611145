"""Features of an image's regions, in the space of the text embeddings, out of an open_clip visual tower."""

from typing import Any

import torch
from jaxtyping import Float
from torch.nn.functional import linear

from misfire.core.errors import UsageError


def regional_features(
    network: torch.nn.Module, pixels: Float[torch.Tensor, "image channel height width"], *, name: str
) -> Float[torch.Tensor, "image region dim"]:
    """What each cell of the visual tower's last grid says, row by row, projected as the image's own feature is.

    A ResNet's regions are the values of its attention pool: the last feature map with its positional embedding, through
    the value and the output projection, without the attention that would mix them. A vision transformer's are its patch
    tokens after the last block, normalised and projected as its class token is.

    Args:
        network: A network of open_clip with an image tower of its own kinds.
        pixels: Normalised images.
        name: What the user calls the model, for the error.

    Raises:
        UsageError: If the tower gives no regional features: one of timm, or one that pools by learned queries.

    Reference:
        Sun, Hu and Saenko, "DualCoOp", NeurIPS 2022; Zhou, Loy and Dai, "Extract free dense labels from CLIP", ECCV
        2022.
    """
    from open_clip.modified_resnet import ModifiedResNet
    from open_clip.transformer import VisionTransformer

    visual = network.visual
    if isinstance(visual, ModifiedResNet):
        return _attention_pool_values(visual, pixels)
    if isinstance(visual, VisionTransformer) and visual.attn_pool is None:
        return _patch_tokens(visual, pixels)
    what = type(visual).__name__ if not isinstance(visual, VisionTransformer) else "one that pools by learned queries"
    raise UsageError(
        f"regional features must come from a ResNet or a vision transformer of open_clip's own, got {name}, whose "
        f"visual tower is {what}; choose another backbone, such as world_clip, RN101 or ViT-B-16."
    )


def _attention_pool_values(
    visual: torch.nn.Module, pixels: Float[torch.Tensor, "image channel height width"]
) -> Float[torch.Tensor, "image region dim"]:
    maps = visual.stem(pixels)  # type: ignore[operator]
    for layer in (visual.layer1, visual.layer2, visual.layer3, visual.layer4):
        maps = layer(maps)  # type: ignore[operator]
    pool = visual.attnpool
    cells = maps.flatten(2).transpose(1, 2)
    # The pool's first position belongs to the mean over the grid, which is the query.
    cells = cells + pool.positional_embedding[1:].to(cells.dtype)  # type: ignore[union-attr, index]
    values = linear(cells, pool.v_proj.weight, pool.v_proj.bias)  # type: ignore[union-attr, arg-type]
    return linear(values, pool.c_proj.weight, pool.c_proj.bias)  # type: ignore[union-attr, arg-type]


def _patch_tokens(
    visual: torch.nn.Module, pixels: Float[torch.Tensor, "image channel height width"]
) -> Float[torch.Tensor, "image region dim"]:
    last = visual.forward_intermediates(  # type: ignore[operator]
        pixels, indices=1, normalize_intermediates=True, intermediates_only=True, output_fmt="NLC"
    )
    tokens: torch.Tensor = last["image_intermediates"][-1]
    projection: Any = visual.proj
    return tokens if projection is None else torch.matmul(tokens, projection)
