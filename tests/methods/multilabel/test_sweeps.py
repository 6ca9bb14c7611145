"""The room's sweeps: each composes, and each cell of it is another."""

import pytest

from misfire.config.settings import Settings
from misfire.config.sweep import load

SIZES = {"multilabel_fractions": 36, "multilabel_negative_prompts": 27, "multilabel_parameters": 7}
SMALL = ["dataset.num_images=200", "train.num_images=60", "tracking.experiment=x"]


@pytest.mark.parametrize("name", SIZES)
def test_a_sweep_has_its_cells(name: str) -> None:
    sweep = load(name)
    points = sweep.points(SMALL)
    assert sweep.verb == "multilabel"
    assert len(set(points)) == len(points) == SIZES[name]
    first, last = (Settings.of_words(sweep.verb, point).cell() for point in (points[0], points[-1]))
    assert first.id != last.id
