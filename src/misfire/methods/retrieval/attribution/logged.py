"""A finished attribution, read: each template's part of a gain at each cut-off, overall and by category."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

from misfire.cells import Estimate
from misfire.methods.retrieval.ensemble.measured import HIT
from misfire.methods.retrieval.logged import LoggedCell


@final
@dataclass(frozen=True, eq=False)
class TemplateShare:
    """One template's part in an ensemble's gain at one cut-off: a view of the attribution's estimates.

    Args:
        found: Where they stand.
        place: Place of the template among those that were asked.
        k: The cut-off.
    """

    found: "LoggedAttribution"
    place: int
    k: int

    @property
    def template(self) -> str:
        """Its text."""
        return self.found.templates_asked[self.place]

    def _at(self, what: str) -> Estimate:
        return self.found.logged.estimates.at(HIT, k=self.k, group=f"template_{self.place + 1}/{what}")

    @property
    def shapley(self) -> Estimate:
        """Mean of what it adds over all orders in which the templates may join."""
        return self._at("shapley")

    @property
    def leave_one_out(self) -> Estimate:
        """What is lost if it alone is taken from the whole ensemble."""
        return self._at("leave_one_out")

    @property
    def p_adjusted(self) -> float:
        """Two-sided sign-flip p-value of the Shapley value by image, Holm's over templates and cut-offs."""
        return self._at("p_adjusted").value

    def in_category(self, name: str) -> Estimate:
        """Its Shapley value on the queries of a category alone."""
        return self._at(f"category/{name}")


@final
@dataclass(frozen=True, eq=False)
class LoggedAttribution(LoggedCell):
    """What a report reads of a finished attribution."""

    @property
    def templates_asked(self) -> Sequence[str]:
        """Texts of the templates, in their order."""
        found: Sequence[str] = self.logged.facts["templates_asked"]
        return found

    def shares(self, k: int) -> list[TemplateShare]:
        """A share a template at a cut-off, in the templates' order; Shapley values add up to the gain exactly."""
        return [TemplateShare(self, place, k) for place in range(len(self.templates_asked))]

    def gain(self, k: int) -> float:
        """The ensemble's gain at a cut-off, a fraction."""
        return self.logged.estimates.at(HIT, k=k, group="delta").value

    def order_error(self, k: int) -> float:
        """Largest standard error that drawing orders leaves in a Shapley value; 0 if all orders were counted."""
        return self.logged.estimates.at(HIT, k=k, group="order_error").value
