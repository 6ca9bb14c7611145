"""A model that was taught shortcuts, and who finds them: on planted embeddings and on real ones."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from misfire.core.errors import UsageError
from misfire.data import ClassLabels, Tags
from misfire.data.world import World
from misfire.data.world.facts import Colour, Kind
from misfire.methods.modes import (
    Amplification,
    ClassProbabilitySplit,
    DatasetSentences,
    Facts,
    FPDiff,
    Judging,
    ModeFinder,
    SentenceModesCell,
    SplitAndCluster,
    TaughtOutcomes,
    WardClustering,
)
from misfire.methods.modes.outcome_source import Ground, OneSide
from tests.methods.modes.coloured_scenes import NUM_KINDS, coloured_scenes
from tests.methods.modes.planted import planted
