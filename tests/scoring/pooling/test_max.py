import numpy as np
import torch

from misfire.scoring import MaxPooling


def test_max_is_numpy_s() -> None:
    scores = np.random.default_rng(0).normal(size=(4, 6, 9))
    assert (MaxPooling()(torch.from_numpy(scores)).numpy() == scores.max(axis=1)).all()
