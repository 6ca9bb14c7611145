"""The flips of one cell taken apart: by category of failure, and by what each template alone would have done."""

from misfire.cells import Flips
from misfire.core.words import UNDEFINED, plain_count, signed_count
from misfire.methods.retrieval.ensemble.logged import LoggedEnsemble
from misfire.methods.retrieval.ensemble.series import pooling_label
from misfire.methods.retrieval.ensemble.tables import sources_of
from misfire.reporting.table import Column, Entry, Table


def flips_table(row: LoggedEnsemble, k: int, *, name: str) -> Table | None:
    """Fixed and broken queries of a cell by category, and of each of its templates alone on the subset and outside.

    Args:
        row: A finished cell.
        k: Cut-off.
        name: The cell in words.

    Returns:
        None where neither categories nor templates were told apart.
    """
    if k not in row.ks or not (row.category_sizes or row.templates_asked):
        return None
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
        rows=(
            _row("together", pooling_label(row), row.flips(k), row.flips(k, "complement")),
            *(_row("category", one, row.flips(k, f"category/{one}"), None) for one in row.category_sizes),
            *(
                _row(
                    "template alone",
                    template,
                    row.flips(k, f"template/{place}"),
                    row.flips(k, f"template/{place}/complement"),
                )
                for place, template in enumerate(row.templates_asked)
            ),
        ),
        note=(
            "The categories add up to the subset. A template alone asks each query with that one prompt; what the "
            "prompts do together isn't their sum."
        ),
        sources=sources_of([row]),
    )


def _row(part: str, name: str, subset: Flips, outside: Flips | None) -> tuple[Entry, ...]:
    return (Entry(part, (part,)), Entry(name, (name,)), *_flips(subset), *_flips(outside))


def _flips(flips: Flips | None) -> tuple[Entry, ...]:
    if flips is None or not flips.num_units:
        return (Entry(UNDEFINED, (None,)),) * 4
    return (
        Entry(plain_count(flips.num_units), (flips.num_units,)),
        Entry(plain_count(flips.fixed), (flips.fixed,)),
        Entry(plain_count(flips.broken), (flips.broken,)),
        Entry(signed_count(flips.net), (flips.net,)),
    )
