"""Does training on captions that say what isn't there change what negative prompts are worth?

Two models of one recipe, the second of which also learnt from captions with negations, are asked whether "without a
star" points to images without a star, how well they still find images by plain captions, and what negative prompts
change in mAP against embeddings that no text tower has seen. Runs are tracked in an experiment of the model's folder's
name; those that are finished there aren't run again.

python training/compare_negated_world_clip.py --plain build/plain --negated build/negated
"""

import argparse
import json
from collections import defaultdict
from datetime import date
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import torch
from artifacts import FOLDER
from measure_world_clip import Model, text_to_image
from sklearn.metrics import roc_auc_score
from train_world_clip import SETTINGS_FILE

from misfire.cells import run_cell
from misfire.config.settings import Settings
from misfire.core.files import write_text
from misfire.core.hashing import sha256_file
from misfire.data.world import World
from misfire.data.world.grammar import plural
from misfire.methods.multilabel.evaluation import ImageBootstrap, difference
from misfire.methods.multilabel.replicates import MAP, read_replicates

WITHOUT_NEGATION = "positive_coop"
NEGATIVE_PROMPTS = ("dual_coop", "negative_coop")
FRACTIONS = (0.1, 0.5, 0.9)
CONFIDENCE = 0.95
NUM_IMAGES_READ = 1000
READS = 0.8
"""From this area on a model is said to read "without"."""

Runs = dict[str, dict[tuple[float, int], ImageBootstrap]]


def reading(folder: Path) -> dict[str, float]:
    """What a model makes of texts about presence and absence, and of plain captions, on the first test images.

    Areas under the ROC curve of the cosine to a text, the mean over the kinds; 0.5 is chance. A model that reads no
    negation takes "without a star" for "a star", which puts its area for images without one below 0.5. The second
    wording of absence is in none of the training texts.
    """
    model, world = Model(folder), World(num_images=NUM_IMAGES_READ)
    images, has = model.images(world), world.label_matrix.values == 1
    names = world.label_matrix.names

    def area(truth: np.ndarray, texts: list[str]) -> float:
        scores = (images @ model.texts(texts).T).numpy()
        return round(float(np.mean([roc_auc_score(*pair) for pair in zip(truth.T, scores.T, strict=True)])), 4)

    queries = model.texts([caption.text for caption in world.captions])
    ranks, _ = text_to_image(queries, images, torch.from_numpy(world.targets))
    return {
        "auroc_of_with_a_star_for_images_with_one": area(has, [f"a photo with a {name}" for name in names]),
        "auroc_of_without_a_star_for_images_without_one": area(~has, [f"a photo without a {name}" for name in names]),
        "auroc_of_there_are_no_stars_for_images_without_one": area(
            ~has, [f"here there are no {plural(name)}" for name in names]
        ),
        "hit_at_1_of_plain_captions": round(float((ranks == 1).double().mean()), 4),
    }


def runs(folders: dict[str, Path], root: Path, seeds: list[int], train_images: int) -> dict[str, Runs]:
    """By model, average precision of each method at each fraction and seed, trained or out of the ledger."""
    found: dict[str, Runs] = {name: defaultdict(dict) for name in folders}
    for seed, method, fraction, name in product(seeds, (WITHOUT_NEGATION, *NEGATIVE_PROMPTS), FRACTIONS, folders):
        folder = folders[name].resolve()
        words = [
            f"prompting={method}",
            f"labels.fraction={fraction}",
            f"seed={seed}",
            f"train.num_images={train_images}",
            "training.max_epochs=20",
            "backbone=local_dir",
            f"backbone.model=local-dir:{folder}",
            f"paths.root={root}",
            f"tracking.experiment={folder.name}",
        ]
        settings = Settings.of_words("multilabel", words)
        logged, _ = run_cell(settings.cell(), settings.lab, settings["tracking"], config=settings.to_yaml)
        found[name][method][fraction, seed] = read_replicates(logged)
        print(f"{name}  {method}  {fraction}  seed {seed}  {logged.estimates.at(MAP).value:.4f}", flush=True)
    return found


def averaged(found: list[ImageBootstrap]) -> ImageBootstrap:
    return ImageBootstrap(
        np.mean([one.value for one in found], axis=0), np.mean([one.replicates for one in found], axis=0)
    )


def effect(found: Runs, method: str, *, seed: int | None = None) -> ImageBootstrap:
    """A method less the one without negative prompts, class by class, averaged over fractions and seeds."""
    with_, without = (
        averaged([one for (_, its), one in found[name].items() if seed in (None, its)])
        for name in (method, WITHOUT_NEGATION)
    )
    return ImageBootstrap(with_.value - without.value, with_.replicates - without.replicates)


def bounds(after: ImageBootstrap, before: ImageBootstrap | None = None) -> dict[str, float]:
    """The mean over classes of one effect, or of what it is more than another, with its interval."""
    if before is None:
        before = ImageBootstrap(np.zeros_like(after.value), np.zeros_like(after.replicates))
    mean = difference(after, before, confidence=CONFIDENCE).mean
    return {"value": round(mean.value, 4), "low": round(mean.low, 4), "high": round(mean.high, 4)}


def measured(folder: Path, found: Runs) -> dict[str, Any]:
    maps: dict[str, dict[str, float]] = {
        method: {
            str(fraction): round(averaged([one for (its, _), one in by.items() if its == fraction]).value.mean(), 4)
            for fraction in FRACTIONS
        }
        for method, by in found.items()
    }
    return {
        "weights_sha256": sha256_file(folder / "model.safetensors"),
        "training": json.loads((folder / SETTINGS_FILE).read_text(encoding="utf-8")),
        **reading(folder),
        "map": maps,
        "change_by_negative_prompts": {method: bounds(effect(found, method)) for method in NEGATIVE_PROMPTS},
    }


def answer(record: dict[str, Any]) -> str:
    """What the record says, in words."""
    more, own = record["negated_less_plain"]["dual_coop"], record["map_negated_less_plain"]
    area = record["negated"]["auroc_of_without_a_star_for_images_without_one"]
    verdict = (
        "makes negative prompts hurt less"
        if more["low"] > 0
        else "makes negative prompts hurt more"
        if more["high"] < 0
        else "changes nothing that can be told"
    )
    changes = [_in_points(record[name]["change_by_negative_prompts"]["dual_coop"]) for name in ("plain", "negated")]
    told = (
        f"Training on captions with negations {verdict}: DualCoOp less PositiveCoOp is {changes[0]} points of mAP on "
        f"the model without them and {changes[1]} on the model with them, which reads 'without a star' with an area of "
        f"{area:.2f} under the ROC curve; the difference of the two is {_in_points(more)}. From the one model to the "
        f"other DualCoOp itself changes by {_in_points(own['dual_coop'])} points, NegativeCoOp by "
        f"{_in_points(own['negative_coop'])} and PositiveCoOp by {_in_points(own[WITHOUT_NEGATION])}."
    )
    if area >= READS:
        return told
    return f"{told} The evidence is weak: below {READS} the second model doesn't read 'without' well, either."


def _in_points(one: dict[str, float]) -> str:
    return f"{100 * one['value']:+.1f} [{100 * one['low']:+.1f}, {100 * one['high']:+.1f}]"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--plain", type=Path, required=True, help="the model trained without negations")
    parser.add_argument("--negated", type=Path, required=True, help="the model trained with them")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2], help="of the known labels and the prompts")
    parser.add_argument("--train-images", type=int, default=2000, help="with labels, for the prompts")
    parser.add_argument("--machine", default="2 CPU cores", help="what both were trained on, in words")
    parser.add_argument("--root", type=Path, default=Path("mlruns"), help="where embeddings and runs are kept")
    parser.add_argument("--record", type=Path, default=FOLDER / "negations_record.json")
    arguments = parser.parse_args()
    folders = {"plain": arguments.plain, "negated": arguments.negated}
    found = runs(folders, arguments.root, arguments.seeds, arguments.train_images)
    record: dict[str, Any] = {
        "question": "Does training the encoder on captions with negations change what negative prompts are worth?",
        "date": date.today().isoformat(),
        "machine": arguments.machine,
        "fractions": list(FRACTIONS),
        "seeds": arguments.seeds,
        "num_train_images": arguments.train_images,
        "num_test_images": World().image_set.ids.size,
        "num_test_images_read": NUM_IMAGES_READ,
        "confidence": CONFIDENCE,
        "bundled": reading(FOLDER),
        **{name: measured(folder, found[name]) for name, folder in folders.items()},
        "negated_less_plain": {
            method: {
                **bounds(effect(found["negated"], method), effect(found["plain"], method)),
                "by_seed": [
                    bounds(effect(found["negated"], method, seed=seed), effect(found["plain"], method, seed=seed))
                    for seed in arguments.seeds
                ],
            }
            for method in NEGATIVE_PROMPTS
        },
        "map_negated_less_plain": {
            method: bounds(*(averaged([*found[name][method].values()]) for name in ("negated", "plain")))
            for method in (WITHOUT_NEGATION, *NEGATIVE_PROMPTS)
        },
    }
    record["answer"] = answer(record)
    write_text(arguments.record, json.dumps(record, indent=2) + "\n")
    print(json.dumps(record, indent=1))


if __name__ == "__main__":
    main()
