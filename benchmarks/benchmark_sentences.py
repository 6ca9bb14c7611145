"""What does it cost to explain the failures on 50,000 images by 1,417 sentences, from stored embeddings?

Sizes are those of ImageNet's validation set and of the paper's sentences for it: 512 dimensions, 15 hard and 15 easy
clusters. Embeddings are drawn: nothing of the cost depends on what they show.

Run: python benchmarks/benchmark_sentences.py
"""

import argparse
import time
from collections.abc import Callable

import numpy as np
from measure import machine
from scipy import stats

from misfire.methods.modes import (
    ClassProbabilitySplit,
    EncodedSentences,
    FPDiff,
    Ladder,
    PerformanceSplit,
    ScoredImages,
    SizedClustering,
    SplitAndCluster,
    Trend,
)


def problem(num_images: int, num_sentences: int, num_classes: int, dim: int) -> tuple[ScoredImages, EncodedSentences]:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, num_classes, size=num_images)
    centres = rng.normal(size=(num_classes, dim))
    embeddings = (centres[labels] + 1.5 * rng.normal(size=(num_images, dim))).astype(np.float32)
    chances = rng.beta(2, 1, size=num_images)
    predictions = np.full((num_images, num_classes), 1e-4, dtype=np.float32)
    predictions[np.arange(num_images), labels] = chances
    performance = (rng.random(num_images) < chances).astype(float)
    sentences = rng.normal(size=(num_sentences, dim)).astype(np.float32)
    texts = tuple(f"sentence {one}" for one in range(num_sentences))
    return ScoredImages(embeddings, performance, labels, predictions), EncodedSentences(texts, sentences)


def plain_trend(images: ScoredImages, sentences: EncodedSentences) -> list[float]:
    """SciPy's rank-sum test, sentence by sentence and class by class."""
    cosines, wrong = sentences.cosines(images.embeddings), images.performance == 0
    found = []
    for column in cosines.T:
        for one in np.unique(images.strata):
            inside = images.strata == one
            if 0 < wrong[inside].sum() < inside.sum():
                found.append(stats.mannwhitneyu(column[inside & wrong], column[inside & ~wrong]).pvalue)
    return found


def timed(name: str, run: Callable[[], object]) -> None:
    wall, cpu = time.perf_counter(), time.process_time()
    run()
    print(f"| {name} | {time.perf_counter() - wall:.1f} | {time.process_time() - cpu:.1f} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=50_000)
    parser.add_argument("--sentences", type=int, default=1417)
    parser.add_argument("--classes", type=int, default=1000)
    parser.add_argument("--dim", type=int, default=512)
    given = parser.parse_args()
    images, sentences = problem(given.images, given.sentences, given.classes, given.dim)
    split = ClassProbabilitySplit()
    parts = split(images)
    print(machine())
    print(
        f"\n{given.images:,} images of {given.classes:,} classes, {given.sentences:,} sentences, {given.dim} dimensions"
    )
    print(f"{int(parts.is_hard.sum()):,} hard and {int(parts.is_easy.sum()):,} easy images\n")
    print("| method | seconds | processor seconds |\n|:--|--:|--:|")
    rng = np.random.default_rng(0)
    finder = SplitAndCluster(FPDiff(), split, SizedClustering())
    timed("FPDiff, 15 clusters each", lambda: finder.find(images, sentences, rng=rng))
    timed("trend", lambda: Trend().find(images, sentences, rng=rng))
    timed("ladder", lambda: Ladder(split=PerformanceSplit(0.0)).find(images, sentences, rng=rng))
    few = EncodedSentences(sentences.texts[:5], sentences.embeddings[:5])
    timed(f"SciPy's rank sums, 5 of {given.sentences:,} sentences", lambda: plain_trend(images, few))


if __name__ == "__main__":
    main()
