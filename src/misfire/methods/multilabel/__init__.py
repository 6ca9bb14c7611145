"""Multi-label recognition from partial labels: positive prompts, negative prompts, or none.

What a configuration may build, and what is of use from Python, is exported here.
"""

from importlib import import_module
from typing import Any

_HOMES = {
    "Augmentation": "augmentation",
    "DualCoOp": "prompting",
    "KnownLabels": "known_labels",
    "NegationCell": "negation_cell",
    "NegationCount": "negation",
    "NegativeCoOp": "prompting",
    "PositiveCoOp": "prompting",
    "Prompting": "prompting",
    "RecognitionCell": "cell",
    "TrainingSettings": "settings",
    "VisionOnly": "prompting",
    "ZeroShot": "prompting",
    "aggregate": "aggregation",
    "asymmetric_loss": "loss",
    "class_errors": "cell",
    "count_negations": "negation",
    "draw_mask": "mask",
    "fit": "training",
    "hide": "mask",
    "known_fraction": "mask",
    "log_odds": "aggregation",
    "mask_csv": "mask",
    "normalised_scores": "sparc",
    "num_trainable": "prompting",
    "prompting_named": "prompting",
    "read_mask": "mask",
    "scores": "training",
}

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    # Imported when asked for: a configuration needs a few of them, and some bring torch or Lightning.
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
