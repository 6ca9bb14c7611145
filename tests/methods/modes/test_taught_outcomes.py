"""A model that is taught a shortcut, on real embeddings, and the methods that find what it fails on."""

from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from typing_extensions import override

from misfire.core.errors import UsageError
from misfire.data import ClassLabels, Dataset
from misfire.data.image_table import Known
from misfire.data.outcomes import Outcomes
from misfire.data.world import World
from misfire.embeddings import OpenClipEncoder
from misfire.methods.modes import (
    Amplification,
    ClassProbabilitySplit,
    Facts,
    FPDiff,
    GeneralSentences,
    Judging,
    ModeFinder,
    SentenceModesCell,
    SplitAndCluster,
    TaughtOutcomes,
    WardClustering,
    ZeroShotOutcomes,
)
from misfire.methods.modes.outcome_source import Ground, OneSide, OutcomeSource
from tests.methods.modes.coloured_scenes import KINDS, Scenes, coloured_scenes, stored


@dataclass
class Taught:
    """What a cell needs: the shown scenes, a model that was taught the others, and both embedded."""

    shown: Scenes
    source: TaughtOutcomes
    ground: Ground
    lab: Any
    outcomes: Outcomes


@pytest.fixture(scope="module")
def known() -> Taught:
    taught, shown = coloured_scenes()
    galleries = {one.name: torch.from_numpy(one.embeddings) for one in (taught, shown)}

    def texts(wanted: list[str]) -> torch.Tensor:
        return torch.from_numpy(np.random.default_rng(0).normal(size=(len(wanted), 128)).astype(np.float32))

    lab = SimpleNamespace(bench=lambda dataset, _: SimpleNamespace(gallery=galleries[dataset.name], texts=texts))
    backbone: Any = SimpleNamespace(fingerprint="backbone")
    source, ground = TaughtOutcomes(taught.dataset), Ground(shown.dataset, backbone)
    return Taught(shown, source, ground, lab, source.outcomes(ground, lab))


@dataclass(frozen=True)
class Remembered(OutcomeSource):
    """The outcomes of a model that was taught once for all tests."""

    known: Taught

    @property
    @override
    def lessons(self) -> Dataset:
        return self.known.source.lessons

    @override
    def identity(self, ground: Ground) -> Any:
        return self.known.source.identity(ground)

    @override
    def outcomes(self, ground: Ground, lab: Any) -> Outcomes:
        return self.known.outcomes


def test_the_stored_embeddings_are_the_models() -> None:
    kept = stored()
    few = kept["shown_scene"][:6]
    world = World(num_images=int(few[-1]) + 1, second_group=0.0, captions_per_image=1)
    encoder = OpenClipEncoder("bundled:world_clip")
    pictures = torch.stack([encoder.preprocess(world.images[one].source.load()) for one in few])
    found = torch.nn.functional.normalize(encoder.encode_images(pictures), dim=1).numpy()
    np.testing.assert_allclose(kept["shown"][:6], found, atol=0.003)


def test_the_same_seed_teaches_the_same(known: Taught) -> None:
    short = replace(known.source, head=Amplification(num_epochs=1))
    first, again = (short.outcomes(known.ground, known.lab) for _ in range(2))
    assert first.fingerprint == again.fingerprint != known.outcomes.fingerprint


def test_it_takes_the_usual_colour_for_the_kind(known: Taught) -> None:
    outcomes = known.outcomes
    usual = known.shown.colours == known.shown.kinds
    assert outcomes.correct[usual].mean() > 0.9
    assert outcomes.correct[~usual].mean() < 0.5
    assert outcomes.class_scores is not None
    assert outcomes.class_scores.sum(axis=1) == pytest.approx(1)


@pytest.mark.parametrize(
    ("finder", "least"),
    [
        (SplitAndCluster(FPDiff(3), ClassProbabilitySplit(), WardClustering(5), is_per_class=True), 0.5),
        (Facts(), 0.75),
    ],
    ids=lambda one: one.label if isinstance(one, ModeFinder) else "",
)
def test_planted_contexts_are_recovered_from_real_embeddings(known: Taught, finder: ModeFinder, least: float) -> None:
    """0.5 and 0.75 of half the kinds; of all kinds and twice the images the sweep `planted_contexts` finds more."""
    cell = SentenceModesCell(
        Remembered(known),
        GeneralSentences(),
        finder,
        known.ground,
        Judging("colour", num_shuffles=0, num_repeats=0),
        seed=0,
    )
    estimates = cell.run(known.lab).estimates
    assert estimates.at("p", k=10).value >= least
    assert 0.2 <= estimates.at("p", k=10, group="chance").value <= 0.4
    assert cell.label()["contexts"] == "colour"


def test_the_lessons_say_which_context_of_a_class_isnt_counted(known: Taught) -> None:
    cell = SentenceModesCell(known.source, GeneralSentences(), Facts(), known.ground, Judging("colour"), seed=0)
    parts = cell._partitions(known.outcomes)
    assert parts is not None
    in_usual = known.shown.colours == known.shown.kinds
    assert not parts[in_usual].any()
    assert parts[~in_usual].any(axis=1).mean() > 0.5
    assert OneSide(known.source, "dev", 0.5, 0).lessons is known.source.lessons
    assert ZeroShotOutcomes().lessons is None


def test_identity_holds_all_that_outcomes_hang_on(known: Taught) -> None:
    sources = [
        known.source,
        replace(known.source, seed=1),
        replace(known.source, head=Amplification(weight_decay=0.1)),
        replace(known.source, taught_on=known.shown.dataset),
    ]
    assert len({str(one.identity(known.ground)) for one in sources}) == 4


def test_what_cant_be_taught_is_refused(known: Taught) -> None:
    dataset = known.ground.known_dataset
    two = ClassLabels(dataset.image_set.ids[:2], ("ball", "box"), np.array([0, 1]))
    fewer = replace(dataset, images=dataset.images[:2], known=Known(labels=two))
    named = replace(fewer, known=Known(labels=ClassLabels(two.image_ids, tuple(map(str, KINDS)), two.labels)))
    wanted = "a model can name only classes that it was taught, got images of 6 \\(triangle, star, heart"
    for taught_on in (fewer, named):
        with pytest.raises(UsageError, match=wanted):
            replace(known.source, taught_on=taught_on).outcomes(known.ground, known.lab)
    bare = replace(dataset, known=Known())
    with pytest.raises(UsageError, match="need a dataset that knows them, got shown without labels"):
        known.source.identity(Ground(bare, known.ground.backbone))
