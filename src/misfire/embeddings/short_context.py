"""Runs a causal text tower over the tokens that matter instead of the whole context."""

from typing import Any

import torch
from jaxtyping import Float, Int
from torch.func import functional_call

from misfire.embeddings.encoder import Tokens

_STEP = 8  # lengths are rounded up to a multiple, so that a batch falls into few groups


def can_be_shortened(network: torch.nn.Module) -> bool:
    """Whether what follows a text's end token can't change its embedding: causal attention, read at the end token.

    True of CLIP's towers, open_clip's own and those of its models with a separate text tower (EVA02, ViTamin,
    MobileCLIP-B, PE-Core). SigLIP's and the smaller MobileCLIP's see the whole context in both directions, CoCa's reads
    a token of its own behind it, and towers of transformers hide their mask: these are run over all of it.
    """
    tower = _tower(network)
    mask = getattr(tower, "attn_mask", None)
    return (
        isinstance(mask, torch.Tensor)
        and torch.equal(mask, torch.full_like(mask, -torch.inf).triu(1))
        and _pooling(network) in ("argmax", "eos")
        and getattr(tower, "cls_emb", None) is None
        and isinstance(getattr(tower, "positional_embedding", None), torch.Tensor)
    )


def encode_shortened(network: torch.nn.Module, tokens: Tokens) -> Float[torch.Tensor, "text dim"]:
    """Text embeddings, each computed over its own length rounded up, whatever else is in the batch.

    The place of the end token gives the length. A text's result doesn't depend on its neighbours, as it would if a
    batch were cut at its longest text.
    """
    context = tokens.shape[1]
    ends = _ends(network, tokens) + 1
    lengths = (ends + _STEP - 1).div(_STEP, rounding_mode="floor").mul(_STEP).clamp(max=context)
    parts, places = [], []
    for length in sorted(set(lengths.tolist())):
        place = (lengths == length).nonzero()[:, 0]
        parts.append(_encode(network, tokens[place, :length]))
        places.append(place)
    return torch.cat(parts)[torch.cat(places).argsort()]


def _tower(network: torch.nn.Module) -> torch.nn.Module:
    """The text tower: a module of its own, or the network itself, which then has the tower's parts as its own."""
    tower = getattr(network, "text", network)
    return tower if isinstance(tower, torch.nn.Module) else network


def _pooling(network: torch.nn.Module) -> str | None:
    tower = _tower(network)
    pooling: str | None = getattr(tower, "text_pool_type" if tower is network else "pool_type", None)
    return pooling


def _ends(network: torch.nn.Module, tokens: Tokens) -> Int[torch.Tensor, " text"]:
    """Place of each text's end token: the highest id, or the id that the tower is told."""
    if _pooling(network) == "argmax":
        return tokens.argmax(dim=1)
    tower = _tower(network)
    end: Any = tower.text_eos_id if tower is network else tower.eos_id
    is_end: torch.Tensor = tokens == end
    return is_end.int().argmax(dim=1)


def _encode(network: torch.nn.Module, tokens: Tokens) -> Float[torch.Tensor, "text dim"]:
    length, tower = tokens.shape[1], _tower(network)
    shortened = {"attn_mask": tower.attn_mask[:length, :length]}  # type: ignore[index]
    if tower is not network:  # it cuts its positions itself
        features = functional_call(tower, shortened, (tokens,))
        own: torch.Tensor = features[0] if isinstance(features, tuple) else features
        return own
    shortened["positional_embedding"] = network.positional_embedding[:length]  # type: ignore[index]
    features = functional_call(network, shortened, args=(), kwargs={"text": tokens})
    embeddings: torch.Tensor = features["text_features"] if isinstance(features, dict) else features[1]
    return embeddings
