"""Per-query retrieval metrics, as functions of ranks."""

from misfire.metrics.hit_at_k import hit_at_k
from misfire.metrics.median_rank import median_rank
from misfire.metrics.reciprocal_rank import reciprocal_rank

__all__ = ["hit_at_k", "median_rank", "reciprocal_rank"]
