"""Whether an annotator labels otherwise later than earlier."""

from dataclasses import dataclass
from typing import Any, final

import numpy as np
from jaxtyping import Int

from misfire.core.errors import UsageError
from misfire.stats.agreement.label_exchange import LabelList, check_permutations, exchanges, segments_of, start_of
from misfire.stats.agreement.labels import MISSING, Labels, encode_labels


@final
@dataclass(frozen=True)
class LabelChange:
    """The most unusual exchange of two categories after a cut in an annotator's order.

    Args:
        p_value: Permutation p-value, adjusted over pairs of categories and cuts; NaN where it is undefined.
        statistic: Size of the exchange in standard deviations of the permutations.
        from_category: What is said less after the cut; ``None`` where nothing changes.
        to_category: What is said more instead after the cut; ``None`` where nothing changes.
        share_before: Share of ``to_category`` among the labels of the two before the cut; NaN without such a label.
        share_after: The same share after the cut.
        cut: How many labels come before the cut.
        num_labels: The annotator's labels that are compared.
        reason: Why it is undefined; empty where it is defined.
    """

    p_value: float
    statistic: float
    from_category: Any
    to_category: Any
    share_before: float
    share_after: float
    cut: int
    num_labels: int
    reason: str


def label_change(
    labels: Labels,
    *,
    reference: Labels | None = None,
    num_cuts: int = 7,
    num_permutations: int = 2000,
    rng: np.random.Generator,
) -> LabelChange:
    """Permutation test of a change in an annotator's category mix, over one or several cuts.

    While nothing changes the labels come in no order. With a reference, such as the adjudicated label or another
    annotator's, labels change places among the items of the same reference only, so that a run of different items is
    no drift, and a change in one kind of disagreement (Object where the reference says Attribute) stands out.

    The power is modest: what an annotator did in the beginning is all it knows of them.
    :func:`misfire.stats.annotator_departures`, which has the others to compare with, finds far more.

    Args:
        labels: The annotator's labels in the order in which they were given; ``None``, ``-1``, NaN or "" is missing.
        reference: A label of each of the same items; items whose reference is missing are left out.
        num_cuts: How many evenly spaced cuts are tried; 1 compares the first half with the second.
        num_permutations: How many permutations are drawn.
        rng: Source of the permutations.

    Raises:
        UsageError: If reference and labels differ in length, or a number is below 1.

    Reference:
        Antoch and Huskova, "Permutation tests in change point analysis", Statistics and Probability Letters 53, 2001.

    Example:
        >>> found = label_change(["a", "a", "b", "a"] * 5 + ["b", "b", "a", "b"] * 5, rng=np.random.default_rng(0))
        >>> found.from_category, found.to_category, found.share_before, found.share_after, found.cut
        ('a', 'b', 0.25, 0.75, 20)
    """
    check_permutations(num_permutations, num_cuts)
    codes, blocks, categories = _compared(labels, reference)
    num_labels, num_segments = len(codes), num_cuts + 1
    if num_labels < 2:
        reason = "fewer than two labels have no order."
        return LabelChange(np.nan, np.nan, None, None, np.nan, np.nan, 0, num_labels, reason)
    (found,), statistics = exchanges(
        LabelList(
            codes=codes,
            blocks=blocks,
            groups=np.zeros(num_labels, dtype=np.int64),
            segments=segments_of(num_labels, num_segments),
        ),
        num_categories=len(categories),
        num_groups=1,
        num_segments=num_segments,
        num_permutations=num_permutations,
        rng=rng,
    )
    # The observed order is the first row, so that no p-value is 0; equal sums may differ in their last digit.
    p_value = float((statistics[0] >= found.statistic - 1e-9).mean())
    if found.statistic <= 1e-9:
        return LabelChange(p_value, 0.0, None, None, np.nan, np.nan, 0, num_labels, "")
    cut = start_of(found.segment, num_labels, num_segments)
    ends = found.from_category, found.to_category
    return LabelChange(
        p_value=p_value,
        statistic=found.statistic,
        from_category=categories[ends[0]],
        to_category=categories[ends[1]],
        share_before=_share(codes[:cut], *ends),
        share_after=_share(codes[cut:], *ends),
        cut=cut,
        num_labels=num_labels,
        reason="",
    )


def _compared(
    labels: Labels, reference: Labels | None
) -> tuple[Int[np.ndarray, " compared"], Int[np.ndarray, " compared"], tuple[Any, ...]]:
    codes, categories = encode_labels(labels)
    blocks = np.zeros(len(codes), dtype=np.int64)
    if reference is not None:
        if len(reference) != len(codes):
            raise UsageError(f"there must be a reference a label, got {len(reference)} for {len(codes)}; join by id.")
        blocks = encode_labels(reference)[0]
    is_kept = (codes != MISSING) & (blocks != MISSING)
    return codes[is_kept], blocks[is_kept], categories


def _share(codes: Int[np.ndarray, " label"], from_category: int, to_category: int) -> float:
    """Share of the second among the labels of the two."""
    second, first = int((codes == to_category).sum()), int((codes == from_category).sum())
    return second / (first + second) if first + second else np.nan
