"""An open_clip network with exactly the weights of a file: nothing random, nothing left over, nothing resized."""

from collections.abc import Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

import torch
from torch.nn import init
from torch.overrides import TorchFunctionMode

from misfire.core.errors import UsageError, name_some
from misfire.embeddings.weights_file import read_weights

# The functions of torch.nn.init that a mode is asked about as a whole call the tensor's own where it isn't asked.
_RANDOM_FILLS = {torch.Tensor.normal_, torch.Tensor.uniform_, init.kaiming_uniform_, init.normal_, init.uniform_}
# What an embedding doesn't depend on, and old transformers' buffer that newer ones compute.
_UNUSED = ("logit_bias", "text.transformer.embeddings.position_ids")


def load_network(architecture: Mapping[str, Any], weights: Path, *, name: str) -> torch.nn.Module:
    """A frozen network in evaluation mode and fp32.

    Args:
        architecture: open_clip's ``model_cfg``.
        weights: The file that holds each of its tensors.
        name: What the user calls the model, for errors.

    Raises:
        UsageError: If the architecture can't be built, or a tensor is missing, unknown or of another shape. open_clip
            itself stretches position embeddings to another image size or context; here that is an error too.
    """
    state = read_weights(weights)
    network = _build(architecture, name)
    state = _converted(network, state, name, weights)
    own = {key: tuple(value.shape) for key, value in network.state_dict().items()}
    given = {key: tuple(value.shape) for key, value in state.items()}
    wrong = {
        "missing": [key for key in own if key not in given],
        "unexpected": [key for key in given if key not in own],
        "of another shape": [key for key in own if key in given and own[key] != given[key]],
    }
    if any(wrong.values()):
        listed = "; ".join(f"{what}: {name_some(keys)}" for what, keys in wrong.items() if keys)
        raise UsageError(
            f"the weights of {name} must be its {len(own)} tensors, got {listed} in {weights}; name the model that "
            "they were saved from."
        )
    network.load_state_dict(state, strict=True)
    return network.eval().requires_grad_(False)


def vocabulary_size_of(network: torch.nn.Module) -> int:
    """How many tokens the text tower has an embedding for."""
    tower = getattr(network, "text", network)
    embedding = getattr(tower, "token_embedding", None)
    if embedding is None:  # a text tower of transformers
        embedding = tower.transformer.get_input_embeddings()  # type: ignore[union-attr, operator]
    return int(embedding.num_embeddings)


class _Unfilled(TorchFunctionMode):
    """Leaves out the random numbers that a network begins with: each of its tensors is about to be replaced."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func in _RANDOM_FILLS:
            return args[0] if args else kwargs["tensor"]
        return func(*args, **(kwargs or {}))


def _build(architecture: Mapping[str, Any], name: str) -> torch.nn.Module:
    """open_clip's network of a configuration, as its ``create_model`` chooses it, without numbers or downloads."""
    from open_clip.coca_model import CoCa
    from open_clip.model import CLIP, CustomTextCLIP

    settings = deepcopy(dict(architecture))
    is_custom = settings.pop("custom_text", False) or "hf_model_name" in settings["text_cfg"]
    if "timm_model_name" in settings["vision_cfg"]:
        settings["vision_cfg"]["timm_model_pretrained"] = False
    if "hf_model_name" in settings["text_cfg"]:
        settings["text_cfg"]["hf_model_pretrained"] = False
    kind: Any = CLIP
    if is_custom:
        kind = CoCa if "multimodal_cfg" in settings else CustomTextCLIP
    try:
        with _Unfilled():
            network: torch.nn.Module = kind(**settings)
    except Exception as error:  # open_clip, timm and transformers raise whatever they like
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise UsageError(
            f"the architecture of {name} must be one that open_clip can build, got: {reason.rstrip('.')}; correct its "
            "model_cfg, or install what it needs (pip install timm transformers)."
        ) from error
    return network


def _converted(
    network: torch.nn.Module, state: dict[str, torch.Tensor], name: str, weights: Path
) -> dict[str, torch.Tensor]:
    """The same tensors under the network's own names, as open_clip's ``load_checkpoint`` renames them."""
    from open_clip.convert import convert_state_dict
    from open_clip.model import convert_to_custom_text_state_dict

    try:
        state = dict(convert_state_dict(network, state))
    except (KeyError, AttributeError, AssertionError) as error:  # its renaming of Apple's tensors meets other ones
        raise UsageError(
            f"the weights of {name} must be its tensors, got another model's, or some of Apple's MobileCLIP, in "
            f"{weights}; name the model that they were saved from."
        ) from error
    if "positional_embedding" in state and not hasattr(network, "positional_embedding"):
        state = dict(convert_to_custom_text_state_dict(state))
    own = network.state_dict()
    for key in ("logit_scale", "logit_bias"):
        if key in state and key in own and state[key].numel() == own[key].numel():
            state[key] = state[key].reshape(own[key].shape)
    if "logit_bias" in own and "logit_bias" not in state:
        state["logit_bias"] = torch.zeros_like(own["logit_bias"])
    return {key: value for key, value in state.items() if key in own or key not in _UNUSED}
