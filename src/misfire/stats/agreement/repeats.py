"""An annotator against themselves: items that were shown twice."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, final

import numpy as np
from jaxtyping import Shaped

from misfire.core.errors import UsageError
from misfire.stats.agreement.cohen import CohenKappa, cohen_kappa
from misfire.stats.agreement.labels import Labels, encode_pair, is_missing
from misfire.stats.proportion import wilson_interval


@final
@dataclass(frozen=True)
class SelfAgreement:
    """How often an annotator gives an item the same label again.

    Args:
        agreement: Cohen's kappa of the first and the last labels, with raw agreement and number of repeated items.
        raw_low: Lower end of Wilson's interval of the raw agreement; NaN without a repeat.
        raw_high: Upper end of Wilson's interval of the raw agreement; NaN without a repeat.
        changed_items: The repeated items whose label changed, in the order of their first showing.
    """

    agreement: CohenKappa
    raw_low: float
    raw_high: float
    changed_items: tuple[Any, ...]


def self_agreement(
    items: Shaped[np.ndarray, " label"] | Sequence[Any],
    labels: Labels,
    *,
    confidence: float = 0.95,
    num_replicates: int = 2000,
    rng: np.random.Generator,
) -> SelfAgreement:
    """Agreement of an annotator's first and last label of the items that they labelled more than once.

    Args:
        items: Which item each label is of, in the order of labelling.
        labels: The labels; ``None``, ``-1``, NaN or "" is missing and doesn't count as a showing.
        confidence: Coverage that the intervals aim at, in (0, 1).
        num_replicates: How many resamples of the repeated items are drawn.
        rng: Source of the resamples.

    Raises:
        UsageError: If the two differ in length or a setting is out of range.

    Example:
        >>> result = self_agreement([7, 8, 9, 7, 8], ["a", "b", "a", "a", "a"], rng=np.random.default_rng(0))
        >>> result.agreement.raw_agreement, result.agreement.num_items, result.changed_items
        (0.5, 2, (8,))
    """
    if len(items) != len(labels):
        raise UsageError(f"items and labels must be equally many, got {len(items)} and {len(labels)}; pair them up.")
    showings: dict[Any, list[Any]] = {}
    for item, label in zip(_listed(items), _listed(labels), strict=True):
        if not is_missing(label):
            showings.setdefault(item, []).append(label)
    pairs = {item: (given[0], given[-1]) for item, given in showings.items() if len(given) > 1}
    first, last = [pair[0] for pair in pairs.values()], [pair[1] for pair in pairs.values()]
    agreement = cohen_kappa(first, last, confidence=confidence, num_replicates=num_replicates, rng=rng)
    if not pairs:
        nothing = replace(agreement, reason="no item was labelled twice.")
        return SelfAgreement(nothing, np.nan, np.nan, ())
    before, after, _ = encode_pair(first, last)
    changed = tuple(item for item, is_changed in zip(pairs, before != after, strict=True) if is_changed)
    raw = wilson_interval(len(pairs) - len(changed), len(pairs), confidence=confidence)
    return SelfAgreement(agreement, *raw, changed)


def _listed(values: Shaped[np.ndarray, " label"] | Sequence[Any]) -> list[Any]:
    return values.tolist() if isinstance(values, np.ndarray) else list(values)
