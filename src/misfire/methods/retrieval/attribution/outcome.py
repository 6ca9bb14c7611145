"""What an attribution of a gain to templates found: each template's part at each cut-off, overall and by category."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, final


@final
@dataclass(frozen=True)
class Share:
    """What one template adds on some queries, a fraction of these queries, with its interval."""

    estimate: float
    low: float
    high: float


@final
@dataclass(frozen=True)
class TemplateShare:
    """One template's part in an ensemble's gain at one cut-off.

    Args:
        template: Its text.
        shapley: Mean of what it adds over all orders in which the templates may join.
        leave_one_out: What is lost if it alone is taken from the whole ensemble.
        by_category: Its Shapley value on the queries of each category alone.
        p_adjusted: Two-sided sign-flip p-value of the Shapley value by image, Holm's over templates and cut-offs.
    """

    template: str
    shapley: Share
    leave_one_out: Share
    by_category: Mapping[str, Share]
    p_adjusted: float

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "TemplateShare":
        """Read what ``asdict`` wrote."""
        by_category = {name: Share(**share) for name, share in value["by_category"].items()}
        parts = {name: Share(**value[name]) for name in ("shapley", "leave_one_out")}
        return cls(template=value["template"], by_category=by_category, p_adjusted=value["p_adjusted"], **parts)


@final
@dataclass(frozen=True)
class AttributionCutoff:
    """A cell's gain at one cut-off taken apart by template; Shapley values add up to it exactly.

    Args:
        k: Cut-off of hit_at_k.
        num_fixed_less_broken: The cell's gain in queries.
        order_error: Largest standard error that drawing orders leaves in a Shapley value, a fraction; 0 if all orders
            were counted.
        shares: A share a template, in the templates' order.
    """

    k: int
    num_fixed_less_broken: int
    order_error: float
    shares: tuple[TemplateShare, ...]

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "AttributionCutoff":
        """Read what ``asdict`` wrote."""
        return cls(**{**value, "shares": tuple(map(TemplateShare.from_json, value["shares"]))})


@final
@dataclass(frozen=True)
class TemplateAttribution:
    """A cell's gain taken apart by template at each of its cut-offs.

    Args:
        attribution_id: SHA-256 of the scientific content.
        subset: The queries' name.
        how_chosen: How they were chosen.
        is_failure_mined: Whether because the baseline failed on them.
        templates: Name of the template set.
        is_oracle: Whether gold labels chose it.
        pooling: What makes one score of many, with its temperature.
        backbone: Who embeds.
        dataset: On what data.
        dataset_fingerprint: Its content.
        num_queries: Queries of the subset.
        num_coalitions: How many sets of templates were ranked, the empty one included.
        num_orders: Orders that were drawn; 0 if all were counted.
        confidence: Coverage that intervals aim at.
        category_sizes: Queries by category, the largest first.
        cutoffs: The parts at each cut-off.
    """

    attribution_id: str
    subset: str
    how_chosen: str
    is_failure_mined: bool
    templates: str
    is_oracle: bool
    pooling: str
    backbone: str
    dataset: str
    dataset_fingerprint: str
    num_queries: int
    num_coalitions: int
    num_orders: int
    confidence: float
    category_sizes: Mapping[str, int]
    cutoffs: tuple[AttributionCutoff, ...]

    @property
    def ks(self) -> tuple[int, ...]:
        """Its cut-offs, as configured."""
        return tuple(cutoff.k for cutoff in self.cutoffs)

    @property
    def k(self) -> int:
        """The last cut-off, by which a run is named."""
        return self.ks[-1]

    @property
    def templates_used(self) -> tuple[str, ...]:
        """Texts of the templates, in their order."""
        return tuple(share.template for share in self.cutoffs[-1].shares)

    def at(self, k: int) -> AttributionCutoff:
        """The parts at one cut-off."""
        return self.cutoffs[self.ks.index(k)]

    def gain(self, k: int) -> float:
        """The cell's gain at one cut-off, a fraction."""
        return self.at(k).num_fixed_less_broken / self.num_queries

    def to_json(self) -> dict[str, Any]:
        """A JSON value that ``from_json`` reads back."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "TemplateAttribution":
        """Read what ``to_json`` wrote."""
        return cls(**{**value, "cutoffs": tuple(map(AttributionCutoff.from_json, value["cutoffs"]))})
