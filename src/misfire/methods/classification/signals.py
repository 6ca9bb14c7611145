"""What can be said of a class without labels, and how well that tells its accuracy."""

import math
from collections.abc import Mapping
from statistics import NormalDist

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float, Int, Int64

from misfire.core.errors import UsageError
from misfire.methods.classification.margin import class_matching_margin
from misfire.methods.classification.zero_shot import Predictions
from misfire.metrics import worst_classes

ORACLE_MARGIN = "oracle_matching_margin"
"""The margin by the true labels: what the label-free one is measured against, never a method."""


def label_free_signals(
    images: Float[torch.Tensor, "image dim"],
    prompts: Float[torch.Tensor, "class dim"],
    predictions: Predictions,
    *,
    oracle_labels: Int64[torch.Tensor, " image"] | None = None,
) -> dict[str, Float[np.ndarray, " class"]]:
    """One number a class by each signal, all turned so that higher should mean more accurate.

    ``matching_margin`` and ``matching_margin_per_image`` are the class-wise matching margin by pseudo-labels;
    ``negative_entropy`` and ``max_probability`` are means over the images that are called the class;
    ``predicted_share`` is the share of all images that are; ``prompt_distance`` is 1 less the similarity of the class's
    prompt to the nearest other one, which needs no image. NaN for a class that nothing is called, except for the last
    two.

    Args:
        images: Unit embeddings of the images.
        prompts: Unit embedding of each class's prompt, or of its ensemble.
        predictions: Of the classifier that is to be judged.
        oracle_labels: True labels, if the margin by them is to stand beside.

    Raises:
        UsageError: If shapes don't fit or a value isn't finite.
    """
    pseudo = predictions.label
    counts = torch.bincount(pseudo, minlength=len(prompts)).numpy()
    similarity = prompts.double() @ prompts.double().T
    similarity.fill_diagonal_(-torch.inf)
    signals = {
        "matching_margin": class_matching_margin(images, prompts, pseudo).margin,
        "matching_margin_per_image": class_matching_margin(images, prompts, pseudo, per_image=True).margin,
        "negative_entropy": _class_mean(-predictions.entropy, pseudo, counts),
        "max_probability": _class_mean(predictions.max_probability, pseudo, counts),
        "predicted_share": counts / max(1, len(pseudo)),
        "prompt_distance": 1 - similarity.amax(dim=1),
    }
    if oracle_labels is not None:
        signals[ORACLE_MARGIN] = class_matching_margin(images, prompts, oracle_labels).margin
    return {name: np.asarray(values, dtype=np.float64) for name, values in signals.items()}


def signal_table(
    signals: Mapping[str, Float[np.ndarray, " class"]],
    class_accuracy: Float[np.ndarray, " class"],
    *,
    k: int,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """How well each signal tells the classes' accuracy: rank correlations, and the overlap of the worst k.

    Only classes with an accuracy and that signal are counted; how many is in the table. The intervals are Bonett and
    Wright's for normal data, wide enough for ranks; a class is the unit.

    Args:
        signals: One number a class; higher should mean more accurate.
        class_accuracy: Accuracy of each class; NaN where it has no image.
        k: Of how many lowest classes the overlap is taken.
        confidence: Coverage of the intervals.

    Returns:
        One row a signal: ``num_classes``, ``spearman``, ``kendall`` (tau-b) with ``_low`` and ``_high``, and
        ``overlap``, the share of the k least accurate classes that are among the k lowest by the signal;
        ``overlap_by_chance`` is what a signal without knowledge has.

    Raises:
        UsageError: If fewer than five classes are left, or k is more than are left.

    Reference:
        Bonett and Wright, "Sample size requirements for estimating Pearson, Kendall and Spearman correlations",
        Psychometrika 65, 2000.
    """
    from scipy.stats import kendalltau, spearmanr

    rows = []
    for name, values in signals.items():
        known = np.isfinite(values) & np.isfinite(class_accuracy)
        num_classes = int(known.sum())
        if num_classes < 5 or not 1 <= k <= num_classes:
            raise UsageError(
                f"a signal must be known of at least five classes and of k = {k}, got {num_classes} for {name}; "
                "evaluate on more images or choose a smaller k."
            )
        signal, accuracy = values[known], class_accuracy[known]
        is_flat = np.ptp(signal) == 0 or np.ptp(accuracy) == 0  # no rank, so no correlation
        spearman = math.nan if is_flat else float(spearmanr(signal, accuracy).statistic)
        kendall = math.nan if is_flat else float(kendalltau(signal, accuracy).statistic)
        # A signal's worst k by its own order: ranks stand in for accuracies, which must lie in [0, 1].
        lowest = np.argsort(signal, kind="stable")[:k]
        shared = len(np.intersect1d(lowest, worst_classes(accuracy, k)))
        bounds = {
            "spearman": _fisher_interval(spearman, (1 + spearman**2 / 2) / (num_classes - 3), confidence),
            "kendall": _fisher_interval(kendall, 0.437 / (num_classes - 4), confidence),
        }
        rows.append(
            {
                "signal": name,
                "num_classes": num_classes,
                "spearman": spearman,
                "spearman_low": bounds["spearman"][0],
                "spearman_high": bounds["spearman"][1],
                "kendall": kendall,
                "kendall_low": bounds["kendall"][0],
                "kendall_high": bounds["kendall"][1],
                "k": k,
                "overlap": shared / k,
                "overlap_by_chance": k / num_classes,
            }
        )
    return pd.DataFrame(rows)


def _class_mean(
    values: Float[torch.Tensor, " image"], labels: Int64[torch.Tensor, " image"], counts: Int[np.ndarray, " class"]
) -> Float[np.ndarray, " class"]:
    with np.errstate(invalid="ignore"):
        mean: Float[np.ndarray, " class"] = (
            np.bincount(labels.numpy(), weights=values.double().numpy(), minlength=len(counts)) / counts
        )
    return mean


def _fisher_interval(correlation: float, variance: float, confidence: float) -> tuple[float, float]:
    """Interval of a correlation on Fisher's scale, where it is about normal; a point at -1 and 1."""
    if math.isnan(correlation):
        return math.nan, math.nan
    if abs(correlation) >= 1:
        return correlation, correlation
    reach = NormalDist().inv_cdf((1 + confidence) / 2) * math.sqrt(variance)
    return math.tanh(math.atanh(correlation) - reach), math.tanh(math.atanh(correlation) + reach)
