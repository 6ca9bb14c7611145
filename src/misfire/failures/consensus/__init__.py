"""From several annotators' sheets to labels that can be trusted: joined by query, measured, decided."""

from misfire.failures.consensus.adjudication import (
    POLICIES,
    Adjudication,
    Decision,
    Drop,
    Expert,
    First,
    Majority,
    Policy,
    adjudicate,
    adjudicated_set,
    policy_named,
)
from misfire.failures.consensus.doubt import label_doubt
from misfire.failures.consensus.expert import expert_policy
from misfire.failures.consensus.item import Item
from misfire.failures.consensus.linking import Duplicate, LinkedLabels, link
from misfire.failures.consensus.measures import Agreement, PairAgreement, agreement
from misfire.failures.consensus.mismatch import Mismatch
from misfire.failures.consensus.planned import planned_against_returned
from misfire.failures.consensus.record import agreement_record
from misfire.failures.consensus.single import read_sheet

__all__ = [
    "POLICIES",
    "Adjudication",
    "Agreement",
    "Decision",
    "Drop",
    "Duplicate",
    "Expert",
    "First",
    "Item",
    "LinkedLabels",
    "Majority",
    "Mismatch",
    "PairAgreement",
    "Policy",
    "adjudicate",
    "adjudicated_set",
    "agreement",
    "agreement_record",
    "expert_policy",
    "label_doubt",
    "link",
    "planned_against_returned",
    "policy_named",
    "read_sheet",
]
