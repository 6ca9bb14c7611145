"""Agreement of two annotators category by category: one against the rest."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from jaxtyping import Bool, Int

from misfire.stats.agreement.cohen import CohenKappa, cohen_kappa
from misfire.stats.agreement.labels import Labels, encode_pair
from misfire.stats.agreement.rare import rare_without_interval
from misfire.stats.settings import check_confidence, check_num_replicates


@final
@dataclass(frozen=True)
class CategoryAgreement:
    """Agreement of two annotators on one category against all others.

    Args:
        category: The category.
        count_a: Items to which the first annotator gave it.
        count_b: Items to which the second gave it.
        count_both: Items to which both gave it.
        one_versus_rest: Cohen's kappa of "this category" against "another", with its interval; undefined, with a
            reason, where neither or where both gave it throughout. Where it's rare the interval alone is undefined.
        prevalence_index: Share of the items that both gave it minus the share that both didn't, in [-1, 1]; kappa is
            small for the same raw agreement where it is far from 0.
        bias_index: Share of the items that only the first gave it minus the share that only the second did, in
            [-1, 1]; positive where the first uses it more.
        pabak: Prevalence- and bias-adjusted kappa, ``2 * raw_agreement - 1``.
    """

    category: Any
    count_a: int
    count_b: int
    count_both: int
    one_versus_rest: CohenKappa
    prevalence_index: float
    bias_index: float
    pabak: float


def category_agreement(
    labels_a: Labels,
    labels_b: Labels,
    *,
    categories: Sequence[Any] | None = None,
    confidence: float = 0.95,
    num_replicates: int = 2000,
    rng: np.random.Generator,
) -> tuple[CategoryAgreement, ...]:
    """One-versus-rest kappa, prevalence index, bias index and PABAK of each category.

    All are NaN where the two have no item in common. ``kappa`` can be had back from the other three:
    ``(pabak - prevalence**2 + bias**2) / (1 - prevalence**2 + bias**2)``.

    Args:
        labels_a: One annotator's label of each item; ``None``, ``-1``, NaN or "" is missing.
        labels_b: The other's labels of the same items.
        categories: Which categories to report, in order; those that occur, sorted, where it is ``None``.
        confidence: Coverage that the intervals aim at, in (0, 1).
        num_replicates: How many resamples of the items are drawn for each category.
        rng: Source of the resamples.

    Returns:
        One entry a category, in the categories' order.

    Raises:
        UsageError: If the two differ in length, a label isn't among the categories or a setting is out of range.

    Reference:
        Byrt, Bishop and Carlin, "Bias, prevalence and kappa", Journal of Clinical Epidemiology 46, 1993.

    Example:
        >>> first, second = ["a", "a", "b", "c"], ["a", "b", "b", "c"]
        >>> about_a = category_agreement(first, second, rng=np.random.default_rng(0))[0]
        >>> about_a.one_versus_rest.kappa, about_a.prevalence_index, about_a.bias_index, about_a.pabak
        (0.5, -0.25, 0.25, 0.5)
    """
    check_confidence(confidence)
    check_num_replicates(num_replicates)
    codes_a, codes_b, ordered = encode_pair(labels_a, labels_b, categories=categories)
    entries = []
    for code, category in enumerate(ordered):
        is_a, is_b = codes_a == code, codes_b == code
        kappa = cohen_kappa(
            is_a.astype(np.int64), is_b.astype(np.int64), confidence=confidence, num_replicates=num_replicates, rng=rng
        )
        entries.append(_category_entry(category, is_a, is_b, kappa))
    return tuple(entries)


def confusion_counts(
    labels_a: Labels, labels_b: Labels, *, categories: Sequence[Any] | None = None
) -> tuple[Int[np.ndarray, "category_a category_b"], tuple[Any, ...]]:
    """How often the first annotator's category (row) met the second's (column), and the categories.

    Only items that both labelled count; arguments and errors are those of :func:`category_agreement`.

    Example:
        >>> confusion_counts(["a", "a", "b", None], ["a", "b", "b", "b"])[0].tolist()
        [[1, 1], [0, 1]]
    """
    codes_a, codes_b, ordered = encode_pair(labels_a, labels_b, categories=categories)
    size = len(ordered)
    return np.bincount(codes_a * size + codes_b, minlength=size**2).reshape(size, size), ordered


def _category_entry(
    category: Any, is_a: Bool[np.ndarray, " common"], is_b: Bool[np.ndarray, " common"], kappa: CohenKappa
) -> CategoryAgreement:
    num_items = len(is_a)
    both, neither = int((is_a & is_b).sum()), int((~is_a & ~is_b).sum())
    only_a, only_b = int(is_a.sum()) - both, int(is_b.sum()) - both
    return CategoryAgreement(
        category=category,
        count_a=both + only_a,
        count_b=both + only_b,
        count_both=both,
        one_versus_rest=rare_without_interval(
            kappa,
            num_given=num_items - max(both, neither),
            num_by_each=min(int(said.sum()) for side in (is_a, is_b) for said in (side, ~side)),
        ),
        prevalence_index=(both - neither) / num_items if num_items else np.nan,
        bias_index=(only_a - only_b) / num_items if num_items else np.nan,
        pabak=2 * kappa.raw_agreement - 1,
    )
