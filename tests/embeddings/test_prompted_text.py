from pathlib import Path
from typing import Any

import pytest
import torch

from misfire.core.errors import UsageError
from misfire.embeddings import OpenClipEncoder, PromptedText

NAMES = ["cat", "dining_table", "dog"]


@pytest.fixture(params=["tiny", "world"])
def encoder(request: pytest.FixtureRequest, tiny_folder: Path) -> OpenClipEncoder:
    return OpenClipEncoder(f"local-dir:{tiny_folder}" if request.param == "tiny" else "bundled:world_clip")


def word_embeddings(encoder: OpenClipEncoder, words: str) -> torch.Tensor:
    """The tower's own vectors of some words, without start and end."""
    tokens = encoder.tokenize([words])[0]
    end = int(tokens.argmax())
    embedding: Any = encoder.module().token_embedding
    return embedding(tokens[1:end]).detach()


def test_the_words_own_embeddings_give_the_texts_own_feature(encoder: OpenClipEncoder) -> None:
    context = word_embeddings(encoder, "a")
    prompts = PromptedText(encoder, NAMES, num_context=len(context))
    found = torch.nn.functional.normalize(prompts(context[None]), dim=1)
    texts = [f"a {name.replace('_', ' ')}." for name in NAMES]
    torch.testing.assert_close(found, encoder.encode_texts(encoder.tokenize(texts)), atol=1e-5, rtol=0)


def test_gradients_reach_the_contexts_and_nothing_else(encoder: OpenClipEncoder) -> None:
    prompts = PromptedText(encoder, NAMES, num_context=4)
    contexts = torch.zeros(3, 4, prompts.width, requires_grad=True)
    prompts(contexts)[1].sum().backward()
    assert contexts.grad is not None
    assert contexts.grad[1].abs().sum() > 0
    assert not contexts.grad[[0, 2]].any()  # a class's feature depends on its own context
    assert not list(prompts.parameters())
    assert not prompts.state_dict()
    assert all(parameter.grad is None for parameter in encoder.module().parameters())


def test_the_tower_is_left_as_it_was(encoder: OpenClipEncoder) -> None:
    before = encoder.encode_texts(encoder.tokenize(["a cat"]))
    prompts = PromptedText(encoder, NAMES, num_context=4)
    prompts(torch.randn(1, 4, prompts.width))
    assert torch.equal(encoder.encode_texts(encoder.tokenize(["a cat"])), before)


def test_refusals(encoder: OpenClipEncoder, monkeypatch: pytest.MonkeyPatch) -> None:
    most = encoder.context_length
    with pytest.raises(UsageError, match=rf"must fit into the {most} tokens of .*, got 3 \(cat, dining_table, dog\)"):
        PromptedText(encoder, NAMES, num_context=most - 2)
    with pytest.raises(UsageError, match="at least one context token and one class, got 4 and 0"):
        PromptedText(encoder, [], num_context=4)
    with pytest.raises(UsageError, match="at least one context token and one class, got 0 and 3"):
        PromptedText(encoder, NAMES, num_context=0)
    monkeypatch.setattr(OpenClipEncoder, "module", lambda _: torch.nn.Identity())
    with pytest.raises(UsageError, match=f"got {encoder.name}, whose tower is Identity; choose another backbone"):
        PromptedText(encoder, NAMES, num_context=4)
