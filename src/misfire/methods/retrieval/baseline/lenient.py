"""A hit rate without the queries whose captions are ambiguous; never shown without its strict twin."""

from dataclasses import dataclass

from misfire.core.errors import UsageError
from misfire.failures import AMBIGUOUS, FailureSet


@dataclass(frozen=True)
class LenientHitRate:
    """A hit rate with all queries (``strict``), and its estimate without those that are Ambiguous; fractions.

    ``num_ambiguous`` of the ``num_labelled`` failures of the sample are Ambiguous.
    """

    k: int
    strict: float
    without_ambiguous: float
    num_ambiguous: int
    num_labelled: int


def lenient_hit_rate(strict: float, failure_set: FailureSet, *, k: int) -> LenientHitRate:
    """Estimate of hit@k over the queries whose captions aren't ambiguous, from a labelled sample of the failures.

    Each labelled failure stands for as many of the baseline's top-1 failures as there are for one that was labelled.
    The Ambiguous ones are taken out of the queries, and out of the hits where their rank is within ``k``. Captions that
    the baseline hits at rank 1 are taken to be unambiguous: nobody labels them, so that the estimate is, if anything,
    too high.

    Args:
        strict: hit@k over all queries, as a fraction.
        failure_set: A labelled sample of the top-1 failures of the same retrieval.
        k: Cut-off, >= 1.

    Raises:
        UsageError: If no failure is labelled, or all queries would be left out.
    """
    check_labelled(failure_set)
    labelled = [failure for failure in failure_set.failures if failure.category is not None]
    ambiguous = [failure for failure in labelled if failure.category == AMBIGUOUS]
    share = failure_set.num_top1_failures / failure_set.num_queries / len(labelled)  # of all queries, each stands for
    left = 1 - share * len(ambiguous)
    if left <= 0:
        raise UsageError("a score without Ambiguous items needs other queries, got none; check the labels.")
    hits = strict - share * sum(failure.rank <= k for failure in ambiguous)
    return LenientHitRate(k, strict, hits / left, len(ambiguous), len(labelled))


def check_labelled(failure_set: FailureSet) -> None:
    """Refuse a failure set without labels.

    Raises:
        UsageError: If no failure is labelled.
    """
    if all(failure.category is None for failure in failure_set.failures):
        raise UsageError(
            f"a score without Ambiguous items needs labels, got none in failure set {failure_set.digest[:12]}; "
            "annotate it, or name one with labels."
        )
