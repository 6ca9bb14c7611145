"""Each way to name a model gives the same embeddings as open_clip itself, and the same content the same fingerprint."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from misfire.core.errors import UsageError
from misfire.embeddings import OpenClipEncoder
from misfire.embeddings.open_clip_source import _WEIGHT_NAMES, locate

from .conftest import TinyLibrary, own_rows
from .test_preprocessing import noise_image

TEXTS = ["a cat", "two red dogs to the left of a lake", ""]
IMAGE = noise_image(0, (50, 37))


def model_folder(library: TinyLibrary, name: str, model: str = "Tiny", **preprocessing: Any) -> Path:
    folder = library.folder / name
    folder.mkdir()
    shutil.copy(library.weights, folder / "open_clip_model.safetensors")
    config = {"model_cfg": library.config(model), "preprocess_cfg": {"size": 32, **preprocessing}}
    (folder / "open_clip_config.json").write_text(json.dumps(config))
    return folder


def training_checkpoint(library: TinyLibrary, path: Path, prefix: str = "module.") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    state = {prefix + name: value for name, value in load_file(library.weights).items()}
    optimizer = torch.optim.AdamW([torch.nn.Parameter(torch.zeros(3))])
    checkpoint = {"epoch": 3, "name": "run", "state_dict": state, "optimizer": optimizer.state_dict()}
    torch.save(checkpoint, path)
    return path


@pytest.mark.parametrize(("model", "tag"), [("Tiny", "plain"), ("Tiny-quickgelu", "quick")])
def test_a_tags_weights_in_a_file_are_open_clips_embeddings(tiny_library: TinyLibrary, model: str, tag: str) -> None:
    encoder = OpenClipEncoder(model, tag, weights=str(tiny_library.weights))
    expected = tiny_library.rows(model, tiny_library.weights, IMAGE, TEXTS)
    torch.testing.assert_close(own_rows(encoder, IMAGE, TEXTS), expected, atol=1e-5, rtol=0)


def test_the_other_activation_gives_other_embeddings(tiny_library: TinyLibrary) -> None:
    plain = OpenClipEncoder("Tiny", "plain", weights=str(tiny_library.weights))
    quick = tiny_library.rows("Tiny-quickgelu", tiny_library.weights, IMAGE, TEXTS)
    assert (own_rows(plain, IMAGE, TEXTS) - quick).abs().max() > 1e-3


@pytest.mark.parametrize("prefix", ["", "module.", "_orig_mod.", "module._orig_mod."])
def test_a_training_checkpoint_is_its_state_dict(tiny_library: TinyLibrary, prefix: str) -> None:
    file = training_checkpoint(tiny_library, tiny_library.folder / "run/checkpoints/epoch_3.pt", prefix)
    encoder = OpenClipEncoder("Tiny", str(file), activation="gelu")
    expected = tiny_library.rows("Tiny", tiny_library.weights, IMAGE, TEXTS)
    torch.testing.assert_close(own_rows(encoder, IMAGE, TEXTS), expected, atol=1e-5, rtol=0)


def test_tag_copy_folder_and_hub_have_one_fingerprint(
    tiny_library: TinyLibrary, monkeypatch: pytest.MonkeyPatch
) -> None:
    import open_clip.pretrained

    monkeypatch.setattr(open_clip.pretrained, "download_pretrained", lambda settings: str(tiny_library.weights))
    folder = model_folder(tiny_library, "folder", mean=[0.48145466, 0.4578275, 0.40821073])
    monkeypatch.setattr("misfire.embeddings.hub._snapshot", lambda repository, patterns: folder)
    renamed = shutil.copy(tiny_library.weights, tiny_library.folder / "renamed.safetensors")
    encoders = [
        OpenClipEncoder("Tiny", "plain"),
        OpenClipEncoder("Tiny", "plain", weights=str(tiny_library.weights)),
        OpenClipEncoder("Tiny", "plain", weights=str(renamed)),
        OpenClipEncoder("Tiny", str(renamed), activation="gelu"),
        OpenClipEncoder(f"local-dir:{folder}"),
        OpenClipEncoder(f"local-dir:{folder}", activation="gelu"),
        OpenClipEncoder("hf-hub:nobody/tiny"),
    ]
    descriptions = [encoder.describe() for encoder in encoders]
    assert all(description == descriptions[0] for description in descriptions)
    assert str(tiny_library.folder) not in json.dumps(descriptions[0])
    assert len({encoder.fingerprint for encoder in encoders}) == 1


def test_the_fingerprint_tells_the_effective_preprocessing_and_the_activation_apart(tiny_library: TinyLibrary) -> None:
    folders = [
        model_folder(tiny_library, "0"),
        model_folder(tiny_library, "1", resize_mode="squash"),
        model_folder(tiny_library, "2", interpolation="bilinear"),
        model_folder(tiny_library, "3", std=[0.5, 0.5, 0.5]),
        model_folder(tiny_library, "4", model="Tiny-quickgelu"),
    ]
    assert len({OpenClipEncoder(f"local-dir:{folder}").fingerprint for folder in folders}) == len(folders)


def test_describing_reads_no_weights(tiny_library: TinyLibrary) -> None:
    (tiny_library.folder / "weights.safetensors").write_bytes(b"no weights at all")
    encoder = OpenClipEncoder("Tiny", "plain", weights=str(tiny_library.weights))
    assert len(encoder.fingerprint) == 64
    assert encoder.preprocess(IMAGE).shape == (3, 32, 32)
    with pytest.raises(UsageError, match=r"a weights file must be whole, got .*weights.safetensors: "):
        encoder.module()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"model": "Tiny", "pretrained": "quick"},
            r"got Tiny for quick, .* with QuickGELU; choose the variant with -q",
        ),
        (
            {"model": "Tiny", "pretrained": "plain", "weights": "nowhere"},
            r"weights must be a file, got nowhere, which is",
        ),
        (
            {"model": "Tiny", "pretrained": "plain", "activation": "quick_gelu"},
            r"backbone.activation must be that of the weights, got QuickGELU but GELU in plain of Tiny; leave it null",
        ),
        (
            {"model": "Tiny", "pretrained": "WEIGHTS", "weights": "WEIGHTS"},
            r"weights must be null where pretrained is a",
        ),
        ({"model": "local-dir:x", "weights": "y"}, r"weights must be null for local-dir:x, got y; the folder holds"),
    ],
)
def test_what_does_not_go_together_is_refused(tiny_library: TinyLibrary, options: dict[str, Any], message: str) -> None:
    named = {name: str(tiny_library.weights) if value == "WEIGHTS" else value for name, value in options.items()}
    with pytest.raises(UsageError, match=message):
        OpenClipEncoder(**named).describe()


def test_published_weights_of_another_tag_are_refused(
    tiny_library: TinyLibrary, monkeypatch: pytest.MonkeyPatch
) -> None:
    cached = tiny_library.folder / "models--nobody--tiny-quick/snapshots/1/open_clip_model.safetensors"
    cached.parent.mkdir(parents=True)
    shutil.copy(tiny_library.weights, cached)
    with pytest.raises(UsageError, match=r"weights must hold plain of Tiny, got .*, which is quick of Tiny; name the"):
        OpenClipEncoder("Tiny", "plain", weights=str(cached)).describe()


def test_the_first_weights_file_is_the_one_open_clip_would_choose(tmp_path: Path) -> None:
    from open_clip.factory import _find_checkpoint_in_dir

    config = '{"model_cfg": {"vision_cfg": {}, "text_cfg": {}}, "preprocess_cfg": {"size": 224}}'
    (tmp_path / "open_clip_config.json").write_text(config)
    for name in (*_WEIGHT_NAMES, "z.safetensors"):
        (tmp_path / name).touch()
    for name in _WEIGHT_NAMES:
        assert str(locate(f"local-dir:{tmp_path}").weights) == _find_checkpoint_in_dir(tmp_path)
        (tmp_path / name).unlink()
    assert locate(f"local-dir:{tmp_path}").weights.name == "z.safetensors"
    (tmp_path / "a.pt").touch()
    with pytest.raises(UsageError, match=r"folder must hold its weights, got 2 \(a.pt, z.safetensors\) in"):
        locate(f"local-dir:{tmp_path}")


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ("{", r"open_clip_config.json must be JSON, got: "),
        ("[]", r"must have the key model_cfg with .*, got list; add"),
        (
            '{"model_cfg": {}}',
            r"must have the key model_cfg with embed_dim, vision_cfg and text_cfg, got \['model_cfg'\]",
        ),
        (
            '{"model_cfg": {"vision_cfg": {}, "text_cfg": {}}}',
            r"must say in preprocess_cfg how the weights' pictures were prepared, got none; add it",
        ),
        (
            '{"model_cfg": {"vision_cfg": {"image_size": 64}, "text_cfg": {}}, "preprocess_cfg": {"size": 224}}',
            r"size must be the network's image_size, got \(224, 224\) and \(64, 64\) in ",
        ),
        (
            '{"model_cfg": {"vision_cfg": {}, "text_cfg": {"tokenizer_kwargs": {"trust_remote_code": true}}},'
            ' "preprocess_cfg": {"size": 224}}',
            r"tokenizer_kwargs must be among .*, got 1 \(trust_remote_code\); remove",
        ),
        (
            '{"model_cfg": {"vision_cfg": {}, "text_cfg": {"tokenizer_kwargs": {"bpe_path": "gone.gz"}}},'
            ' "preprocess_cfg": {"size": 224}}',
            r"bpe_path must name a file in the model's folder, got .*gone.gz; put",
        ),
        (
            '{"model_cfg": {"vision_cfg": {}, "text_cfg": {"hf_tokenizer_name": "a/b"}},'
            ' "preprocess_cfg": {"size": 224}}',
            r"must hold the tokenizer's files, got none in .*; put tokenizer.json and tokenizer_config.json of a/b",
        ),
    ],
)
def test_a_folder_that_says_too_little_or_too_much_is_refused(tmp_path: Path, config: str, message: str) -> None:
    (tmp_path / "open_clip_config.json").write_text(config)
    save_file({"x": torch.zeros(1)}, tmp_path / "model.safetensors")
    with pytest.raises(UsageError, match=message):
        locate(f"local-dir:{tmp_path}")
