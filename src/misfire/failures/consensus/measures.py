"""How far the annotators of some sheets agree."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from misfire.core.seeding import generator
from misfire.data import Dataset
from misfire.failures.consensus.adjudication import Adjudication, Majority, Policy, adjudicate
from misfire.failures.consensus.annotator import AnnotatorReport, annotator_reports
from misfire.failures.consensus.item import Item
from misfire.failures.consensus.linking import LinkedLabels, link
from misfire.failures.consensus.reference import Reference, reference_of
from misfire.failures.failure_set import FailureSet
from misfire.failures.sheets import Sheets
from misfire.stats import StatisticsSettings
from misfire.stats.agreement import (
    CategoryAgreement,
    CohenKappa,
    FleissKappa,
    KrippendorffAlpha,
    category_agreement,
    cohen_kappa,
    confusion_counts,
    fleiss_kappa,
    krippendorff_alpha,
    rare_without_interval,
)


@dataclass(frozen=True, eq=False)
class PairAgreement:
    """Two annotators on the queries that both labelled; rows of ``confusion`` are the first's categories."""

    annotators: tuple[str, str]
    num_common: int
    kappa: CohenKappa
    categories: tuple[CategoryAgreement, ...]
    confusion: list[list[int]]
    disputed: tuple[Item, ...]


@dataclass(frozen=True, eq=False)
class Agreement:
    """Everything that is known of how far labels can be trusted.

    ``fleiss`` and ``alpha`` are over all annotators; ``per_category`` are Fleiss' kappas of one category against the
    rest, in the taxonomy's order. ``reference`` is what annotators were held against besides each other.
    """

    linked: LinkedLabels
    sheets: Sheets
    settings: StatisticsSettings
    pairs: tuple[PairAgreement, ...]
    raw_agreement: float
    fleiss: FleissKappa
    alpha: KrippendorffAlpha
    per_category: tuple[FleissKappa, ...]
    annotators: tuple[AnnotatorReport, ...]
    adjudication: Adjudication
    num_top1_failures: int | None
    reference: Reference | None

    @property
    def overall(self) -> CohenKappa | FleissKappa:
        """Cohen's kappa of two annotators, Fleiss' of more."""
        return self.pairs[0].kappa if len(self.pairs) == 1 else self.fleiss

    @property
    def confusion(self) -> list[list[int]]:
        """The pair's confusion; of more annotators, every pair's both ways together, which is symmetric."""
        if len(self.pairs) == 1:
            return self.pairs[0].confusion
        size = len(self.linked.taxonomy.names)
        total = sum((np.array(pair.confusion) for pair in self.pairs), np.zeros((size, size), dtype=np.int64))
        both_ways: list[list[int]] = (total + total.T).tolist()
        return both_ways


def agreement(
    sheets: Sheets,
    *,
    failure_set: FailureSet | None = None,
    dataset: Dataset | None = None,
    policy: Policy | None = None,
    settings: StatisticsSettings | None = None,
) -> Agreement:
    """How far the annotators of some sheets agree, with what had to be left out.

    Queries are joined by id and text, never by position. Every coefficient has an interval over queries. The numbers
    depend neither on the order of the sheets nor on that of their rows; two annotators are named in alphabetical order.

    Args:
        sheets: As read by :func:`misfire.failures.read_sheets`.
        failure_set: What was annotated; where it is None, sheets are held against each other alone.
        dataset: Where the captions come from; rows that it contradicts are named and left out.
        policy: How disagreements are decided; the majority where none is given.
        settings: How intervals are made.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> from misfire.failures import read_sheets
        >>> folder = Path(tempfile.mkdtemp())
        >>> head = "idx,caption,gt_img_idx,pred_img_idx,category\\n"
        >>> for name, last in (("ann", "Action"), ("bob", "Count")):
        ...     _ = (folder / f"{name}.csv").write_text(f"{head}0,a cat,7,9,Object\\n1,two dogs,4,5,{last}\\n")
        >>> found = agreement(read_sheets([folder / "ann.csv", folder / "bob.csv"]))
        >>> found.pairs[0].kappa.raw_agreement
        0.5
    """
    chosen = settings or StatisticsSettings()
    linked = link(sheets, failure_set, dataset)
    reference = reference_of(linked, failure_set, policy or Majority())
    names = sorted(linked.annotators)
    pairs = [_pair(linked, first, second, chosen) for first, second in combinations(names, 2)]
    table = _table(linked, names)
    return Agreement(
        linked=linked,
        sheets=sheets,
        settings=chosen,
        pairs=tuple(pairs),
        raw_agreement=pairs[0].kappa.raw_agreement if len(pairs) == 1 else _mean_pairwise_agreement(table),
        fleiss=fleiss_kappa(table, **_options(chosen, "fleiss")),
        alpha=krippendorff_alpha(table, **_options(chosen, "alpha")),
        per_category=tuple(
            _category_kappa(table, category, _options(chosen, "category", category))
            for category in linked.taxonomy.names
        ),
        annotators=annotator_reports(
            linked,
            reference=reference,
            confidence=chosen.confidence,
            num_replicates=chosen.num_replicates,
            seed=chosen.seed,
        ),
        adjudication=adjudicate(linked, policy or Majority()),
        num_top1_failures=None if failure_set is None else failure_set.num_top1_failures,
        reference=reference,
    )


def _options(settings: StatisticsSettings, *stream: str) -> dict[str, Any]:
    rng = generator(settings.seed, "agreement", *stream)
    return {"confidence": settings.confidence, "num_replicates": settings.num_replicates, "rng": rng}


def _pair(linked: LinkedLabels, first: str, second: str, settings: StatisticsSettings) -> PairAgreement:
    common = [item for item in linked.items if item in linked.labels[first] and item in linked.labels[second]]
    given = linked.categories(first, common), linked.categories(second, common)
    options = _options(settings, "pair", first, second)
    names = linked.taxonomy.names
    counts, _ = confusion_counts(*given, categories=names)
    labelled = zip(common, *given, strict=True)
    return PairAgreement(
        annotators=(first, second),
        num_common=len(common),
        kappa=cohen_kappa(*given, **options),
        categories=category_agreement(*given, categories=names, **options),
        confusion=counts.tolist(),
        disputed=tuple(item for item, one, other in labelled if one and other and one != other),
    )


def _table(linked: LinkedLabels, names: Sequence[str]) -> list[list[str | None]]:
    """A row a query, a column an annotator; one annotator alone has an empty column beside theirs."""
    columns = [linked.categories(name, linked.items) for name in names]
    columns += [[None] * len(linked.items)] * (2 - len(columns))
    return [list(row) for row in zip(*columns, strict=True)]


def _category_kappa(table: Sequence[Sequence[str | None]], category: str, options: dict[str, Any]) -> FleissKappa:
    """Fleiss' kappa of a category against the rest, without an interval where few queries tell the two apart."""
    against_rest = _against_rest(table, category)
    said = [{one for one in row if one is not None} for row in against_rest if sum(one is not None for one in row) > 1]
    num_given = min(sum(word in words for words in said) for word in (category, "another"))
    return rare_without_interval(fleiss_kappa(against_rest, **options), num_given=num_given)


def _against_rest(table: Sequence[Sequence[str | None]], category: str) -> list[list[str | None]]:
    return [[None if one is None else category if one == category else "another" for one in row] for row in table]


def _mean_pairwise_agreement(table: Sequence[Sequence[str | None]]) -> float:
    """Mean over queries of the share of annotator pairs that agree; NaN without a query that two labelled."""
    shares = []
    for row in table:
        pairs = list(combinations([one for one in row if one is not None], 2))
        if pairs:
            shares.append(sum(one == other for one, other in pairs) / len(pairs))
    return float(np.mean(shares)) if shares else float("nan")
