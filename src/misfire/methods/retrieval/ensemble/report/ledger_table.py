"""The flips of one cell taken apart: by category of failure, and by what each template alone would have done."""

from misfire.methods.retrieval.flips import Flips
from misfire.core.words import UNDEFINED, plain_count, signed_count
from misfire.methods.retrieval.ensemble.report.rows import CellRow
from misfire.methods.retrieval.ensemble.report.series import pooling_label
from misfire.reporting.table import Entry, Column, Table
from misfire.methods.retrieval.ensemble.report.tables import sources_of


def ledger_table(row: CellRow, k: int, *, name: str) -> Table | None:
    """Fixed and broken queries of a cell by category, and of each of its templates alone on the subset and outside.

    Args:
        row: A finished cell.
        k: Cut-off.
        name: The cell in words.

    Returns:
        None where the cell stored neither.
    """
    cutoff = row.outcome.at(k) if row.outcome is not None and k in row.ks else None
    if cutoff is None or not (cutoff.by_category or cutoff.by_template):
        return None
    whole = [_row("together", pooling_label(row), cutoff.subset, cutoff.complement)]
    categories = [_row("category", name, flips, None) for name, flips in cutoff.by_category.items()]
    templates = [_row("template alone", one.template, one.subset, one.complement) for one in cutoff.by_template]
    return Table(
        name="ledger",
        title=f"Where {name} fixes and breaks hits@{k}.",
        columns=(
            Column("Part", ("part",), is_number=False),
            Column("", ("name",), is_number=False),
            *(
                Column(header, (f"{group}_{header.lower()}",), group=group)
                for group in ("subset", "outside")
                for header in ("n", "Fixed", "Broken", "Net")
            ),
        ),
        rows=tuple(whole + categories + templates),
        note=(
            "The categories add up to the subset. A template alone asks each query with that one prompt; what the "
            "prompts do together isn't their sum."
        ),
        sources=sources_of([row]),
    )


def _row(part: str, name: str, subset: Flips, outside: Flips | None) -> tuple[Entry, ...]:
    return (Entry(part, (part,)), Entry(name, (name,)), *_flips(subset), *_flips(outside))


def _flips(flips: Flips | None) -> tuple[Entry, ...]:
    if flips is None or not flips.num_queries:
        return (Entry(UNDEFINED, (None,)),) * 4
    return (
        Entry(plain_count(flips.num_queries), (flips.num_queries,)),
        Entry(plain_count(flips.fixed), (flips.fixed,)),
        Entry(plain_count(flips.broken), (flips.broken,)),
        Entry(signed_count(flips.net), (flips.net,)),
    )
