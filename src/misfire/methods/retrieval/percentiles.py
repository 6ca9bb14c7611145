"""Where the bootstrap's percentiles and the exact test of the same flips disagree, and the sentence that says why."""

PERCENTILES_ARE_SHORT = (
    "the bootstrap's percentiles leave 0 out ({} to {} points) though the exact test doesn't (p = {}): resamples of a "
    "few flips that go one way all go that way, which says little of other queries. The exact test counts."
)
"""What is said then; takes both ends and the p-value, as printed."""


def leaves_out_zero_alone(p_exact: float, low: float, high: float, *, level: float = 0.05) -> bool:
    """Whether the percentile interval excludes no change and the exact test of the same flips doesn't.

    Example:
        >>> leaves_out_zero_alone(0.0625, 0.0823, 0.375), leaves_out_zero_alone(0.0625, 0.0, 0.375)
        (True, False)
    """
    return p_exact > level and not low <= 0 <= high
