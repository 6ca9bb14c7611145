"""From scores of regions to logits of an image."""

import torch
from jaxtyping import Float

SCALE = 20.0
"""Factor of the cosine between a region and a prompt."""

GAIN = 5.0
"""Factor of an image's weighted sum."""


def aggregate(
    positive: Float[torch.Tensor, "image class region"], negative: Float[torch.Tensor, "image class region"]
) -> Float[torch.Tensor, "image polarity class"]:
    """Logits of absence and presence (in this order) of each class in each image.

    Each class looks where its positive map is high: with w the softmax of the positive map over the regions, a logit is
    5 * sum(S * w) of its own map, for both polarities with the same w.

    Args:
        positive: S+ of each region: 20 times the cosine between region and positive prompt.
        negative: S- of each region.

    Reference:
        Sun, Hu and Saenko, "DualCoOp: fast adaptation to multi-label recognition with limited annotations", NeurIPS
        2022, section 3.3.

    Example:
        >>> one_region = torch.ones(1, 1, 1)
        >>> aggregate(2 * one_region, one_region).tolist()
        [[[5.0], [10.0]]]
    """
    weights = positive.softmax(dim=-1)
    return GAIN * torch.stack([(negative * weights).sum(dim=-1), (positive * weights).sum(dim=-1)], dim=1)


def log_odds(logits: Float[torch.Tensor, "image polarity class"]) -> Float[torch.Tensor, "image class"]:
    """Presence minus absence: its sigmoid is the softmax over the two polarities."""
    return logits[:, 1] - logits[:, 0]
