"""A model of the published size, at random: each way to name its weights against open_clip's own loading."""

from pathlib import Path

import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from misfire.core.errors import UsageError
from misfire.embeddings import OpenClipEncoder

from .test_preprocessing import noise_image

TEXTS = ["a photo of a cat", "two red dogs to the left of a lake", ""]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """ViT-B-32 with random weights, in safetensors and as open_clip's training saves it, with the training's record."""
    import open_clip

    folder = tmp_path_factory.mktemp("full_size")
    torch.manual_seed(0)
    network = open_clip.create_model("ViT-B-32-quickgelu", pretrained=None)
    state = {name: value.contiguous() for name, value in network.state_dict().items()}
    weights, checkpoint = folder / "weights.safetensors", folder / "run/checkpoints/epoch_1.pt"
    save_file(state, weights)
    checkpoint.parent.mkdir(parents=True)
    torch.save({"epoch": 1, "state_dict": {f"module.{name}": value for name, value in state.items()}}, checkpoint)
    (folder / "run/params.txt").write_text("force_quick_gelu: True\nimage_mean: None\nmodel: ViT-B-32\npretrained: \n")
    return {"weights": weights, "checkpoint": checkpoint}


@pytest.fixture(scope="module")
def expected(files: dict[str, Path]) -> torch.Tensor:
    import open_clip

    network, _, preprocess = open_clip.create_model_and_transforms("ViT-B-32-quickgelu", str(files["weights"]))
    tokens = open_clip.get_tokenizer("ViT-B-32-quickgelu")(TEXTS)
    with torch.no_grad():
        images = network.eval().encode_image(preprocess(photograph())[None], normalize=True)
        return torch.cat([images, network.encode_text(tokens, normalize=True)])


def photograph() -> Image.Image:
    return noise_image(3, (300, 217))


def rows(encoder: OpenClipEncoder) -> torch.Tensor:
    images = encoder.encode_images(encoder.preprocess(photograph())[None])
    return torch.cat([images, encoder.encode_texts(encoder.tokenize(TEXTS))])


def test_each_way_gives_open_clips_embeddings(files: dict[str, Path], expected: torch.Tensor) -> None:
    model = "ViT-B-32-quickgelu"
    tagged = OpenClipEncoder(model, "openai", weights=str(files["weights"]))
    bare = OpenClipEncoder(model, str(files["weights"]), activation="quick_gelu")
    trained = OpenClipEncoder(model, str(files["checkpoint"]))
    for encoder in (tagged, trained):
        torch.testing.assert_close(rows(encoder), expected, atol=2e-6, rtol=0)
    assert tagged.fingerprint == bare.fingerprint
    assert tagged.module() is not trained.module()
    assert (tagged.dim, tagged.context_length) == (512, 77)


def test_the_wrong_activation_is_refused(files: dict[str, Path]) -> None:
    with pytest.raises(UsageError, match=r"got GELU in ViT-B-32 and QuickGELU in .*params.txt for .*-quickgelu\.$"):
        OpenClipEncoder("ViT-B-32", str(files["checkpoint"])).describe()


def test_a_full_size_checkpoint_of_another_model_is_refused(files: dict[str, Path]) -> None:
    with pytest.raises(
        UsageError, match=r"weights of ViT-B-16 must be its \d+ tensors, got of another shape: 2 \(visual"
    ):
        OpenClipEncoder("ViT-B-16", "laion2b_s34b_b88k", weights=str(files["weights"])).module()
