"""How uncertainty is measured."""

from dataclasses import dataclass

from misfire.core.counts import check_most, check_seed
from misfire.core.errors import UsageError


@dataclass(frozen=True)
class StatisticsSettings:
    """Replicates, level and seed of the bootstrap; the defaults are the published protocol's.

    Args:
        num_replicates: How many resamples are drawn.
        confidence: Coverage of the percentile interval, a fraction in (0, 1).
        seed: Seed of every metric's own generator.

    Raises:
        UsageError: If a value is outside its range.

    Example:
        >>> StatisticsSettings()
        StatisticsSettings(num_replicates=2000, confidence=0.95, seed=42)
    """

    num_replicates: int = 2000
    confidence: float | int = 0.95
    seed: int = 42

    def __post_init__(self) -> None:
        check_num_replicates(self.num_replicates)
        check_confidence(self.confidence)
        check_seed(seed=self.seed)


def check_confidence(confidence: float | int) -> None:
    """Reject a confidence level outside (0, 1)."""
    if not 0 < confidence < 1:
        raise UsageError(f"confidence must be a fraction in (0, 1), got {confidence!r}. Use 0.95, not 95.")


def check_num_replicates(num_replicates: int) -> None:
    """Reject a number of resamples from which no interval can be read."""
    if num_replicates < 1:
        raise UsageError(f"num_replicates must be an integer >= 1, got {num_replicates!r}. Use 2000.")
    check_most(10_000_000, num_replicates=num_replicates)
