"""An agreement as a JSON value."""

import math
from collections import Counter
from typing import TYPE_CHECKING, Any

from misfire.failures.consensus.adjudication import POLICIES, adjudicate
from misfire.failures.consensus.annotator import AnnotatorReport
from misfire.failures.consensus.doubt import reason_without_doubt
from misfire.failures.consensus.item import Item
from misfire.failures.consensus.linking import LinkedLabels, category_counts
from misfire.failures.consensus.trust import trust_paragraph
from misfire.stats.agreement import CategoryAgreement, CohenKappa, FleissKappa, category_shares

if TYPE_CHECKING:
    from misfire.failures.consensus.measures import Agreement, PairAgreement


def agreement_record(found: "Agreement") -> dict[str, Any]:
    """Counts, coefficients, confusions, distributions, decisions and what was left out.

    Shares and coefficients are fractions. What is undefined is null, with a ``reason`` beside it.
    """
    linked, overall = found.linked, found.overall
    return {
        **_counts(linked),
        "mismatched": [one.to_json() for one in linked.mismatches],
        "duplicated": [one.to_json() for one in linked.duplicates],
        "raw_agreement": number(found.raw_agreement),
        "kappa": number(overall.kappa),
        "kappa_low": number(overall.low),
        "kappa_high": number(overall.high),
        "kappa_is": "Cohen's" if isinstance(overall, CohenKappa) else "Fleiss'",
        "kappa_num_queries": overall.num_items,
        "kappa_interval": overall.interval_method,
        "kappa_reason": overall.reason,
        "confidence": found.settings.confidence,
        "num_replicates": found.settings.num_replicates,
        "seed": found.settings.seed,
        "per_category": _per_category(found),
        "confusion": _confusion(found),
        "fleiss": kappa_record(found.fleiss),
        "krippendorff": {
            "alpha": number(found.alpha.alpha),
            "low": number(found.alpha.low),
            "high": number(found.alpha.high),
            "num_queries": found.alpha.num_items,
            "reason": found.alpha.reason,
        },
        "pairs": [_pair(pair) for pair in found.pairs],
        "drift_reference": _reference(found),
        "annotators": {one.name: _annotator(one) for one in found.annotators},
        "categories": _categories(found),
        "adjudication": found.adjudication.to_json(),
        "label_doubt": {"is_measured": not (reason := reason_without_doubt(found)), "reason": reason},
        "import": found.sheets.log(),
        "in_words": trust_paragraph(found),
    }


def number(value: float) -> float | None:
    """The number, or None where it's undefined: JSON has no NaN."""
    return float(value) if math.isfinite(value) else None


def kappa_record(kappa: CohenKappa | FleissKappa) -> dict[str, Any]:
    """A kappa with its interval."""
    return {
        "kappa": number(kappa.kappa),
        "low": number(kappa.low),
        "high": number(kappa.high),
        "num_queries": kappa.num_items,
        "interval": kappa.interval_method,
        "reason": kappa.reason,
    }


def _counts(linked: LinkedLabels) -> dict[str, Any]:
    common = set(linked.common)
    only_in = {
        name: [_item(item) for item in linked.items if item in linked.labels[name] and item not in common]
        for name in linked.annotators
    }
    held_by = Counter(tuple(n for n in linked.annotators if item in linked.labels[n]) for item in linked.items)
    return {
        "annotators_in_order": list(linked.annotators),
        "num_rows": linked.num_rows,
        "num_unique": len(linked.items),
        "num_common": len(common),
        "num_common_labelled": sum(len(linked.given(item)) == len(linked.annotators) for item in common),
        "num_unlabelled": {
            name: sum(one is None for one in linked.labels[name].values()) for name in linked.annotators
        },
        "only_in": only_in,
        "num_only_in": {name: len(items) for name, items in only_in.items()},
        "held_by": [{"annotators": list(names), "num_queries": count} for names, count in sorted(held_by.items())],
    }


def _item(item: Item) -> str:
    return item.name


def _per_category(found: "Agreement") -> dict[str, Any]:
    names = found.linked.taxonomy.names
    if len(found.pairs) == 1:
        return {one.category: _category(one) for one in found.pairs[0].categories}
    return {name: kappa_record(kappa) for name, kappa in zip(names, found.per_category, strict=True)}


def _category(one: CategoryAgreement) -> dict[str, Any]:
    return {
        **kappa_record(one.one_versus_rest),
        "count_a": one.count_a,
        "count_b": one.count_b,
        "count_both": one.count_both,
        "prevalence_index": number(one.prevalence_index),
        "bias_index": number(one.bias_index),
        "pabak": number(one.pabak),
    }


def _confusion(found: "Agreement") -> dict[str, Any]:
    one, other = found.pairs[0].annotators if len(found.pairs) == 1 else ("one annotator", "another")
    return {
        "rows": one,
        "columns": other,
        "categories": list(found.linked.taxonomy.names),
        "counts": found.confusion,
    }


def _pair(pair: "PairAgreement") -> dict[str, Any]:
    return {
        "annotators": list(pair.annotators),
        "num_common": pair.num_common,
        "raw_agreement": number(pair.kappa.raw_agreement),
        **kappa_record(pair.kappa),
        "per_category": {one.category: _category(one) for one in pair.categories},
        "confusion": pair.confusion,
        "disputed": [_item(item) for item in pair.disputed],
    }


def _reference(found: "Agreement") -> dict[str, Any] | None:
    reference = found.reference
    return None if reference is None else {"source": reference.source, "num_queries": len(reference.categories)}


def _annotator(one: AnnotatorReport) -> dict[str, Any]:
    return {
        "num_rows": one.num_rows,
        "num_queries": one.num_queries,
        "num_unlabelled": one.num_unlabelled,
        "categories": one.counts,
        "self_agreement": {
            **kappa_record(one.repeats.agreement),
            "raw_agreement": number(one.repeats.agreement.raw_agreement),
            "changed": list(one.repeats.changed_items),
        },
        "fast": {
            "num_timed": one.fast.num_timed,
            "median_s": number(one.fast.median_s),
            "threshold_s": number(one.fast.threshold_s),
            "share": number(one.fast.share),
            "queries": [_item(item) for item in one.fast_queries],
        },
        "drift": {
            "against_others": {
                "p_value": number(one.departure.p_value),
                "from": one.departure.from_category,
                "to": one.departure.to_category,
                "excess": number(one.departure.excess),
                "from_item": one.departure.start + 1,
                "reason": one.departure.reason,
            },
            "later_against_earlier": {
                "p_value": number(one.change.p_value),
                "from": one.change.from_category,
                "to": one.change.to_category,
                "after_item": one.change.cut,
                "reason": one.change.reason,
            },
        },
        "warnings": list(one.warnings),
    }


def _categories(found: "Agreement") -> dict[str, Any]:
    """Labelled rows a category as they came; then one label a query, under each policy; then shares of the latter."""
    taxonomy, decided = found.linked.taxonomy, found.adjudication
    rows = [row.label.category for row in found.sheets.rows if row.label is not None]
    by_policy = {name: adjudicate(found.linked, policy) for name, policy in POLICIES.items()}
    return {
        "before": category_counts(rows, taxonomy),
        "num_before": len(rows),
        "after": category_counts(decided.categories, taxonomy),
        "num_after": len(decided.categories),
        "num_undecided": len(decided.undecided),
        "after_by_policy": {
            name: {**category_counts(one.categories, taxonomy), "undecided": len(one.undecided)}
            for name, one in by_policy.items()
        },
        "shares": _shares(found),
    }


def _shares(found: "Agreement") -> dict[str, Any]:
    if not found.adjudication.categories:
        return {}
    shares = category_shares(
        found.adjudication.categories,
        categories=found.linked.taxonomy.names,
        num_failures=found.num_top1_failures,
        confidence=found.settings.confidence,
    )
    return {
        one.category: {
            "count": one.count,
            "share": one.share,
            "low": one.low,
            "high": one.high,
            "of_all_failures": number(one.num_failures),
        }
        for one in shares
    }
