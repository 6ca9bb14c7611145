"""Which templates of an ensemble its gain comes from: leave one out, and Shapley values with intervals over queries."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, final

import numpy as np
import torch
from jaxtyping import Bool, Float, Int

from misfire.core.errors import UsageError
from misfire.core.hashing import sha256_json
from misfire.core.seeding import generator
from misfire.evaluation.cell import Cell
from misfire.evaluation.workbench import Workbench
from misfire.failures import FailureSet
from misfire.metrics import hit_at_k
from misfire.scoring import ensemble_ranks
from misfire.stats import clustered_mean_bootstrap, holm, sign_flip_test
from misfire.stats.shapley import attribute

PLAIN = "{caption}"
UNLABELLED = "unlabelled"


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
    """One template's part in an ensemble's gain.

    Args:
        template: Its text.
        shapley: Mean of what it adds over all orders in which templates may join the plain caption.
        leave_one_out: What is lost if it alone is taken from the whole ensemble.
        by_category: Its Shapley value on the queries of each category alone.
        p_adjusted: Two-sided sign-flip p-value of the Shapley value by image, Holm's over the templates.
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
class TemplateAttribution:
    """A cell's gain at one cut-off taken apart by template; Shapley values add up to it exactly.

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
        k: Cut-off of hit_at_k.
        num_queries: Queries of the subset.
        num_fixed_less_broken: The cell's gain in queries.
        num_orders: Orders that were drawn; 0 if all were counted.
        confidence: Coverage that intervals aim at.
        category_sizes: Queries by category, the largest first.
        shares: A share a template, in the templates' order, the plain caption left out.
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
    k: int
    num_queries: int
    num_fixed_less_broken: int
    num_orders: int
    confidence: float
    category_sizes: Mapping[str, int]
    shares: tuple[TemplateShare, ...]

    @property
    def gain(self) -> float:
        """The cell's gain, a fraction."""
        return self.num_fixed_less_broken / self.num_queries

    def to_json(self) -> dict[str, Any]:
        """A JSON value that ``from_json`` reads back."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "TemplateAttribution":
        """Read what ``to_json`` wrote."""
        return cls(**{**value, "shares": tuple(map(TemplateShare.from_json, value["shares"]))})


def attribution_id(cell: Cell, *, k: int, num_orders: int) -> str:
    """SHA-256 of the scientific content of an attribution of a cell's gain at ``k``."""
    return sha256_json({"kind": "attribution", "cell": cell.id, "k": k, "num_orders": num_orders})


def attribute_templates(
    cell: Cell, bench: Workbench, *, failure_set: FailureSet | None, k: int, num_orders: int
) -> TemplateAttribution:
    """Take a cell's gain on its subset apart by template.

    A coalition of templates is worth the hits of the plain caption and these templates pooled. Up to ten templates all
    coalitions are ranked; beyond, those on the way of ``num_orders`` random orders.

    Args:
        cell: Its subset is asked; its complement isn't.
        bench: Where embeddings come from.
        failure_set: Names the queries' categories.
        k: Cut-off, >= 1.
        num_orders: Random orders for more than ten templates.

    Raises:
        UsageError: If the plain caption isn't among the templates, or is alone, or the subset has one image only.
    """
    players = [text for text in cell.template_set.templates if text != PLAIN]
    if len(players) == len(cell.template_set.templates) or not players:
        raise UsageError(
            f"an attribution needs the plain caption and other templates, got {len(cell.template_set.templates)} in "
            f"{cell.template_set.name}; use templates=generic or matched."
        )
    hits = _Hits(cell, bench, k)
    rng = generator(cell.statistics.seed, "attribution", k)
    found = attribute(hits, len(players), num_orders=num_orders, rng=rng)
    gain = hits(frozenset(range(len(players)))).astype(int) - hits(frozenset())
    images = cell.dataset.targets[cell.subset.positions]
    categories = _categories(cell, failure_set)
    sizes = {name: int((categories == name).sum()) for name in dict.fromkeys(categories.tolist())}
    sizes = dict(sorted(sizes.items(), key=lambda item: -item[1]))

    def share(values: Float[np.ndarray, " query"], kept: Bool[np.ndarray, " query"]) -> Share:
        return _share(values[kept], images[kept], cell)

    p_adjusted = _p_adjusted(found.shapley, images, cell)
    everyone = np.ones(len(categories), dtype=bool)
    return TemplateAttribution(
        attribution_id=attribution_id(cell, k=k, num_orders=num_orders),
        subset=cell.subset.name,
        how_chosen=cell.subset.how_chosen,
        is_failure_mined=cell.subset.is_failure_mined,
        templates=cell.template_set.name,
        is_oracle=cell.template_set.is_oracle,
        pooling=" tau=".join(
            f"{value:g}" if isinstance(value, float) else str(value) for value in cell.pooling.describe().values()
        ),
        backbone=bench.encoder.name,
        dataset=cell.dataset.name,
        dataset_fingerprint=cell.dataset.fingerprint,
        k=k,
        num_queries=len(cell.subset),
        num_fixed_less_broken=int(gain.sum()),
        num_orders=found.num_orders,
        confidence=float(cell.statistics.confidence),
        category_sizes=sizes,
        shares=tuple(
            TemplateShare(
                template=template,
                shapley=share(found.shapley[:, place], everyone),
                leave_one_out=share(found.leave_one_out[:, place], everyone),
                by_category={name: share(found.shapley[:, place], categories == name) for name in sizes},
                p_adjusted=float(p_adjusted[place]),
            )
            for place, template in enumerate(players)
        ),
    )


class _Hits:
    """Which of the subset's queries the plain caption hits together with some of the other templates."""

    def __init__(self, cell: Cell, bench: Workbench, k: int) -> None:
        rows = cell.prompts[: len(cell.subset)]
        templates = cell.template_set.templates
        self._plain = templates.index(PLAIN)
        self._players = [place for place, text in enumerate(templates) if text != PLAIN]
        self._prompts = bench.prompts(rows)
        self._gallery = bench.gallery
        self._targets = bench.targets[torch.from_numpy(cell.subset.positions)]
        self._pooling, self._k = cell.pooling, k
        self._known: dict[frozenset[int], Bool[np.ndarray, " query"]] = {}

    def __call__(self, team: frozenset[int]) -> Bool[np.ndarray, " query"]:
        if team not in self._known:
            # In the templates' order, as the cell itself pools them: its own gain to the last bit.
            places = sorted([self._plain, *(self._players[player] for player in team)])
            ranks = ensemble_ranks(self._prompts[:, places], self._gallery, self._targets, self._pooling).rank
            self._known[team] = hit_at_k(ranks.numpy(), k=self._k)
        return self._known[team]


def _categories(cell: Cell, failure_set: FailureSet | None) -> np.ndarray:
    known = failure_set.failures if failure_set is not None else ()
    category = {failure.query_id: failure.category for failure in known}
    ids = cell.subset.query_ids(cell.dataset)
    return np.array([category.get(query_id) or UNLABELLED for query_id in ids], dtype=object)


def _p_adjusted(
    shapley: Float[np.ndarray, "query player"], images: Int[np.ndarray, " query"], cell: Cell
) -> Float[np.ndarray, " player"]:
    """Where few queries have a part at all, percentiles of the bootstrap are too sure; this test isn't."""
    tests = [
        sign_flip_test(
            np.zeros(len(values)), values, clusters=images, rng=generator(cell.statistics.seed, "attribution test")
        )
        for values in shapley.T
    ]
    return holm(np.array([test.p_value for test in tests]))


def _share(values: Float[np.ndarray, " query"], images: Int[np.ndarray, " query"], cell: Cell) -> Share:
    """Mean of a template's parts, and its percentile interval over resampled images; NaN bounds for a single image."""
    if len(np.unique(images)) < 2:
        return Share(float(values.mean()), float("nan"), float("nan"))
    statistics = cell.statistics
    found = clustered_mean_bootstrap(
        values,
        images,
        num_replicates=statistics.num_replicates,
        confidence=statistics.confidence,
        rng=generator(statistics.seed, "attribution interval"),
    )
    return Share(found.estimate, found.low, found.high)


def attribution_name(found: TemplateAttribution) -> str:
    """What came out in one line: ``attribution · object · mean · a clear view of {caption} +1.2 of +4.8 pp @10``."""
    best = max(found.shares, key=lambda share: share.shapley.estimate)
    return (
        f"attribution · {found.subset} · {found.pooling} · {best.template} {100 * best.shapley.estimate:+.1f} of "
        f"{100 * found.gain:+.1f} pp @{found.k}"
    )


def attribution_sentence(found: TemplateAttribution) -> str:
    """What may be concluded about single templates: which surely help or hurt, if any does."""
    sure = [share for share in found.shares if share.p_adjusted <= 1 - found.confidence + 1e-12]
    helping = [repr(share.template) for share in sure if share.shapley.estimate > 0]
    hurting = [repr(share.template) for share in sure if share.shapley.estimate < 0]
    told = [f"{word} {', '.join(names)}" for word, names in (("helps:", helping), ("hurts:", hurting)) if names]
    verdict = "; ".join(told) if told else "no single template's part can be told from none"
    return (
        f"The gain of {100 * found.gain:+.2f} pp at {found.k} on {found.num_queries} queries is the sum of "
        f"{len(found.shares)} templates' parts; {verdict} (sign-flip tests by image, corrected for "
        f"{len(found.shares)} templates)."
    )
