from pathlib import Path

import pytest
import yaml

from misfire.core.errors import UsageError
from misfire.stats import StatisticsSettings

CONFIG = Path(__file__).parents[2] / "conf" / "statistics" / "paper.yaml"


def test_the_papers_config_is_the_default() -> None:
    config = yaml.safe_load(CONFIG.read_text())
    assert config.pop("_target_") == "misfire.stats.StatisticsSettings"
    assert StatisticsSettings(**config) == StatisticsSettings()


@pytest.mark.parametrize("confidence", [95, 95.0, 0, 1, 1.0, -0.5, float("nan")])
def test_confidence_is_a_fraction(confidence: float) -> None:
    with pytest.raises(UsageError, match=r"confidence must be a fraction in \(0, 1\), got .*\. Use 0\.95, not 95\."):
        StatisticsSettings(confidence=confidence)


def test_replicates_and_seed_have_a_lower_end() -> None:
    with pytest.raises(UsageError, match=r"num_replicates must be an integer >= 1, got 0. Use 2000."):
        StatisticsSettings(num_replicates=0)
    with pytest.raises(UsageError, match=r"seed must be a whole number from 0, got -1; 42 is as good as any."):
        StatisticsSettings(seed=-1)
    assert StatisticsSettings(seed=0).seed == 0
