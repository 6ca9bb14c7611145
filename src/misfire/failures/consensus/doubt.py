"""How far each query's category is in doubt, out of all that annotators called it."""

from typing import TYPE_CHECKING

import numpy as np

from misfire.failures.label_doubt import LabelDoubt
from misfire.stats.agreement import label_distribution

if TYPE_CHECKING:
    from misfire.failures.consensus.measures import Agreement


def label_doubt(found: "Agreement") -> LabelDoubt | None:
    """Probability of each category being the true one of each query that anybody labelled, or None.

    Several labels share it evenly; a label that stands alone is as sure as the measured confusion of the annotators
    says; an expert's ruling is taken for the truth. Without a query that two annotators labelled there is no confusion
    and nothing is known; :func:`reason_without_doubt` says so.
    """
    if reason_without_doubt(found):
        return None
    confusion = np.array(found.confusion, dtype=np.int64)
    names, policy = found.linked.taxonomy.names, found.adjudication.policy
    decided = [one for one in found.adjudication.decisions if one.item.query_id >= 0]
    given = {one.item.query_id: [label.category for label in one.given.values()] for one in decided if one.given}
    width = max(2, *map(len, given.values()))
    rows = label_distribution(
        [[*labels, *[None] * (width - len(labels))] for labels in given.values()],
        categories=names,
        confusion=confusion + confusion.T,
    )
    probability = {query_id: tuple(row) for query_id, row in zip(given, rows.tolist(), strict=True)}
    ruled = {one.item.query_id: policy.ruling(one.item) for one in decided}
    for query_id, label in ruled.items():
        if label is not None:
            probability[query_id] = tuple(float(name == label.category) for name in names)
    return LabelDoubt(names, probability)


def reason_without_doubt(found: "Agreement") -> str:
    """Why it can't be measured how far labels are in doubt, and what helps; empty where it can."""
    if len(found.linked.annotators) < 2:
        return "one annotator's labels can be held against nobody else's; let somebody else label some of them too."
    if not np.any(found.confusion):
        return "no query was labelled by two annotators; let several label some of the same (annotators.overlap)."
    if not any(one.given and one.item.query_id >= 0 for one in found.adjudication.decisions):
        return "no labelled query is known by its id; name the failure set that the sheets are of."
    return ""
