"""Train the small CLIP that is shipped with the bundled world.

python training/train_world_clip.py --steps 300 --seed 0
"""

import argparse
import json
import time
from itertools import islice
from pathlib import Path
from shutil import copyfile
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch
from artifacts import FOLDER, ROOT, WEIGHTS_FILE, cut_merges, export, read_tokenizer
from batches import BATCH_IMAGES, Absence, Batches, Pool, pixels_of
from model import PEAK_LEARNING_RATE, WorldClip
from open_clip.tokenizer import SimpleTokenizer
from safetensors.torch import load_file
from torch.utils.data import DataLoader

from misfire.core.files import atomic_path, write_text
from misfire.core.hashing import sha256_file
from misfire.data.world import Split, World, scene_stream

SETTINGS_FILE = "training_settings.json"


@torch.no_grad()
def retrieval(model: WorldClip, world: World, tokenizer: SimpleTokenizer) -> dict[str, float]:
    """Text-to-image hit@1, 5 and 10 and the median rank."""
    model.eval()
    device = next(model.parameters()).device
    with torch.autocast(device.type, torch.bfloat16, enabled="bf16" in str(model.trainer.precision)):
        pixels = [np.asarray(image.source.load()) for image in world.images]
        images = torch.cat(
            [
                model.encode_image(torch.from_numpy(np.stack(pixels[i : i + 250])).to(device))[0].cpu()
                for i in range(0, len(pixels), 250)
            ]
        )
        texts = [caption.text for caption in world.captions]
        queries = torch.cat(
            [model.encode_text(tokenizer(texts[i : i + 500]).to(device)).cpu() for i in range(0, len(texts), 500)]
        )
    model.train()
    targets = torch.from_numpy(world.targets)
    ranks = torch.cat(
        [
            1 + (scores > scores.gather(1, target[:, None])).sum(dim=1)
            for scores, target in zip((queries @ images.T).split(1000), targets.split(1000), strict=True)
        ]
    ).float()
    return {f"hit_at_{k}": float((ranks <= k).float().mean()) for k in (1, 5, 10)} | {
        "median_rank": float(ranks.median())
    }


class Checkpoints(pl.Callback):
    """Every few minutes: measure on the dev split, say so and save."""

    def __init__(self, folder: Path, tokenizer: SimpleTokenizer, every_minutes: float) -> None:
        self._folder, self._tokenizer, self._every = folder, tokenizer, 60 * every_minutes
        self._dev = World(num_images=2000, split="dev")
        self._last = time.monotonic()

    def on_train_batch_end(self, trainer: pl.Trainer, module: Any, *_: Any) -> None:
        if module.global_step % 25 == 0:
            losses = " ".join(f"{loss:.3f}" for loss in module.last_losses)
            print(f"{module.seconds:.0f} s  step {module.global_step}  {losses}", flush=True)
        if time.monotonic() - self._last >= self._every:
            self._measure_and_save(trainer, module)
            self._last = time.monotonic()

    def on_train_end(self, trainer: pl.Trainer, module: Any) -> None:
        self._measure_and_save(trainer, module)

    def _measure_and_save(self, trainer: pl.Trainer, module: WorldClip) -> None:
        measured = {"minutes": round(module.seconds / 60, 2), "step": module.global_step}
        measured |= {key: round(value, 4) for key, value in retrieval(module, self._dev, self._tokenizer).items()}
        measured["scale"] = round(module.clip.logit_scale.exp().item(), 2)
        module.history.append(measured)
        print(json.dumps(measured), flush=True)
        with atomic_path(self._folder / "last.ckpt") as temporary:
            trainer.save_checkpoint(temporary)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=300, help="steps over which the learning rate anneals")
    parser.add_argument("--every-minutes", type=float, default=3.0, help="time between two measurements")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--folder", type=Path, default=ROOT / "build/world_clip", help="where checkpoints are written")
    parser.add_argument("--resume", action="store_true", help="go on from the last checkpoint")
    parser.add_argument("--export-only", action="store_true", help="write the last checkpoint's weights and stop")
    parser.add_argument("--share-negated", type=float, default=0.0, help="captions that also say what isn't there")
    parser.add_argument("--twins", choices=("none", "presence", "both"), default="none", help="see batches.Absence")
    parser.add_argument("--locked-images", type=int, help="train the text tower alone, on so many scenes; with --start")
    parser.add_argument("--start", type=Path, help="go on from the weights in this folder, with its merges")
    parser.add_argument("--peak-rate", type=float, default=PEAK_LEARNING_RATE, help="the highest learning rate")
    parser.add_argument("--precision", default="bf16-mixed", help="Lightning's; 32-true is faster on some CPUs")
    parser.add_argument("--accelerator", default="cpu", help="Lightning's: cpu, gpu or auto")
    parser.add_argument("--export", type=Path, default=FOLDER, help="where the model's files are written")
    arguments = parser.parse_args()
    last = arguments.folder / "last.ckpt"
    if not (arguments.resume or arguments.export_only):
        write_merges(arguments)
    pl.seed_everything(arguments.seed)
    model = WorldClip(read_tokenizer(arguments.export).vocab_size, arguments.steps, arguments.peak_rate)
    if arguments.start is not None:
        model.clip.load_state_dict(load_file(arguments.start / WEIGHTS_FILE))
    model.clip.visual.to(memory_format=torch.channels_last)
    if arguments.export_only:
        model.load_state_dict(torch.load(last, weights_only=True)["state_dict"])
    else:
        fit(model, arguments)
    export(model, arguments.export)
    if arguments.export != FOLDER:  # the shipped model has a record of its own
        write_settings(model, arguments)


def write_settings(model: WorldClip, arguments: argparse.Namespace) -> None:
    """How an exported model was trained, beside its weights."""
    settings = {
        "started_from_weights_sha256": None if arguments.start is None else sha256_file(arguments.start / WEIGHTS_FILE),
        "seed": arguments.seed,
        "steps": arguments.steps,
        "images_seen": arguments.steps * BATCH_IMAGES,
        "share_of_negated_captions": arguments.share_negated,
        "twins": arguments.twins,
        "scenes_of_the_locked_image_tower": arguments.locked_images,
        "peak_learning_rate": arguments.peak_rate,
        "precision": arguments.precision,
        "wall_minutes": round(model.seconds / 60, 1),
    }
    write_text(arguments.export / SETTINGS_FILE, json.dumps(settings, indent=2) + "\n")


def write_merges(arguments: argparse.Namespace) -> None:
    """The world's merges, or those that the first weights' token embeddings belong to."""
    if arguments.start is None:
        cut_merges(arguments.export)
    else:
        arguments.export.mkdir(parents=True, exist_ok=True)
        copyfile(arguments.start / "merges.txt.gz", arguments.export / "merges.txt.gz")


def fit(model: WorldClip, arguments: argparse.Namespace) -> None:
    """Train until the model's steps are done, from scratch or from a checkpoint."""
    tokenizer = read_tokenizer(arguments.export)
    checkpoint = arguments.folder / "last.ckpt" if arguments.resume else None
    first_batch = 0 if checkpoint is None else int(torch.load(checkpoint, weights_only=True)["global_step"])
    trainer = pl.Trainer(
        accelerator=arguments.accelerator,
        devices=1,
        precision=arguments.precision,
        max_steps=model.num_steps,
        gradient_clip_val=1.0,
        callbacks=[Checkpoints(arguments.folder, tokenizer, arguments.every_minutes)],
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    absence = Absence(arguments.share_negated, arguments.twins)
    pool = None if arguments.locked_images is None else encoded(model, arguments.seed, arguments.locked_images)
    drawn = Batches(tokenizer, arguments.seed, first_batch, absence, pool)
    batches = DataLoader(drawn, batch_size=None, num_workers=1, prefetch_factor=4)
    trainer.fit(model, batches, ckpt_path=checkpoint, weights_only=True)


@torch.no_grad()
def encoded(model: WorldClip, seed: int, num_scenes: int) -> Pool:
    """Training scenes and the embeddings of their images, as the model makes them before it is trained."""
    scenes = list(islice(scene_stream(seed, Split.TRAIN), num_scenes))
    model.eval()
    parts = [model.encode_image(pixels_of(scenes[i : i + 250]))[0] for i in range(0, num_scenes, 250)]
    model.train()
    return Pool(scenes, torch.cat(parts))


if __name__ == "__main__":
    main()
