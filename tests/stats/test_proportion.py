import pytest
from scipy import stats  # type: ignore[import-untyped]

from misfire.core.errors import UsageError
from misfire.stats import wilson_interval


@pytest.mark.parametrize("confidence", [0.8, 0.95, 0.99])
@pytest.mark.parametrize(("count", "total"), [(0, 1), (1, 1), (0, 24), (62, 210), (1, 210), (210, 210), (8, 24)])
def test_wilson_matches_scipy(count: int, total: int, confidence: float) -> None:
    expected = stats.binomtest(count, total).proportion_ci(confidence, method="wilson")
    assert wilson_interval(count, total, confidence=confidence) == pytest.approx(
        (expected.low, expected.high), abs=1e-12
    )


def test_bad_counts_are_refused_with_their_remedy() -> None:
    with pytest.raises(UsageError, match=r"got 5 of 4; the share of nothing is undefined"):
        wilson_interval(5, 4)
    with pytest.raises(UsageError, match=r"Use 0.95, not 95."):
        wilson_interval(1, 4, confidence=95.0)
