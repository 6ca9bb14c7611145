"""What do the configurations of a grid of choices cost? Each composed by Hydra, and each choice composed once.

Run: python benchmarks/benchmark_composing.py
"""

import argparse
import time
from itertools import product

from omegaconf import DictConfig, OmegaConf

from misfire.config import composing
from misfire.config.composing import composed
from misfire.config.groups import groups


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--verb", default="ensemble")
    parser.add_argument("--groups", nargs="+", default=["subset", "templates", "pooling"])
    parser.add_argument("--one-in", type=int, default=20, help="this share of them is composed by itself, and compared")
    arguments = parser.parse_args()

    verb = arguments.verb
    cells = list(product(*([f"{group}={name}" for name in sorted(groups()[group])] for group in arguments.groups)))
    some = cells[:: arguments.one_in]
    by_hydra, asked = composing._composed_by_hydra, []

    def noted(verb: str, choices: tuple[str, ...]) -> DictConfig:
        asked.append(choices)
        return by_hydra(verb, choices)

    composed(verb, some[0])  # Hydra's own imports
    composing.forget()
    composing._composed_by_hydra = noted
    start = time.perf_counter()
    for words in cells:
        composing._base(verb, words)
    once, num_asked = time.perf_counter() - start, len(asked)

    alone = 0.0
    for words in some:
        start = time.perf_counter()
        expected = by_hydra(verb, words)
        alone += (time.perf_counter() - start) * len(cells) / len(some)
        if OmegaConf.to_yaml(composing._base(verb, words).config) != OmegaConf.to_yaml(expected):
            raise SystemExit(f"the two ways differ for {' '.join(words)}")

    sizes = " x ".join(f"{len(groups()[group])} {group}" for group in arguments.groups)
    print(f"{sizes} = {len(cells)} configurations of misfire {verb}\n")
    print("| | composed by Hydra | seconds | ratio |\n|---|---:|---:|---:|")
    print(f"| each by itself | {len(cells)} | {alone:.1f} | 1.00 |")
    print(f"| each choice once | {num_asked} | {once:.1f} | {once / alone:.2f} |")


if __name__ == "__main__":
    main()
