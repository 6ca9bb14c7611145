"""What came out of an oracle gap: each system's flips where the baseline failed and where it didn't, and its net."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, final

from misfire.methods.retrieval.ensemble.ledger import NetChange
from misfire.methods.retrieval.flips import Flips

NONE, GENERIC, ORACLE, PREDICTED, GATED = "none", "same for all", "oracle", "predicted", "gated"


@final
@dataclass(frozen=True)
class GapCutoff:
    """A system at one cut-off, against the plain caption.

    Args:
        k: The cut-off.
        failures: Flips on the labelled failures.
        others: Flips on the sample of the queries that the plain caption gets right at the first place.
        net: Estimated change over all queries, with an interval at a level shared by all systems.
        behind_oracle: The oracle's hits less the system's, likewise.
    """

    k: int
    failures: Flips
    others: Flips
    net: NetChange
    behind_oracle: NetChange

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "GapCutoff":
        """Read what ``asdict`` wrote."""
        return cls(
            k=value["k"],
            failures=Flips(**value["failures"]),
            others=Flips(**value["others"]),
            net=NetChange(**value["net"]),
            behind_oracle=NetChange(**value["behind_oracle"]),
        )


@final
@dataclass(frozen=True)
class GapSystem:
    """A way of choosing templates, and what it did.

    Args:
        kind: ``none``, ``same for all``, ``oracle``, ``predicted`` or ``gated``.
        router: Who predicts the category; empty where nobody does.
        is_oracle: Whether it reads gold labels at query time.
        share_applied: Share of all queries that aren't asked with the plain caption, estimated as the net is.
        num_right: Labelled failures routed to the category of their label; None where nobody predicts.
        cutoffs: Its outcome at each cut-off.
    """

    kind: str
    router: str
    is_oracle: bool
    share_applied: float
    num_right: int | None
    cutoffs: tuple[GapCutoff, ...]

    @property
    def label(self) -> str:
        """What a reader calls it: ``predicted (zero-shot)``."""
        return f"{self.kind} ({self.router})" if self.router else self.kind

    def at(self, k: int) -> GapCutoff:
        """The outcome at cut-off ``k``."""
        return next(cutoff for cutoff in self.cutoffs if cutoff.k == k)

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "GapSystem":
        """Read what ``asdict`` wrote."""
        return cls(**{**value, "cutoffs": tuple(map(GapCutoff.from_json, value["cutoffs"]))})


@final
@dataclass(frozen=True)
class OracleGap:
    """Oracle, predicted, gated and no templates side by side, on the same queries; fractions and counts.

    Args:
        gap_id: SHA-256 of the scientific content.
        backbone: Who embeds.
        backbone_fingerprint: Its content.
        dataset: On what data.
        dataset_fingerprint: Its content.
        pooling: What made one score out of the prompts' scores, with its temperature.
        how_chosen: How the failures were chosen, in words.
        label_source: Who gave the gold labels.
        gold: Labelled failures by gold category, the largest first; the oracle has templates for those with a set.
        num_routable: Labelled failures whose category has a template set.
        num_failures: Top-1 failures that the labelled ones stand for.
        num_hits: Queries that the plain caption gets right at the first place, of which ``num_others`` were asked.
        num_others: How many of those were asked.
        gate: What a gated system does, in words.
        confidence: Coverage that the intervals of all systems at a cut-off aim at together.
        systems: The plain caption's first.
    """

    gap_id: str
    backbone: str
    backbone_fingerprint: str
    dataset: str
    dataset_fingerprint: str
    pooling: str
    how_chosen: str
    label_source: str
    gold: Mapping[str, int]
    num_routable: int
    num_failures: int
    num_hits: int
    num_others: int
    gate: str
    confidence: float
    ks: tuple[int, ...]
    systems: tuple[GapSystem, ...]

    @property
    def num_labelled(self) -> int:
        """Labelled failures that were asked."""
        return sum(self.gold.values())

    @property
    def num_queries(self) -> int:
        """All queries of the dataset."""
        return self.num_failures + self.num_hits

    @property
    def oracle(self) -> GapSystem:
        """The system that reads gold labels."""
        return next(system for system in self.systems if system.kind == ORACLE)

    @property
    def without_labels(self) -> tuple[GapSystem, ...]:
        """The systems that ask with templates and read no gold label."""
        return tuple(system for system in self.systems if system.kind in (GENERIC, PREDICTED, GATED))

    def to_json(self) -> dict[str, Any]:
        """A JSON value that ``from_json`` reads back."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "OracleGap":
        """Read what ``to_json`` wrote."""
        return cls(**{**value, "ks": tuple(value["ks"]), "systems": tuple(map(GapSystem.from_json, value["systems"]))})


def gap_name(gap: OracleGap) -> str:
    """What came out in one line: ``oracle gap · mean · oracle +1.7, best without labels +0.3 pp @10``."""
    k = gap.ks[-1]
    oracle, best = (
        100 * max(system.at(k).net.estimate for system in systems) for systems in ([gap.oracle], gap.without_labels)
    )
    return f"oracle gap · {gap.pooling} · oracle {oracle:+.1f}, best without labels {best:+.1f} pp @{k}"
