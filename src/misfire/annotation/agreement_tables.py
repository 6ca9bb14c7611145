"""The tables of an agreement, out of its record."""

from collections.abc import Mapping
from typing import Any

from misfire.core.words import UNDEFINED, percent
from misfire.reporting.table import Column, Entry, Table

Record = Mapping[str, Any]


def coefficient(value: float | None) -> str:
    """A coefficient of agreement with three decimals.

    Example:
        >>> coefficient(0.61249), coefficient(None) == UNDEFINED
        ('0.612', True)
    """
    return UNDEFINED if value is None else f"{value:.3f}"


def interval(low: float | None, high: float | None) -> str:
    """An interval of a coefficient.

    Example:
        >>> interval(0.5, 0.7)
        '[0.500, 0.700]'
    """
    return UNDEFINED if low is None or high is None else f"[{low:.3f}, {high:.3f}]"


def pairs_table(record: Record) -> Table:
    """Agreement of every pair of annotators, and of all together."""
    rows = [
        (
            _text(f"{pair['annotators'][0]} and {pair['annotators'][1]}"),
            _count(pair["num_queries"]),
            _coefficient(pair["raw_agreement"]),
            *_kappa(pair["kappa"], pair["low"], pair["high"]),
        )
        for pair in record["pairs"]
    ]
    for name, found, key in (
        ("all, Fleiss", record["fleiss"], "kappa"),
        ("all, alpha", record["krippendorff"], "alpha"),
    ):
        numbers = _kappa(found[key], found["low"], found["high"])
        rows.append((_text(name), _count(found["num_queries"]), _coefficient(None), *numbers))
    return Table(
        name="pairs",
        title="How far annotators agree on the queries that they share.",
        columns=(
            Column("Annotators", ("annotators",), is_number=False),
            Column("Queries", ("num_queries",)),
            Column("Same label", ("raw_agreement",)),
            Column("Kappa", ("kappa",)),
            Column("Interval", ("kappa_low", "kappa_high")),
        ),
        rows=tuple(rows),
        note=(
            "Cohen's kappa a pair; Fleiss' kappa and Krippendorff's alpha over all queries with at least two labels. "
            f"Intervals are {100 * record['confidence']:g} %, over queries; {UNDEFINED} is undefined."
        ),
    )


def category_table(record: Record) -> Table:
    """One category against the rest."""
    has_pair = len(record["pairs"]) == 1
    rows = []
    for name, found in record["per_category"].items():
        numbers = (_text(name), *_kappa(found["kappa"], found["low"], found["high"]))
        of_pair = (
            (
                *(_count(found[key]) for key in ("count_a", "count_b", "count_both")),
                _coefficient(found["prevalence_index"]),
                _coefficient(found["bias_index"]),
            )
            if has_pair
            else ()
        )
        rows.append((*numbers, *of_pair))
    one, other = (record["confusion"]["rows"], record["confusion"]["columns"])
    of_pair_columns = (
        (
            Column(one, ("count_a",)),
            Column(other, ("count_b",)),
            Column("both", ("count_both",)),
            Column("Prevalence", ("prevalence_index",)),
            Column("Bias", ("bias_index",)),
        )
        if has_pair
        else ()
    )
    return Table(
        name="per_category",
        title="Agreement on each category against the rest.",
        columns=(
            Column("Category", ("category",), is_number=False),
            Column("Kappa", ("kappa",)),
            Column("Interval", ("kappa_low", "kappa_high")),
            *of_pair_columns,
        ),
        rows=tuple(rows),
        note=(
            "Cohen's kappa of 'this category' against 'another', with the counts behind it."
            if has_pair
            else "Fleiss' kappa of 'this category' against 'another'."
        )
        + f" {UNDEFINED} is undefined: nobody gave the category, or everybody always did; the interval alone, where "
        "too few queries were given the category.",
    )


def distribution_table(record: Record) -> Table:
    """Categories before duplicates and overlaps are removed, after, and their shares."""
    categories = record["categories"]
    total = max(1, categories["num_after"])
    rows = []
    for name, before in categories["before"].items():
        after = categories["after"][name]
        share = categories["shares"].get(name, {"share": None, "low": None, "high": None, "of_all_failures": None})
        low, high, of_all = share["low"], share["high"], share["of_all_failures"]
        rows.append(
            (
                _text(name),
                _count(before),
                _count(after),
                Entry(percent(after, total), (share["share"],)),
                Entry(UNDEFINED if low is None else f"[{100 * low:.1f}, {100 * high:.1f}]", (low, high)),
                Entry(UNDEFINED if of_all is None else f"{of_all:,.0f}", (of_all,)),
            )
        )
    undecided = categories["num_undecided"]
    return Table(
        name="categories",
        title="Categories of the failures.",
        columns=(
            Column("Category", ("category",), is_number=False),
            Column("Rows", ("num_rows",)),
            Column("Queries", ("num_queries",)),
            Column("Share (%)", ("share",)),
            Column("Interval (%)", ("share_low", "share_high")),
            Column("Of all failures", ("of_all_failures",)),
        ),
        rows=tuple(rows),
        note=(
            f"Rows are all {categories['num_before']} labels as they came; queries count once, "
            f"{categories['num_after']} with a label by policy '{record['adjudication']['policy']}' and {undecided} "
            "left open. Intervals are Wilson's, for each share by itself."
        ),
    )


def _kappa(kappa: float | None, low: float | None, high: float | None) -> tuple[Entry, Entry]:
    return _coefficient(kappa), Entry(interval(low, high), (low, high))


def _coefficient(value: float | None) -> Entry:
    return Entry(coefficient(value), (value,))


def _count(value: int) -> Entry:
    return Entry(f"{value:,}", (value,))


def _text(value: str) -> Entry:
    return Entry(value, (value,))
