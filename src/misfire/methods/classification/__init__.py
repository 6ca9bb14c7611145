"""A zero-shot classifier's worst classes: found without labels, told from label noise, mended by their prompts.

What a configuration may build is exported here.
"""

from importlib import import_module
from typing import Any

_HOMES = {
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
}

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    # Imported when asked for: a configuration needs a few of them, and each brings torch.
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
