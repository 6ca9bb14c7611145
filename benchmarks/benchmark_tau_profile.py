"""What do 64 values of tau cost? 1,000 queries x 15 prompts over 5,000 x 512, correlated as CLIP's embeddings are.

Run: python benchmarks/benchmark_tau_profile.py
"""

import argparse

import torch
from measure import Contender, machine, table
from torch.nn.functional import normalize

from misfire.scoring import (
    EmbeddingMean,
    LogMeanExpPooling,
    MaxPooling,
    MeanPooling,
    ensemble_outcomes,
    ensemble_ranks,
    tau_profile,
)

DIM = 512


def clip_like(num_queries: int, num_prompts: int, num_items: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Prompts of a caption at cosine 0.95 of each other, image-text cosines of 0.24 +- 0.04, targets near the top."""
    generator = torch.Generator().manual_seed(0)

    def directions(*shape: int) -> torch.Tensor:
        return normalize(torch.randn(*shape, DIM, generator=generator), dim=-1)

    common = directions()
    own = directions(num_items)
    targets = torch.randint(num_items, (num_queries,), generator=generator)
    captions = normalize(0.45 * common + 0.14 * own[targets] + directions(num_queries), dim=-1)
    prompts = normalize(captions[:, None] + 0.22 * directions(num_queries, num_prompts), dim=-1)
    return prompts, normalize(0.75 * common + own, dim=-1), targets


def every_exponential(prompts: torch.Tensor, gallery: torch.Tensor, targets: torch.Tensor, taus: torch.Tensor) -> None:
    """All scores, then all exponentials for each tau."""
    scores = torch.einsum("qpd,gd->qpg", prompts, gallery)
    for tau in taus.tolist():
        pooled = tau * (scores / tau).logsumexp(dim=1)
        _ = (pooled > pooled.gather(1, targets[:, None])).sum(dim=1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--num-queries", type=int, default=1_000)
    parser.add_argument("--num-prompts", type=int, default=15)
    parser.add_argument("--num-items", type=int, default=5_000)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--num-threads", type=int, default=2)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.num_threads)

    data = clip_like(arguments.num_queries, arguments.num_prompts, arguments.num_items)
    prompts, gallery, targets = data
    elsewhere = targets.roll(1)  # another query's target: ranks as deep as chance makes them
    few = arguments.num_queries // 50
    taus = torch.logspace(-3, 1, 64)
    soft = LogMeanExpPooling()
    contenders = [
        Contender("bare product, prompts @ gallery.T", lambda: prompts.flatten(0, 1) @ gallery.T),
        Contender("`ensemble_ranks`, embedding_mean", lambda: ensemble_ranks(*data, EmbeddingMean())),
        Contender("`ensemble_ranks`, mean", lambda: ensemble_ranks(*data, MeanPooling())),
        Contender("`ensemble_ranks`, max", lambda: ensemble_ranks(*data, MaxPooling())),
        Contender("`ensemble_ranks`, logmeanexp", lambda: ensemble_ranks(*data, soft)),
        Contender("`ensemble_outcomes`, logmeanexp", lambda: ensemble_outcomes(*data, soft)),
        Contender("`tau_profile`, 64 taus", lambda: tau_profile(*data, taus)),
        Contender("`tau_profile`, 64 taus, targets at random", lambda: tau_profile(prompts, gallery, elsewhere, taus)),
        Contender(
            "every exponential, 64 taus", lambda: every_exponential(prompts[:few], gallery, targets[:few], taus), 0.02
        ),
    ]
    print(table(contenders, repeats=arguments.repeats))
    print(f"\n{machine()}")


if __name__ == "__main__":
    main()
