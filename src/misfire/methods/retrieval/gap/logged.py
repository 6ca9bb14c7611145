"""A finished oracle gap, read: what each way of choosing templates did at each cut-off."""

from dataclasses import dataclass
from functools import cached_property
from typing import final

from misfire.cells import Estimate, Flips
from misfire.methods.retrieval.ensemble.measured import HIT
from misfire.methods.retrieval.logged import LoggedCell

NONE, GENERIC, ORACLE, PREDICTED, GATED = "none", "same for all", "oracle", "predicted", "gated"


@final
@dataclass(frozen=True, eq=False)
class LoggedSystem:
    """One way of choosing templates: a view of the gap's estimates.

    Args:
        gap: Where they stand.
        kind: ``none``, ``same for all``, ``oracle``, ``predicted`` or ``gated``.
        router: Who predicts the category; empty where nobody does.
    """

    gap: "LoggedGap"
    kind: str
    router: str

    @property
    def label(self) -> str:
        """What a reader calls it: ``predicted (zero-shot)``."""
        return system_label(self.kind, self.router)

    @property
    def is_oracle(self) -> bool:
        """Whether it reads gold labels at query time."""
        return self.kind == ORACLE

    @property
    def share_applied(self) -> float:
        """Share of all queries that aren't asked with the plain caption, estimated as the net is."""
        return self.gap.logged.estimates.at("t2i/applied", group=self.label).value

    @property
    def num_right(self) -> int | None:
        """Labelled failures routed to the category of their label; None where nobody predicts."""
        found = self.gap.logged.estimates.find("t2i/category_right", group=self.label)
        return None if found is None else round(found.value)

    def at(self, what: str, k: int) -> Estimate:
        """An estimate at a cut-off: ``net`` over all queries, or how far it is ``behind_oracle``."""
        return self.gap.logged.estimates.at(HIT, k=k, group=f"{self.label}/{what}")

    def flips(self, part: str, k: int) -> Flips:
        """Flips against the plain caption on the labelled ``failures`` or on the ``others``."""
        return Flips(*(round(self.at(f"{part}/{name}", k).value) for name in Flips.__dataclass_fields__))


@final
@dataclass(frozen=True, eq=False)
class LoggedGap(LoggedCell):
    """What a report reads of a finished oracle gap."""

    @cached_property
    def systems(self) -> tuple[LoggedSystem, ...]:
        """All that were compared, the plain caption's first."""
        return tuple(LoggedSystem(self, kind, router) for kind, router in self.logged.facts["systems"])

    @property
    def num_labelled(self) -> int:
        """Labelled failures that were asked."""
        return sum(self.logged.facts["gold"].values())

    @property
    def num_queries(self) -> int:
        """All queries of the dataset."""
        return int(self.logged.facts["num_failures"]) + int(self.logged.facts["num_hits"])

    @property
    def oracle(self) -> LoggedSystem:
        """The system that reads gold labels."""
        return next(system for system in self.systems if system.kind == ORACLE)

    @property
    def without_labels(self) -> tuple[LoggedSystem, ...]:
        """The systems that ask with templates and read no gold label."""
        return tuple(system for system in self.systems if system.kind in (GENERIC, PREDICTED, GATED))


def system_label(kind: str, router: str) -> str:
    """What a way of choosing templates is called: ``predicted (zero-shot)``."""
    return f"{kind} ({router})" if router else kind
