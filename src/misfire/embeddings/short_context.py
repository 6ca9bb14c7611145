"""Runs a causal text tower over the tokens that matter instead of the whole context."""

import torch
from jaxtyping import Float
from torch.func import functional_call

from misfire.embeddings.encoder import Tokens

_STEP = 8  # lengths are rounded up to a multiple, so that a batch falls into few groups


def can_be_shortened(network: torch.nn.Module) -> bool:
    """Whether what follows a text's end token can't change its embedding: causal attention, read at the end token."""
    mask = getattr(network, "attn_mask", None)
    return (
        isinstance(mask, torch.Tensor)
        and torch.equal(mask, torch.full_like(mask, -torch.inf).triu(1))
        and getattr(network, "text_pool_type", None) == "argmax"
        and isinstance(getattr(network, "positional_embedding", None), torch.Tensor)
    )


def encode_shortened(network: torch.nn.Module, tokens: Tokens) -> Float[torch.Tensor, "text dim"]:
    """Text embeddings, each computed over its own length rounded up, whatever else is in the batch.

    The end token has the highest id, so its place gives the length. A text's result doesn't depend on its neighbours,
    as it would if a batch were cut at its longest text.
    """
    context = tokens.shape[1]
    ends = tokens.argmax(dim=1) + 1
    lengths = (ends + _STEP - 1).div(_STEP, rounding_mode="floor").mul(_STEP).clamp(max=context)
    parts, places = [], []
    for length in sorted(set(lengths.tolist())):
        place = (lengths == length).nonzero()[:, 0]
        parts.append(_encode(network, tokens[place, :length]))
        places.append(place)
    return torch.cat(parts)[torch.cat(places).argsort()]


def _encode(network: torch.nn.Module, tokens: Tokens) -> Float[torch.Tensor, "text dim"]:
    length = tokens.shape[1]
    shortened = {
        "positional_embedding": network.positional_embedding[:length],  # type: ignore[index]
        "attn_mask": network.attn_mask[:length, :length],  # type: ignore[index]
    }
    features = functional_call(network, shortened, args=(), kwargs={"text": tokens})
    embeddings: torch.Tensor = features["text_features"] if isinstance(features, dict) else features[1]
    return embeddings
