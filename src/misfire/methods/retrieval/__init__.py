"""Failures of retrieval: mined, annotated, asked again with many prompts, and the gain tested.

What a configuration may build is exported here.
"""

from misfire.core.exports import exported

__all__, __getattr__ = exported(
    __name__,
    {
        "AttributionCell": "attribution.attribution_cell",
        "BaselineCell": "baseline.baseline_cell",
        "EnsembleCell": "ensemble.ensemble_cell",
        "GapCell": "gap.gap_cell",
        "GapSystems": "gap.systems",
        "GatedTemplates": "templates.gated_templates",
        "LexicalRouter": "templates.routers.lexical",
        "MarginGate": "templates.margin_gate",
        "OutOfFoldRouter": "templates.routers.out_of_fold",
        "ProfileCell": "profile.profile_cell",
        "PredictedTemplates": "templates.routing",
        "TauGrid": "profile.tau_grid",
        "ZeroShotRouter": "templates.routers.zero_shot",
    },
)
