"""Do margins and weightings cost more than the products? 50,000 images x 1,000 classes x 80 templates, dim 512.

Also: class accuracies, rivals and intervals of 50,000 outcomes, in milliseconds.

Run: python benchmarks/benchmark_classification.py
"""

import argparse
import time
from collections.abc import Callable

import numpy as np
import torch
from measure import Contender, machine, table, table_of_one_run

from misfire.methods.classification import template_margins
from misfire.methods.classification.rivals import class_rivals, confused_pairs
from misfire.methods.classification.uncertainty import class_intervals, held_out_worst, summaries
from misfire.methods.classification.weighting import CarprtWeighting, CpeWeighting, PromptWeighting, ZpeWeighting
from misfire.methods.classification.weighting.base import pseudo_labels
from misfire.metrics import class_counts, harmonic_mean, worst_at_k
from misfire.stats import StatisticsSettings


def unit_vectors(*shape: int, seed: int) -> torch.Tensor:
    vectors = torch.randn(*shape, generator=torch.Generator().manual_seed(seed))
    return torch.nn.functional.normalize(vectors, dim=-1)


def bare_products(images: torch.Tensor, prompts: torch.Tensor) -> None:
    for template in range(prompts.shape[1]):
        images @ prompts[:, template].T


def milliseconds(run: Callable[[], object], repeats: int) -> float:
    run()
    taken = []
    for _ in range(repeats):
        start = time.perf_counter()
        run()
        taken.append(time.perf_counter() - start)
    return 1000 * float(np.median(taken))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--num-images", type=int, default=50_000)
    parser.add_argument("--num-classes", type=int, default=1_000)
    parser.add_argument("--num-templates", type=int, default=80)
    parser.add_argument("--dim", type=int, default=512)
    parser.add_argument("--repeats", type=int, default=0, help="0 runs each once, without a run to warm up")
    parser.add_argument("--num-threads", type=int, default=2)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.num_threads)
    num_images, num_classes = arguments.num_images, arguments.num_classes
    images = unit_vectors(num_images, arguments.dim, seed=0)
    prompts = unit_vectors(num_classes, arguments.num_templates, arguments.dim, seed=1)

    def weigh(weighting: PromptWeighting) -> Callable[[], object]:
        return lambda: weighting(images, prompts)

    contenders = [
        Contender(
            "bare products, `images @ prompts[:, t].T` for each template", lambda: bare_products(images, prompts)
        ),
        Contender(
            "matching margins of all templates by pseudo-labels",
            lambda: template_margins(images, prompts, pseudo_labels(images, prompts)),
        ),
        Contender("`CpeWeighting`", weigh(CpeWeighting())),
        Contender("`CpeWeighting(own_labels=True)`", weigh(CpeWeighting(own_labels=True))),
        Contender("`ZpeWeighting`", weigh(ZpeWeighting())),
        Contender("`CarprtWeighting`", weigh(CarprtWeighting())),
    ]
    print(f"{num_images:,} images x {num_classes:,} classes x {arguments.num_templates} templates; {machine()}\n")
    is_once = arguments.repeats == 0
    print(table_of_one_run(contenders) if is_once else table(contenders, repeats=arguments.repeats), flush=True)

    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(num_classes), num_images // num_classes)
    said = np.where(rng.random(len(labels)) < 0.76, labels, rng.integers(num_classes, size=len(labels)))
    hits = labels == said
    counts = class_counts(labels, hits, num_classes=num_classes)
    jobs: dict[str, Callable[[], object]] = {
        "class accuracies, worst@k, harmonic mean": lambda: (
            accuracy := class_counts(labels, labels == said, num_classes=num_classes).accuracy,
            [worst_at_k(accuracy, k) for k in (1, 5, 10, 20, 100)],
            harmonic_mean(accuracy),
        ),
        "rivals of each class": lambda: class_rivals(labels, said, num_classes=num_classes),
        "confused pairs, exact tests, Holm": lambda: confused_pairs(labels, said, num_classes=num_classes),
        "intervals of 8 summaries, 2,000 resamples": lambda: class_intervals(
            counts, summaries((1, 5, 10, 100)), StatisticsSettings()
        ),
        "worst@10 by 500 random halves": lambda: held_out_worst(counts, 10, rng=np.random.default_rng(0)),
    }
    print(f"\n{len(labels):,} outcomes of {num_classes:,} classes\n\n| job | ms |\n|---|---:|")
    for name, job in jobs.items():
        print(f"| {name} | {milliseconds(job, 5):.1f} |")


if __name__ == "__main__":
    main()
