"""What a report says of ensembles: gains, what they cost and are worth, pictures of flips, causes of failure."""

from collections.abc import Mapping, Sequence

from misfire.cells import Logged, Paired, Question, ReportPart
from misfire.cells.comparison import Compared, compare
from misfire.cells.decision import Candidate, answer
from misfire.core.errors import MisfireError
from misfire.core.progress import say
from misfire.core.seeding import generator
from misfire.failures.category_report import category_distribution, taxonomy_table
from misfire.methods.retrieval.ensemble.comparison_table import comparison_table
from misfire.methods.retrieval.ensemble.conclusion import conclude, decisive
from misfire.methods.retrieval.ensemble.figures.best import best_pooling
from misfire.methods.retrieval.ensemble.figures.histogram import bootstrap_distributions
from misfire.methods.retrieval.ensemble.figures.matrix import gain_matrix
from misfire.methods.retrieval.ensemble.figures.pooling import pooling_ablation
from misfire.methods.retrieval.ensemble.figures.temperature import temperature_sweep
from misfire.methods.retrieval.ensemble.flip_gallery import flip_gallery
from misfire.methods.retrieval.ensemble.flips_table import flips_table
from misfire.methods.retrieval.ensemble.logged import LoggedEnsemble
from misfire.methods.retrieval.ensemble.series import cell_label, listed, series_of, sorted_rows, without_tau_sweep
from misfire.methods.retrieval.ensemble.tables import bootstrap_table, improvement_table
from misfire.methods.retrieval.ensemble.words import caveats, named
from misfire.methods.retrieval.ensemble.worth_table import worth_table
from misfire.methods.retrieval.logged import METHOD
from misfire.reporting.document import made_on
from misfire.reporting.figure import Illustration
from misfire.reporting.section import Section

DECISION_RULE = (
    "A mend counts if the lower end of the 95 % bootstrap interval of its gain in hit@{k} is above 0 and, on the "
    "sampled other queries, it breaks no more hits than it fixes; and if its gain can still be claimed once the number "
    "of cells and the choice of their queries are counted."
)

_METHOD_OF_CLAIMS = (
    "A gain is called one only if luck makes the best of as many cells look this different in fewer than 5 of 100 "
    "trials and, on queries that were picked, if the change over all queries is a gain by the same measure. A decision "
    "rule is passed only by such a gain."
)
_MOST_SERIES_AS_BARS = 12


def ensemble_part(cells: Sequence[Logged], question: Question) -> ReportPart:
    """The part of a report that is about ensembles.

    Args:
        cells: Finished cells, oldest first, at least one.
        question: What the experiment asks.
    """
    rows = comparable([LoggedEnsemble(cell) for cell in cells])
    k = rows[-1].ks[-1] if question.k is None else question.k
    paired = {row.cell_id: row.paired(k) for row in rows}
    compared = compared_by_id(paired, k, seed=question.seed)
    found = decisive(rows, compared, k)
    gain = found.cell.at("delta", k)
    return ReportPart(
        sections=(
            _gains(rows, compared, k),
            _worth(rows, found.cell, k),
            *flips_in_pictures(found.cell, question, k),
            _causes(rows[-1].failure_counts, rows[-1].label_source),
        ),
        answer=answered([candidate(row, k, paired[row.cell_id], compared[row.cell_id]) for row in rows], k),
        decides=True,
        decision_rule=DECISION_RULE.format(k=k),
        conclusion=conclude(found),
        about=made_on([(row.backbone, row.dataset) for row in sorted_rows(rows)]),
        sources=listed(rows),
        method=(*METHOD, _METHOD_OF_CLAIMS),
        deciding=gain,
        columns=tuple(
            found.cell.at(group, k)
            for group in ("p_positive", "all/net", "complement/fixed", "complement/broken", "baseline", "ensembled")
        ),
    )


def candidate(row: LoggedEnsemble, k: int, paired: Paired, compared: Compared) -> Candidate:
    """A cell as the decision rule reads it."""
    return Candidate(named(row), paired, row.at("delta", k), compared, caveats(row))


def answered(candidates: Sequence[Candidate], k: int) -> str:
    """The answer in retrieval's words."""
    return answer(candidates, measure=f"hit@{k}", units="queries")


def comparable(rows: Sequence[LoggedEnsemble]) -> list[LoggedEnsemble]:
    """The cells that one table can hold: with the newest one's cut-offs, and a subset always the same queries.

    Where a subset was asked again after weights, data, sample or complement had changed, its newest cell decides.

    Args:
        rows: Finished cells, oldest first.
    """
    queries = {(row.backbone, row.dataset, row.subset): _queries_of(row) for row in rows}
    same = [
        row
        for row in rows
        if row.ks == rows[-1].ks and _queries_of(row) == queries[row.backbone, row.dataset, row.subset]
    ]
    if len(same) < len(rows):
        say(f"{len(rows) - len(same)} cells of other ks, weights, data or queries are left out of the report.")
    return same


def _queries_of(row: LoggedEnsemble) -> tuple[object, ...]:
    return row.backbone_fingerprint, row.dataset_fingerprint, row.how_chosen, row.num_others_asked


def compared_by_id(paired: Mapping[str, Paired], k: int, *, seed: int) -> dict[str, Compared]:
    """The comparison of each cell among all, by cell id.

    Args:
        paired: Outcomes of each cell at the cut-off.
        k: The cut-off.
        seed: Of the swaps.
    """
    ordered = sorted(paired)  # the same swaps whatever cell was finished first
    found = compare([paired[cell_id] for cell_id in ordered], rng=generator(seed, "comparison", k))
    return dict(zip(ordered, found, strict=True))


def _gains(rows: Sequence[LoggedEnsemble], compared: Mapping[str, Compared], k: int) -> Section:
    is_crowded = len(series_of(without_tau_sweep(rows))) > _MOST_SERIES_AS_BARS
    return Section(
        "gains",
        "What was gained, and what it cost",
        tables=(improvement_table(rows), comparison_table(sorted_rows(rows), compared, k=k)),
        illustrations=_drawn(
            gain_matrix(rows) if is_crowded else pooling_ablation(rows), best_pooling(rows), temperature_sweep(rows)
        ),
    )


def _worth(rows: Sequence[LoggedEnsemble], best: LoggedEnsemble, k: int) -> Section:
    apart = (worth_table(sorted_rows(rows), k), flips_table(best, k, name=cell_label(best, rows)))
    return Section(
        "worth",
        "What the gains are worth",
        tables=(*(table for table in apart if table is not None), bootstrap_table(rows)),
        illustrations=(bootstrap_distributions(rows, best, k),),
    )


def flips_in_pictures(cell: LoggedEnsemble, question: Question, k: int) -> list[Section]:
    """Pictures of a cell's flips; none, with a word why, where its pictures can't be had."""
    try:
        dataset = question.settings.of(cell.logged)["dataset"]
        if dataset.fingerprint != cell.dataset_fingerprint:
            say(f"No pictures of flips: {cell.dataset} isn't the data that the cells were run on.")
            return []
        gallery = flip_gallery(cell.logged.records, dataset, k=k)
    except (MisfireError, OSError) as error:
        say(f"No pictures of flips: {error}")
        return []
    name = " · ".join([cell.subset, cell.pooling_label, *([] if cell.templates == "matched" else [cell.templates])])
    return [
        Section(
            "flips-1",
            "What it fixed and what it broke",
            (
                f"{name}, at {k}: the largest changes of rank each way. A query is fixed where its picture is among "
                f"the first {k} only with the new prompts, and broken where only with the plain caption.",
            ),
            gallery=gallery,
        )
    ]


def _causes(counts: Mapping[str, int], source: str | None) -> Section:
    is_labelled = sum(counts.values()) > 0
    return Section(
        "failures",
        "Why retrieval failed",
        tables=(taxonomy_table(counts, label_source=source),) if is_labelled else (),
        illustrations=(category_distribution(counts, label_source=source),) if is_labelled else (),
    )


def _drawn(*illustrations: Illustration | None) -> tuple[Illustration, ...]:
    return tuple(one for one in illustrations if one is not None)
