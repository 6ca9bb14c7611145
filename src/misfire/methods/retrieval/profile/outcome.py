"""What came out of a tau profile: a point a pooling and cut-off, where the ranks change, and what tau = 1 is."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, final

from misfire.scoring import PromptSpread


@final
@dataclass(frozen=True)
class ProfilePoint:
    """One pooling at one cut-off, against the plain caption.

    Args:
        pooling: ``max``, ``logmeanexp`` or ``mean``.
        tau: Temperature; 0 for max and infinity for mean, the limits of LogMeanExp.
        k: Cut-off of hit_at_k.
        hits: Queries of the subset that it hits.
        gain: Change of the hit rate on the subset, a fraction.
        low: Lower end of the gain's bootstrap percentile interval.
        high: Its upper end.
        fixed: Queries of the subset that it hits and the plain caption doesn't.
        broken: The other way round.
        complement_fixed: The same among the other queries.
        complement_broken: The same among the other queries.
        p_adjusted: Two-sided max-T p-value of the gain, adjusted for all points of the profile.
        left_max: Share of the queries that max and mean rank differently which it doesn't rank as max does; NaN where
            there is none.
        at_mean: Share of these queries that it ranks as mean does.
    """

    pooling: str
    tau: float
    k: int
    hits: int
    gain: float
    low: float
    high: float
    fixed: int
    broken: int
    complement_fixed: int
    complement_broken: int
    p_adjusted: float
    left_max: float
    at_mean: float

    @property
    def label(self) -> str:
        """What a reader calls it: ``max``, ``tau=0.03`` or ``mean``."""
        return f"tau={self.tau:.3g}" if self.is_soft else self.pooling

    @property
    def is_soft(self) -> bool:
        """Whether it has a temperature of its own, rather than being an end of the profile."""
        return 0 < self.tau < math.inf


@final
@dataclass(frozen=True)
class Transition:
    """The temperatures between which ranks go over from the max's to the mean's.

    Args:
        num_queries: Queries looked at, the subset's and the others.
        num_movable: Those of them that max and mean rank differently.
        start: The smallest tau of the grid at which a tenth of these have left the max's rank; None if there is none.
        end: The smallest tau of the grid from which on nine tenths of them have the mean's rank; None if there is none.
    """

    num_queries: int
    num_movable: int
    start: float | None
    end: float | None


@final
@dataclass(frozen=True)
class ReferenceTau:
    """The published temperature, 1, held against the mean.

    Args:
        spread: How far prompts disagree, and what the temperature makes of it.
        num_sampled: Queries on which that was measured.
        hits: Queries of the subset hit at each of the profile's cut-offs.
        num_as_mean: Queries, of the subset and the others, that it ranks as mean does.
    """

    spread: PromptSpread
    num_sampled: int
    hits: tuple[int, ...]
    num_as_mean: int


@final
@dataclass(frozen=True)
class TauProfile:
    """A finished profile: what it was, and its points by tau and cut-off; fractions and counts.

    ``num_complement`` of the ``num_others`` other queries were asked too. ``baseline_hits`` are the plain caption's, a
    number a cut-off.
    """

    profile_id: str
    subset: str
    how_chosen: str
    is_failure_mined: bool
    templates: str
    num_templates: int
    is_oracle: bool
    backbone: str
    backbone_fingerprint: str
    dataset: str
    dataset_fingerprint: str
    num_queries: int
    num_complement: int
    num_others: int
    confidence: float
    ks: tuple[int, ...]
    baseline_hits: tuple[int, ...]
    transition: Transition
    reference: ReferenceTau
    points: tuple[ProfilePoint, ...]
    dataset_notes: tuple[str, ...] = ()

    @property
    def num_taus(self) -> int:
        """Temperatures of the grid."""
        return len(self.points) // len(self.ks) - 2

    def at(self, k: int) -> list[ProfilePoint]:
        """The points of one cut-off, from max over ascending tau to mean."""
        return [point for point in self.points if point.k == k]

    def best(self, k: int) -> ProfilePoint:
        """The point with the largest gain at a cut-off.

        Of equals the one that does best on the other queries, and of these the one nearest to the mean.
        """
        return max(self.at(k), key=lambda point: (*_worth(point), point.tau))

    def as_good(self, k: int) -> list[ProfilePoint]:
        """All points with the best one's gain at a cut-off, from max to mean."""
        hits = self.best(k).hits
        return [point for point in self.at(k) if point.hits == hits]

    def baseline(self, k: int) -> int:
        """Queries of the subset that the plain caption hits at a cut-off."""
        return self.baseline_hits[self.ks.index(k)]

    def to_json(self) -> dict[str, Any]:
        """A JSON value, without the points."""
        value = asdict(self)
        del value["points"]
        gap = value["reference"]["spread"]["gap"]
        value["reference"]["spread"]["gap"] = None if math.isnan(gap) else gap
        return value

    @classmethod
    def from_json(cls, value: Mapping[str, Any], points: Sequence[Mapping[str, Any]]) -> "TauProfile":
        """Read what ``to_json`` wrote, with a mapping a point."""
        reference = value["reference"]
        gap = reference["spread"]["gap"]
        spread = PromptSpread(**{**reference["spread"], "gap": math.nan if gap is None else gap})
        tuples = {name: tuple(value[name]) for name in ("ks", "baseline_hits", "dataset_notes")}
        return cls(
            **{
                **value,
                **tuples,
                "transition": Transition(**value["transition"]),
                "reference": ReferenceTau(**{**reference, "hits": tuple(reference["hits"]), "spread": spread}),
                "points": tuple(ProfilePoint(**point) for point in points),
            }
        )


def profile_name(profile: TauProfile) -> str:
    """What differs between profiles and what came out: ``object · profile of 64 taus · +4.8 pp @10 at tau=0.03``."""
    best = profile.best(profile.ks[-1])
    return (
        f"{profile.subset} · profile of {profile.num_taus} taus · {100 * best.gain:+.1f} pp @{best.k} at {best.label}"
    )


def _worth(point: ProfilePoint) -> tuple[int, int]:
    return point.fixed - point.broken, point.complement_fixed - point.complement_broken
