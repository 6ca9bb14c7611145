"""Mean average precision of 4,952 x 20 scores and of its resamples, beside scikit-learn; and a step of each method.

python benchmarks/benchmark_multilabel.py
"""

import time
from collections.abc import Callable

import numpy as np
import torch
from sklearn.metrics import average_precision_score

from misfire.data.world.facts import Kind
from misfire.embeddings import OpenClipEncoder, PromptedText
from misfire.methods.multilabel import DualCoOp, PositiveCoOp, VisionOnly, asymmetric_loss, log_odds
from misfire.methods.multilabel.prompting import Sizes
from misfire.metrics import mean_average_precision
from misfire.metrics.mean_average_precision import RankedImages

NUM_IMAGES, NUM_CLASSES = 4952, 20  # VOC 2007 test


def milliseconds(work: Callable[[], object], *, repetitions: int = 10) -> float:
    """The fastest of some repetitions."""
    taken = []
    for _ in range(repetitions):
        start = time.perf_counter()
        work()
        taken.append(time.perf_counter() - start)
    return 1000 * min(taken)


def metrics() -> None:
    rng = np.random.default_rng(0)
    scores = rng.normal(size=(NUM_IMAGES, NUM_CLASSES))
    labels = rng.choice([-1, -1, -1, 0, 1], size=scores.shape)
    ranked = RankedImages(scores, labels, zeros="ignore")
    weights = rng.multinomial(NUM_IMAGES, np.full(NUM_IMAGES, 1 / NUM_IMAGES))

    def of_scikit_learn() -> list[float]:
        return [
            average_precision_score(labels[known, column] == 1, scores[known, column])
            for column in range(NUM_CLASSES)
            if (known := labels[:, column] != 0) is not None
        ]

    print(
        f"mAP of {NUM_IMAGES:,} x {NUM_CLASSES}: {milliseconds(lambda: mean_average_precision(scores, labels)):.1f} ms"
    )
    eleven = milliseconds(lambda: mean_average_precision(scores, labels, interpolation="voc2007"))
    print(f"  11-point: {eleven:.1f} ms; scikit-learn's: {milliseconds(of_scikit_learn):.1f} ms")
    print(f"  of one resample, sorted before: {milliseconds(lambda: ranked.average_precision(weights)):.2f} ms")


def steps() -> None:
    torch.set_num_threads(2)
    text = PromptedText(OpenClipEncoder("bundled:world_clip"), [kind.value for kind in Kind], num_context=16)
    regions = torch.nn.functional.normalize(torch.randn(64, 4, 128), dim=-1)
    labels = torch.randint(-1, 2, (64, 16))
    for method in (DualCoOp(), PositiveCoOp(), VisionOnly()):
        module = method.build(Sizes(16, 128, 128), rng=torch.Generator().manual_seed(0))

        def step(module: torch.nn.Module = module) -> None:
            asymmetric_loss(log_odds(module(regions, text)), labels, reduction="mean").backward()

        print(f"a step of {method.name} on 64 images of the world, forward and back: {milliseconds(step):.1f} ms")


if __name__ == "__main__":
    metrics()
    steps()
