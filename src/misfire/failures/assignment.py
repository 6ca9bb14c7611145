"""Who annotates what: some failures by everybody, the rest dealt out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from misfire.core.errors import UsageError
from misfire.core.seeding import generator
from misfire.failures.annotators import check_annotator_names


@dataclass(frozen=True)
class Assignment:
    """Query ids by annotator, ascending, and those that every annotator has.

    ``backups`` are each annotator's own, in the order in which they stand in for items that must be dropped.
    """

    shared: tuple[int, ...]
    query_ids: Mapping[str, tuple[int, ...]]
    backups: Mapping[str, tuple[int, ...]] = field(default_factory=dict)


def plan_assignment(
    query_ids: Sequence[int], annotators: Sequence[str], *, overlap: int, seed: int, num_backups: int = 0
) -> Assignment:
    """Give ``overlap`` random queries to every annotator and deal the rest out disjointly.

    The sizes of two annotators' shares differ by at most one. Ids stand in ascending order, so that a sheet doesn't
    show which of its items are shared. Backups are kept back from the deal and are disjoint too.

    Args:
        query_ids: What is to be annotated.
        annotators: Their names.
        overlap: How many queries all of them annotate; agreement is measured on these.
        seed: Of the draw; which queries are shared doesn't depend on the number of backups.
        num_backups: How many of the queries are kept back.

    Raises:
        UsageError: If a name is unusable or repeated, a query stands twice, or the overlap and the backups are negative
            or together more than the queries.

    Example:
        >>> plan = plan_assignment(range(10), ["ann", "bob", "cem"], overlap=4, seed=0)
        >>> [len(ids) for ids in plan.query_ids.values()]
        [6, 6, 6]
    """
    check_annotator_names(annotators)
    if not 0 <= overlap <= len(query_ids):
        raise UsageError(
            f"overlap must be between 0 and the {len(query_ids)} queries to annotate, got {overlap}; "
            "lower it or mine more failures."
        )
    if not 0 <= num_backups <= len(query_ids) - overlap:
        raise UsageError(
            f"backups must be between 0 and the {len(query_ids) - overlap} queries that aren't shared, got "
            f"{num_backups}; lower them or mine more failures."
        )
    if len(set(query_ids)) < len(query_ids):
        raise UsageError(
            f"queries must be assigned once, got {len(query_ids) - len(set(query_ids))} repeated; drop them."
        )
    if overlap > 0 and len(annotators) < 2:
        raise UsageError(f"overlap must be 0 for a single annotator, got {overlap}; add an annotator or set it to 0.")
    shuffled = [int(query_id) for query_id in generator(seed, "assignment").permutation(list(query_ids))]
    dealt = len(shuffled) - num_backups
    shared, rest, kept_back = shuffled[:overlap], shuffled[overlap:dealt], shuffled[dealt:]
    return Assignment(
        shared=tuple(sorted(shared)),
        query_ids={
            name: tuple(sorted(shared + rest[place :: len(annotators)])) for place, name in enumerate(annotators)
        },
        backups={name: tuple(kept_back[place :: len(annotators)]) for place, name in enumerate(annotators)},
    )
