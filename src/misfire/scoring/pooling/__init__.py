"""Ways of making one score out of several prompts, one module each."""

from misfire.scoring.pooling.base import PromptPooling, ScorePooling
from misfire.scoring.pooling.embedding_mean import EmbeddingMean
from misfire.scoring.pooling.logmeanexp import LogMeanExpPooling
from misfire.scoring.pooling.max import MaxPooling
from misfire.scoring.pooling.mean import MeanPooling

__all__ = ["EmbeddingMean", "LogMeanExpPooling", "MaxPooling", "MeanPooling", "PromptPooling", "ScorePooling"]
