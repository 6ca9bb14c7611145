"""What a difference on a few queries is worth: bootstrap and exact statistics of per-query values."""

from misfire.stats.agreement import CohenKappa, cohen_kappa
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
    "CohenKappa",
    "ExactPairedBootstrap",
    "Interval",
    "PairedBootstrap",
    "StatisticsSettings",
    "clustered_bootstrap",
    "clustered_median_bootstrap",
    "cohen_kappa",
    "exact_paired_bootstrap",
    "mcnemar_mid_p_value",
    "mcnemar_p_value",
    "paired_bootstrap",
    "wilson_interval",
]
