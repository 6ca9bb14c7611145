import json
import pickle
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from misfire.core.errors import UsageError
from misfire.embeddings import EmbeddingStore, Encoder, OpenClipEncoder, TrainerSettings, embed_texts, num_truncated
from misfire.embeddings.open_clip_encoder import _load

from .conftest import FakeEncoder

TEXTS = ["a cat", "two red dogs to the left of a lake", ""]


def noise_image(seed: int, size: tuple[int, int] = (80, 64)) -> Image.Image:
    pixels = np.random.default_rng(seed).integers(256, size=(size[1], size[0], 3), dtype=np.uint8)
    return Image.fromarray(pixels)


@pytest.fixture(params=["fake", "fp32", "bf16", "bundled"])
def any_encoder(request: pytest.FixtureRequest, tiny_folder: Path) -> Encoder:
    if request.param == "fake":
        return FakeEncoder()
    if request.param == "bundled":
        return OpenClipEncoder("bundled:world_clip")
    return OpenClipEncoder(f"local-dir:{tiny_folder}", precision=request.param)


def test_every_encoder_keeps_the_contract(any_encoder: Encoder) -> None:
    texts = any_encoder.encode_texts(any_encoder.tokenize(TEXTS))
    images = any_encoder.encode_images(torch.stack([any_encoder.preprocess(noise_image(seed)) for seed in range(2)]))
    for rows, count in ((texts, 3), (images, 2)):
        assert rows.shape == (count, any_encoder.dim)
        assert rows.dtype == torch.float32
        assert not rows.requires_grad
        torch.testing.assert_close(torch.linalg.vector_norm(rows, dim=1), torch.ones(count))
    assert any_encoder.num_truncated(["a", "word " * (any_encoder.context_length + 1)]) == 1
    assert any_encoder.is_truncated(TEXTS[:1]).tolist() == [False]
    assert all(isinstance(value, str) for value in any_encoder.describe().values())
    assert {"encoder", "weights_sha256", "preprocessing", "precision"} <= set(any_encoder.describe())
    assert len(any_encoder.fingerprint) == 64
    assert any_encoder.name


def test_rows_are_those_of_open_clip_itself(tiny_folder: Path) -> None:
    import open_clip

    config = json.loads((tiny_folder / "open_clip_config.json").read_text())
    config["model_cfg"]["text_cfg"].pop("tokenizer_kwargs")
    network = open_clip.CLIP(**config["model_cfg"]).eval()
    network.load_state_dict(load_file(tiny_folder / "model.safetensors"))
    tokenizer = open_clip.SimpleTokenizer(bpe_path=str(tiny_folder / "merges.txt.gz"), context_length=16)
    image = noise_image(0, (64, 64))
    pixels = (torch.from_numpy(np.asarray(image) / 255.0).float().permute(2, 0, 1) - 0.5) / 0.25
    with torch.no_grad():
        texts = network.encode_text(tokenizer(TEXTS), normalize=True)
        images = network.encode_image(pixels[None], normalize=True)

    encoder = OpenClipEncoder(f"local-dir:{tiny_folder}")
    torch.testing.assert_close(encoder.encode_texts(encoder.tokenize(TEXTS)), texts)
    torch.testing.assert_close(encoder.encode_images(encoder.preprocess(image)[None]), images)
    assert (encoder.dim, encoder.context_length, encoder.name) == (24, 16, tiny_folder.name)


def test_bf16_is_near_fp32_but_another_key(tiny_folder: Path) -> None:
    single = OpenClipEncoder(f"local-dir:{tiny_folder}")
    half = OpenClipEncoder(f"local-dir:{tiny_folder}", precision="bf16")
    tokens = single.tokenize(TEXTS)
    cosine = (single.encode_texts(tokens) * half.encode_texts(tokens)).sum(dim=1)
    assert cosine.min() > 0.999
    assert not torch.equal(single.encode_texts(tokens), half.encode_texts(tokens))
    assert single.fingerprint != half.fingerprint


@pytest.mark.parametrize(("num_words", "is_cut"), [(14, False), (15, True), (40, True)])
def test_a_text_is_cut_when_its_tokens_and_the_two_marks_exceed_the_context(
    tiny_folder: Path, num_words: int, is_cut: bool
) -> None:
    encoder = OpenClipEncoder(f"local-dir:{tiny_folder}")
    assert encoder.is_truncated([" ".join("a" * num_words)]).tolist() == [is_cut]


def test_the_count_of_cut_texts_is_kept_in_the_store(tiny_folder: Path, tmp_path: Path) -> None:
    encoder, store = OpenClipEncoder(f"local-dir:{tiny_folder}"), EmbeddingStore(tmp_path)
    texts = ["a cat", "a " * 20]
    embed_texts(texts, encoder, store, TrainerSettings(accelerator="cpu"))
    assert num_truncated(texts, encoder, store) == 1


def test_matmul_precision_is_full_inside_and_restored_after(tiny_folder: Path) -> None:
    encoder = OpenClipEncoder(f"local-dir:{tiny_folder}")
    tokens = encoder.tokenize(TEXTS)
    exact = encoder.encode_texts(tokens)
    torch.set_float32_matmul_precision("medium")
    try:
        assert torch.equal(encoder.encode_texts(tokens), exact)
        assert torch.get_float32_matmul_precision() == "medium"
    finally:
        torch.set_float32_matmul_precision("highest")


def edited_copy(folder: Path, tmp_path: Path, edit: str) -> Path:
    copy = tmp_path / edit
    shutil.copytree(folder, copy)
    config_path = copy / "open_clip_config.json"
    config = json.loads(config_path.read_text())
    if edit == "weights":
        weights = load_file(copy / "model.safetensors")
        weights["logit_scale"] = weights["logit_scale"] + 1
        save_file(weights, copy / "model.safetensors")
    elif edit == "preprocessing":
        config["preprocess_cfg"]["mean"][0] = 0.4
    elif edit == "activation":
        config["model_cfg"]["quick_gelu"] = True
    elif edit == "architecture":
        config["model_cfg"]["text_cfg"]["context_length"] = 15
    elif edit == "tokenizer":
        (copy / "merges.txt.gz").write_bytes((copy / "merges.txt.gz").read_bytes() + b" ")
    elif edit == "merges name":
        (copy / "merges.txt.gz").rename(copy / "other.txt.gz")
        config["model_cfg"]["text_cfg"]["tokenizer_kwargs"]["bpe_path"] = "other.txt.gz"
    config_path.write_text(json.dumps(config))
    return copy


@pytest.mark.parametrize("edit", ["weights", "preprocessing", "activation", "architecture", "tokenizer"])
def test_the_fingerprint_changes_with_everything_an_embedding_depends_on(
    tiny_folder: Path, tmp_path: Path, edit: str
) -> None:
    edited = edited_copy(tiny_folder, tmp_path, edit)
    assert OpenClipEncoder(f"local-dir:{edited}").fingerprint != OpenClipEncoder(f"local-dir:{tiny_folder}").fingerprint


@pytest.mark.parametrize("edit", ["nothing", "merges name"])
def test_the_fingerprint_does_not_depend_on_paths(tiny_folder: Path, tmp_path: Path, edit: str) -> None:
    copy = edited_copy(tiny_folder, tmp_path, edit)
    assert OpenClipEncoder(f"local-dir:{copy}").fingerprint == OpenClipEncoder(f"local-dir:{tiny_folder}").fingerprint


def test_a_known_model_with_a_weights_file(tmp_path: Path) -> None:
    weights = tmp_path / "weights.safetensors"
    save_file({"logit_scale": torch.zeros(())}, weights)
    encoder = OpenClipEncoder("ViT-B-32-quickgelu", pretrained=str(weights), activation="quick_gelu")
    assert (encoder.dim, encoder.context_length) == (512, 77)
    assert encoder.name == "ViT-B-32-quickgelu weights.safetensors"
    assert encoder.describe()["activation"] == "QuickGELU"
    plain = OpenClipEncoder("ViT-B-32", pretrained=str(weights), activation="gelu")
    assert plain.describe()["activation"] == "GELU"
    assert plain.fingerprint != encoder.fingerprint


def test_images_are_preprocessed_without_the_weights_and_after_a_pickle(tiny_folder: Path, tmp_path: Path) -> None:
    encoder = OpenClipEncoder(f"local-dir:{shutil.copytree(tiny_folder, tmp_path / 'copy')}")
    image = noise_image(0)
    pixels = encoder.preprocess(image)
    rows = encoder.encode_images(pixels[None])
    pickled = pickle.dumps(encoder)
    shutil.rmtree(tmp_path / "copy")
    _load.cache_clear()
    copy = pickle.loads(pickled)
    assert torch.equal(copy.preprocess(image), pixels)
    torch.testing.assert_close(OpenClipEncoder(f"local-dir:{tiny_folder}").encode_images(pixels[None]), rows)


def test_an_encoder_is_pickled_without_its_weights(tiny_folder: Path) -> None:
    encoder = OpenClipEncoder(f"local-dir:{tiny_folder}")
    rows = encoder.encode_texts(encoder.tokenize(TEXTS))
    pickled = pickle.dumps(encoder)
    assert len(pickled) < 5_000
    copy = pickle.loads(pickled)
    assert copy == encoder
    assert torch.equal(copy.encode_texts(copy.tokenize(TEXTS)), rows)


@pytest.mark.parametrize(
    ("model", "pretrained", "message"),
    [
        ("ViT-B-32", None, r"pretrained must name the weights of ViT-B-32, got null"),
        ("ViT-B-33", "openai", r"must be one that open_clip knows, .* got ViT-B-33"),
        ("ViT-B-32", "nowhere", r"must be a weights file or a tag of ViT-B-32 \(.*openai.*\), got nowhere"),
        ("ViT-B-32", "openai", r"activation must be that of its weights, .* QuickGELU; choose the variant with "),
        ("bundled:nothing", None, r"folder must hold open_clip_config.json and its weights, got .*nothing"),
        ("bundled:world_clip", "openai", r"pretrained must be null for bundled:world_clip, got openai"),
    ],
)
def test_a_model_that_cannot_be_had_is_named(model: str, pretrained: str | None, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        OpenClipEncoder(model, pretrained=pretrained).describe()


def test_weights_that_cannot_be_downloaded_are_an_error_never_random(monkeypatch: pytest.MonkeyPatch) -> None:
    import open_clip.pretrained

    def offline(*_: object, **__: object) -> str:
        raise ConnectionError("no route to host")

    monkeypatch.setattr(open_clip.pretrained, "download_pretrained", offline)
    with pytest.raises(
        UsageError, match=r"weights openai .* on this disk or downloadable, got ConnectionError; connect"
    ):
        OpenClipEncoder("ViT-B-32-quickgelu", pretrained="openai").fingerprint  # noqa: B018


def test_a_folder_without_weights_is_refused(tiny_folder: Path, tmp_path: Path) -> None:
    copy = edited_copy(tiny_folder, tmp_path, "empty")
    (copy / "model.safetensors").unlink()
    with pytest.raises(UsageError, match=r"folder must hold its weights, got none in"):
        OpenClipEncoder(f"local-dir:{copy}").describe()


def test_weights_that_change_under_way_never_take_the_old_name(tiny_folder: Path, tmp_path: Path) -> None:
    def replace_weights(factor: float) -> None:
        weights = load_file(tiny_folder / "model.safetensors")
        weights["text_projection"] = factor * weights["text_projection"]
        save_file(weights, copy / "model.safetensors")

    copy = edited_copy(tiny_folder, tmp_path, "changing")
    first = OpenClipEncoder(f"local-dir:{copy}")
    rows, fingerprint = first.encode_texts(first.tokenize(TEXTS)), first.fingerprint
    replace_weights(-1.0)
    second = OpenClipEncoder(f"local-dir:{copy}")
    assert second.fingerprint != fingerprint
    torch.testing.assert_close(second.encode_texts(second.tokenize(TEXTS)), -rows)
    assert first.fingerprint == fingerprint
    assert torch.equal(first.encode_texts(first.tokenize(TEXTS)), rows)

    named = OpenClipEncoder(f"local-dir:{copy}", precision="bf16")
    assert named.describe()["weights_sha256"] == second.describe()["weights_sha256"]
    replace_weights(3.0)
    other_process = pickle.loads(pickle.dumps(named))
    _load.cache_clear()
    with pytest.raises(UsageError, match=r"weights must stay as they were .* change of .*; run again"):
        other_process.module()


def test_precision_is_checked() -> None:
    with pytest.raises(UsageError, match=r"precision must be one of fp32, bf16, got fp16; use fp32"):
        OpenClipEncoder("bundled:world_clip", precision="fp16")


def test_activation_is_checked() -> None:
    with pytest.raises(
        UsageError, match=r"activation must be one of gelu, quick_gelu or null, got relu; use quick_gelu"
    ):
        OpenClipEncoder("bundled:world_clip", activation="relu")


def test_a_filled_store_needs_neither_open_clip_nor_lightning(tiny_folder: Path, tmp_path: Path) -> None:
    encoder, texts = OpenClipEncoder(f"local-dir:{tiny_folder}"), [f"{index} cats" for index in range(300)]
    rows = embed_texts(texts, encoder, EmbeddingStore(tmp_path), TrainerSettings(accelerator="cpu"))
    program = (
        "import sys; from misfire.embeddings import *\n"
        f"encoder = OpenClipEncoder({encoder.model!r})\n"
        f"rows = embed_texts({texts!r}, encoder, EmbeddingStore({str(tmp_path)!r}), TrainerSettings())\n"
        "heavy = {'open_clip', 'lightning_fabric', 'pytorch_lightning', 'torchvision'} & set(sys.modules)\n"
        "print(sorted(heavy), float(rows.double().sum()))"
    )
    output = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert output.stdout.split() == ["[]", str(float(rows.double().sum()))]
    assert output.stderr == ""
