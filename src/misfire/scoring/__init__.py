"""Cosine scores in blocks, poolings of prompts, ranks and the tau profile: pure functions of tensors."""

from misfire.scoring.coalitions import coalition_hits
from misfire.scoring.comparison import Outcomes, Ranks
from misfire.scoring.pooling import (
    EmbeddingMean,
    LogMeanExpPooling,
    MaxPooling,
    MeanPooling,
    PromptPooling,
    ScorePooling,
)
from misfire.scoring.prompt_ranks import ensemble_outcomes_beside_prompts, pools_scores
from misfire.scoring.prompt_spread import PromptSpread, prompt_spread
from misfire.scoring.ranks import ensemble_outcomes, ensemble_ranks, target_outcomes, target_ranks
from misfire.scoring.relevant import RelevantOutcomes, relevant_outcomes
from misfire.scoring.tau_profile import tau_profile
from misfire.scoring.top_items import TopItems, ensemble_top_items, top_items

__all__ = [
    "EmbeddingMean",
    "LogMeanExpPooling",
    "MaxPooling",
    "MeanPooling",
    "Outcomes",
    "PromptPooling",
    "PromptSpread",
    "Ranks",
    "RelevantOutcomes",
    "ScorePooling",
    "TopItems",
    "coalition_hits",
    "ensemble_outcomes",
    "ensemble_outcomes_beside_prompts",
    "ensemble_ranks",
    "ensemble_top_items",
    "pools_scores",
    "prompt_spread",
    "relevant_outcomes",
    "target_outcomes",
    "target_ranks",
    "tau_profile",
    "top_items",
]
