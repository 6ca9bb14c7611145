"""In plain words, how far labels can be trusted and what to do about it."""

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

from misfire.core.errors import name_some
from misfire.core.words import counted, listed
from misfire.failures.consensus.doubt import reason_without_doubt

if TYPE_CHECKING:
    from misfire.failures.consensus.measures import Agreement

# Landis and Koch's words for kappa, from which each holds upwards.
_WORDS = ((0.81, "almost perfect"), (0.61, "substantial"), (0.41, "moderate"), (0.21, "fair"), (0.0, "slight"))
_FEW = 50
_WEAK = 0.4
_MANY_WITHOUT_A_DISPUTE = 10
_GOOD_POWER = 0.75
# How often a drift is found, by the number of labels from which each holds (benchmarks/power_of_drift.py and
# power_of_agree.py).
_POWER_WITHOUT_REFERENCE = ((200, 0.85), (120, 0.6), (87, 0.4), (0, 0.1))
_POWER_WITH_REFERENCE = ((200, 0.85), (120, 0.6), (80, 0.4), (0, 0.2))


def word_for(kappa: float) -> str:
    """The customary word for a kappa.

    Reference:
        Landis and Koch, "The measurement of observer agreement for categorical data", Biometrics 33, 1977.

    Example:
        >>> word_for(0.7), word_for(-0.1)
        ('substantial', 'poor')
    """
    return next((word for least, word in _WORDS if kappa >= least), "poor")


def trust_paragraph(found: "Agreement") -> str:
    """What the numbers mean for somebody who wants to use the labels."""
    warnings = [warning for one in found.annotators for warning in one.warnings]
    parts = (
        _about_rows(found),
        _about_agreement(found),
        _about_categories(found),
        warnings,
        _about_drift(found),
        _about_decisions(found),
        _about_doubt(found),
    )
    return " ".join(sentence for part in parts for sentence in part)


def _about_rows(found: "Agreement") -> Iterator[str]:
    linked = found.linked
    common = len(linked.common)
    yield (
        f"The {linked.num_rows} rows of {_people(found)} are about {len(linked.items)} different queries, of which "
        f"{common} stand in {'both' if len(linked.annotators) == 2 else 'all'} annotators' sheets."
        if len(linked.annotators) > 1
        else f"The {linked.num_rows} rows of {linked.annotators[0]} are about {len(linked.items)} different queries."
    )
    apart = [one for one in linked.mismatches if not one.is_joined]
    if apart:
        yield f"{counted(len(apart), 'disagreement')} about what a row is of kept rows apart, so look at these first."
    conflicts = sum(one.is_conflict for one in linked.duplicates)
    if conflicts:
        contradicted = counted(conflicts, "query", "queries")
        yield f"{contradicted} got two different labels from one annotator, which count as none."


def _about_agreement(found: "Agreement") -> Iterator[str]:
    overall = found.overall
    if len(found.linked.annotators) < 2:
        yield "With one annotator nothing can be said about agreement: let somebody else label some of the queries too."
        return
    if math.isnan(overall.kappa):
        yield f"Kappa is undefined: {overall.reason}"
        return
    yield (
        f"On the {overall.num_items} queries with at least two labels, annotators give the same category in "
        f"{100 * found.raw_agreement:.0f} % of the cases; beyond chance that is {word_for(overall.kappa)} agreement "
        f"(kappa {overall.kappa:.2f}"
        + (
            f", {100 * overall.confidence:g} % interval {overall.low:.2f} to {overall.high:.2f})."
            if not math.isnan(overall.low)
            else ")."
        )
    )
    if found.raw_agreement == 1 and overall.num_items >= _MANY_WITHOUT_A_DISPUTE:
        yield "Not one disagreement is rare among people who worked apart: make sure that no sheet is a copy."
    if math.isnan(overall.low):
        return
    low, high = word_for(overall.low), word_for(overall.high)
    if low != high:
        few = (
            f" {overall.num_items} queries are few: label more of them twice to know."
            if overall.num_items < _FEW
            else ""
        )
        yield f"The interval reaches from {low} to {high}, so that no single word is safe.{few}"
    elif overall.num_items < _FEW:
        yield f"That rests on {overall.num_items} queries only."


def _about_categories(found: "Agreement") -> Iterator[str]:
    if len(found.linked.annotators) < 2:
        return
    names = found.linked.taxonomy.names
    of_pair = [one.one_versus_rest.kappa for one in found.pairs[0].categories]
    kappas = of_pair if len(found.pairs) == 1 else [one.kappa for one in found.per_category]
    weak = [f"{name} ({kappa:.2f})" for name, kappa in zip(names, kappas, strict=True) if kappa < _WEAK]
    if weak:
        yield f"Results on {listed(weak)} rest on labels that hardly agree."
    confused = _most_confused(found)
    if confused:
        yield confused


def _most_confused(found: "Agreement") -> str:
    names, counts = found.linked.taxonomy.names, found.confusion
    size = range(len(names))
    times = 1 if len(found.pairs) == 1 else 2
    both_ways = {(i, j): (counts[i][j] + counts[j][i]) // times for i in size for j in size if i < j}
    total = sum(both_ways.values())
    if not total:
        return ""
    (i, j), most = max(both_ways.items(), key=lambda pair: pair[1])
    return f"What one calls {names[i]} and the other {names[j]} makes {most} of the {total} disagreements."


def _about_drift(found: "Agreement") -> Iterator[str]:
    """What annotators were held against, and how much of a slip would have been seen."""
    linked, reference = found.linked, found.reference
    if len(linked.annotators) < 2:
        return
    compared = min(_num_compared(found, name) for name in linked.annotators)
    powers = _POWER_WITHOUT_REFERENCE if reference is None else _POWER_WITH_REFERENCE
    power = next(power for least, power in powers if compared >= least)
    against = "each other" if reference is None else f"each other and {reference.source}"
    few = "" if power > _GOOD_POWER else ", so that no warning is no proof"
    yield (
        f"Annotators were held against {against}, on at least {compared} labels each: if one of them from the middle "
        f"on called 30 % of a frequent category something else, it would be seen about {100 * power:.0f} % of the "
        f"time{few}."
    )


def _num_compared(found: "Agreement", name: str) -> int:
    """Labels of an annotator that there is something to hold against: another's label, or the reference's."""
    linked = found.linked
    known = {} if found.reference is None else found.reference.categories
    mine = [item for item, label in linked.labels[name].items() if label is not None]
    return sum(len(linked.given(item)) > 1 or item.query_id in known for item in mine)


def _about_decisions(found: "Agreement") -> Iterator[str]:
    decided = found.adjudication
    undecided = decided.undecided
    rest = f"; left open: {len(undecided)}." if undecided else "."
    labelled = f"{len(decided.categories)} of {len(decided.decisions)} queries have a label"
    yield f"Under the policy '{decided.policy.name}' {labelled}{rest}"
    alone = sum(len(one.given) == 1 for one in decided.decisions)
    if alone and len(found.linked.annotators) > 1:
        yield f"{alone} of these labels are one annotator's alone, and as good as the agreement above says at best."


def _about_doubt(found: "Agreement") -> Iterator[str]:
    """That a gain won't know of label noise, and why; nothing where it will."""
    reason = reason_without_doubt(found)
    if reason:
        yield f"Label noise can't be measured, so that a gain on a category won't have an interval with it: {reason}"


def _people(found: "Agreement") -> str:
    names = found.linked.annotators
    return listed(list(names)) if len(names) <= 5 else name_some(names)
