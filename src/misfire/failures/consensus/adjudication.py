"""One label a query out of several annotators', by a declared policy, with what was decided and why."""

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, final

from typing_extensions import override

from misfire.core.errors import UsageError, name_some
from misfire.failures.consensus.item import Item
from misfire.failures.consensus.linking import LinkedLabels
from misfire.failures.failure_set import FailureSet
from misfire.failures.label_doubt import LabelDoubt
from misfire.failures.sheets import label_name
from misfire.failures.taxonomy import Label, Taxonomy


@dataclass(frozen=True)
class Decision:
    """What became of one query: its label, or None where nothing was decided, and why.

    ``given`` are the annotators' labels. ``is_disputed`` says that they differ in category.
    """

    item: Item
    label: Label | None
    why: str
    given: Mapping[str, Label]
    is_disputed: bool

    def to_json(self) -> dict[str, Any]:
        """The same as a JSON value."""
        return {
            "item": self.item.name,
            "query_id": self.item.query_id if self.item.query_id >= 0 else None,
            "caption": self.item.caption,
            "label": None if self.label is None else label_name(self.label),
            "why": self.why,
            "given": {name: label_name(label) for name, label in self.given.items()},
            "is_disputed": self.is_disputed,
        }


class Policy(ABC):
    """Decides the category of a query about which annotators differ; where they agree, that is the label."""

    @property
    @abstractmethod
    def name(self) -> str:
        """What the policy is called."""

    @abstractmethod
    def category(self, item: Item, given: Mapping[str, Label]) -> tuple[str | None, str]:
        """The category, or None where the policy leaves it open, and why; at least two categories were given."""

    def ruling(self, item: Item) -> Label | None:
        """A label that stands whatever the annotators say; none by default."""
        return None

    def decide(self, item: Item, given: Mapping[str, Label], taxonomy: Taxonomy) -> Decision:
        """What becomes of a query under this policy."""
        categories = list(dict.fromkeys(label.category for label in given.values()))
        ruling = self.ruling(item)
        if ruling is not None:
            return Decision(item, ruling, f"{self.name} decides", given, len(categories) > 1)
        if not categories:
            return Decision(item, None, "nobody labelled it, or only by a conflict with themselves", given, False)
        if len(categories) == 1:
            who = next(iter(given)) if len(given) == 1 else f"all {len(given)}"
            why = f"{who} alone labelled it" if len(given) == 1 else f"{who} agree"
            return Decision(item, _with_subtype(categories[0], given, taxonomy), why, given, False)
        category, why = self.category(item, given)
        label = None if category is None else _with_subtype(category, given, taxonomy)
        return Decision(item, label, why, given, True)


@final
@dataclass(frozen=True)
class Majority(Policy):
    """The category that more annotators gave than any other; a tie is left open."""

    @property
    @override
    def name(self) -> str:
        return "majority"

    @override
    def category(self, item: Item, given: Mapping[str, Label]) -> tuple[str | None, str]:
        counts = Counter(label.category for label in given.values())
        votes = max(counts.values())
        best = sorted(category for category, count in counts.items() if count == votes)
        if len(best) > 1:
            return None, f"a tie: {votes} each for {' and '.join(best)}"
        return best[0], f"{votes} of {len(given)} say {best[0]}"


@final
@dataclass(frozen=True)
class First(Policy):
    """The label of the first annotator, in the order of the sheets, who gave one."""

    @property
    @override
    def name(self) -> str:
        return "first"

    @override
    def category(self, item: Item, given: Mapping[str, Label]) -> tuple[str | None, str]:
        annotator, label = next(iter(given.items()))
        return label.category, f"{annotator} comes first"


@final
@dataclass(frozen=True)
class Drop(Policy):
    """No label where annotators differ."""

    @property
    @override
    def name(self) -> str:
        return "drop"

    @override
    def category(self, item: Item, given: Mapping[str, Label]) -> tuple[str | None, str]:
        return None, f"{len(given)} annotators differ"


@final
@dataclass(frozen=True)
class Expert(Policy):
    """An expert's label wherever there is one; what the expert left out is open where annotators differ."""

    labels: Mapping[Item, Label] = field(default_factory=dict)
    expert: str = "expert"

    @property
    @override
    def name(self) -> str:
        return self.expert

    @override
    def ruling(self, item: Item) -> Label | None:
        return self._by_key.get(item.key)

    @override
    def category(self, item: Item, given: Mapping[str, Label]) -> tuple[str | None, str]:
        return None, f"{len(given)} annotators differ, and {self.expert} doesn't say"

    @cached_property
    def _by_key(self) -> dict[str, Label]:
        return {item.key: label for item, label in self.labels.items()}


POLICIES: Mapping[str, Policy] = {"majority": Majority(), "first": First(), "drop": Drop()}


def policy_named(name: str) -> Policy:
    """The policy of that name; an expert needs a sheet and is made by hand.

    Raises:
        UsageError: If there is none.
    """
    if name not in POLICIES:
        raise UsageError(f"policy must be one of {', '.join(POLICIES)} or expert, got {name!r}; choose one.")
    return POLICIES[name]


@dataclass(frozen=True)
class Adjudication:
    """Every query's decision under one policy."""

    policy: Policy
    annotators: tuple[str, ...]
    taxonomy: Taxonomy
    decisions: tuple[Decision, ...]

    @property
    def undecided(self) -> tuple[Decision, ...]:
        """Decisions without a label."""
        return tuple(decision for decision in self.decisions if decision.label is None)

    @property
    def categories(self) -> tuple[str, ...]:
        """The category of every query that has one."""
        return tuple(decision.label.category for decision in self.decisions if decision.label is not None)

    @property
    def label_source(self) -> str:
        """Who labelled, in words."""
        return f"{len(self.annotators)} annotators ({', '.join(self.annotators)}), disagreements by {self.policy.name}"

    def to_json(self) -> dict[str, Any]:
        """The log: every query that was disputed or left open, and how many weren't."""
        notable = [decision for decision in self.decisions if decision.is_disputed or decision.label is None]
        return {
            "policy": self.policy.name,
            "num_queries": len(self.decisions),
            "num_labelled": len(self.categories),
            "num_disputed": sum(decision.is_disputed for decision in self.decisions),
            "num_undecided": len(self.undecided),
            "decisions": [decision.to_json() for decision in self.decisions],
            "notable": [decision.item.name for decision in notable],
        }


def adjudicate(linked: LinkedLabels, policy: Policy) -> Adjudication:
    """Decide every query's label."""
    decisions = tuple(policy.decide(item, linked.given(item), linked.taxonomy) for item in linked.items)
    return Adjudication(policy, linked.annotators, linked.taxonomy, decisions)


def adjudicated_set(
    failure_set: FailureSet, adjudication: Adjudication, label_doubt: LabelDoubt | None = None
) -> FailureSet:
    """The failure set under the decided labels; a query without a decision has none.

    Args:
        failure_set: What was annotated.
        adjudication: The decisions.
        label_doubt: How far the labels are in doubt, where that was measured.

    Raises:
        UsageError: If a decided query isn't tied to an id, or isn't of the set.
    """
    unknown = [one.item.name for one in adjudication.decisions if one.label is not None and one.item.query_id < 0]
    if unknown:
        raise UsageError(
            f"a labelled failure set needs query ids, got {name_some(unknown)} without; link the sheets to the set."
        )
    labels = {one.item.query_id: one.label for one in adjudication.decisions if one.label is not None}
    if not labels:
        raise UsageError("a labelled failure set needs a label, got none decided; use another policy or annotate more.")
    return failure_set.relabelled(
        labels, label_source=adjudication.label_source, taxonomy=adjudication.taxonomy, label_doubt=label_doubt
    )


def _with_subtype(category: str, given: Mapping[str, Label], taxonomy: Taxonomy) -> Label:
    """The category with the subtype that most of those who gave it named; without one where they tie."""
    named = Counter(
        one.ambiguous_subtype for one in given.values() if one.category == category and one.ambiguous_subtype
    )
    ranked = named.most_common(2)
    is_clear = ranked and (len(ranked) == 1 or ranked[0][1] > ranked[1][1])
    return taxonomy.label(category, ranked[0][0] if is_clear else None)
