"""Whether one annotator uses the categories otherwise than the others, from the beginning or from some item on."""

from dataclasses import dataclass
from typing import Any, final

import numpy as np
from jaxtyping import Float, Int, Shaped

from misfire.core.errors import UsageError
from misfire.stats.agreement.label_exchange import (
    Exchange,
    LabelList,
    check_permutations,
    exchanges,
    segments_of,
    start_of,
)
from misfire.stats.agreement.labels import MISSING, Labels, LabelTable, check_table, encode_labels


@final
@dataclass(frozen=True)
class Departure:
    """The most unusual exchange of two categories by one annotator, and how unusual it is.

    Args:
        annotator: The annotator's column.
        p_value: Permutation p-value, adjusted over annotators, pairs of categories and places in the order; NaN where
            there is nobody to compare with.
        statistic: Size of the exchange in standard deviations of the permutations.
        from_category: What others say where this annotator says ``to_category``; ``None`` where nobody disagrees.
        to_category: What this annotator says instead; ``None`` where nobody disagrees.
        excess: How many more of this annotator's labels say so than the other way round, each counting as the share
            of the others that it contradicts.
        start: How many of the annotator's labels come before the first that counts; 0 is the whole sheet.
        num_labels: The annotator's labels.
        reason: Why it is undefined; empty where it is defined.
    """

    annotator: int
    p_value: float
    statistic: float
    from_category: Any
    to_category: Any
    excess: float
    start: int
    num_labels: int
    reason: str


def annotator_departures(
    labels: LabelTable,
    *,
    order: Float[np.ndarray, "item annotator"] | Int[np.ndarray, "item annotator"] | None = None,
    reference: Labels | None = None,
    num_starts: int = 8,
    num_permutations: int = 2000,
    rng: np.random.Generator,
) -> tuple[Departure, ...]:
    """Permutation test of each annotator's category mix against the others', from every of some places on.

    While nobody departs, the labels of an item could have been given by any of its annotators. Labels change places
    within their item; items with a single label, which must have been assigned at random, exchange theirs with each
    other. For every pair of categories and every start the labels that say one where the others say the other are
    counted, minus the other way round; the largest count in units of its standard deviation is the statistic. Its
    p-value is adjusted by comparison with the largest over all annotators (max-T), stepping down: the annotator that
    departs most is tested first, then left out before the others are compared, so that the innocent aren't accused of
    differing from the one who drifts. Two annotators can only differ from each other: they share their p-value.

    Agreement is no requirement: an annotator who errs more, yet without a direction, doesn't depart. Of three
    annotators who are right with 0.85, one who calls 30 % of the Objects Attribute after 40 items is found at the level
    of 0.05 with a power of about 0.85 on 200 shared items, 0.6 on 120 and 0.4 on 87; on 87 of which 30 are shared it is
    0.15, and 0.5 with a reference that is right. ``benchmarks/power_of_drift.py`` measures it.

    Args:
        labels: A row an item, a column an annotator; ``None``, ``-1``, NaN or "" is missing.
        order: When each annotator labelled each item, as anything that sorts, for example a position or a time; the
            order of the rows where it is ``None``.
        reference: A label of each item that is taken for the truth, or for as good as it. Labels then change places
            among all items with the same reference, which finds more where few items are shared; an item without one
            keeps to itself.
        num_starts: From how many evenly spaced places of the order a departure may begin; 1 tests the whole sheet.
        num_permutations: How many permutations are drawn.
        rng: Source of the permutations.

    Returns:
        One entry an annotator, in the columns' order.

    Raises:
        UsageError: If the labels aren't a table, order or reference don't fit them, or a number is below 1.

    Reference:
        Westfall and Young, "Resampling-Based Multiple Testing", 1993, section 2.8 (step-down max-T); Phipson and
        Smyth, "Permutation p-values should never be zero", 2010.

    Example:
        >>> others, own = ["Object"] * 30, ["Object"] * 12 + ["Attribute", "Object"] * 9
        >>> found = annotator_departures(np.array([others, own, others]).T, rng=np.random.default_rng(0))
        >>> found[1].from_category, found[1].to_category, found[1].p_value < 0.01, found[0].p_value < 0.05
        ('Object', 'Attribute', True, False)
    """
    check_permutations(num_permutations, num_starts)
    codes, categories = encode_labels(labels)
    check_table(codes)
    blocks = _blocks(codes, reference)
    segments = _segments(codes, order, num_starts)
    num_labels = (codes != MISSING).sum(axis=0)
    results: dict[int, tuple[float, Exchange]] = {}
    active, p_value = np.flatnonzero(num_labels).tolist(), 0.0
    while len(active) > 1:
        found, p_values = _compare(
            codes, blocks, segments, active, (len(categories), num_starts, num_permutations), rng
        )
        p_value = max(p_value, min(p_values))
        most = max(range(len(active)), key=[exchange.statistic for exchange in found].__getitem__)
        leaving = range(len(active)) if len(active) == 2 else [most]
        results |= {active[place]: (max(p_value, p_values[place]), found[place]) for place in leaving}
        active = [annotator for annotator in active if annotator not in results]
    return tuple(
        _departure(annotator, results.get(annotator), categories, count, num_starts)
        for annotator, count in enumerate(num_labels.tolist())
    )


def _compare(
    codes: Int[np.ndarray, "item annotator"],
    blocks: Int[np.ndarray, "item annotator"],
    segments: Int[np.ndarray, "item annotator"],
    active: list[int],
    sizes: tuple[int, int, int],
    rng: np.random.Generator,
) -> tuple[tuple[Exchange, ...], list[float]]:
    """Each active annotator's exchange and its p-value against the largest of all active ones."""
    num_categories, num_starts, num_permutations = sizes
    columns = codes[:, active]
    item, group = np.nonzero(columns != MISSING)
    labels = LabelList(
        codes=columns[item, group],
        blocks=blocks[:, active][item, group],
        groups=group,
        segments=segments[:, active][item, group],
    )
    found, statistics = exchanges(
        labels,
        num_categories=num_categories,
        num_groups=len(active),
        num_segments=num_starts,
        num_permutations=num_permutations,
        rng=rng,
    )
    largest = statistics.max(axis=0)
    # The observed labelling is the first row, so that no p-value is 0; equal sums may differ in their last digit.
    return found, [float((largest >= exchange.statistic - 1e-9).mean()) for exchange in found]


def _blocks(codes: Int[np.ndarray, "item annotator"], reference: Labels | None) -> Int[np.ndarray, "item annotator"]:
    """Within what each label may change places."""
    num_items = len(codes)
    own = np.arange(num_items)
    if reference is None:
        # Those who are left without a partner when an annotator is left out keep to the items' own blocks.
        blocks = np.where((codes != MISSING).sum(axis=1) == 1, num_items, own)
    else:
        if len(reference) != num_items:
            raise UsageError(f"there must be a reference an item, got {len(reference)} for {num_items}; join by id.")
        truth = encode_labels(reference)[0]
        blocks = np.where(truth == MISSING, own, num_items + truth)
    return np.broadcast_to(blocks[:, None], codes.shape)


def _segments(
    codes: Int[np.ndarray, "item annotator"],
    order: Shaped[np.ndarray, "order_item order_annotator"] | None,
    number: int,
) -> Int[np.ndarray, "item annotator"]:
    if order is not None and order.shape != codes.shape:
        raise UsageError(
            f"order must have the labels' shape {codes.shape}, got {order.shape}; give each label a place."
        )
    segments = np.zeros(codes.shape, dtype=np.int64)
    for annotator in range(codes.shape[1]):
        labelled = np.flatnonzero(codes[:, annotator] != MISSING)
        if order is not None:
            places = order[labelled, annotator]
            if np.isnan(places.astype(np.float64)).any():
                raise UsageError(
                    f"every label must have a place in the order, got none for some in column {annotator}."
                )
            labelled = labelled[np.argsort(places, kind="stable")]
        segments[labelled, annotator] = segments_of(len(labelled), number)
    return segments


def _departure(
    annotator: int, result: tuple[float, Exchange] | None, categories: tuple[Any, ...], num_labels: int, num_starts: int
) -> Departure:
    if result is None:
        reason = "the annotator labelled nothing." if num_labels == 0 else "nobody else labelled anything."
        return Departure(annotator, np.nan, np.nan, None, None, np.nan, 0, num_labels, reason)
    p_value, exchange = result
    is_any = exchange.statistic > 0
    return Departure(
        annotator=annotator,
        p_value=p_value,
        statistic=exchange.statistic,
        from_category=categories[exchange.from_category] if is_any else None,
        to_category=categories[exchange.to_category] if is_any else None,
        excess=exchange.excess,
        start=start_of(exchange.segment, num_labels, num_starts),
        num_labels=num_labels,
        reason="",
    )
