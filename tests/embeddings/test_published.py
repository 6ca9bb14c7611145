import hashlib
from pathlib import Path

import pytest

from misfire.core.errors import UsageError
from misfire.embeddings.architecture import activation_of, built_in, has_both_activations, image_size_of
from misfire.embeddings.preprocessing import preprocessing_of
from misfire.embeddings.published import (
    download_tag,
    family_preprocessing,
    preprocessing_settings,
    recognise,
    settings_of_tag,
)


def test_every_published_pair_is_described_and_has_an_activation_of_its_own() -> None:
    import open_clip

    for model, tag in open_clip.list_pretrained():
        settings, architecture = settings_of_tag(model, tag), built_in(model)
        described = preprocessing_of(
            preprocessing_settings(settings), image_size=image_size_of(architecture), place=model
        )
        assert described.resize_mode == settings["resize_mode"]
        is_quick = settings.get("quick_gelu", False)
        if not has_both_activations(model):
            continue
        right = f"{model.removesuffix('-quickgelu')}{'-quickgelu' if is_quick else ''}"
        assert (activation_of(built_in(right)) == "QuickGELU") is is_quick


def test_a_file_in_the_hubs_cache_is_recognised_by_its_repository(tmp_path: Path) -> None:
    import open_clip

    for model, tag in open_clip.list_pretrained():
        organisation, repository = settings_of_tag(model, tag)["hf_hub"].split("/")[:2]
        path = tmp_path / f"models--{organisation}--{repository}/snapshots/abc/open_clip_model.safetensors"
        assert (model, tag) in recognise(path)
    assert recognise(tmp_path / "models--nobody--nothing/snapshots/abc/open_clip_model.safetensors") == []


def test_a_published_name_needs_the_published_hash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from open_clip.pretrained import _PRETRAINED

    content = b"weights"
    digest = hashlib.sha256(content).hexdigest()
    names = {
        f"vit_b_32-quickgelu-laion400m_e32-{digest[:8]}.pt": "https://github.com/mlfoundations/open_clip/releases/x/",
        "ViT-B-32.pt": f"https://openaipublic.azureedge.net/clip/models/{digest}/",
        "b32_400m.pt": "https://dl.fbaipublicfiles.com/MMPT/metaclip/",
    }
    for name, folder in names.items():
        monkeypatch.setitem(
            _PRETRAINED["ViT-B-32"], "ours", {**settings_of_tag("ViT-B-32", "openai"), "url": folder + name}
        )
        (tmp_path / name).write_bytes(content)
        assert ("ViT-B-32", "ours") in recognise(tmp_path / name)
        (tmp_path / name).write_bytes(b"other weights")
        assert (("ViT-B-32", "ours") in recognise(tmp_path / name)) is (name == "b32_400m.pt")


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("ViT-B-16-SigLIP2", ("squash", (0.5,) * 3)),
        ("MobileCLIP2-S2", ("shortest", (0.0,) * 3)),
        ("ViT-L-14", ("shortest", (0.48145466, 0.4578275, 0.40821073))),
        ("ViT-B-32-quickgelu", ("shortest", (0.48145466, 0.4578275, 0.40821073))),
    ],
)
def test_a_familys_preprocessing(model: str, expected: tuple[str, tuple[float, ...]]) -> None:
    found, _ = family_preprocessing(model, image_size_of(built_in(model)))
    assert found is not None
    assert (found.resize_mode, found.mean) == expected


@pytest.mark.parametrize(
    ("model", "tag", "address"),
    [
        (
            "ViT-B-32-quickgelu",
            "openai",
            "open_clip_model.safetensors of https://huggingface.co/timm/vit_base_patch32_clip_224.openai",
        ),
        ("ViTamin-B", "datacomp1b", "pytorch_model.bin of https://huggingface.co/jienengchen/ViTamin-B"),
    ],
)
def test_weights_that_cannot_be_had_are_named_with_their_place(
    model: str, tag: str, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    import open_clip.pretrained

    def offline(*_: object, **__: object) -> str:
        raise FileNotFoundError("no route to host")

    monkeypatch.setattr(open_clip.pretrained, "download_pretrained", offline)
    with pytest.raises(
        UsageError,
        match=rf"the weights {tag} of {model} must be on this disk or downloadable, got FileNotFoundError; connect to "
        rf"the network once, or fetch {address} elsewhere and set backbone.weights=FILE\.$",
    ):
        download_tag(model, tag, settings_of_tag(model, tag))
