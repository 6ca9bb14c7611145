"""How far labels can be trusted: agreement, drift, and what label noise does to a gain."""

from misfire.stats.agreement.category import CategoryAgreement, category_agreement, confusion_counts
from misfire.stats.agreement.category_share import CategoryShare, category_shares
from misfire.stats.agreement.change import LabelChange, label_change
from misfire.stats.agreement.cohen import CohenKappa, cohen_kappa
from misfire.stats.agreement.departure import Departure, annotator_departures
from misfire.stats.agreement.fleiss import FleissKappa, fleiss_kappa
from misfire.stats.agreement.krippendorff import KrippendorffAlpha, krippendorff_alpha
from misfire.stats.agreement.label_distribution import label_distribution, smoothed_confusion
from misfire.stats.agreement.rare import rare_without_interval
from misfire.stats.agreement.relabelled_gain import RelabelledGain, relabelled_gain
from misfire.stats.agreement.repeats import SelfAgreement, self_agreement
from misfire.stats.agreement.speed import FastItems, fast_items

__all__ = [
    "CategoryAgreement",
    "CategoryShare",
    "CohenKappa",
    "Departure",
    "FastItems",
    "FleissKappa",
    "KrippendorffAlpha",
    "LabelChange",
    "RelabelledGain",
    "SelfAgreement",
    "annotator_departures",
    "category_agreement",
    "category_shares",
    "cohen_kappa",
    "confusion_counts",
    "fast_items",
    "fleiss_kappa",
    "krippendorff_alpha",
    "label_change",
    "label_distribution",
    "rare_without_interval",
    "relabelled_gain",
    "self_agreement",
    "smoothed_confusion",
]
