"""The asymmetric loss over the labels that are known."""

import torch
from jaxtyping import Float, Shaped

from misfire.core.errors import UsageError

REDUCTIONS = ("sum", "mean")


def asymmetric_loss(
    logits: Float[torch.Tensor, "image class"],
    labels: Shaped[torch.Tensor, "labelled_image labelled_class"],
    *,
    gamma_negative: float | int = 2.0,
    gamma_positive: float | int = 1.0,
    clip: float | int = 0.05,
    reduction: str = "sum",
) -> Float[torch.Tensor, ""]:
    """Cross-entropy in which easy images count less, easy negatives least, over known labels only; >= 0.

    With p the sigmoid of the logit and m the clipped probability max(p - clip, 0), a positive costs
    (1 - p)^gamma_positive * -log p, a negative m^gamma_negative * -log(1 - m). The powers are weights: no gradient
    flows through them. Entries with label 0 are taken out before anything is computed, so that neither their logits
    nor the labels that were hidden there can reach the loss or a gradient.

    Args:
        logits: Log-odds of presence: of a method with two polarities, the positive logit minus the negative one, whose
            sigmoid is the softmax over the two.
        labels: 1 present, -1 absent, 0 unknown.
        gamma_negative: Power of a negative's weight, >= 0.
        gamma_positive: Power of a positive's weight, >= 0.
        clip: What is taken off a negative's probability; a negative below it costs nothing. In [0, 1).
        reduction: ``sum`` over the known labels, as published, or their ``mean``, which doesn't shrink with them.

    Raises:
        UsageError: If no label is known, shapes differ, or a setting is out of its range.

    Reference:
        Ridnik et al., "Asymmetric loss for multi-label classification", ICCV 2021, equations 4 to 7.

    Example:
        >>> loss = asymmetric_loss(torch.tensor([[0.0, 9.0]]), torch.tensor([[1, 0]]))
        >>> round(float(loss), 4)  # one known label with p = 0.5: 0.5 * log 2
        0.3466
    """
    if not (0 <= clip < 1 and gamma_negative >= 0 and gamma_positive >= 0):
        raise UsageError(
            "the asymmetric loss must have powers >= 0 and a clip in [0, 1), got gamma_negative "
            f"{gamma_negative}, gamma_positive {gamma_positive} and clip {clip}; the published ones are 2, 1 and 0.05."
        )
    if reduction not in REDUCTIONS:
        raise UsageError(f"reduction must be one of {', '.join(REDUCTIONS)}, got {reduction!r}; the published is sum.")
    if logits.shape != labels.shape:
        raise UsageError(
            f"logits and labels must have one shape, got {tuple(logits.shape)} and {tuple(labels.shape)}; give each "
            "image a row and each class a column in both."
        )
    is_positive, is_negative = labels == 1, labels == -1
    num_known = int(is_positive.sum() + is_negative.sum())
    if not num_known:
        raise UsageError(
            f"at least one label must be known, got {labels.numel()} that are all unknown; draw a larger fraction."
        )
    costs = torch.nn.functional.softplus(-logits[is_positive].float())  # -log p
    with torch.no_grad():
        weights = torch.sigmoid(-logits[is_positive].float()) ** gamma_positive
    total = (weights * costs).sum()
    clipped = (torch.sigmoid(logits[is_negative].float()) - clip).clamp(min=0)
    # Without a clip the plain form would be log(0) where the sigmoid rounds to 1.
    costs = -torch.log1p(-clipped) if clip else torch.nn.functional.softplus(logits[is_negative].float())
    total = total + (clipped.detach() ** gamma_negative * costs).sum()
    return total if reduction == "sum" else total / num_known
