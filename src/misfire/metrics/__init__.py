"""Metrics as functions of arrays: of ranks for retrieval, of class accuracies for classification."""

from misfire.metrics.class_accuracies import (
    ClassCounts,
    class_counts,
    geometric_mean,
    harmonic_mean,
    smoothed_class_accuracy,
    worst_at_k,
    worst_classes,
)
from misfire.metrics.hit_at_k import hit_at_k
from misfire.metrics.median_rank import median_rank
from misfire.metrics.reciprocal_rank import reciprocal_rank

__all__ = [
    "ClassCounts",
    "class_counts",
    "geometric_mean",
    "harmonic_mean",
    "hit_at_k",
    "median_rank",
    "reciprocal_rank",
    "smoothed_class_accuracy",
    "worst_at_k",
    "worst_classes",
]
