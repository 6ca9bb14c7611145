import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from misfire.core.errors import UsageError
from misfire.embeddings import OpenClipEncoder
from misfire.embeddings.checkpoint_settings import settle
from misfire.embeddings.preprocessing import preprocessing_of

from .conftest import TinyLibrary, own_rows
from .test_open_clip_source import IMAGE, TEXTS, training_checkpoint

# As open_clip's training prints its arguments; a few of the hundred lines.
PARAMETERS = {
    "accum_freq": 1,
    "aug_cfg": {},
    "batch_size": 64,
    "checkpoint_path": "./logs/2024_01_01-model_Tiny: a run/checkpoints",
    "force_context_length": None,
    "force_custom_text": False,
    "force_image_size": None,
    "force_quick_gelu": False,
    "image_interpolation": None,
    "image_mean": None,
    "image_resize_mode": None,
    "image_std": None,
    "model": "Tiny",
    "pretrained": "",
    "siglip": False,
}


def with_parameters(file: Path, folder: Path | None = None, **changes: Any) -> Path:
    lines = [f"{name}: {value}\n" for name, value in {**PARAMETERS, **changes}.items()]
    ((folder or file.parent) / "params.txt").write_text("".join(lines))
    return file


def settled(model: str, file: Path, activation: str | None = None) -> tuple[str, Any]:
    architecture, preprocessing = settle(model, file, activation)
    return ("quick_gelu" if architecture.get("quick_gelu") else "gelu"), preprocessing


def test_nothing_beside_a_file_is_a_question(tiny_library: TinyLibrary) -> None:
    with pytest.raises(
        UsageError,
        match=r"activation must be known, got none for .*: was it trained with GELU, or with QuickGELU as OpenAI's "
        r"were; set backbone.activation=gelu or quick_gelu, or put its params.txt beside it",
    ):
        settle("Tiny", tiny_library.weights, None)


@pytest.mark.parametrize("model", ["Tiny", "Tiny-quickgelu"])
@pytest.mark.parametrize("forced", [False, True])
@pytest.mark.parametrize("place", ["beside", "above"])
def test_a_trainings_record_tells_the_activation(
    tiny_library: TinyLibrary, model: str, forced: bool, place: str
) -> None:
    folder = tiny_library.folder / "run"
    file = training_checkpoint(tiny_library, folder / "checkpoints/epoch_3.pt")
    with_parameters(file, file.parent if place == "beside" else folder, model=model, force_quick_gelu=forced)
    is_quick = forced or model == "Tiny-quickgelu"
    right, wrong = ("Tiny-quickgelu", "Tiny") if is_quick else ("Tiny", "Tiny-quickgelu")
    expected = tiny_library.rows(model, tiny_library.weights, IMAGE, TEXTS, force_quick_gelu=forced)
    torch.testing.assert_close(own_rows(OpenClipEncoder(right, str(file)), IMAGE, TEXTS), expected, atol=1e-5, rtol=0)
    with pytest.raises(
        UsageError, match=rf"of its weights, got .* in {wrong} and .*params.txt .*; set .*model={right}\."
    ):
        OpenClipEncoder(wrong, str(file)).describe()


def test_a_trainings_record_tells_the_preprocessing_and_the_architecture(tiny_library: TinyLibrary) -> None:
    state = load_file(tiny_library.weights)
    state["visual.positional_embedding"] = torch.randn(10, 16)
    state["positional_embedding"] = state["positional_embedding"][:20]
    save_file({name: value.contiguous() for name, value in state.items()}, tiny_library.folder / "larger.safetensors")
    file = with_parameters(
        tiny_library.folder / "larger.safetensors",
        force_image_size=[48],
        force_context_length=20,
        image_mean=[0.5, 0.4, 0.3],
        image_std=[0.25, 0.25, 0.2],
        image_interpolation="bilinear",
        image_resize_mode="longest",
    )
    encoder = OpenClipEncoder("Tiny", str(file))
    assert encoder.context_length == 20
    forced = {
        "force_image_size": 48,
        "image_mean": (0.5, 0.4, 0.3),
        "image_std": (0.25, 0.25, 0.2),
        "image_interpolation": "bilinear",
        "image_resize_mode": "longest",
    }
    image_row = tiny_library.rows("Tiny", file, IMAGE, TEXTS, **forced, force_context_length=77)[0]
    torch.testing.assert_close(encoder.encode_images(encoder.preprocess(IMAGE)[None])[0], image_row, atol=1e-5, rtol=0)


def test_a_training_that_started_from_a_tag_has_the_tags_preprocessing(
    tiny_library: TinyLibrary, monkeypatch: pytest.MonkeyPatch
) -> None:
    from open_clip.pretrained import _PRETRAINED, _slpcfg

    monkeypatch.setitem(_PRETRAINED["Tiny"], "squashed", _slpcfg(hf_hub="nobody/squashed/"))
    file = with_parameters(tiny_library.weights, pretrained="squashed", image_std=[0.1, 0.1, 0.1])
    _, preprocessing = settled("Tiny", file)
    assert (preprocessing.resize_mode, preprocessing.mean, preprocessing.std) == ("squash", (0.5,) * 3, (0.1,) * 3)


def test_a_training_that_started_from_openai_says_nothing_about_the_activation(tiny_library: TinyLibrary) -> None:
    """Old versions of open_clip gave such weights QuickGELU whatever the model was called."""
    file = with_parameters(tiny_library.weights, pretrained="openai")
    with pytest.raises(UsageError, match=r"activation must be known"):
        settle("Tiny", file, None)
    assert settled("Tiny", file, "gelu")[0] == "gelu"
    with_parameters(tiny_library.weights, pretrained="openai", model="Tiny-quickgelu")
    assert settled("Tiny-quickgelu", file)[0] == "quick_gelu"


def test_another_model_than_the_trained_one_is_refused(tiny_library: TinyLibrary) -> None:
    file = with_parameters(tiny_library.weights, model="ViT-B-32")
    with pytest.raises(UsageError, match=r"must be the one that was trained, got Tiny and ViT-B-32 in .*; set"):
        settle("Tiny", file, None)


def test_places_that_disagree_are_named(tiny_library: TinyLibrary) -> None:
    file = with_parameters(tiny_library.weights)
    with pytest.raises(
        UsageError, match=r"one activation, got GELU \(.*params.txt\) and QuickGELU \(backbone.activation"
    ):
        settle("Tiny", file, "quick_gelu")
    config = {"model_cfg": tiny_library.config("Tiny"), "preprocess_cfg": {"resize_mode": "squash"}}
    (file.parent / "open_clip_config.json").write_text(json.dumps(config))
    with pytest.raises(UsageError, match=r"one preprocessing, got another resize_mode in .* than in .*; correct"):
        settle("Tiny", file, None)


def test_a_configuration_beside_a_file_speaks_for_it(tiny_library: TinyLibrary) -> None:
    path = tiny_library.folder / "open_clip_config.json"
    config = {"model_cfg": tiny_library.config("Tiny-quickgelu"), "preprocess_cfg": {"mean": [0.1, 0.2, 0.3]}}
    path.write_text(json.dumps(config))
    activation, preprocessing = settled("Tiny-quickgelu", tiny_library.weights)
    assert (activation, preprocessing.mean) == ("quick_gelu", (0.1, 0.2, 0.3))
    with pytest.raises(UsageError, match=r"got GELU in Tiny and QuickGELU in .*open_clip_config.json for .*; set"):
        settle("Tiny", tiny_library.weights, None)

    config["model_cfg"]["text_cfg"] = {**config["model_cfg"]["text_cfg"], "heads": 4}
    path.write_text(json.dumps(config))
    with pytest.raises(UsageError, match=r"beside the checkpoint, got Tiny-quickgelu and another text_cfg in .*; set"):
        settle("Tiny-quickgelu", tiny_library.weights, None)


def test_a_file_in_the_hubs_cache_is_recognised(tiny_library: TinyLibrary) -> None:
    cached = tiny_library.folder / "models--nobody--tiny-quick/snapshots/1/open_clip_model.safetensors"
    cached.parent.mkdir(parents=True)
    shutil.copy(tiny_library.weights, cached)
    assert settled("Tiny-quickgelu", cached)[0] == "quick_gelu"
    with pytest.raises(UsageError, match=r"got GELU in Tiny and QuickGELU in open_clip's table \(quick of Tiny\) for"):
        settle("Tiny", cached, None)
    shutil.copy(tiny_library.configs / "Tiny.json", tiny_library.configs / "Other.json")
    with pytest.raises(
        UsageError, match=r"weights belong to, got Other for .*, which is quick of Tiny; set .*model=Tiny"
    ):
        settle("Other", cached, None)


def test_a_family_with_one_preprocessing_of_its_own_never_gets_the_default(
    tiny_library: TinyLibrary, monkeypatch: pytest.MonkeyPatch
) -> None:
    from open_clip.pretrained import _PRETRAINED, _mccfg, _pcfg, _slpcfg

    def family(**tags: Any) -> Any:
        monkeypatch.setitem(_PRETRAINED, "Tiny", tags)
        monkeypatch.setitem(_PRETRAINED, "Tiny-quickgelu", {})
        return settled("Tiny", tiny_library.weights, "gelu")[1]

    def of(settings: dict[str, Any]) -> Any:
        kept = {name: settings[name] for name in ("mean", "std", "interpolation", "resize_mode")}
        return preprocessing_of(kept, image_size=32, place="here")

    assert family(a=_slpcfg(), b=_slpcfg()) == of(_slpcfg())
    assert family(a=_slpcfg(), b=_pcfg()) == of(_pcfg())
    assert family() == of(_pcfg())
    with pytest.raises(
        UsageError, match=r"preprocessing must be known, got nothing beside .* but the published weights "
    ):
        family(a=_slpcfg(), b=_mccfg())
    with_parameters(tiny_library.weights)
    assert family(a=_slpcfg(), b=_mccfg()) == of(_pcfg())


@pytest.mark.parametrize("text", ["", "no model here\n"])
def test_a_record_without_a_model_is_refused(tiny_library: TinyLibrary, text: str) -> None:
    (tiny_library.folder / "params.txt").write_text(text)
    with pytest.raises(UsageError, match=r"params.txt must have a line 'model: NAME'.*, got none in .*; restore"):
        settle("Tiny", tiny_library.weights, "gelu")
