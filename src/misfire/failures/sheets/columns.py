"""The columns of an annotation sheet, and how they are found in a sheet that somebody has worked on."""

from collections import Counter
from collections.abc import Mapping, Sequence

from misfire.core.errors import UsageError, name_some
from misfire.failures.taxonomy import plain

SHEET_COLUMNS = (
    "query_id",
    "text_sha256",
    "failure_set",
    "idx",
    "caption",
    "gt_img_idx",
    "pred_img_idx",
    "category",
    "ambiguous_subtype",
)
"""What a sheet is written with; the first three tie a row to its query, the others are what people know."""

EXTRA_COLUMNS = ("annotator", "notes", "seconds", "repeat_of", "sequence")
"""What a sheet may have besides: who labelled, how long it took, the query that a row shows again, in which order."""

_OTHER_NAMES = {
    "text_sha256": ("sha256",),
    "category": ("label",),
    "ambiguous_subtype": ("subtype",),
    "notes": ("note", "comment", "comments"),
    "annotator": ("annotator_id",),
}
_COLUMN_OF = {
    plain(name): column
    for column in (*SHEET_COLUMNS, *EXTRA_COLUMNS)
    for name in (column, *_OTHER_NAMES.get(column, ()))
}


def recognised(header: Sequence[str]) -> list[str | None]:
    """The column that each heading names, None for one that is nobody's; case, spaces and punctuation don't matter.

    Example:
        >>> recognised(["Caption ", "GT img idx", "page"])
        ['caption', 'gt_img_idx', None]
    """
    return [_COLUMN_OF.get(plain(heading)) for heading in header]


def is_header(cells: Sequence[str]) -> bool:
    """Whether a row of cells names the columns of a sheet."""
    found = set(recognised(cells))
    return "category" in found and bool({"caption", "query_id"} & found)


def column_positions(header: Sequence[str], *, sheet: str) -> Mapping[str, int]:
    """Where each column of a sheet stands.

    Raises:
        UsageError: If a column stands twice, or a row couldn't be tied to its query.
    """
    columns = recognised(header)
    repeated = [column for column, count in Counter(columns).items() if column and count > 1]
    if repeated:
        raise UsageError(
            f"sheet {sheet} must have a column once, got {name_some(repeated)} repeated; rename the others."
        )
    positions = {column: place for place, column in enumerate(columns) if column}
    missing = {"category"} - positions.keys()
    if "query_id" not in positions:
        missing |= {"caption", "gt_img_idx", "pred_img_idx"} - positions.keys()
    if missing:
        raise UsageError(
            f"sheet {sheet} must have a category and either query_id or caption, gt_img_idx and pred_img_idx, got none "
            f"named {name_some(sorted(missing))} among {name_some([repr(name) for name in header if name], most=12)}; "
            "name the columns so."
        )
    return positions
