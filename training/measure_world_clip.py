"""Measure the shipped world model on the test split and write its training record and curve.

python training/measure_world_clip.py --folder build/world_clip
"""

import argparse
import json
import platform
from collections import Counter
from importlib.metadata import version
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import open_clip
import torch
import torch.nn.functional as F
import yaml
from artifacts import FOLDER, ROOT
from batches import BATCH_IMAGES, CAPTIONS_PER_IMAGE
from matplotlib import pyplot as plt
from model import recipe
from torch import Tensor

from misfire.core.files import write_text
from misfire.core.hashing import sha256_file
from misfire.data.world import RENDERER_VERSION, World, num_satisfying_scenes, perfect_reader_hit_at_k

CUTOFFS = (1, 5, 10)
NUM_IMAGES_OF_SUBSET = 500
TEMPLATES = ROOT / "conf/templates/generic.yaml"


class Model:
    """The shipped files, loaded as open_clip loads a local folder."""

    def __init__(self, folder: Path) -> None:
        self._model, _, self._preprocess = open_clip.create_model_and_transforms(f"local-dir:{folder}")
        self._model.eval()
        self._tokenizer = open_clip.get_tokenizer(f"local-dir:{folder}", bpe_path=str(folder / "merges.txt.gz"))

    @torch.inference_mode()
    def images(self, world: World) -> Tensor:
        pixels = torch.stack([self._preprocess(image.source.load()) for image in world.images])
        return torch.cat([F.normalize(self._model.encode_image(part), dim=-1) for part in pixels.split(128)])

    @torch.inference_mode()
    def texts(self, texts: list[str]) -> Tensor:
        tokens = self._tokenizer(texts)
        return torch.cat([F.normalize(self._model.encode_text(part), dim=-1) for part in tokens.split(128)])


def text_to_image(queries: Tensor, gallery: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """Rank of each target and the best-scored image; an equal score that stands earlier in the gallery ranks higher."""
    ranks, best = [], []
    for query, target in zip(queries.split(1000), targets.split(1000), strict=True):
        scores = query @ gallery.T
        own = scores.gather(1, target[:, None])
        earlier = torch.arange(len(gallery)) < target[:, None]
        ranks.append(1 + ((scores > own) | ((scores == own) & earlier)).sum(dim=1))
        best.append(scores.argmax(dim=1))
    return torch.cat(ranks), torch.cat(best)


def image_to_text(gallery: Tensor, queries: Tensor, targets: Tensor) -> Tensor:
    """Rank of the best of each image's own captions among all captions; equal scores rank as in `text_to_image`."""
    own = torch.zeros(len(gallery), len(queries), dtype=torch.bool)
    own[targets, torch.arange(len(queries))] = True
    ranks = []
    for image, mine in zip(gallery.split(500), own.split(500), strict=True):
        scores = image @ queries.T
        best, position = scores.masked_fill(~mine, -2).max(dim=1, keepdim=True)
        earlier = torch.arange(len(queries)) < position
        ranks.append(1 + (~mine & ((scores > best) | ((scores == best) & earlier))).sum(dim=1))
    return torch.cat(ranks)


def summary(ranks: Tensor) -> dict[str, float]:
    hits = {f"hit_at_{k}": round(float((ranks <= k).double().mean()), 4) for k in CUTOFFS}
    return hits | {"median_rank": float(np.median(ranks.numpy()))}


def failure_causes(world: World, ranks: Tensor, best: Tensor) -> dict[str, dict[str, float]]:
    """Of the top-1 failures: how many have each known cause, and how far down their targets stand."""
    failed = torch.nonzero(ranks > 1).flatten().tolist()
    causes = [world.oracle_category(query, int(best[query])) for query in failed]
    measured = {}
    for cause, number in Counter(causes).most_common():
        own = ranks[[query for query, its in zip(failed, causes, strict=True) if its == cause]]
        measured[cause] = {"num_failures": number, "share": round(number / len(failed), 4)} | {
            key: value for key, value in summary(own).items() if key != "hit_at_1"
        }
    return measured


def ceiling(world: World) -> dict[str, float]:
    """What a perfect reader of the captions would reach."""
    satisfying = num_satisfying_scenes(world.mentions, world.scenes)
    hits = {f"hit_at_{k}": round(float(perfect_reader_hit_at_k(satisfying, k=k).mean()), 4) for k in CUTOFFS}
    return {"share_of_captions_true_of_several_images": round(float((satisfying > 1).mean()), 4)} | hits


def measure(folder: Path) -> dict[str, Any]:
    world, model = World(), Model(folder)
    targets = torch.from_numpy(world.targets)
    gallery, texts = model.images(world), [caption.text for caption in world.captions]
    templates = yaml.safe_load(TEMPLATES.read_text(encoding="utf-8"))["templates"]
    prompted = {}
    for template in templates:
        queries = model.texts([template.replace("{caption}", text) for text in texts])
        ranks, best = text_to_image(queries, gallery, targets)
        prompted[template] = summary(ranks)
        if template == "{caption}":
            measured = {
                "t2i": prompted[template],
                "i2t": summary(image_to_text(gallery, queries, targets)),
                "t2i_top_1_failures_by_known_cause": failure_causes(world, ranks, best),
            }
    return {
        "dataset_fingerprint": world.fingerprint,
        "ceiling_t2i": ceiling(world),
        **measured,
        "t2i_by_template": prompted,
        "t2i_on_the_first_500_images": measure_subset(model),
    }


def measure_subset(model: Model) -> dict[str, float]:
    """A world small enough for a test to measure again."""
    world = World(num_images=NUM_IMAGES_OF_SUBSET)
    queries = model.texts([caption.text for caption in world.captions])
    ranks, _ = text_to_image(queries, model.images(world), torch.from_numpy(world.targets))
    return summary(ranks)


def record(folder: Path, checkpoint: dict[str, Any], machine: str, seed: int) -> dict[str, Any]:
    libraries = ("torch", "open_clip_torch", "pytorch-lightning", "numpy", "pillow")
    steps = checkpoint["global_step"]
    return {
        "weights_sha256": sha256_file(folder / "model.safetensors"),
        "seed": seed,
        "steps": steps,
        "images_seen": steps * BATCH_IMAGES,
        "captions_seen": steps * BATCH_IMAGES * CAPTIONS_PER_IMAGE,
        "wall_minutes": round(checkpoint["seconds"] / 60, 1),
        "machine": machine,
        "python": platform.python_version(),
        "libraries": {name: version(name) for name in libraries},
        "renderer_version": RENDERER_VERSION,
        "recipe": recipe(),
        "test": measure(folder),
        "curve_on_2000_dev_images": checkpoint["history"],
    }


def draw_curve(history: list[dict[str, float]], path: Path) -> None:
    mpl.use("Agg")
    figure, axes = plt.subplots(figsize=(6, 3.6), layout="constrained")
    for k in CUTOFFS:
        axes.plot([point["step"] for point in history], [point[f"hit_at_{k}"] for point in history], label=f"hit@{k}")
    axes.set(xlabel="step", ylabel="text to image, 2,000 dev images", ylim=(0, 1), title="Training of world_clip")
    axes.legend(frameon=False)
    figure.savefig(path, dpi=110)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=ROOT / "build/world_clip", help="where the checkpoint is")
    parser.add_argument("--machine", default="2 CPU cores", help="what it was trained on, in words")
    parser.add_argument("--seed", type=int, default=0, help="the seed that it was trained with")
    arguments = parser.parse_args()
    checkpoint = torch.load(arguments.folder / "last.ckpt", weights_only=True)
    written = record(FOLDER, checkpoint, arguments.machine, arguments.seed)
    write_text(FOLDER / "training_record.json", json.dumps(written, indent=2) + "\n")
    draw_curve(checkpoint["history"], FOLDER / "curve.png")
    print(json.dumps(written["test"], indent=1))


if __name__ == "__main__":
    main()
