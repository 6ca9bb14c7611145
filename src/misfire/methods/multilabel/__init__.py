"""Multi-label recognition from partial labels: positive prompts, negative prompts, or none."""

from misfire.methods.multilabel.aggregation import aggregate, log_odds
from misfire.methods.multilabel.asymmetric_loss import asymmetric_loss
from misfire.methods.multilabel.mask import draw_mask, hide, known_fraction, mask_csv, read_mask
from misfire.methods.multilabel.prompting import (
    DualCoOp,
    NegativeCoOp,
    PositiveCoOp,
    Prompting,
    VisionOnly,
    num_trainable,
    prompting_named,
)

__all__ = [
    "DualCoOp",
    "NegativeCoOp",
    "PositiveCoOp",
    "Prompting",
    "VisionOnly",
    "aggregate",
    "asymmetric_loss",
    "draw_mask",
    "hide",
    "known_fraction",
    "log_odds",
    "mask_csv",
    "num_trainable",
    "prompting_named",
    "read_mask",
]
