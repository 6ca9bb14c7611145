"""A tiny language model on this machine, made here."""

from dataclasses import replace
from pathlib import Path

import pytest

from misfire.core.errors import UsageError
from misfire.prompts.descriptions import LocalModelDescriptions

pytest.importorskip("transformers", reason="the extra 'siglip' isn't installed")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast

    words = ["[UNK]", "[END]", "tail", "wings", "legs", "red", "two", "is", "a", "hen", "owl"]
    tokenizer = Tokenizer(models.WordLevel({word: index for index, word in enumerate(words)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    place = tmp_path_factory.mktemp("model")
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, unk_token="[UNK]", eos_token="[END]").save_pretrained(place)
    torch.manual_seed(0)
    config = GPT2Config(
        vocab_size=len(words), n_positions=64, n_embd=16, n_layer=1, n_head=2, bos_token_id=1, eos_token_id=1
    )
    GPT2LMHeadModel(config).save_pretrained(place, safe_serialization=True)
    return place


def test_a_local_model_is_asked_once_and_says_the_same(folder: Path, tmp_path: Path) -> None:
    source = LocalModelDescriptions(str(folder), str(tmp_path / "answers"), prompt="a {class} is", max_tokens=5)
    found = source(["hen", "owl"])
    assert set(found.of_class) == {"hen", "owl"}
    assert sum(map(len, found.of_class.values())) + sum(found.dropped.values()) >= 2
    assert (
        LocalModelDescriptions(str(folder), str(tmp_path / "others"), prompt="a {class} is", max_tokens=5)(
            ["hen", "owl"]
        ).digest
        == found.digest
    )
    (tmp_path / "gone").mkdir()
    kept = replace(source)
    kept.__dict__["_loaded"] = None  # from here on nothing can be asked
    assert kept(["owl", "hen"]).of_class["hen"] == found.of_class["hen"]


def test_what_is_no_model_is_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="must name a text-generation model with safetensors, got "):
        LocalModelDescriptions(str(tmp_path), str(tmp_path / "answers"))(["hen"])
    with pytest.raises(UsageError, match=r"must hold \{class\}"):
        LocalModelDescriptions("m", "a", prompt="what?")
    with pytest.raises(UsageError, match="max_tokens must be >= 1, got 0"):
        LocalModelDescriptions("m", "a", max_tokens=0)
