"""The figures of a report."""

from misfire.reporting.figures.attribution import attribution_bars
from misfire.reporting.figures.best import best_pooling
from misfire.reporting.figures.categories import category_distribution
from misfire.reporting.figures.confusion import confusion_matrix
from misfire.reporting.figures.gap import oracle_gap_points
from misfire.reporting.figures.histogram import bootstrap_distributions, bootstrap_histogram
from misfire.reporting.figures.matrix import gain_matrix
from misfire.reporting.figures.pooling import pooling_ablation
from misfire.reporting.figures.profile import tau_profile_curves
from misfire.reporting.figures.style import Illustration, to_png, to_svg
from misfire.reporting.figures.temperature import temperature_sweep

__all__ = [
    "Illustration",
    "attribution_bars",
    "best_pooling",
    "bootstrap_distributions",
    "bootstrap_histogram",
    "category_distribution",
    "confusion_matrix",
    "gain_matrix",
    "oracle_gap_points",
    "pooling_ablation",
    "tau_profile_curves",
    "temperature_sweep",
    "to_png",
    "to_svg",
]
