"""Every configuration file of these groups builds its object, and every published pair is one that open_clip knows."""

from pathlib import Path
from typing import Any

import pytest
import yaml

import misfire.embeddings
from misfire.core.errors import UsageError
from misfire.embeddings import OpenClipEncoder, TrainerSettings

CONF = Path(__file__).parents[2] / "conf"
BACKBONES = sorted((CONF / "backbone").glob("*.yaml"))


def settings_of(path: Path) -> dict[str, Any]:
    return dict(yaml.safe_load(path.read_text()))


def build(path: Path) -> Any:
    settings = settings_of(path)
    return getattr(misfire.embeddings, settings.pop("_target_").removeprefix("misfire.embeddings."))(**settings)


@pytest.mark.parametrize("path", sorted((CONF / "trainer").glob("*.yaml")), ids=lambda path: path.stem)
def test_a_trainer(path: Path) -> None:
    assert isinstance(build(path), TrainerSettings)


@pytest.mark.parametrize("path", BACKBONES, ids=lambda path: path.stem)
def test_a_backbone(path: Path) -> None:
    assert isinstance(build(path), OpenClipEncoder)
    assert path.read_text().startswith("# ")


TAGGED = [path for path in BACKBONES if settings_of(path)["pretrained"] not in (None, "???")]


@pytest.mark.parametrize("path", TAGGED, ids=lambda path: path.stem)
def test_a_published_pair_is_in_open_clips_table_and_has_its_activation(path: Path, tmp_path: Path) -> None:
    import open_clip
    from open_clip.factory import get_model_config

    settings = settings_of(path)
    model, tag = settings["model"], settings["pretrained"]
    assert (model, tag) in open_clip.list_pretrained()
    published = open_clip.get_pretrained_cfg(model, tag)
    assert published.get("quick_gelu", False) == get_model_config(model).get("quick_gelu", False)

    weights = tmp_path / "weights.safetensors"
    weights.write_bytes(b"described, never read")
    (tmp_path / "tokenizer.json").write_text("{}")
    description = OpenClipEncoder(model, tag, weights=str(weights)).describe()
    for name in ("mean", "std", "interpolation", "resize_mode"):
        value = published[name]
        assert (
            f'"{name}": {list(value) if isinstance(value, tuple) else chr(34) + value + chr(34)}'
            in (description["preprocessing"])
        )


def test_the_promised_names_are_there() -> None:
    promised = {
        "world_clip",
        "local_dir",
        "vit_b_32_openai",
        "vit_l_14_openai",
        "vit_b_32_laion2b",
        "vit_l_14_laion2b",
        "vit_h_14_laion2b",
        "siglip2",
        "mobileclip2",
        "checkpoint",
        "hf_hub",
    }
    assert promised <= {path.stem for path in BACKBONES}


def test_siglip_without_its_tokenizer_says_which_files_to_put_where(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def offline(repository: str, patterns: list[str]) -> Path:
        raise ConnectionError("no route to host")

    monkeypatch.setattr("misfire.embeddings.hub._snapshot", offline)
    weights = tmp_path / "weights.safetensors"
    weights.write_bytes(b"described, never read")
    settings = settings_of(CONF / "backbone/siglip2.yaml")
    with pytest.raises(
        UsageError,
        match=r"the tokenizer timm/ViT-B-16-SigLIP2 must be in the hub's cache or downloadable, got ConnectionError; "
        r".* put tokenizer.json and tokenizer_config.json of https://huggingface.co/timm/ViT-B-16-SigLIP2 into ",
    ):
        OpenClipEncoder(settings["model"], settings["pretrained"], weights=str(weights)).describe()
