"""What a bare checkpoint doesn't say of itself: the activation and the preprocessing that it was trained with."""

import json
from ast import literal_eval
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from misfire.core.errors import UsageError
from misfire.embeddings.architecture import activation_of, built_in, comparable, image_size_of
from misfire.embeddings.preprocessing import Preprocessing, preprocessing_of, size_pair
from misfire.embeddings.published import (
    QUICK,
    family_preprocessing,
    preprocessing_settings,
    recognise,
    settings_of_tag,
)

ACTIVATIONS = {"gelu": "GELU", "quick_gelu": "QuickGELU"}
CONFIG_NAME = "open_clip_config.json"
PARAMETERS_NAME = "params.txt"


@dataclass(frozen=True)
class Finding:
    """What one place says about a checkpoint.

    Attributes:
        place: Where it stands.
        activation: ``GELU`` or ``QuickGELU``; None where the place doesn't say.
        preprocessing: Settings of open_clip's ``preprocess_cfg``; None where the place doesn't say.
        changes: What training changed in the architecture, part by part.
    """

    place: str
    activation: str | None = None
    preprocessing: Mapping[str, Any] | None = None
    changes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


def settle(model: str, file: Path, activation: str | None) -> tuple[dict[str, Any], Preprocessing]:
    """The architecture and preprocessing of a checkpoint trained elsewhere.

    Both are looked for in open_clip's training record (``params.txt`` beside the file, or one folder up from
    ``checkpoints/``), in an ``open_clip_config.json`` beside the file, and in open_clip's table of published files.
    The activation may be given instead. Preprocessing that none of these says is the one that all published weights of
    the model share (SigLIP's, MobileCLIP's); where they differ, or where there are none, it is open_clip's default,
    which its training applies unless told otherwise; and where they differ and none has the default, it is an error.

    Raises:
        UsageError: If the activation stays unknown, two places disagree, or one of them contradicts the model.
    """
    architecture = built_in(model)
    found = [_from_parameters(model, file), _from_config(model, architecture, file), _from_table(model, file)]
    if activation is not None:
        found.append(Finding("backbone.activation", activation=ACTIVATIONS[activation]))
    findings = [finding for finding in found if finding is not None]
    for finding in findings:
        for part, changes in finding.changes.items():
            architecture = {**architecture, **changes} if not part else _changed(architecture, part, changes)
    _check_activation(model, file, architecture, findings)
    return architecture, _preprocessing(model, file, architecture, findings)


def _check_activation(model: str, file: Path, architecture: Mapping[str, Any], findings: list[Finding]) -> None:
    said = {finding.activation: finding.place for finding in reversed(findings) if finding.activation is not None}
    if len(said) > 1:
        listed = " and ".join(f"{activation} ({place})" for activation, place in sorted(said.items()))
        raise UsageError(f"a checkpoint must have one activation, got {listed} for {file}; correct the wrong one.")
    if not said:
        raise UsageError(
            f"a checkpoint's activation must be known, got none for {file}: was it trained with GELU, or with "
            f"QuickGELU as OpenAI's were; set backbone.activation=gelu or quick_gelu, or put "
            f"its {PARAMETERS_NAME} beside it."
        )
    ((activation, place),) = said.items()
    if activation != activation_of(architecture):
        plain = model.removesuffix(QUICK)
        raise UsageError(
            f"the model's activation must be that of its weights, got {activation_of(architecture)} in {model} and "
            f"{activation} in {place} for {file}; set backbone.model={plain if model != plain else plain + QUICK}."
        )


def _preprocessing(model: str, file: Path, architecture: Mapping[str, Any], findings: list[Finding]) -> Preprocessing:
    size = image_size_of(architecture)
    said = {
        preprocessing_of(finding.preprocessing, image_size=size, place=finding.place): finding.place
        for finding in reversed(findings)
        if finding.preprocessing is not None
    }
    if len(said) > 1:
        (first, place), (second, other), *_ = said.items()
        differing = [name for name, value in vars(first).items() if value != vars(second)[name]]
        raise UsageError(
            f"a checkpoint must have one preprocessing, got another {', '.join(differing)} in {place} than in {other} "
            f"for {file}; correct the wrong one."
        )
    if said:
        return next(iter(said))
    usual, why = family_preprocessing(model, size)
    if usual is None:
        raise UsageError(
            f"a checkpoint's preprocessing must be known, got nothing beside {file} but {why}; put the "
            f"{PARAMETERS_NAME} of its training or an {CONFIG_NAME} with its preprocess_cfg beside it."
        )
    return usual


def _from_parameters(model: str, file: Path) -> Finding | None:
    folders = [file.parent, *([file.parent.parent] if file.parent.name == "checkpoints" else [])]
    paths = [folder / PARAMETERS_NAME for folder in folders if (folder / PARAMETERS_NAME).is_file()]
    if not paths:
        return None
    path = paths[0]
    given = _parameters(path)
    trained = str(given.get("model"))
    if _plain(trained) != _plain(model):
        raise UsageError(
            f"the model must be the one that was trained, got {model} and {trained} in {path}; set "
            f"backbone.model={trained}, or name the checkpoint of {model}."
        )
    start = given.get("pretrained")
    tag = settings_of_tag(trained, str(start)) if start else {}
    is_quick = given.get("force_quick_gelu") is True or activation_of(built_in(trained)) == ACTIVATIONS["quick_gelu"]
    # Before version 3 open_clip gave OpenAI's weights QuickGELU whatever the model was called; later ones don't.
    is_unsure = str(start).lower() == "openai" and not is_quick
    names = ("mean", "std", "interpolation", "resize_mode")
    overridden = {name: given[f"image_{name}"] for name in names if given.get(f"image_{name}") is not None}
    return Finding(
        str(path),
        activation=None if is_unsure else ACTIVATIONS["quick_gelu" if is_quick else "gelu"],
        preprocessing={**preprocessing_settings(tag), **overridden},
        changes=_training_changes(given),
    )


def _training_changes(given: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    changes: dict[str, dict[str, Any]] = {}
    if given.get("force_image_size") is not None:
        size = given["force_image_size"]
        is_single = isinstance(size, (list, tuple)) and len(size) == 1
        changes["vision_cfg"] = {"image_size": size[0] if is_single else size}
    if given.get("force_context_length") is not None:
        changes["text_cfg"] = {"context_length": given["force_context_length"]}
    if given.get("force_custom_text") is True:
        changes[""] = {"custom_text": True}
    return changes


def _parameters(path: Path) -> dict[str, Any]:
    """Lines of ``name: value`` as open_clip's training prints its arguments."""
    given = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        name, separator, text = line.partition(": ")
        if separator:
            try:
                given[name.strip()] = literal_eval(text.strip())  # numbers, lists, None, True; nothing is run
            except (ValueError, SyntaxError):
                given[name.strip()] = text.strip()
    if "model" not in given:
        raise UsageError(
            f"{PARAMETERS_NAME} must have a line 'model: NAME', as open_clip's training writes it, got none in {path}; "
            "restore the file or move it away."
        )
    return given


def _from_config(model: str, architecture: Mapping[str, Any], file: Path) -> Finding | None:
    path = file.parent / CONFIG_NAME
    if not path.is_file():
        return None
    config = read_config(path)
    own, asked = (
        {**comparable(parts), "image_size": size_pair(image_size_of(parts))}
        for parts in (config["model_cfg"], architecture)
    )
    differing = sorted(name for name in {*own, *asked} if own.get(name) != asked.get(name))
    if differing:
        raise UsageError(
            f"the model must be the one beside the checkpoint, got {model} and another {', '.join(differing)} in "
            f"{path}; set backbone.model=local-dir:{file.parent}, or name another model."
        )
    return Finding(str(path), activation_of(config["model_cfg"]), config.get("preprocess_cfg"))


def _from_table(model: str, file: Path) -> Finding | None:
    pairs = recognise(file)
    if not pairs:
        return None
    fitting = [(name, tag) for name, tag in pairs if _plain(name) == _plain(model)]
    if not fitting:
        name, tag = pairs[0]
        raise UsageError(
            f"the model must be the one that the weights belong to, got {model} for {file}, which is {tag} of {name}; "
            f"set backbone.model={name}."
        )
    name, tag = fitting[0]
    settings = settings_of_tag(name, tag)
    activation = ACTIVATIONS["quick_gelu" if settings.get("quick_gelu", False) else "gelu"]
    return Finding(f"open_clip's table ({tag} of {_plain(name)})", activation, preprocessing_settings(settings))


def read_config(path: Path) -> dict[str, Any]:
    """An ``open_clip_config.json``.

    Raises:
        UsageError: If it isn't JSON with open_clip's ``model_cfg`` in it.
    """
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise UsageError(f"{path} must be JSON, got: {error}; write it again.") from error
    parts = config.get("model_cfg") if isinstance(config, dict) else None
    if not isinstance(parts, dict) or not {"vision_cfg", "text_cfg"} <= set(parts):
        keys = sorted(config) if isinstance(config, dict) else type(config).__name__
        raise UsageError(
            f"{path} must have the key model_cfg with embed_dim, vision_cfg and text_cfg, got {keys}; add open_clip's "
            "model_cfg."
        )
    return dict(config)


def _changed(architecture: Mapping[str, Any], part: str, changes: Mapping[str, Any]) -> dict[str, Any]:
    return {**architecture, part: {**architecture[part], **changes}}


def _plain(model: str) -> str:
    return model.replace("/", "-").removesuffix(QUICK)
