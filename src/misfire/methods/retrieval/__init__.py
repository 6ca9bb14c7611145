"""Failures of retrieval: mined, annotated, asked again with many prompts, and the gain tested.

What a configuration may build is exported here.
"""

from importlib import import_module
from typing import Any

_HOMES = {
    "GapSystems": "gap.systems",
    "GatedTemplates": "templates.gated_templates",
    "LexicalRouter": "templates.routers.lexical",
    "MarginGate": "templates.margin_gate",
    "OutOfFoldRouter": "templates.routers.out_of_fold",
    "PredictedTemplates": "templates.routing",
    "TauGrid": "profile.tau_grid",
    "ZeroShotRouter": "templates.routers.zero_shot",
}

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    # Imported when asked for: a configuration needs a few of them, and each brings torch.
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
