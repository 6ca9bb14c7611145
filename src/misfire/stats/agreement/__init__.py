"""How far labels can be trusted: agreement, drift, and what label noise does to a gain."""

from misfire.stats.agreement.cohen import CohenKappa, cohen_kappa

__all__ = [
    "CohenKappa",
    "cohen_kappa",
]
