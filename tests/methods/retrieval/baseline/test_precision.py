from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from misfire.embeddings.encoder import unit_rows
from misfire.methods.retrieval.baseline.precision import precision_flips
from tests.methods.retrieval import invented


@dataclass
class RoughEncoder(invented.HashEncoder):
    """Rounds its embeddings so coarsely that ranks change."""

    def describe(self) -> dict[str, str]:
        return {**super().describe(), "precision": "rough"}

    def encode_images(self, images: torch.Tensor) -> torch.Tensor:
        return unit_rows((super().encode_images(images) * 2).round() + 0.01)


def hits(bench: object, k: int) -> np.ndarray:
    """Whether each caption's image is among the first k, by a stable sort of all scores."""
    scores = (bench.captions @ bench.gallery.T).double().numpy()  # type: ignore[attr-defined]
    order = np.argsort(-scores, axis=1, kind="stable")
    return (order[:, :k] == bench.dataset.targets[:, None]).any(axis=1)  # type: ignore[attr-defined]


def test_flips_are_those_of_sorted_scores(tmp_path: Path) -> None:
    exact = invented.workbench(tmp_path)
    rough = invented.workbench(tmp_path, encoder=RoughEncoder())
    flips = precision_flips(exact, rough, ks=(1, 5))
    assert set(flips) == {"t2i/hit_at_1", "t2i/hit_at_5", "i2t/hit_at_1", "i2t/hit_at_5"}
    for k in (1, 5):
        before, after = hits(exact, k), hits(rough, k)
        ledger = flips[f"t2i/hit_at_{k}"]
        assert (ledger.broken, ledger.fixed) == ((before & ~after).sum(), (~before & after).sum())
        assert ledger.num_units == len(exact.dataset.captions)
    assert any(ledger.fixed + ledger.broken for ledger in flips.values())


def test_a_precision_does_not_differ_from_itself(tmp_path: Path) -> None:
    bench = invented.workbench(tmp_path)
    assert all(ledger.fixed == ledger.broken == 0 for ledger in precision_flips(bench, bench, ks=(1, 5)).values())
