import gzip
import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from misfire.core.errors import UsageError
from misfire.embeddings import OpenClipEncoder
from misfire.embeddings.architecture import open_clip_folder
from misfire.embeddings.text_tokenizer import BytePairTokenizer, HuggingFaceTokenizer, check_merges, vocabulary_files

MERGES = open_clip_folder() / "bpe_simple_vocab_16e6.txt.gz"
WORDS = ["<pad>", "<eos>", "<unk>", "a", "cat", "dog", "red", "two", "of", "lake", "left", "the"]
TEXTS = ["a cat", "Two red dogs, to the left of a lake!", "", "the " * 20]


def word_tokenizer(folder: Path, words: Sequence[str] = WORDS, end: str = "<eos>") -> Path:
    """A tokenizer of transformers with one token a word and an end token, as SigLIP's has."""
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.pre_tokenizers import Whitespace
    from tokenizers.processors import TemplateProcessing
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(WordLevel({word: index for index, word in enumerate(words)}, unk_token="<unk>"))
    tokenizer.pre_tokenizer = Whitespace()
    tokenizer.post_processor = TemplateProcessing(single=f"$A {end}", special_tokens=[(end, list(words).index(end))])
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, pad_token="<pad>", eos_token=end, unk_token="<unk>")
    fast.save_pretrained(folder)
    return folder


def siglip_like_folder(folder: Path, vocabulary_size: int = len(WORDS)) -> Path:
    """A two-tower model as SigLIP's configurations describe one, small, with random weights."""
    from open_clip.model import CustomTextCLIP

    vision = {"image_size": 32, "layers": 1, "width": 16, "head_width": 8, "patch_size": 16}
    text = {
        "context_length": 8,
        "vocab_size": vocabulary_size,
        "hf_tokenizer_name": "somebody/somewhere",
        "tokenizer_kwargs": {"clean": "canonicalize"},
        "width": 16,
        "heads": 2,
        "layers": 2,
        "no_causal_mask": True,
        "proj_bias": True,
        "pool_type": "last",
        "norm_kwargs": {"eps": 1e-6},
        "act_kwargs": {"approximate": "tanh"},
    }
    config = {"embed_dim": 8, "init_logit_bias": -10, "custom_text": True, "vision_cfg": vision, "text_cfg": text}
    torch.manual_seed(0)
    settings = {name: value for name, value in json.loads(json.dumps(config)).items() if name != "custom_text"}
    state = CustomTextCLIP(**settings).state_dict()
    word_tokenizer(folder)
    save_file({name: value.contiguous() for name, value in state.items()}, folder / "open_clip_model.safetensors")
    preprocessing = {"mean": [0.5] * 3, "std": [0.5] * 3, "resize_mode": "squash"}
    (folder / "open_clip_config.json").write_text(json.dumps({"model_cfg": config, "preprocess_cfg": preprocessing}))
    return folder


def test_a_model_like_siglip_is_open_clips_own(tmp_path: Path) -> None:
    import open_clip

    from .test_preprocessing import noise_image

    name = f"local-dir:{siglip_like_folder(tmp_path)}"
    image = noise_image(0, (50, 37))
    network, preprocess = open_clip.create_model_from_pretrained(name)
    tokens = open_clip.get_tokenizer(name)(TEXTS)
    with torch.no_grad():
        texts = network.eval().encode_text(tokens, normalize=True)
        images = network.encode_image(preprocess(image)[None], normalize=True)
    encoder = OpenClipEncoder(name)
    assert torch.equal(encoder.tokenize(TEXTS), tokens)
    torch.testing.assert_close(encoder.encode_texts(tokens), texts)
    torch.testing.assert_close(encoder.encode_images(encoder.preprocess(image)[None]), images)
    assert encoder.is_truncated(TEXTS).tolist() == [False, True, False, True]


@pytest.mark.parametrize(("num_words", "is_cut"), [(6, False), (7, False), (8, True)])
def test_a_text_is_cut_when_its_tokens_and_the_end_exceed_the_context(
    tmp_path: Path, num_words: int, is_cut: bool
) -> None:
    encoder = OpenClipEncoder(f"local-dir:{siglip_like_folder(tmp_path)}")
    assert encoder.is_truncated(["the " * num_words]).tolist() == [is_cut]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([*WORDS, "more"], r"trained on \(12 tokens\), got 13 tokens in .*; put the model's own tokenizer there"),
        (WORDS[:9], r"trained on \(12 tokens\), got 9 tokens in "),
    ],
)
def test_a_swapped_tokenizer_is_noticed_by_its_size(tmp_path: Path, words: list[str], message: str) -> None:
    folder = siglip_like_folder(tmp_path)
    before = OpenClipEncoder(f"local-dir:{folder}").fingerprint
    word_tokenizer(folder, words)
    encoder = OpenClipEncoder(f"local-dir:{folder}")
    assert encoder.fingerprint != before
    with pytest.raises(UsageError, match=message):
        encoder.tokenize(TEXTS)
    with pytest.raises(UsageError, match=message):
        encoder.module()


def test_an_end_token_that_the_tower_is_not_read_at_is_refused(tmp_path: Path) -> None:
    files = HuggingFaceTokenizer(word_tokenizer(tmp_path))
    files.load({"pool_type": "last"}, vocabulary_size=12)
    files.load({"pool_type": "eos", "eos_id": 1}, vocabulary_size=12)
    with pytest.raises(UsageError, match=r"read at \(2\), got 1 in .*; put the model's own"):
        files.load({"pool_type": "eos"}, vocabulary_size=12)
    with pytest.raises(UsageError, match=r"end token must be the id that the text tower is read at \(11\), got 1 in "):
        files.load({}, vocabulary_size=12)
    BytePairTokenizer(MERGES).load({}, vocabulary_size=49408)
    with pytest.raises(UsageError, match=r"read at \(49408\), got 49407 in "):
        BytePairTokenizer(MERGES, '{"additional_special_tokens": ["<x>"]}').load({}, vocabulary_size=49409)


def test_transformers_files_are_described_by_content(tmp_path: Path) -> None:
    one = word_tokenizer(tmp_path / "one")
    other = shutil.copytree(one, tmp_path / "other")
    (other / "README.md").write_text("not read")
    (other / "vocab.txt").write_text("not read beside tokenizer.json")
    assert HuggingFaceTokenizer(one).describe() == HuggingFaceTokenizer(other).describe()
    assert [path.name for path in vocabulary_files(one)] == ["tokenizer.json", "tokenizer_config.json"]
    text = (other / "tokenizer.json").read_text()
    (other / "tokenizer.json").write_text(text.replace("lake", "sea"))
    assert HuggingFaceTokenizer(one).describe() != HuggingFaceTokenizer(other).describe()
    assert HuggingFaceTokenizer(one).describe() != HuggingFaceTokenizer(one, '{"clean": "lower"}').describe()


def test_damaged_files_are_one_sentence(tmp_path: Path) -> None:
    folder = word_tokenizer(tmp_path / "one")
    (folder / "tokenizer.json").write_text("{")
    (tmp_path / "merges.txt.gz").write_bytes(MERGES.read_bytes()[:1000])
    for files in (HuggingFaceTokenizer(folder), BytePairTokenizer(tmp_path / "merges.txt.gz")):
        with pytest.raises(
            UsageError, match=r"a tokenizer's files must be whole, got .*; put the model's own"
        ) as raised:
            files.load({"pool_type": "last"}, vocabulary_size=12)
        assert "\n" not in str(raised.value)


def short_merges(folder: Path, num_merges: int, start: int = 1) -> Path:
    lines = gzip.decompress(MERGES.read_bytes()).decode().split("\n")
    folder.mkdir(exist_ok=True)
    text = "\n".join(["#version", *lines[start : start + num_merges]])
    (folder / "merges.txt.gz").write_bytes(gzip.compress(text.encode(), mtime=0))
    return folder / "merges.txt.gz"


@pytest.mark.parametrize("num_merges", [199, 201, 48894])
def test_a_swapped_merges_file_is_noticed_by_its_size(tiny_folder: Path, tmp_path: Path, num_merges: int) -> None:
    copy = shutil.copytree(tiny_folder, tmp_path / "copy")
    encoder = OpenClipEncoder(f"local-dir:{copy}")
    assert encoder.tokenize(TEXTS).max() == 713
    short_merges(copy, num_merges)
    message = rf"trained on \(714 tokens\), got {512 + num_merges + 2:,} tokens in .*merges.txt.gz; put"
    with pytest.raises(UsageError, match=message):
        OpenClipEncoder(f"local-dir:{copy}").tokenize(TEXTS)


def test_a_tokenizer_that_changes_under_way_never_takes_the_old_name(tiny_folder: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(tiny_folder, tmp_path / "copy")
    encoder = OpenClipEncoder(f"local-dir:{copy}")
    assert encoder.fingerprint
    short_merges(copy, 200, start=300)
    with pytest.raises(
        UsageError, match=r"a tokenizer must stay as it was when it was named, got a change of .*; run ag"
    ):
        encoder.tokenize(TEXTS)


@pytest.mark.parametrize("kind", ["merges.txt", "tokenizer.json", "pairs in tokenizer.json"])
def test_other_merges_beside_those_that_are_used_are_refused(tmp_path: Path, kind: str) -> None:
    """A folder of the hub holds both kinds of tokenizer; open_clip silently reads one."""
    used = short_merges(tmp_path / "used", 50)
    lines = gzip.decompress(used.read_bytes()).decode().split("\n")[1:]
    folder = tmp_path / "folder"
    folder.mkdir()

    def write(merges: list[str]) -> None:
        if kind == "merges.txt":
            (folder / kind).write_text("\n".join(["#version: 0.2", *merges, ""]))
        else:
            shown = [merge.split() for merge in merges] if kind.startswith("pairs") else merges
            (folder / "tokenizer.json").write_text(json.dumps({"model": {"type": "BPE", "merges": shown}}))

    check_merges(folder, used)
    write(lines)
    check_merges(folder, used)
    write([*lines[1:], lines[0]])
    with pytest.raises(
        UsageError, match=r"merges of a model's folder must be one and the same, got other ones in .* than"
    ):
        check_merges(folder, used)


def test_transformers_missing_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "transformers", None)
    with pytest.raises(UsageError, match=r"transformers must be installed .*; run pip install \"misfire\[siglip\]\""):
        HuggingFaceTokenizer(tmp_path).load({}, vocabulary_size=12)


def test_the_built_in_tokenizer_is_open_clips(tmp_path: Path) -> None:
    import open_clip

    files = BytePairTokenizer(MERGES)
    tokenizer: Any = files.load({"context_length": 20}, vocabulary_size=49408)
    assert torch.equal(tokenizer(TEXTS), open_clip.get_tokenizer("ViT-B-32", context_length=20)(TEXTS))
    lengths = np.array([len(open_clip.get_tokenizer("ViT-B-32").encode(text)) + 2 for text in TEXTS])
    assert files.is_truncated(tokenizer, TEXTS).tolist() == (lengths > 20).tolist()


@pytest.mark.parametrize("options", ["{}", '{"reduction_mask": "simple"}'])
def test_of_what_leaves_room_in_the_context_nothing_was_cut(options: str) -> None:
    """Lengths on both sides of the context: whatever is cut is among what may be, and little else."""
    files = BytePairTokenizer(MERGES, options)
    tokenizer: Any = files.load({"context_length": 20}, vocabulary_size=49408)
    texts = ["the " * num_words for num_words in range(30)]
    doubtful = files.may_be_truncated(tokenizer, tokenizer(texts))
    assert doubtful.tolist() == [num_words + 2 >= 20 for num_words in range(30)]
    assert (doubtful >= files.is_truncated(tokenizer, texts)).all()


def test_of_a_tokenizer_of_transformers_every_text_is_asked_for(tmp_path: Path) -> None:
    tokens = torch.zeros(3, 8, dtype=torch.int64)
    assert HuggingFaceTokenizer(tmp_path).may_be_truncated(None, tokens).tolist() == [True] * 3
