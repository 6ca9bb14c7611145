"""Multi-label recognition from partial labels: positive prompts, negative prompts, or none."""

from misfire.methods.multilabel.asymmetric_loss import asymmetric_loss
from misfire.methods.multilabel.mask import draw_mask, hide, known_fraction, mask_csv, read_mask

__all__ = ["asymmetric_loss", "draw_mask", "hide", "known_fraction", "mask_csv", "read_mask"]
