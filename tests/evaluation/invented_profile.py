"""An invented finished profile, for tests that need one but not how it came about."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from misfire.methods.retrieval.profile.outcome import ProfilePoint, ReferenceTau, TauProfile, Transition
from misfire.scoring import PromptSpread

TAUS = (0.01, 0.1, 1.0, 10.0)
NUM_QUERIES, NUM_OTHERS = 40, 200


def profile(
    hits: Mapping[int, Sequence[int]] | None = None,
    *,
    p_value: float = 0.4,
    broken: int = 1,
    spread: Mapping[str, float] | None = None,
    **changed: Any,
) -> TauProfile:
    """A profile of four taus at the cut-offs 1 and 10, on 40 queries of which the plain caption hits 0 and 20."""
    hits = hits or {1: (1, 1, 2, 2, 2, 2), 10: (20, 21, 23, 22, 22, 22)}
    before = {1: 0, 10: 20}
    points = tuple(
        _point(place, tau, k, hits[k][place], before[k], min(broken, before[k]), p_value)
        for place, tau in enumerate((0.0, *TAUS, math.inf))
        for k in (1, 10)
    )
    known = {"tau": 1.0, "deviation": 0.012, "shift": 7.2e-5, "largest_shift": 9e-4, "gap": 0.003}
    made = TauProfile(
        profile_id="f" * 64,
        subset="object",
        how_chosen="invented",
        is_failure_mined=True,
        templates="matched",
        num_templates=10,
        is_oracle=True,
        backbone="tiny",
        backbone_fingerprint="b" * 64,
        dataset="invented",
        dataset_fingerprint="d" * 64,
        num_queries=NUM_QUERIES,
        num_complement=NUM_OTHERS,
        num_others=960,
        confidence=0.95,
        ks=(1, 10),
        baseline_hits=(0, 20),
        transition=Transition(num_queries=240, num_movable=50, start=0.01, end=1.0),
        reference=ReferenceTau(
            spread=PromptSpread(**{**known, **(spread or {})}), num_sampled=40, hits=(2, 22), num_as_mean=239
        ),
        points=points,
        dataset_notes=("nothing was left out",),
    )
    return replace(made, **changed)


def _point(place: int, tau: float, k: int, hits: int, before: int, broken: int, p_value: float) -> ProfilePoint:
    gain = (hits - before) / NUM_QUERIES
    return ProfilePoint(
        pooling="logmeanexp" if 0 < place < 5 else ("max" if place == 0 else "mean"),
        tau=tau,
        k=k,
        hits=hits,
        gain=gain,
        low=gain - 0.05,
        high=gain + 0.05,
        fixed=hits - before + broken,
        broken=broken,
        complement_fixed=3 + place,
        complement_broken=5,
        p_adjusted=p_value,
        left_max=place / 5,
        at_mean=place / 5,
    )
