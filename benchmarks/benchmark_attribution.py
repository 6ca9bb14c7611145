"""What do the hits of all coalitions of ten templates cost? 70 queries over 5,000 x 512, correlated as CLIP's are.

Run: python benchmarks/benchmark_attribution.py
"""

import argparse
from functools import partial

import torch
from benchmark_tau_profile import clip_like
from measure import Contender, machine, table

from misfire.scoring import (
    EmbeddingMean,
    LogMeanExpPooling,
    MaxPooling,
    MeanPooling,
    PromptPooling,
    coalition_hits,
    ensemble_ranks,
)

KS = (1, 5, 10)
_SHARE = 1 / 33  # of the coalitions, ranked one by one


def one_by_one(
    prompts: torch.Tensor, gallery: torch.Tensor, targets: torch.Tensor, pooling: PromptPooling, chosen: torch.Tensor
) -> torch.Tensor:
    """Every coalition ranked by itself."""
    ranks = [ensemble_ranks(prompts[:, members], gallery, targets, pooling).rank for members in chosen]
    return torch.stack(ranks)[:, :, None] <= torch.tensor(KS)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--num-queries", type=int, default=70)
    parser.add_argument("--num-templates", type=int, default=10)
    parser.add_argument("--num-items", type=int, default=5_000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--num-threads", type=int, default=2)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.num_threads)

    data = clip_like(arguments.num_queries, arguments.num_templates, arguments.num_items)
    codes = torch.arange(1, 2**arguments.num_templates)
    coalitions = (codes[:, None] >> torch.arange(arguments.num_templates) & 1).bool()
    some = coalitions[torch.randperm(len(coalitions), generator=torch.Generator().manual_seed(0))]
    some = some[: round(_SHARE * len(coalitions))]
    for pooling in (MeanPooling(), MaxPooling(), LogMeanExpPooling(tau=1.0), EmbeddingMean()):
        one_each = one_by_one(*data, pooling, some)
        if not torch.equal(coalition_hits(*data, pooling, some, ks=KS), one_each):
            raise SystemExit(f"the two ways differ with {pooling.name}")
        contenders = [
            Contender(
                f"{pooling.name}: `ensemble_ranks`, one by one",
                partial(one_by_one, *data, pooling, some),
                len(some) / len(coalitions),
            ),
            Contender(f"{pooling.name}: `coalition_hits`", partial(coalition_hits, *data, pooling, coalitions, ks=KS)),
        ]
        print(table(contenders, repeats=arguments.repeats))
    print(f"\n{machine()}")


if __name__ == "__main__":
    main()
