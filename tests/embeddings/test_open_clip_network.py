from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch.utils._python_dispatch import TorchDispatchMode

from misfire.core.errors import UsageError
from misfire.embeddings.open_clip_network import load_network

from .conftest import TinyLibrary


def loaded(library: TinyLibrary, state: dict[str, torch.Tensor], model: str = "Tiny", **changes: Any) -> Any:
    path = library.folder / "changed.safetensors"
    save_file({name: value.contiguous() for name, value in state.items()}, path)
    return load_network({**library.config(model), **changes}, path, name=model)


def test_the_network_is_frozen_and_holds_the_files_tensors(tiny_library: TinyLibrary) -> None:
    state = load_file(tiny_library.weights)
    network = loaded(tiny_library, state)
    assert not network.training
    assert not any(parameter.requires_grad for parameter in network.parameters())
    assert all(torch.equal(value, state[name]) for name, value in network.state_dict().items())


class Kernels(TorchDispatchMode):
    """Notes what is computed, below whatever may leave a call out."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: set[str] = set()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.seen.add(func.overloadpacket.__name__)
        return func(*args, **(kwargs or {}))


def test_no_weight_is_filled_at_random_before_it_is_replaced(tiny_library: TinyLibrary) -> None:
    state = load_file(tiny_library.weights)
    with Kernels() as kernels:
        loaded(tiny_library, state)
    assert "copy_" in kernels.seen
    assert kernels.seen & {"normal_", "uniform_", "random_", "bernoulli_"} == set()


def test_missing_unknown_and_misshapen_tensors_are_counted_and_named(tiny_library: TinyLibrary) -> None:
    state = load_file(tiny_library.weights)
    removed = {name: value for name, value in state.items() if name != "ln_final.weight"}
    expected = r"got missing: 1 \(ln_final.weight\) in .*; name the model that they were saved from"
    with pytest.raises(UsageError, match=expected):
        loaded(tiny_library, removed)
    with pytest.raises(UsageError, match=r"of Tiny must be its \d+ tensors, got unexpected: 1 \(extra\) in "):
        loaded(tiny_library, {**state, "extra": torch.zeros(1)})
    with pytest.raises(UsageError, match=r"got of another shape: 1 \(text_projection\) in ") as raised:
        loaded(tiny_library, {**state, "text_projection": torch.zeros(2, 2)})
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("name", "shape"), [("visual.positional_embedding", (10, 16)), ("positional_embedding", (32, 16))]
)
def test_positions_are_not_stretched_to_another_image_size_or_context(
    tiny_library: TinyLibrary, name: str, shape: tuple[int, int]
) -> None:
    """open_clip does, with a line in the log."""
    with pytest.raises(UsageError, match=rf"got of another shape: 1 \({name}\)"):
        loaded(tiny_library, {**load_file(tiny_library.weights), name: torch.zeros(shape)})


def test_what_no_embedding_depends_on_may_be_there_or_not(tiny_library: TinyLibrary) -> None:
    state = load_file(tiny_library.weights)
    loaded(tiny_library, {**state, "logit_bias": torch.zeros(())})
    loaded(tiny_library, state, init_logit_bias=-10.0)
    loaded(tiny_library, {**state, "logit_scale": torch.ones(1)})


def test_a_text_tower_of_its_own_takes_the_old_names(tiny_library: TinyLibrary) -> None:
    plain, state = loaded(tiny_library, load_file(tiny_library.weights)), load_file(tiny_library.weights)
    custom = loaded(tiny_library, state, custom_text=True)
    tokens = torch.tensor([[49406, 320, 2368, 49407] + [0] * 73])
    torch.testing.assert_close(custom.encode_text(tokens), plain.encode_text(tokens))


def test_an_architecture_that_open_clip_cannot_build_is_one_sentence(tiny_library: TinyLibrary) -> None:
    vision = {"timm_model_name": "no_such_network", "image_size": 32}
    with pytest.raises(UsageError, match=r"architecture of Tiny must be one that open_clip can build, got: ") as raised:
        loaded(tiny_library, load_file(tiny_library.weights), vision_cfg=vision)
    assert "\n" not in str(raised.value)


def test_some_of_apples_own_tensors_are_refused(tiny_library: TinyLibrary) -> None:
    apples = {"image_encoder.model.patch_embed.0.rbr_conv.0.conv.weight": torch.zeros(1)}
    with pytest.raises(UsageError, match=r"the weights of Tiny must be its tensors, got another model's"):
        loaded(tiny_library, apples)
