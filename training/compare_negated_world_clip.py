"""Does training on captions that say what isn't there change what negative prompts are worth?

Two models of one seed and one recipe, the second with --share-negated, are asked whether "without a star" points to
images without a star, and what DualCoOp's negative prompts change in mAP against PositiveCoOp's embeddings. Runs are
tracked in an experiment of the model's folder's name; those that are finished there aren't run again.

python training/compare_negated_world_clip.py --plain build/plain --negated build/negated --share-negated 0.5
"""

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
from artifacts import FOLDER
from measure_world_clip import Model
from sklearn.metrics import roc_auc_score

from misfire.cells import run_cell
from misfire.config.settings import Settings
from misfire.core.files import write_text
from misfire.core.hashing import sha256_file
from misfire.data.world import World
from misfire.methods.multilabel.cell import MAP, read_replicates
from misfire.methods.multilabel.evaluation import ImageBootstrap, difference

FRACTIONS = (0.1, 0.5, 0.9)
CONFIDENCE = 0.95
NUM_IMAGES = 2000


def points_to_absence(folder: Path) -> dict[str, float]:
    """How well the cosine to "without a star" tells images without a star, and that to "a star" those with one.

    Areas under the ROC curve, the mean over the kinds; 0.5 is chance. A model that reads no negation takes "without a
    star" for "a star", which puts the first below 0.5.
    """
    model, world = Model(folder), World(num_images=NUM_IMAGES)
    images, has = model.images(world).numpy(), world.label_matrix.values == 1
    names = world.label_matrix.names
    present = model.texts([f"a photo of a {name}" for name in names]).numpy()
    absent = model.texts([f"a photo without a {name}" for name in names]).numpy()
    return {
        "auroc_of_a_star_for_images_with_one": mean_area(has, images @ present.T),
        "auroc_of_without_a_star_for_images_without_one": mean_area(~has, images @ absent.T),
    }


def mean_area(truth: np.ndarray, scores: np.ndarray) -> float:
    areas = [roc_auc_score(*pair) for pair in zip(truth.T, scores.T, strict=True)]
    return round(float(np.mean(areas)), 4)


def effect(folder: Path, root: Path) -> tuple[dict[str, Any], ImageBootstrap]:
    """mAP of both methods at each fraction, and DualCoOp less PositiveCoOp averaged over the fractions."""
    maps: dict[str, dict[str, float]] = {}
    changes = []
    for fraction in FRACTIONS:
        found = {}
        for method in ("dual_coop", "positive_coop"):
            words = [
                f"prompting={method}",
                f"labels.fraction={fraction}",
                "training.max_epochs=20",
                "backbone=local_dir",
                f"backbone.model=local-dir:{folder.resolve()}",
                f"paths.root={root}",
                f"tracking.experiment={folder.resolve().name}",
            ]
            settings = Settings.of_words("multilabel", words)
            logged, _ = run_cell(settings.cell(), settings.lab, settings["tracking"], config=settings.to_yaml)
            found[method] = read_replicates(logged)
            maps.setdefault(method, {})[str(fraction)] = round(logged.estimates.at(MAP).value, 4)
        changes.append((found["dual_coop"], found["positive_coop"]))
    both = [averaged([pair[side] for pair in changes]) for side in (0, 1)]
    change = ImageBootstrap(both[0].value - both[1].value, both[0].replicates - both[1].replicates)
    return {"map": maps, "dual_coop_less_positive_coop": bounds(*both)}, change


def averaged(found: list[ImageBootstrap]) -> ImageBootstrap:
    return ImageBootstrap(
        np.mean([one.value for one in found], axis=0), np.mean([one.replicates for one in found], axis=0)
    )


def bounds(after: ImageBootstrap, before: ImageBootstrap) -> dict[str, float]:
    mean = difference(after, before, confidence=CONFIDENCE).mean
    return {"value": round(mean.value, 4), "low": round(mean.low, 4), "high": round(mean.high, 4)}


def answer(record: dict[str, Any]) -> str:
    plain, negated = (record[name]["dual_coop_less_positive_coop"] for name in ("plain", "negated"))
    more = record["negated_less_plain"]
    verdict = (
        "makes negative prompts hurt less"
        if more["low"] > 0
        else "makes negative prompts hurt more"
        if more["high"] < 0
        else "changes nothing that can be told"
    )
    told = [
        f"{100 * one['value']:+.1f} [{100 * one['low']:+.1f}, {100 * one['high']:+.1f}]" for one in (plain, negated)
    ]
    return (
        f"Training on captions with negations {verdict}: negative prompts change mAP by {told[0]} points on the model "
        f"without them and by {told[1]} on the model with them; the difference of the two is "
        f"{100 * more['value']:+.1f} [{100 * more['low']:+.1f}, {100 * more['high']:+.1f}]."
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--plain", type=Path, required=True, help="the model trained without negations")
    parser.add_argument("--negated", type=Path, required=True, help="the model trained with them")
    parser.add_argument("--share-negated", type=float, required=True, help="what the second was trained with")
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--machine", default="2 CPU cores", help="what both were trained on, in words")
    parser.add_argument("--root", type=Path, default=Path("mlruns"), help="where embeddings and runs are kept")
    parser.add_argument("--record", type=Path, default=FOLDER / "negations_record.json")
    arguments = parser.parse_args()
    record: dict[str, Any] = {
        "question": "Does training the encoder on captions with negations change what negative prompts are worth?",
        "seed": arguments.seed,
        "steps": arguments.steps,
        "share_of_negated_captions": arguments.share_negated,
        "machine": arguments.machine,
        "fractions": list(FRACTIONS),
        "num_test_images": World().image_set.ids.size,
        "confidence": CONFIDENCE,
    }
    changes = {}
    for name in ("plain", "negated"):
        folder = getattr(arguments, name)
        measured, changes[name] = effect(folder, arguments.root)
        record[name] = {
            "weights_sha256": sha256_file(folder / "model.safetensors"),
            **points_to_absence(folder),
            **measured,
        }
    record["negated_less_plain"] = bounds(changes["negated"], changes["plain"])
    record["answer"] = answer(record)
    write_text(arguments.record, json.dumps(record, indent=2) + "\n")
    print(json.dumps(record, indent=1))


if __name__ == "__main__":
    main()
