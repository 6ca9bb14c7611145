"""Metrics as functions of arrays: of ranks, of class accuracies, of the scores of several classes an image."""

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
from misfire.metrics.mean_average_precision import MeanAveragePrecision, mean_average_precision
from misfire.metrics.median_rank import median_rank
from misfire.metrics.multilabel_f1 import MultilabelF1, multilabel_f1
from misfire.metrics.reciprocal_rank import reciprocal_rank

__all__ = [
    "ClassCounts",
    "MeanAveragePrecision",
    "MultilabelF1",
    "class_counts",
    "geometric_mean",
    "harmonic_mean",
    "hit_at_k",
    "mean_average_precision",
    "median_rank",
    "multilabel_f1",
    "reciprocal_rank",
    "smoothed_class_accuracy",
    "worst_at_k",
    "worst_classes",
]
