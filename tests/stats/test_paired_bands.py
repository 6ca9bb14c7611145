import numpy as np
import pytest

from misfire.core.errors import UsageError
from misfire.stats import paired_bands, paired_bootstrap


@pytest.mark.parametrize(("num_queries", "num_replicates"), [(1, 7), (24, 300), (1500, 1500)])  # several blocks
@pytest.mark.parametrize("confidence", [0.95, 0.8])
def test_each_system_has_the_interval_that_it_has_alone(
    num_queries: int, num_replicates: int, confidence: float
) -> None:
    rng = np.random.default_rng(num_queries)
    baseline, ensembled = rng.random((5, num_queries)) < 0.4, rng.random((5, num_queries)) < 0.5
    ensembled[4] = baseline[4]
    found = paired_bands(
        baseline, ensembled, num_replicates=num_replicates, confidence=confidence, rng=np.random.default_rng(42)
    )
    for system in range(5):
        alone = paired_bootstrap(
            baseline[system],
            ensembled[system],
            num_replicates=num_replicates,
            confidence=confidence,
            rng=np.random.default_rng(42),
        )
        assert found[system].tolist() == [alone.low, alone.high]


def test_one_baseline_serves_all_systems() -> None:
    rng = np.random.default_rng(0)
    baseline, ensembled = rng.random(30) < 0.4, rng.random((3, 30)) < 0.6
    one = paired_bands(baseline, ensembled, num_replicates=100, rng=np.random.default_rng(1))
    many = paired_bands(np.tile(baseline, (3, 1)), ensembled, num_replicates=100, rng=np.random.default_rng(1))
    assert (one == many).all()


def test_what_has_no_interval_is_refused() -> None:
    rng = np.random.default_rng(0)
    nothing = np.zeros((2, 0), dtype=bool)
    with pytest.raises(UsageError, match=r"at least one, and baseline .* got \(2, 0\) and \(2, 0\); join them"):
        paired_bands(nothing, nothing, rng=rng)
    with pytest.raises(UsageError, match=r"got \(2, 4\) and \(3,\)"):
        paired_bands(np.zeros(3, dtype=bool), np.zeros((2, 4), dtype=bool), rng=rng)
    with pytest.raises(UsageError, match="confidence"):
        paired_bands(np.zeros(4, dtype=bool), np.zeros((2, 4), dtype=bool), confidence=95.0, rng=rng)
