"""Every file of conf/pooling makes a pooling, but for the one that makes a grid of them."""

from importlib import import_module
from pathlib import Path

import pytest
import torch
import yaml

from misfire.scoring import PromptPooling, ensemble_ranks
from tests.scoring.brute_force import as_tuples

FOLDER = Path(__file__).parents[3] / "conf" / "pooling"
NAMES = sorted(path.stem for path in FOLDER.glob("*.yaml") if path.stem != "profile")
ALIASES = {"logsumexp": "logmeanexp"}


def make(name: str) -> PromptPooling:
    config = yaml.safe_load((FOLDER / f"{name}.yaml").read_text())
    module, _, attribute = config.pop("_target_").rpartition(".")
    pooling = getattr(import_module(module), attribute)(**config)
    assert isinstance(pooling, PromptPooling)
    return pooling


@pytest.mark.parametrize("name", NAMES)
def test_a_config_makes_the_pooling_of_its_name_or_an_alias(name: str) -> None:
    assert make(name).name == ALIASES.get(name, name)


def test_log_sum_exp_ranks_as_its_alias_does() -> None:
    generator = torch.Generator().manual_seed(0)
    prompts, gallery = torch.randn(20, 4, 6, generator=generator), torch.randn(50, 6, generator=generator)
    scores = torch.einsum("qpd,gd->qpg", prompts.double(), gallery.double()).logsumexp(dim=1)
    expected = 1 + (scores > scores[torch.arange(20), torch.arange(20)][:, None]).sum(dim=1)
    ranks = ensemble_ranks(prompts, gallery, torch.arange(20), make("logsumexp"))
    assert ranks.rank.tolist() == expected.tolist()
    assert as_tuples(ranks) == as_tuples(ensemble_ranks(prompts, gallery, torch.arange(20), make("logmeanexp")))
