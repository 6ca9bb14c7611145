"""Which templates of an ensemble its gain comes from: leave one out, and Shapley values with intervals over queries."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import torch
from jaxtyping import Bool, Float, Int

from misfire.cells import Estimate, Estimates, Outcome, Workbench
from misfire.core.errors import UsageError
from misfire.core.seeding import generator
from misfire.failures import FailureSet
from misfire.methods.retrieval.data_note import asked_notes
from misfire.methods.retrieval.ensemble.measured import HIT
from misfire.methods.retrieval.prompted import PromptedQueries
from misfire.scoring import coalition_hits, target_ranks
from misfire.stats import clustered_mean_bootstrap, holm, sign_flip_test
from misfire.stats.shapley import Attribution, CoalitionPlan, plan_coalitions

PLAIN = "{caption}"
UNLABELLED = "unlabelled"


def attribution_outcome(
    cell: PromptedQueries, bench: Workbench, *, failure_set: FailureSet | None, num_orders: int
) -> Outcome:
    """Take a cell's gain on its subset apart by template, at each of its cut-offs.

    The players are the cell's templates, and a coalition is worth the hits of its templates pooled. Nobody is worth
    the hits of the plain caption: that is asked where there is no ensemble. So the Shapley values of a query sum to
    its hit by the whole ensemble less its baseline hit, and those of all queries to the cell's gain.

    The plain caption, where it is a template, is a player like the others: it may be left out of an ensemble, too, and
    its part says what keeping it in brings. Alone it changes nothing, as it is what nobody is worth. Where the queries
    were mined from its failures, its part is biased downwards as the others' are upwards: on them it hits nothing at 1
    by choice, and who keeps it in keeps that in.

    Up to twelve templates all coalitions are ranked; beyond, those on the way of ``num_orders`` random orders.

    Args:
        cell: Its subset is asked; its complement isn't.
        bench: Where embeddings come from.
        failure_set: Names the queries' categories.
        num_orders: Random orders for more than twelve templates.

    Raises:
        UsageError: If there is no template but the plain caption.
    """
    templates = tuple(cell.template_set.templates)
    check_templates(templates, name=cell.template_set.name)
    rng = generator(cell.statistics.seed, "attribution")
    plan = plan_coalitions(len(templates), num_orders=num_orders, rng=rng)
    worth = _worth(cell, bench, plan)
    categories = _categories(cell, failure_set)
    sizes = {name: int((categories == name).sum()) for name in dict.fromkeys(categories.tolist())}
    sizes = dict(sorted(sizes.items(), key=lambda item: -item[1]))
    found = [plan.attribute(worth[:, :, place]) for place in range(len(cell.ks))]
    p_adjusted = holm(np.concatenate([_p_values(one, cell) for one in found])).reshape(len(found), len(templates))
    gains = (worth[1].astype(np.int64) - worth[0]).sum(axis=0)
    is_category = {name: categories == name for name in sizes}
    estimates = [
        row
        for place in sorted(range(len(cell.ks)), key=lambda place: -cell.ks[place])
        for row in _estimates_at(
            cell, cell.ks[place], found[place], p_adjusted[place], is_category, gain=int(gains[place])
        )
    ]
    return Outcome(
        records=_records(cell, categories, worth, found),
        estimates=Estimates.of(estimates),
        facts={
            "subset": cell.subset.name,
            "how_chosen": cell.subset.how_chosen,
            "is_failure_mined": cell.subset.is_failure_mined,
            "num_queries": len(cell.subset),
            "templates": cell.template_set.name,
            "num_templates": len(templates),
            "templates_asked": list(templates),
            "is_oracle": cell.template_set.is_oracle,
            "pooling": cell.pooling.label,
            "backbone": bench.encoder.name,
            "backbone_fingerprint": cell.backbone_fingerprint,
            "dataset": cell.dataset.name,
            "dataset_fingerprint": cell.dataset.fingerprint,
            "dataset_notes": asked_notes(cell, bench, cell.subset.positions),
            "ks": list(cell.ks),
            "num_coalitions": len(plan.coalitions),
            "num_orders": plan.num_orders,
            "confidence": float(cell.statistics.confidence),
            "category_sizes": sizes,
            "failure_set": "" if failure_set is None else failure_set.digest,
        },
    )


def check_templates(templates: Sequence[str], *, name: str) -> None:
    """Refuse templates among which nothing can be attributed.

    Raises:
        UsageError: If there is no template but the plain caption.
    """
    if set(templates) == {PLAIN}:
        raise UsageError(
            f"an attribution needs a template besides the plain caption, got none in {name}; use templates=generic or "
            "matched."
        )


def _estimates_at(
    cell: PromptedQueries,
    k: int,
    found: Attribution,
    p_adjusted: Float[np.ndarray, " player"],
    is_category: Mapping[str, Bool[np.ndarray, " query"]],
    *,
    gain: int,
) -> Iterator[Estimate]:
    """The gain at a cut-off, and each template's part of it."""
    images, n = cell.dataset.targets[cell.subset.positions], len(cell.subset)
    is_headline = k == max(cell.ks)

    def share(group: str, values: Float[np.ndarray, " query"], here: Any = slice(None), *, is_told: bool) -> Estimate:
        mean, low, high = _share(values[here], images[here], cell)
        return Estimate(HIT, mean, k, group, "difference", low, high, len(values[here]), is_headline and is_told)

    yield Estimate(HIT, gain / n, k, "delta", "difference", n=n)
    yield Estimate(HIT, float(found.order_error.max()), k, "order_error", "difference", n=n, is_tracked=False)
    for place in range(found.shapley.shape[1]):
        name, values = f"template_{place + 1}", found.shapley[:, place]
        yield share(f"{name}/shapley", values, is_told=True)
        yield share(f"{name}/leave_one_out", found.leave_one_out[:, place], is_told=False)
        yield Estimate(HIT, float(p_adjusted[place]), k, f"{name}/p_adjusted", "p", n=n, is_tracked=False)
        for category, here in is_category.items():
            yield share(f"{name}/category/{category}", values, here, is_told=False)


def _records(
    cell: PromptedQueries,
    categories: np.ndarray,
    worth: Bool[np.ndarray, "coalition query cutoff"],
    found: Sequence[Attribution],
) -> pd.DataFrame:
    """A row a query: its hits before and after, and each template's part of the change."""
    captions = [cell.dataset.captions[position] for position in cell.subset.positions]
    columns: dict[str, Any] = {
        "query_id": [caption.id for caption in captions],
        "image_id": [caption.image_id for caption in captions],
        "category": categories,
    }
    for place, (k, one) in enumerate(zip(cell.ks, found, strict=True)):
        columns[f"hit_at_{k}_before"], columns[f"hit_at_{k}_after"] = worth[0, :, place], worth[1, :, place]
        columns |= {f"hit_at_{k}_template_{at + 1}": one.shapley[:, at] for at in range(one.shapley.shape[1])}
    return pd.DataFrame(columns)


def _worth(cell: PromptedQueries, bench: Workbench, plan: CoalitionPlan) -> Bool[np.ndarray, "coalition query cutoff"]:
    """Which of the subset's queries each coalition hits."""
    positions = cell.subset.positions
    targets = bench.targets[torch.from_numpy(positions)]
    plain = bench.texts([cell.dataset.captions[position].text for position in positions])
    nobody = target_ranks(plain, bench.gallery, targets).rank[:, None] <= torch.tensor(cell.ks)
    prompts = bench.prompts(cell.prompts_of(positions))
    somebody = coalition_hits(
        prompts, bench.gallery, targets, cell.pooling, torch.from_numpy(plan.coalitions[1:]), ks=cell.ks
    )
    return torch.cat([nobody[None], somebody]).numpy()


def _categories(cell: PromptedQueries, failure_set: FailureSet | None) -> np.ndarray:
    known = failure_set.failures if failure_set is not None else ()
    category = {failure.query_id: failure.category for failure in known}
    ids = cell.subset.query_ids(cell.dataset)
    return np.array([category.get(query_id) or UNLABELLED for query_id in ids], dtype=object)


def _p_values(found: Attribution, cell: PromptedQueries) -> Float[np.ndarray, " player"]:
    """Where few queries have a part at all, percentiles of the bootstrap are too sure; this test isn't."""
    images = cell.dataset.targets[cell.subset.positions]
    tests = [
        sign_flip_test(
            np.zeros(len(values)), values, clusters=images, rng=generator(cell.statistics.seed, "attribution test")
        )
        for values in found.shapley.T
    ]
    return np.array([test.p_value for test in tests])


def _share(
    values: Float[np.ndarray, " query"], images: Int[np.ndarray, " query"], cell: PromptedQueries
) -> tuple[float, float, float]:
    """Mean of a template's parts, and its percentile interval over resampled images; NaN bounds for a single image."""
    if len(np.unique(images)) < 2:
        return float(values.mean()), float("nan"), float("nan")
    statistics = cell.statistics
    found = clustered_mean_bootstrap(
        values,
        images,
        num_replicates=statistics.num_replicates,
        confidence=statistics.confidence,
        rng=generator(statistics.seed, "attribution interval"),
    )
    return float(found.estimate), float(found.low), float(found.high)
