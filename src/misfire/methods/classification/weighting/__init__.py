"""Ways of weighting the templates of a prompt ensemble without labels, a file each."""

from misfire.methods.classification.weighting.base import PromptWeighting, PromptWeights
from misfire.methods.classification.weighting.carprt import CarprtWeighting
from misfire.methods.classification.weighting.cpe import CpeWeighting
from misfire.methods.classification.weighting.random_weights import RandomWeighting
from misfire.methods.classification.weighting.uniform import UniformWeighting
from misfire.methods.classification.weighting.zpe import ZpeWeighting

__all__ = [
    "CarprtWeighting",
    "CpeWeighting",
    "PromptWeighting",
    "PromptWeights",
    "RandomWeighting",
    "UniformWeighting",
    "ZpeWeighting",
]
