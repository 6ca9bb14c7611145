"""What a report says of oracle gaps: what true labels are worth."""

from collections.abc import Sequence

from misfire.cells import Logged, ReportPart
from misfire.methods.retrieval.gap.figure import oracle_gap_points
from misfire.methods.retrieval.gap.logged import LoggedGap
from misfire.methods.retrieval.gap.table import gap_table
from misfire.methods.retrieval.gap.words import gap_sentence
from misfire.methods.retrieval.logged import METHOD, notes_of
from misfire.reporting.document import made_on
from misfire.reporting.section import Section, numbered
from misfire.reporting.table import Source


def gap_part(cells: Sequence[Logged]) -> ReportPart:
    """Every gap's sentence, table and figure.

    Args:
        cells: Finished gaps, at least one.
    """
    gaps = [LoggedGap(cell) for cell in cells]
    sentences = tuple(map(gap_sentence, gaps))
    section = Section(
        "oracle_gap",
        "What true labels are worth",
        (*sentences, *notes_of(cells)),
        numbered([gap_table(gap) for gap in gaps]),
        numbered([oracle_gap_points(gap) for gap in gaps]),
    )
    return ReportPart(
        sections=(section,),
        answer=" ".join(sentences),
        about=made_on([(gap.backbone, gap.dataset) for gap in gaps]),
        sources=tuple(
            Source(
                gap.cell_id, gap.run_url, {"Subset": "oracle gap", "n": str(gap.num_labelled), "Pooling": gap.pooling}
            )
            for gap in gaps
        ),
        method=METHOD,
        deciding=gaps[-1].oracle.at("net", gaps[-1].ks[-1]),
    )
