"""What a report says of attributions: which templates a gain comes from."""

from collections.abc import Sequence

from misfire.cells import Logged, ReportPart
from misfire.methods.retrieval.attribution.figure import attribution_bars
from misfire.methods.retrieval.attribution.logged import LoggedAttribution
from misfire.methods.retrieval.attribution.table import attribution_table
from misfire.methods.retrieval.attribution.words import attribution_sentence
from misfire.methods.retrieval.ensemble.measured import HIT
from misfire.methods.retrieval.logged import METHOD, notes_of
from misfire.reporting.document import made_on
from misfire.reporting.section import Section, numbered
from misfire.reporting.table import Source


def attribution_part(cells: Sequence[Logged]) -> ReportPart:
    """Every attribution's sentence, table and figure.

    Args:
        cells: Finished attributions, at least one.
    """
    found = [LoggedAttribution(cell) for cell in cells]
    sentences = tuple(map(attribution_sentence, found))
    section = Section(
        "attribution",
        "Which templates the gain comes from",
        (*sentences, *notes_of(cells)),
        numbered([attribution_table(one) for one in found]),
        numbered([attribution_bars(one) for one in found]),
    )
    return ReportPart(
        sections=(section,),
        answer=" ".join(sentences),
        about=made_on([(one.backbone, one.dataset) for one in found]),
        sources=tuple(
            Source(
                one.cell_id,
                one.run_url,
                {"Subset": one.subset, "n": str(one.num_queries), "Pooling": f"attribution · {one.pooling}"},
            )
            for one in found
        ),
        method=METHOD,
        deciding=cells[-1].estimates.at(HIT, k=found[-1].ks[-1], group="delta"),
    )
