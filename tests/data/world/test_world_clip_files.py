"""The shipped model is the one that its record describes."""

import json
from pathlib import Path

import numpy as np
import open_clip
import pytest
import torch
from open_clip.tokenizer import SimpleTokenizer

import misfire
from misfire.core.hashing import sha256_file
from misfire.data.world import RENDERER_VERSION, World
from misfire.data.world.grammar import vocabulary

FOLDER = Path(misfire.__file__).parent / "embeddings" / "world_clip"
RECORD = json.loads((FOLDER / "training_record.json").read_text(encoding="utf-8"))
TEMPLATES = Path(__file__).parents[3] / "conf" / "templates"


@pytest.fixture(scope="module")
def tokenizer() -> SimpleTokenizer:
    return open_clip.get_tokenizer(f"local-dir:{FOLDER}", bpe_path=str(FOLDER / "merges.txt.gz"))


def test_the_weights_are_those_of_the_record_and_small() -> None:
    assert sha256_file(FOLDER / "model.safetensors") == RECORD["weights_sha256"]
    assert (FOLDER / "model.safetensors").stat().st_size <= 20_000_000
    assert RECORD["renderer_version"] == RENDERER_VERSION


def test_the_record_is_about_this_world_and_in_the_promised_range() -> None:
    test = RECORD["test"]
    assert test["dataset_fingerprint"] == World().fingerprint
    assert 0.25 <= test["t2i"]["hit_at_1"] <= 0.55
    assert test["t2i"]["hit_at_10"] >= 0.65
    for k in (1, 5, 10):
        assert test["t2i"][f"hit_at_{k}"] <= test["ceiling_t2i"][f"hit_at_{k}"]


def test_a_part_of_the_record_is_measured_again(tokenizer: SimpleTokenizer) -> None:
    model, _, preprocess = open_clip.create_model_and_transforms(f"local-dir:{FOLDER}")
    model.eval()
    world = World(num_images=500)
    with torch.inference_mode():
        images = model.encode_image(
            torch.stack([preprocess(image.source.load()) for image in world.images]), normalize=True
        )
        texts = model.encode_text(tokenizer([caption.text for caption in world.captions]), normalize=True)
    scores = (texts @ images.T).numpy()
    own = scores[np.arange(len(scores)), world.targets]
    ranks = 1 + (scores > own[:, None]).sum(axis=1)
    for k in (1, 5, 10):
        recorded = RECORD["test"]["t2i_on_the_first_500_images"][f"hit_at_{k}"]
        assert (ranks <= k).mean() == pytest.approx(recorded, abs=0.002)  # other machines round near ties otherwise


def test_every_known_word_is_cut_as_with_the_whole_list_of_merges(tokenizer: SimpleTokenizer) -> None:
    full = SimpleTokenizer()
    lines = [line for path in TEMPLATES.glob("*.yaml") for line in path.read_text().splitlines()]
    wrappers = [line.split('"')[1] for line in lines if '"' in line and "{caption}" in line]
    words = {word for text in wrappers for word in text.replace("{caption}", " ").split()} | set(vocabulary())
    for word in sorted(words):
        ours = [tokenizer.decoder[token] for token in tokenizer.encode(word)]
        assert ours == [full.decoder[token] for token in full.encode(word)], word
    assert tokenizer.encode("an unforeseen zeppelin")  # anything else falls to smaller pieces


def test_prompts_fit_the_context(tokenizer: SimpleTokenizer) -> None:
    lengths = np.array([len(tokenizer.encode(caption.text)) for caption in World().captions])
    config = json.loads((FOLDER / "open_clip_config.json").read_text(encoding="utf-8"))
    room = config["model_cfg"]["text_cfg"]["context_length"] - 2
    longest_wrapper = len(tokenizer.encode("an image that shows what is happening:"))
    assert (lengths > room).sum() == 0
    assert (lengths + longest_wrapper > room).mean() < 0.001
