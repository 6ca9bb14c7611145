"""A finished tau profile, read: its points from max over every tau to mean, each at every cut-off."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, final

from misfire.cells import Estimate
from misfire.methods.retrieval.ensemble.measured import HIT
from misfire.methods.retrieval.logged import LoggedCell

MAX, MEAN = "max", "mean"
"""The ends of a profile: LogMeanExp's limits for a small and a large tau."""


def point_name(tau: float) -> str:
    """The group of a temperature's estimates: ``tau_0.03``; its ends are called ``max`` (0) and ``mean`` (infinity)."""
    return {0.0: MAX, math.inf: MEAN}.get(tau, f"tau_{tau!r}")


@final
@dataclass(frozen=True, eq=False)
class ProfilePoint:
    """One pooling at one cut-off, against the plain caption: a view of the profile's estimates.

    Args:
        profile: Where they stand.
        tau: Temperature; 0 for max and infinity for mean.
        k: Cut-off of hit_at_k.
    """

    profile: "LoggedProfile"
    tau: float
    k: int

    def _at(self, what: str) -> Estimate:
        return self.profile.logged.estimates.at(HIT, k=self.k, group=f"{point_name(self.tau)}/{what}")

    @property
    def pooling(self) -> str:
        """``max``, ``logmeanexp`` or ``mean``."""
        return "logmeanexp" if self.is_soft else point_name(self.tau)

    @property
    def hits(self) -> int:
        """Queries of the subset that it hits."""
        return self.profile.baseline(self.k) + self.fixed - self.broken

    @property
    def gain(self) -> float:
        """Change of the hit rate on the subset, a fraction."""
        return self._at("delta").value

    @property
    def low(self) -> float:
        """Lower end of the gain's bootstrap percentile interval."""
        return self._at("delta").low

    @property
    def high(self) -> float:
        """Its upper end."""
        return self._at("delta").high

    @property
    def fixed(self) -> int:
        """Queries of the subset that it hits and the plain caption doesn't."""
        return round(self._at("fixed").value)

    @property
    def broken(self) -> int:
        """The other way round."""
        return round(self._at("broken").value)

    @property
    def complement_fixed(self) -> int:
        """Of the other queries, those that it hits and the plain caption doesn't."""
        return round(self._at("complement/fixed").value)

    @property
    def complement_broken(self) -> int:
        """The other way round."""
        return round(self._at("complement/broken").value)

    @property
    def p_adjusted(self) -> float:
        """Two-sided max-T p-value of the gain, adjusted for all points of the profile."""
        return self._at("p_adjusted").value

    @property
    def is_soft(self) -> bool:
        """Whether it has a temperature of its own, rather than being an end of the profile."""
        return 0 < self.tau < math.inf

    @property
    def label(self) -> str:
        """What a reader calls it: ``max``, ``tau=0.03`` or ``mean``."""
        return f"tau={self.tau:.3g}" if self.is_soft else self.pooling


@final
@dataclass(frozen=True, eq=False)
class LoggedProfile(LoggedCell):
    """What a report reads of a finished profile."""

    @property
    def num_taus(self) -> int:
        """Temperatures of the grid."""
        return len(self.taus)

    @cached_property
    def _points(self) -> Mapping[int, list[ProfilePoint]]:
        taus = (0.0, *self.taus, math.inf)
        return {k: [ProfilePoint(self, tau, k) for tau in taus] for k in self.ks}

    @property
    def num_points(self) -> int:
        """Points at all cut-offs: as many looks as were taken."""
        return sum(map(len, self._points.values()))

    def at(self, k: int) -> list[ProfilePoint]:
        """The points of one cut-off, from max over ascending tau to mean."""
        return self._points[k]

    def best(self, k: int) -> ProfilePoint:
        """The point with the largest gain at a cut-off.

        Of equals the one that does best on the other queries, and of these the one nearest to the mean.
        """

        def worth(point: ProfilePoint) -> tuple[int, int, float]:
            return point.fixed - point.broken, point.complement_fixed - point.complement_broken, point.tau

        return max(self.at(k), key=worth)

    def as_good(self, k: int) -> list[ProfilePoint]:
        """All points with the best one's gain at a cut-off, from max to mean."""
        hits = self.best(k).hits
        return [point for point in self.at(k) if point.hits == hits]

    def baseline(self, k: int) -> int:
        """Queries of the subset that the plain caption hits at a cut-off."""
        return round(int(self.num_queries) * self.logged.estimates.at(HIT, k=k, group="baseline").value)

    def published_hits(self, k: int) -> int:
        """Queries of the subset that are hit at the published temperature."""
        return round(self.logged.estimates.at(HIT, k=k, group="tau_published/hits").value)

    def spread(self, what: str) -> float:
        """How far prompts disagree, in units of the score, and what the published temperature makes of it.

        Args:
            what: ``deviation``, ``shift``, ``largest_shift`` or ``gap``.
        """
        return self.logged.estimates.at("t2i/score_spread", group=what).value

    @property
    def transition(self) -> Mapping[str, Any]:
        """Between which temperatures ranks go over from the max's to the mean's."""
        found: Mapping[str, Any] = self.logged.facts["transition"]
        return found
