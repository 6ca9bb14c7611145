"""Failure modes in words: why a model fails, by tags, by sentences and by mixtures, on one scorecard."""

from misfire.methods.modes.error_aware_mixture import ErrorAwareMixture as ErrorAwareMixture
from misfire.methods.modes.error_aware_mixture import FittedErrorAwareMixture as FittedErrorAwareMixture
from misfire.methods.modes.error_aware_mixture import confusion_responsibilities as confusion_responsibilities
from misfire.methods.modes.explanation_scores import ExplanationScores as ExplanationScores
from misfire.methods.modes.explanation_scores import explanation_scores as explanation_scores
from misfire.methods.modes.explanation_scores import failure_sentences as failure_sentences
from misfire.methods.modes.explanation_scores import sentence_hardness as sentence_hardness
