"""What a difference on a few queries is worth: bootstrap and exact statistics of per-query values."""

from misfire.stats.agreement import (
    CategoryAgreement,
    CategoryShare,
    CohenKappa,
    Departure,
    FastItems,
    FleissKappa,
    KrippendorffAlpha,
    LabelChange,
    RelabelledGain,
    SelfAgreement,
    annotator_departures,
    category_agreement,
    category_shares,
    cohen_kappa,
    confusion_counts,
    fast_items,
    fleiss_kappa,
    krippendorff_alpha,
    label_change,
    label_distribution,
    relabelled_gain,
    self_agreement,
    smoothed_confusion,
)
from misfire.stats.bca import BcaInterval, bca_bootstrap, bca_interval
from misfire.stats.bootstrap import PairedBootstrap, paired_bootstrap
from misfire.stats.clustered import (
    Interval,
    clustered_bootstrap,
    clustered_mean_bootstrap,
    clustered_median_bootstrap,
)
from misfire.stats.counted import counted_bootstrap
from misfire.stats.matched_pairs import FlipEffect, McNemar, flip_effect, mcnemar
from misfire.stats.mean_distribution import PairedMeanDistribution, paired_mean_distribution
from misfire.stats.multiplicity import benjamini_hochberg, benjamini_yekutieli, holm
from misfire.stats.paired_bands import paired_bands
from misfire.stats.paired_distribution import ExactPairedDistribution, exact_paired_distribution
from misfire.stats.power import (
    DetectableGain,
    mcnemar_power,
    minimum_detectable_gain,
    queries_needed,
    smallest_significant_count,
)
from misfire.stats.proportion import clustered_wilson_interval, wilson_interval
from misfire.stats.score_interval import clustered_score_interval, paired_score_interval
from misfire.stats.settings import StatisticsSettings
from misfire.stats.sign_flip import SignFlipTest, sign_flip_test
from misfire.stats.student import paired_t_interval
from misfire.stats.westfall_young import max_t

__all__ = [
    "BcaInterval",
    "CategoryAgreement",
    "CategoryShare",
    "CohenKappa",
    "Departure",
    "DetectableGain",
    "ExactPairedDistribution",
    "FastItems",
    "FleissKappa",
    "FlipEffect",
    "Interval",
    "KrippendorffAlpha",
    "LabelChange",
    "McNemar",
    "PairedBootstrap",
    "PairedMeanDistribution",
    "RelabelledGain",
    "SelfAgreement",
    "SignFlipTest",
    "StatisticsSettings",
    "annotator_departures",
    "bca_bootstrap",
    "bca_interval",
    "benjamini_hochberg",
    "benjamini_yekutieli",
    "category_agreement",
    "category_shares",
    "clustered_bootstrap",
    "clustered_mean_bootstrap",
    "clustered_median_bootstrap",
    "clustered_score_interval",
    "clustered_wilson_interval",
    "cohen_kappa",
    "confusion_counts",
    "counted_bootstrap",
    "exact_paired_distribution",
    "fast_items",
    "fleiss_kappa",
    "flip_effect",
    "holm",
    "krippendorff_alpha",
    "label_change",
    "label_distribution",
    "max_t",
    "mcnemar",
    "mcnemar_power",
    "minimum_detectable_gain",
    "paired_bands",
    "paired_bootstrap",
    "paired_mean_distribution",
    "paired_score_interval",
    "paired_t_interval",
    "queries_needed",
    "relabelled_gain",
    "self_agreement",
    "sign_flip_test",
    "smallest_significant_count",
    "smoothed_confusion",
    "wilson_interval",
]
