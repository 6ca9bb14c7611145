"""Per-query retrieval metrics, as functions of ranks, and per-class metrics of scored images."""

from misfire.metrics.hit_at_k import hit_at_k
from misfire.metrics.mean_average_precision import MeanAveragePrecision, mean_average_precision
from misfire.metrics.median_rank import median_rank
from misfire.metrics.multilabel_f1 import MultilabelF1, multilabel_f1
from misfire.metrics.reciprocal_rank import reciprocal_rank

__all__ = [
    "MeanAveragePrecision",
    "MultilabelF1",
    "hit_at_k",
    "mean_average_precision",
    "median_rank",
    "multilabel_f1",
    "reciprocal_rank",
]
