"""The loop that fits a mixture, whatever its components are."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar, final

import numpy as np
from jaxtyping import Float
from scipy.special import logsumexp

Fitted = TypeVar("Fitted")


@final
@dataclass(frozen=True)
class Ended(Generic[Fitted]):
    """How expectation-maximisation ended.

    Attributes:
        fitted: The parameters of the last M-step.
        mean_log_likelihood: Mean over the images of the log-likelihood, in nats, as the last E-step saw it; the number
            that the tolerance watches (scikit-learn's ``lower_bound_``).
        num_iterations: Pairs of E-step and M-step that were run.
        has_converged: Whether the likelihood changed by less than the tolerance before the iterations ran out.
    """

    fitted: Fitted
    mean_log_likelihood: float
    num_iterations: int
    has_converged: bool


def expectation_maximisation(
    responsibilities: Float[np.ndarray, "image component"],
    maximise: Callable[[Float[np.ndarray, "image component"]], Fitted],
    log_joint: Callable[[Fitted], Float[np.ndarray, "image component"]],
    *,
    tolerance: float | int,
    max_iterations: int,
) -> Ended[Fitted]:
    """Fit from an M-step on the given responsibilities, then by pairs of an E-step and an M-step.

    Args:
        responsibilities: Where to start; rows sum to 1.
        maximise: The M-step: parameters from responsibilities.
        log_joint: Log-density of each image and component under some parameters, in nats.
        tolerance: It ends once the mean log-likelihood changes by less.
        max_iterations: It ends then at the latest.
    """
    fitted = maximise(responsibilities)
    before, has_converged, iteration = -np.inf, False, 0
    while iteration < max_iterations and not has_converged:
        iteration += 1
        joint = log_joint(fitted)
        evidence = logsumexp(joint, axis=1)
        likelihood = float(evidence.mean())
        fitted = maximise(np.exp(joint - evidence[:, None]))
        has_converged = abs(likelihood - before) < tolerance
        before = likelihood
    return Ended(fitted, before, iteration, has_converged)
