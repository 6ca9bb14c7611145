"""What a report says of baselines: one table of what plain retrieval reaches, and what bounds it."""

from collections.abc import Sequence

from misfire.cells import Estimate, Logged, ReportPart
from misfire.core.words import UNDEFINED
from misfire.methods.retrieval.logged import notes_of
from misfire.reporting.document import made_on
from misfire.reporting.section import Section
from misfire.reporting.table import Column, Entry, Source, Table


def baseline_part(cells: Sequence[Logged]) -> ReportPart:
    """The part of a report that is about plain retrieval: a row a model and data.

    Args:
        cells: Finished baselines, at least one.
    """
    ks = sorted({k for cell in cells for k in cell.facts["ks"]})
    measures = [
        *((f"hit@{k}", direction, f"{direction}/hit", k) for direction in ("t2i", "i2t") for k in ks),
        *(("mean 1/rank", direction, f"{direction}/reciprocal_rank", None) for direction in ("t2i", "i2t")),
    ]
    sources = tuple(
        Source(cell.id, cell.url, {"Model": cell.facts["backbone"], "Data": cell.facts["dataset"]}) for cell in cells
    )
    levels = sorted({f"{cell.facts['confidence']:.0%}" for cell in cells})
    table = Table(
        name="baseline",
        title="What plain captions and images retrieve.",
        columns=(
            Column("Model", ("backbone",), is_number=False),
            Column("Data", ("dataset", "num_images", "num_captions"), is_number=False),
            *(
                Column(header, (f"{name}{_at(k)}", f"{name}{_at(k)}_low", f"{name}{_at(k)}_high"), group=direction)
                for header, direction, name, k in measures
            ),
        ),
        rows=tuple(
            (
                Entry(cell.facts["backbone"], (cell.facts["backbone"],)),
                Entry(
                    cell.facts["dataset"],
                    (cell.facts["dataset"], cell.facts["num_images"], cell.facts["num_captions"]),
                ),
                *(_measure(cell.estimates.find(name, k=k), is_share=k is not None) for _, _, name, k in measures),
            )
            for cell in cells
        ),
        note=(
            f"t2i: captions asked against all images; i2t: images against all captions. hit@k in percent with its "
            f"{', '.join(levels)} interval; images are resampled with all their captions."
        ),
        sources=sources,
    )
    return ReportPart(
        sections=(Section("baseline", "What plain retrieval reaches", notes_of(cells), tables=(table,)),),
        answer=" ".join(_sentence(cell) for cell in cells),
        about=made_on([(cell.facts["backbone"], cell.facts["dataset"]) for cell in cells]),
        sources=sources,
        deciding=_smallest_cut_off(cells[-1]),
    )


def _sentence(cell: Logged) -> str:
    hit = _smallest_cut_off(cell)
    return (
        f"{cell.facts['backbone']} on {cell.facts['dataset']}: plain captions find their image among the "
        f"first {hit.k} in {100 * hit.value:.2f} % [{100 * hit.low:.2f}, {100 * hit.high:.2f}]."
    )


def _smallest_cut_off(cell: Logged) -> Estimate:
    """The hit rate at a baseline's own smallest cut-off; another may have been measured at others."""
    return cell.estimates.at("t2i/hit", k=min(cell.facts["ks"]))


def _at(k: int | None) -> str:
    return "" if k is None else f"_at_{k}"


def _measure(one: Estimate | None, *, is_share: bool) -> Entry:
    if one is None:
        return Entry(UNDEFINED, (None, None, None))
    scale, digits = (100, 2) if is_share else (1, 3)
    ends = " ".join(f"{scale * end:.{digits}f}" for end in (one.low, one.high)).replace(" ", ", ")
    return Entry(f"{scale * one.value:.{digits}f} [{ends}]", (one.value, one.low, one.high))
