"""How far labels can be trusted: agreement, drift, and what label noise does to a gain."""

from misfire.stats.agreement.category import CategoryAgreement, category_agreement, confusion_counts
from misfire.stats.agreement.cohen import CohenKappa, cohen_kappa
from misfire.stats.agreement.fleiss import FleissKappa, fleiss_kappa
from misfire.stats.agreement.krippendorff import KrippendorffAlpha, krippendorff_alpha

__all__ = [
    "CategoryAgreement",
    "CohenKappa",
    "FleissKappa",
    "KrippendorffAlpha",
    "category_agreement",
    "cohen_kappa",
    "confusion_counts",
    "fleiss_kappa",
    "krippendorff_alpha",
]
