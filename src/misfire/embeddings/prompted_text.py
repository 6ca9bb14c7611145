"""A frozen text tower that is fed token embeddings instead of tokens, so that a prompt's words can be learned."""

from collections.abc import Sequence
from typing import Any, final

import torch
from jaxtyping import Float
from torch.func import functional_call

from misfire.core.errors import UsageError, name_some
from misfire.embeddings.encoder import Encoder
from misfire.embeddings.short_context import can_be_shortened

_PLACEHOLDER, _OTHER = "x", "y"


@final
class PromptedText(torch.nn.Module):
    """Class names behind learnable context tokens, through the text tower of an encoder.

    A prompt is ``START context ... context NAME . END``: the tower's own token embeddings, of which the context's are
    replaced. Gradients flow to the contexts and to nothing else. The tower is run over no more of its context than the
    longest prompt needs, where what follows the end token can't matter.

    Args:
        encoder: The encoder; its network isn't copied, moved or changed, and it is no part of this module's state.
        classnames: Names of the classes.
        num_context: How many tokens of a prompt are learned.

    Raises:
        UsageError: If the text tower takes no token embeddings, a name with its context is longer than the tower's
            context, or there is no class.
    """

    def __init__(self, encoder: Encoder, classnames: Sequence[str], *, num_context: int) -> None:
        super().__init__()
        network = encoder.module()
        embedding = _token_embedding(network, encoder.name)
        if num_context < 1 or not classnames:
            raise UsageError(
                f"prompts must have at least one context token and one class, got {num_context} and {len(classnames)}; "
                "the published prompts have 16 tokens."
            )
        texts = [" ".join([*[_PLACEHOLDER] * num_context, name.replace("_", " ")]) + "." for name in classnames]
        cut = [name for name, is_cut in zip(classnames, encoder.is_truncated(texts), strict=True) if is_cut]
        if cut:
            raise UsageError(
                f"a prompt must fit into the {encoder.context_length} tokens of {encoder.name}, got "
                f"{name_some(cut)} that don't with {num_context} context tokens; take fewer."
            )
        tokens = encoder.tokenize(texts)
        start = _place_of_context(tokens, encoder, num_context)
        if can_be_shortened(network):
            # Behind the end token every row repeats its padding, which causal attention never reads: one column of it
            # is kept, because a row that fills the context has its end token there.
            is_text = (tokens != tokens[:, -1:]).any(dim=0)
            tokens = tokens[:, : int(is_text.nonzero().max()) + 2]
        # Not as submodules: they would be saved and trained with this one.
        self._frozen: tuple[torch.nn.Module, torch.nn.Module] = (network, embedding)
        self._first, self._num_context = start, num_context
        self.register_buffer("tokens", tokens, persistent=False)
        with torch.no_grad():
            # The network may stand on an accelerator already; the buffers begin where tokens do, and move with us.
            embedded = embedding(tokens.to(next(embedding.parameters()).device)).float().cpu()
        self.register_buffer("embedded", embedded.detach().clone(), persistent=False)

    @property
    def width(self) -> int:
        """Length of a token's embedding."""
        return int(self.embedded.shape[-1])  # type: ignore[index]

    @property
    def num_classes(self) -> int:
        """How many classes have a prompt."""
        return len(self.tokens)  # type: ignore[arg-type]

    def forward(
        self, contexts: Float[torch.Tensor, "*set context token width"]
    ) -> Float[torch.Tensor, "*set class dim"]:
        """Text features of every class, not normalised.

        Args:
            contexts: Embeddings of the context tokens of each class, or of all classes (an axis of 1); several sets of
                them stacked go through the tower together.
        """
        embedded: Any = self.embedded
        sets, num_classes = contexts.shape[:-3], len(embedded)
        contexts = contexts.to(embedded.dtype).expand(*sets, num_classes, -1, -1)
        around = embedded.expand(*sets, -1, -1, -1)
        end = self._first + self._num_context
        prompts = torch.cat([around[..., : self._first, :], contexts, around[..., end:, :]], dim=-2)
        features = self._run(prompts.flatten(0, -3), self.tokens.repeat(sets.numel(), 1))  # type: ignore[operator]
        return features.reshape(*sets, num_classes, -1)

    def _apply(self, fn: Any, recurse: bool = True) -> "PromptedText":
        """Take the frozen network along to a device."""
        self._frozen[0]._apply(fn)  # type: ignore[no-untyped-call]
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        return self

    def _run(
        self, embedded: Float[torch.Tensor, "prompt token width"], tokens: torch.Tensor
    ) -> Float[torch.Tensor, "prompt dim"]:
        network, embedding = self._frozen
        tower = getattr(network, "text", network)
        if not isinstance(tower, torch.nn.Module):
            tower = network
        # The tower asks its embedding for the tokens' vectors and is given these instead.
        handle = embedding.register_forward_hook(lambda *_: embedded)
        try:
            length = tokens.shape[1]
            cut: dict[str, Any] = {}
            if can_be_shortened(network):
                cut["attn_mask"] = tower.attn_mask[:length, :length]  # type: ignore[index]
            if tower is not network:
                features: Any = functional_call(tower, cut, (tokens,)) if cut else tower(tokens)
            else:
                if cut:
                    cut["positional_embedding"] = network.positional_embedding[:length]  # type: ignore[index]
                features = functional_call(network, cut, args=(), kwargs={"text": tokens})
                features = features["text_features"] if isinstance(features, dict) else features[1]
        finally:
            handle.remove()
        found: torch.Tensor = features[0] if isinstance(features, tuple) else features
        return found


def _token_embedding(network: torch.nn.Module, name: str) -> torch.nn.Module:
    tower = getattr(network, "text", None)
    tower = tower if isinstance(tower, torch.nn.Module) else network
    embedding = getattr(tower, "token_embedding", None)
    if not isinstance(embedding, torch.nn.Module):
        raise UsageError(
            f"learned prompts must go through a text tower of open_clip's own, which takes token embeddings, got "
            f"{name}, whose tower is {type(tower).__name__}; choose another backbone, such as world_clip or ViT-B-16."
        )
    return embedding


def _place_of_context(tokens: torch.Tensor, encoder: Encoder, num_context: int) -> int:
    """Where the placeholders stand: right behind the start token, one token each."""
    one, other = encoder.tokenize([_PLACEHOLDER, _OTHER])
    start = int((one != other).nonzero()[0])  # a tokenizer may put a start token before the text
    if (tokens[:, start : start + num_context] == one[start]).all():
        return start
    raise UsageError(
        f"a tokenizer must give a letter one token for prompts to be learned, {encoder.name}'s doesn't; choose another "
        "backbone."
    )
