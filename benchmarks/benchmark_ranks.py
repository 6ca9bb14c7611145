"""Does ranking cost more than the matrix product? 25,000 queries over 5,000 x 512, beside the usual ways.

Run: python benchmarks/benchmark_ranks.py
"""

import argparse

import torch
from measure import Contender, machine, table
from ranx import Qrels, Run, evaluate
from torchmetrics.retrieval import RetrievalHitRate

from misfire.scoring import target_outcomes, target_ranks, top_items


def unit_vectors(count: int, dim: int, seed: int) -> torch.Tensor:
    vectors = torch.randn(count, dim, generator=torch.Generator().manual_seed(seed))
    return torch.nn.functional.normalize(vectors, dim=1)


def ranks_by_sorting(queries: torch.Tensor, gallery: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """All scores, a full stable argsort, then a look for the target."""
    order = (queries @ gallery.T).argsort(dim=1, descending=True, stable=True)
    return 1 + (order == targets[:, None]).int().argmax(dim=1)


def recall_by_one_hot(queries: torch.Tensor, gallery: torch.Tensor, targets: torch.Tensor) -> list[torch.Tensor]:
    """CLIP_benchmark's zero-shot retrieval, in our words: all scores, then per k and batch of 64, topk and one-hot."""
    scores = queries @ gallery.T
    is_positive = torch.zeros_like(scores, dtype=torch.bool)
    is_positive[torch.arange(len(scores)), targets] = True
    recalls = []
    for k in (1, 5, 10):
        batches = []
        for some_scores, some_positive in zip(scores.split(64), is_positive.split(64), strict=True):
            chosen = torch.nn.functional.one_hot(some_scores.topk(k, dim=1).indices, num_classes=len(gallery))
            batches.append((some_positive * chosen.sum(dim=1)).sum(dim=1) / some_positive.sum(dim=1))
        recalls.append(torch.cat(batches))
    return recalls


def hit_rate_by_torchmetrics(queries: torch.Tensor, gallery: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    scores = queries @ gallery.T
    is_positive = torch.zeros_like(scores, dtype=torch.bool)
    is_positive[torch.arange(len(scores)), targets] = True
    indexes = torch.arange(len(scores))[:, None].expand_as(scores)
    return RetrievalHitRate(top_k=10)(scores.flatten(), is_positive.flatten(), indexes=indexes.flatten())


def hit_rate_by_ranx(queries: torch.Tensor, gallery: torch.Tensor, targets: torch.Tensor) -> object:
    scores = queries @ gallery.T
    items = [str(item) for item in range(len(gallery))]
    qrels = Qrels({str(query): {str(target): 1} for query, target in enumerate(targets.tolist())})
    run = Run({str(query): dict(zip(items, row, strict=True)) for query, row in enumerate(scores.tolist())})
    return evaluate(qrels, run, "hit_rate@10")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--num-queries", type=int, default=25_000)
    parser.add_argument("--num-items", type=int, default=5_000)
    parser.add_argument("--dim", type=int, default=512)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--num-threads", type=int, default=2)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.num_threads)

    queries = unit_vectors(arguments.num_queries, arguments.dim, seed=0)
    gallery = unit_vectors(arguments.num_items, arguments.dim, seed=1)
    targets = torch.randint(arguments.num_items, (arguments.num_queries,), generator=torch.Generator().manual_seed(2))

    def part(share: float) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        count = int(share * len(queries))
        return queries[:count], gallery, targets[:count]

    contenders = [
        Contender("bare product, `queries @ gallery.T`", lambda: queries @ gallery.T),
        Contender("`target_ranks`", lambda: target_ranks(queries, gallery, targets)),
        Contender("`target_outcomes`", lambda: target_outcomes(queries, gallery, targets)),
        Contender("`top_items`, k = 10", lambda: top_items(queries, gallery, k=10)),
        Contender("product and full argsort", lambda: ranks_by_sorting(*part(0.1)), 0.1),
        Contender("CLIP_benchmark's recall at 1, 5, 10", lambda: recall_by_one_hot(*part(0.1)), 0.1),
        Contender("torchmetrics `RetrievalHitRate`", lambda: hit_rate_by_torchmetrics(*part(0.01)), 0.01),
        Contender("ranx `hit_rate@10`", lambda: hit_rate_by_ranx(*part(0.01)), 0.01),
    ]
    print(table(contenders, repeats=arguments.repeats))
    print(f"\n{machine()}")


if __name__ == "__main__":
    main()
