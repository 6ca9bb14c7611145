"""In which order cells stand, and what they are called."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import final

from misfire.methods.retrieval.ensemble.logged import LoggedEnsemble
from misfire.reporting.table import Source

_SUBSETS = ("object_attribute", "object", "attribute", "action")
_POOLINGS = ("max", "mean", "logmeanexp", "embedding_mean")
_DEFAULT_TAU = 1.0
_MOST_TAUS_AS_SERIES = 2
GAIN = "Δ is ensembled minus baseline in percentage points."
"""What captions say of a gain."""
INTERVALS = "score intervals, the captions of an image counted together"
"""What captions say of whiskers and bands."""


@final
@dataclass(frozen=True)
class Series:
    """Cells that differ in nothing but their subset: one colour of a figure."""

    label: str
    rows: tuple[LoggedEnsemble, ...]


def sorted_rows(rows: Sequence[LoggedEnsemble]) -> list[LoggedEnsemble]:
    """Rows by subset (the published four first, others by name), then backbone, dataset, pooling, tau and templates."""

    def key(row: LoggedEnsemble) -> tuple[object, ...]:
        tau = -math.inf if row.tau is None else row.tau
        facts = (row.backbone, row.dataset)
        return (*_place(row.subset, _SUBSETS), *facts, *_place(row.pooling, _POOLINGS), tau, row.templates, row.cell_id)

    return sorted(rows, key=key)


def sorted_subsets(rows: Sequence[LoggedEnsemble]) -> list[str]:
    """Names of the subsets, each once, in the order of :func:`sorted_rows`."""
    return list(dict.fromkeys(row.subset for row in sorted_rows(rows)))


def cutoffs(rows: Sequence[LoggedEnsemble]) -> list[int]:
    """Every k that a row knows, ascending."""
    return sorted({k for row in rows for k in row.ks})


def subset_label(subset: str) -> str:
    """A subset as printed.

    Example:
        >>> subset_label("object_attribute"), subset_label("my_file")
        ('Object+Attribute', 'my_file')
    """
    categories = ("object", "attribute", "action", "count", "context", "spatial", "ambiguous", "all", "failures")
    parts = subset.split("_")
    return "+".join(part.capitalize() for part in parts) if all(part in categories for part in parts) else subset


def subset_with_queries(rows: Sequence[LoggedEnsemble], subset: str) -> str:
    """A subset as printed, with how many queries it holds in each of its cells."""
    counts = sorted({row.num_queries for row in rows if row.subset == subset})
    return f"{subset_label(subset)} (n={', '.join(map(str, counts))})"


def pooling_label(row: LoggedEnsemble) -> str:
    """A pooling with its temperature, if it has one."""
    return row.pooling if row.tau is None else f"{row.pooling} (τ={row.tau:g})"


def listed(rows: Sequence[LoggedEnsemble]) -> tuple[Source, ...]:
    """The rows as a report lists them at its end, in the order of :func:`sorted_rows`."""
    return tuple(
        Source(
            row.cell_id,
            row.run_url,
            {
                "Subset": subset_label(row.subset),
                "n": str(row.num_queries),
                "Templates": f"{row.templates} ({row.num_templates}){' †' if row.is_oracle else ''}",
                "Pooling": pooling_label(row),
                "Model": row.backbone,
                "Data": row.dataset,
            },
        )
        for row in sorted_rows(rows)
    )


def cell_label(row: LoggedEnsemble, rows: Sequence[LoggedEnsemble]) -> str:
    """A cell in words: its pooling and subset, and whatever of templates, backbone and dataset differs in ``rows``."""
    templates = f" over the {row.templates} templates" if _differ(rows, "templates") else ""
    backbone = f" with {row.backbone}" if _differ(rows, "backbone") else ""
    dataset = f" of {row.dataset}" if _differ(rows, "dataset") else ""
    return f"{pooling_label(row)}{templates}{backbone} on {subset_label(row.subset)}{dataset}"


def _differ(rows: Sequence[LoggedEnsemble], name: str) -> bool:
    return len({getattr(row, name) for row in rows}) > 1


def series_of(rows: Sequence[LoggedEnsemble]) -> list[Series]:
    """Rows grouped by pooling, tau, and whatever else tells two cells on one subset apart."""
    ordered = sorted_rows(rows)
    facts = _telling_facts(ordered)
    groups: dict[str, list[LoggedEnsemble]] = {}
    for row in sorted(ordered, key=_pooling_place):
        label = " · ".join([pooling_label(row), *(fact(row) for fact in facts)])
        groups.setdefault(label, []).append(row)
    return [Series(label, tuple(group)) for label, group in groups.items()]


def without_tau_sweep(rows: Sequence[LoggedEnsemble]) -> list[LoggedEnsemble]:
    """Rows in which a pooling with many temperatures keeps only the one nearest to 1, the published default."""
    taus = {row.tau for row in rows if row.tau is not None}
    if len(taus) <= _MOST_TAUS_AS_SERIES:
        return list(rows)
    nearest = min(sorted(taus), key=lambda tau: abs(math.log(tau / _DEFAULT_TAU)))
    return [row for row in rows if row.tau is None or row.tau == nearest]


def _telling_facts(rows: Sequence[LoggedEnsemble]) -> list[Callable[[LoggedEnsemble], str]]:
    facts: list[Callable[[LoggedEnsemble], str]] = [
        lambda row: row.templates,
        lambda row: row.backbone,
        lambda row: row.dataset,
    ]
    groups: dict[tuple[object, ...], list[LoggedEnsemble]] = {}
    for row in rows:
        groups.setdefault((row.subset, row.pooling, row.tau), []).append(row)
    return [fact for fact in facts if any(len({fact(row) for row in group}) > 1 for group in groups.values())]


def _pooling_place(row: LoggedEnsemble) -> tuple[object, ...]:
    return (*_place(row.pooling, _POOLINGS), -math.inf if row.tau is None else row.tau)


def _place(name: str, known: tuple[str, ...]) -> tuple[int, str]:
    return (known.index(name), "") if name in known else (len(known), name)
