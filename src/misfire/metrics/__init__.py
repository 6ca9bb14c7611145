"""Per-query retrieval metrics, as functions of ranks, and per-class metrics of scored images."""

from misfire.metrics.hit_at_k import hit_at_k
from misfire.metrics.mean_average_precision import MeanAveragePrecision, mean_average_precision
from misfire.metrics.median_rank import median_rank
from misfire.metrics.reciprocal_rank import reciprocal_rank

__all__ = ["MeanAveragePrecision", "hit_at_k", "mean_average_precision", "median_rank", "reciprocal_rank"]
