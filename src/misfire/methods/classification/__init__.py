"""A zero-shot classifier's worst classes: found without labels, told from label noise, mended by their prompts.

What a configuration may build is exported here.
"""

from misfire.core.exports import exported

__all__, __getattr__ = exported(
    __name__,
    {
        "CarprtWeighting": "weighting.carprt",
        "ClassMatchingMargin": "margin",
        "ClassificationCell": "cell",
        "CpeWeighting": "weighting.cpe",
        "OutcomeFile": "outcomes_cell",
        "OutcomesCell": "outcomes_cell",
        "PriorCorrection": "prior",
        "RandomWeighting": "weighting.random_weights",
        "SameImages": "cell",
        "UniformWeighting": "weighting.uniform",
        "ZpeWeighting": "weighting.zpe",
        "class_matching_margin": "margin",
        "template_margins": "margin",
    },
)
