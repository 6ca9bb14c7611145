"""The files that are shipped: weights, configuration and merges."""

import json
from pathlib import Path

import yaml
from model import CONTEXT, WorldClip, model_config
from open_clip.tokenizer import SimpleTokenizer
from safetensors.torch import save_file
from vocabulary import needed_merges, write_merges
from wrapped_texts import wrapper_words

from misfire.core.files import atomic_path, write_text
from misfire.data.world.grammar import vocabulary, words_of_absence

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "src/misfire/embeddings/world_clip"
WEIGHTS_FILE = "model.safetensors"
COMMON_WORDS = """
a an the of in on at to and or with is are was it its this that these those there here what where how many one
two three four five six seven eight nine ten zero no not only just thing things object objects shape shapes
colour colours color colors pattern patterns size sizes count number action actions background scene scenes
place photo photos picture pictures image images drawing rendering close-up describing showing focus focuses
look looks like left right above below over under next behind front top bottom side middle group groups small
large big little bright dark view very both all each another other some several still standing moving doing
happening seen shown see show shows
"""


def export(model: WorldClip, folder: Path = FOLDER) -> None:
    """Write the weights in fp32 and the configuration as open_clip's ``local-dir:`` loader takes them."""
    state = {
        key: value.detach().float().contiguous() if value.is_floating_point() else value
        for key, value in model.clip.state_dict().items()
    }
    with atomic_path(folder / WEIGHTS_FILE) as temporary:
        save_file(state, temporary)
    config = {
        "model_cfg": model_config(model.hparams["vocabulary_size"]),
        "preprocess_cfg": {
            "size": 64,
            "mode": "RGB",
            "mean": [0.5] * 3,
            "std": [0.5] * 3,
            "interpolation": "bicubic",
            "resize_mode": "shortest",
        },
    }
    write_text(folder / "open_clip_config.json", json.dumps(config, indent=2) + "\n")


def cut_merges(folder: Path = FOLDER) -> None:
    """Write the merges that captions, wrappers, templates and some common words need."""
    templates = [
        template.replace("{caption}", " ")
        for path in sorted((ROOT / "conf/templates").glob("*.yaml"))
        for template in yaml.safe_load(path.read_text(encoding="utf-8")).get("templates", [])
    ]
    texts = [*vocabulary(), *words_of_absence(), *wrapper_words(), *COMMON_WORDS.split(), *templates]
    folder.mkdir(parents=True, exist_ok=True)
    write_merges(folder / "merges.txt.gz", needed_merges(texts))


def read_tokenizer(folder: Path = FOLDER) -> SimpleTokenizer:
    """The tokeniser that belongs to the written merges."""
    return SimpleTokenizer(str(folder / "merges.txt.gz"), context_length=CONTEXT)
