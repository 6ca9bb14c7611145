"""Labels that annotators can be held against: an expert's, or those that the failure set came with."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from misfire.failures.consensus.adjudication import Policy
from misfire.failures.consensus.linking import LinkedLabels
from misfire.failures.failure_set import FailureSet


@dataclass(frozen=True)
class Reference:
    """Categories by query id from a source that none of the annotators is part of."""

    source: str
    categories: Mapping[int, str]


def reference_of(linked: LinkedLabels, failure_set: FailureSet | None, policy: Policy) -> Reference | None:
    """The reference that covers most queries, an expert's rulings first among equals; None where there is none.

    Labels of a failure set that one of these very annotators had a part in are no reference for them.
    """
    found = [one for one in (_ruled(linked, policy), _kept(linked, failure_set)) if one.categories]
    return max(found, key=lambda one: len(one.categories), default=None)


def _ruled(linked: LinkedLabels, policy: Policy) -> Reference:
    rulings = {item.query_id: policy.ruling(item) for item in linked.items if item.query_id >= 0}
    return Reference(policy.name, {key: label.category for key, label in rulings.items() if label is not None})


def _kept(linked: LinkedLabels, failure_set: FailureSet | None) -> Reference:
    source = "" if failure_set is None else failure_set.label_source or ""
    names = set(linked.taxonomy.names)
    if failure_set is None or not source or set(linked.annotators) & set(re.split(r"[^\w-]+", source)):
        return Reference(source, {})
    asked = {item.query_id for item in linked.items}
    return Reference(
        source,
        {one.query_id: one.category for one in failure_set.failures if one.query_id in asked and one.category in names},
    )
