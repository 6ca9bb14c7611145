import numpy as np
import pytest

from misfire.core.errors import UsageError
from misfire.methods.modes import Amplification, Facts
from tests.methods.modes.planted import planted

QUICK = Amplification(num_epochs=6)


def test_images_without_their_usual_context_get_less_of_the_true_class() -> None:
    known = planted(num_images=800, bias=0.9, noise=0.08)
    labels = known.images.strata
    model = QUICK.fit(known.images.embeddings, labels, num_classes=4, rng=np.random.default_rng(0))
    chances = model.predictions(known.images.embeddings)[np.arange(800), labels]
    conflicting = known.is_conflicting()
    assert chances[~conflicting].mean() > chances[conflicting].mean() + 0.15
    assert len(model.spreads) == 6
    assert model.epoch == 1 + int(np.argmax(model.spreads))
    spread = np.mean([chances[labels == one].var() for one in range(4)])
    assert spread == pytest.approx(max(model.spreads), rel=1e-4)
    again = QUICK.fit(known.images.embeddings, labels, num_classes=4, rng=np.random.default_rng(0))
    assert np.array_equal(again.weights, model.weights)


def test_facts_reads_amplified_predictions_where_it_is_told_to() -> None:
    known = planted(num_images=500, bias=0.8)
    found = Facts(num_dimensions=8, amplification=QUICK).find(
        known.images, known.sentences, rng=np.random.default_rng(0)
    )
    assert "Predictions are those of a linear model with amplified correlations" in found.remarks[0]
    parts = found.partition_weights(known.images)
    own = Facts(num_dimensions=8).find(known.images, known.sentences, rng=np.random.default_rng(0))
    assert not np.array_equal(parts, own.partition_weights(known.images))
    assert ((parts > 0).sum(axis=1) == 1).all()


def test_unfit_input_is_refused() -> None:
    with pytest.raises(UsageError, match="amplification needs images of two classes, got 1"):
        QUICK.fit(np.eye(3), np.zeros(3, dtype=int), num_classes=2, rng=np.random.default_rng(0))
    with pytest.raises(UsageError, match=r"got -1.0, 0.05 and 0.9; 0.01, 0.05 and 0.9 are the defaults"):
        Amplification(weight_decay=-1.0)
    with pytest.raises(UsageError, match="num_epochs must be >= 1, got 0"):
        Amplification(num_epochs=0)
