"""The weights that open_clip's table of published models names: their settings, and where they come from."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from misfire.core.errors import UsageError
from misfire.core.hub import offline_if_unreachable
from misfire.embeddings.preprocessing import Preprocessing, preprocessing_of
from misfire.embeddings.weights_file import sha256_of_file

PREPROCESSING_KEYS = ("size", "mode", "mean", "std", "interpolation", "resize_mode", "fill_color")
QUICK = "-quickgelu"


def settings_of_tag(model: str, tag: str) -> dict[str, Any]:
    """open_clip's settings of a tag; empty where the model has none of that name."""
    from open_clip.pretrained import get_pretrained_cfg

    return dict(get_pretrained_cfg(model.replace("/", "-"), tag))


def tags_of(model: str) -> list[str]:
    """The tags of a model."""
    from open_clip.pretrained import list_pretrained_tags_by_model

    return list(list_pretrained_tags_by_model(model.replace("/", "-")))


def preprocessing_settings(settings: Mapping[str, Any]) -> dict[str, Any]:
    """What a tag's settings say about preprocessing."""
    return {name: settings[name] for name in PREPROCESSING_KEYS if name in settings}


def download_tag(model: str, tag: str, settings: Mapping[str, Any]) -> Path:
    """The weights' file of a tag, out of a cache or over the network.

    Raises:
        UsageError: If neither has it; it names the file and where it is published.
    """
    from open_clip.pretrained import download_pretrained

    try:
        with offline_if_unreachable():
            return Path(download_pretrained(dict(settings)))
    except Exception as error:  # open_clip and its download clients raise whatever they like
        raise UsageError(
            f"the weights {tag} of {model} must be on this disk or downloadable, got {type(error).__name__}; connect "
            f"to the network once, or fetch {_address(settings)} elsewhere and set backbone.weights=FILE."
        ) from error


def recognise(path: Path) -> list[tuple[str, str]]:
    """The models and tags whose published file this is: by its place in the hub's cache, or by a published file's name.

    Where a hash was published with the name (OpenAI's and LAION's releases), the file must have it.
    """
    from open_clip.pretrained import get_pretrained_cfg, list_pretrained

    pairs = [(pair[0], pair[1], get_pretrained_cfg(*pair)) for pair in list_pretrained()]
    repository = _hub_repository(path)
    if repository is not None:
        return [(model, tag) for model, tag, settings in pairs if _repository(settings) == repository]
    named = [(model, tag, settings["url"]) for model, tag, settings in pairs if _base(settings["url"]) == path.name]
    return [(model, tag) for model, tag, url in named if _has_published_hash(path, url)]


def family_preprocessing(model: str, image_size: Any) -> tuple[Preprocessing | None, str]:
    """What a checkpoint of a model was preprocessed with if nothing says so, and why; None where that can't be known.

    Where all published weights of the model agree, that; where they differ or there are none, open_clip's default,
    which its training applies; but where they differ and none of them has the default, nothing.
    """
    plain = model.removesuffix(QUICK)
    default = preprocessing_of({}, image_size=image_size, place="open_clip's defaults")
    published = {
        preprocessing_of(
            preprocessing_settings(settings_of_tag(name, tag)), image_size=image_size, place=f"the tag {tag} of {name}"
        )
        for name in (plain, plain + QUICK)
        for tag in tags_of(name)
    }
    if len(published) == 1:
        return published.pop(), f"all published weights of {plain}"
    if published and default not in published:
        return None, f"the published weights of {plain}, which differ"
    return default, "open_clip's defaults"


def _base(url: str) -> str:
    return url.rpartition("/")[2]


def _repository(settings: Mapping[str, Any]) -> str:
    organisation, _, rest = settings["hf_hub"].partition("/")
    return f"{organisation}/{rest.partition('/')[0]}" if organisation else ""


def _hub_repository(path: Path) -> str | None:
    """ORG/REPO of a file in the hub's cache, ``models--ORG--REPO/snapshots/REVISION/FILE``."""
    for part, following in zip(path.parts, path.parts[1:], strict=False):
        if part.startswith("models--") and following == "snapshots":
            return part.removeprefix("models--").replace("--", "/", 1)
    return None


def _has_published_hash(path: Path, url: str) -> bool:
    if "openaipublic" in url:
        return sha256_of_file(path) == url.split("/")[-2]
    return "mlfoundations" not in url or sha256_of_file(path).startswith(Path(url).stem.rpartition("-")[2])


def _address(settings: Mapping[str, Any]) -> str:
    if not settings["hf_hub"]:
        return str(settings["url"])
    name = settings["hf_hub"].removeprefix(_repository(settings)).strip("/")
    return f"{name or 'open_clip_model.safetensors'} of https://huggingface.co/{_repository(settings)}"
