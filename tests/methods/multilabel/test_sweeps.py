"""The room's sweeps: each composes, and each cell of it is another."""

import json

import pytest

from misfire.cells import Logged
from misfire.config.settings import Settings
from misfire.config.sweep import load
from misfire.methods.multilabel.comparing import _by_variant

SIZES = {"multilabel_fractions": 36, "multilabel_negative_prompts": 27, "multilabel_parameters": 7}
SMALL = ["dataset.num_images=200", "train.num_images=600", "tracking.experiment=x"]


@pytest.mark.parametrize("name", SIZES)
def test_a_sweep_has_its_cells(name: str) -> None:
    sweep = load(name)
    points = sweep.points(SMALL)
    assert sweep.verb == "multilabel"
    assert len(set(points)) == len(points) == SIZES[name]
    first, last = (Settings.of_words(sweep.verb, point).cell() for point in (points[0], points[-1]))
    assert first.id != last.id


def labelled(prompting: str, **label: str) -> Logged:
    told = {"prompting": prompting, "fraction": "0.5", "seed": "0", **label}
    header = json.dumps({"id": "a", "label": told}).encode()
    return Logged("a", "multilabel", prompting, read=lambda name: header)


def test_own_and_shared_contexts_are_never_averaged_and_a_projector_stands_beside_both() -> None:
    own = [labelled("dual_coop", context="16 own"), labelled("positive_coop", context="16 own")]
    shared, projector = labelled("dual_coop", context="16 shared"), labelled("vision_only")
    assert _by_variant([*own, shared, projector]) == [
        ("16 own tokens", [*own, projector]),
        ("16 shared tokens", [shared, projector]),
    ]
    assert _by_variant([projector]) == [("", [projector])]
