"""What a difference on a few queries is worth: bootstrap and exact statistics of per-query values."""

from misfire.stats.agreement import (
    CategoryAgreement,
    CohenKappa,
    FleissKappa,
    KrippendorffAlpha,
    category_agreement,
    cohen_kappa,
    confusion_counts,
    fleiss_kappa,
    krippendorff_alpha,
)
from misfire.stats.bootstrap import PairedBootstrap, paired_bootstrap
from misfire.stats.clustered import Interval, clustered_bootstrap, clustered_median_bootstrap
from misfire.stats.exact import (
    ExactPairedBootstrap,
    exact_paired_bootstrap,
    mcnemar_mid_p_value,
    mcnemar_p_value,
    wilson_interval,
)
from misfire.stats.settings import StatisticsSettings

__all__ = [
    "CategoryAgreement",
    "CohenKappa",
    "ExactPairedBootstrap",
    "FleissKappa",
    "Interval",
    "KrippendorffAlpha",
    "PairedBootstrap",
    "StatisticsSettings",
    "category_agreement",
    "clustered_bootstrap",
    "clustered_median_bootstrap",
    "cohen_kappa",
    "confusion_counts",
    "exact_paired_bootstrap",
    "fleiss_kappa",
    "krippendorff_alpha",
    "mcnemar_mid_p_value",
    "mcnemar_p_value",
    "paired_bootstrap",
    "wilson_interval",
]
