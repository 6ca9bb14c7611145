from typing import Any

import pytest

from misfire.core.errors import UsageError
from misfire.embeddings.architecture import (
    activation_of,
    built_in,
    comparable,
    has_both_activations,
    open_clip_folder,
    vocabulary_size_in,
)


def test_a_built_in_model_is_what_open_clip_reads() -> None:
    from open_clip.factory import get_model_config, list_models

    assert all(built_in(model) == get_model_config(model) for model in list_models())
    assert (open_clip_folder() / "model_configs").is_dir()


def test_an_unknown_model_is_refused() -> None:
    with pytest.raises(
        UsageError, match=r"model must be one that open_clip knows, .* got ViT-B-33; open_clip.list_models"
    ):
        built_in("ViT-B-33")


@pytest.mark.parametrize(
    ("model", "both"), [("ViT-B-32", True), ("ViT-B-32-quickgelu", True), ("roberta-ViT-B-32", False)]
)
def test_a_name_chooses_the_activation_only_where_there_are_two(model: str, both: bool) -> None:
    assert has_both_activations(model) is both


def test_equal_networks_are_equal_however_they_are_spelled() -> None:
    plain, quick = built_in("ViT-B-32"), built_in("ViT-B-32-quickgelu")
    assert comparable(plain) == comparable(quick)
    assert (activation_of(plain), activation_of(quick)) == ("GELU", "QuickGELU")
    text = {name: value for name, value in plain["text_cfg"].items() if name not in ("context_length", "vocab_size")}
    spelled: dict[str, Any] = {
        **plain,
        "custom_text": False,
        "text_cfg": {**text, "tokenizer_kwargs": {"bpe_path": "merges.txt.gz"}},
        "vision_cfg": {**plain["vision_cfg"], "image_size": [224, 224]},
    }
    assert comparable(spelled) == comparable(plain)
    assert comparable(built_in("ViT-B-16")) != comparable(plain)


def test_a_vocabulary_size_is_the_towers_own() -> None:
    assert vocabulary_size_in(built_in("ViT-B-16-SigLIP2")) == 256_000
    assert vocabulary_size_in({"text_cfg": {}}) == 49_408
    assert vocabulary_size_in(built_in("xlm-roberta-base-ViT-B-32")) is None
