"""Annotation sheets as people send them back: read, understood word by word, and refused where they can't be."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from misfire.core.errors import UsageError, name_some
from misfire.core.formula import unguarded
from misfire.core.hashing import sha256_file
from misfire.failures.sheets.acceptance import Acceptance, acceptance
from misfire.failures.sheets.columns import column_positions, recognised
from misfire.failures.sheets.raw_table import RawTable, raw_tables
from misfire.failures.sheets.row import Place, SheetRow, row_from
from misfire.failures.sheets.spelling import Reading, Speller
from misfire.failures.taxonomy import Label, Taxonomy, load_taxonomy

SheetPaths = Sequence[str | Path] | Mapping[str, "str | Path | Sequence[str | Path]"]


@dataclass(frozen=True)
class Proposal:
    """A reading of what was written that isn't the taxonomy's own spelling, and the rows in which it stands.

    ``written`` are the cells of category and subtype.
    """

    written: tuple[str, str]
    label: Label | None
    rule: str
    places: tuple[Place, ...]
    is_applied: bool

    def line(self) -> str:
        """One line: what was written, what it was taken for, and in how many rows.

        Example:
            >>> Proposal(("Ambiguou", ""), Label("Ambiguous"), "a slip", (Place("a.csv", 2),), True).line()
            'Ambiguou -> Ambiguous, 1 row (a slip)'
        """
        written = " + ".join(cell if cell == cell.strip() else repr(cell) for cell in self.written if cell.strip())
        rows = f"{len(self.places)} row{'s' if len(self.places) != 1 else ''}"
        return f"{written} -> {label_name(self.label)}, {rows} ({self.rule})"


@dataclass(frozen=True)
class Sheet:
    """What one annotator sent in one file or worksheet. ``remarks`` say what was odd about the file."""

    name: str
    path: Path
    sha256: str
    annotators: tuple[str, ...]
    rows: tuple[SheetRow, ...]
    ignored_columns: tuple[str, ...]
    remarks: tuple[str, ...]


@dataclass(frozen=True)
class Sheets:
    """All sheets of a team, every row labelled in the taxonomy's spelling or not at all; ``proposals`` are the log."""

    sheets: tuple[Sheet, ...]
    taxonomy: Taxonomy
    proposals: tuple[Proposal, ...]

    @property
    def rows(self) -> tuple[SheetRow, ...]:
        """The rows of all sheets, sheet by sheet."""
        return tuple(row for sheet in self.sheets for row in sheet.rows)

    @property
    def annotators(self) -> tuple[str, ...]:
        """Everybody who labelled, in the order of the sheets."""
        return tuple(dict.fromkeys(name for sheet in self.sheets for name in sheet.annotators))

    def log(self) -> dict[str, Any]:
        """Files, what was odd about them and every reading that was applied, as a JSON value."""
        return {
            "taxonomy": self.taxonomy.digest,
            "sheets": [
                {
                    "name": sheet.name,
                    "sha256": sheet.sha256,
                    "annotators": list(sheet.annotators),
                    "num_rows": len(sheet.rows),
                    "num_unlabelled": sum(row.label is None for row in sheet.rows),
                    "ignored_columns": list(sheet.ignored_columns),
                    "remarks": list(sheet.remarks),
                }
                for sheet in self.sheets
            ],
            "normalisations": [
                {
                    "proposal": one.line(),
                    "written": list(one.written),
                    "label": None if one.label is None else asdict(one.label),
                    "rule": one.rule,
                    "rows": [str(place) for place in one.places],
                }
                for one in self.proposals
            ],
        }


def label_name(label: Label | None) -> str:
    """A label as people write it.

    Example:
        >>> label_name(Label("Ambiguous", "near_duplicate")), label_name(None)
        ('Ambiguous/near_duplicate', 'no label')
    """
    if label is None:
        return "no label"
    return label.category if label.ambiguous_subtype is None else f"{label.category}/{label.ambiguous_subtype}"


def read_sheets(
    paths: SheetPaths,
    *,
    taxonomy: Taxonomy | None = None,
    accept: Acceptance | Mapping[str, str | None] | Sequence[str] | str | Path = (),
) -> Sheets:
    """The sheets in some files, each row tied to its query by what it says and never by where it stands.

    CSV with any common delimiter, encoding and line ends, and XLSX are read by their content. An annotator is named by
    the column ``annotator``, else by the mapping's key, else by the file (and its worksheet where there are several).
    How words are understood stands in :mod:`misfire.failures.sheets.spelling`.

    Args:
        paths: Files; or a mapping from an annotator to the files of that annotator.
        taxonomy: What labels are held against; ours where none is given.
        accept: Confirmations: ``all``, words, a mapping from word to label, or the path of a YAML file of one.

    Raises:
        UsageError: If a file can't be read, a number isn't one, a label stands without an item, a word isn't
            understood, or a proposal isn't confirmed. Every word and row is named, and nothing is guessed.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "ann.csv"
        >>> _ = path.write_text("idx,caption,gt_img_idx,pred_img_idx,category\\n0,a cat,7,9,Objct\\n")
        >>> sheets = read_sheets([path])
        >>> sheets.rows[0].label, [proposal.line() for proposal in sheets.proposals]
        (Label(category='Object', ambiguous_subtype=None), ['Objct -> Object, 1 row (one typing slip away)'])
    """
    speller = Speller(taxonomy or load_taxonomy(), acceptance(accept))
    tables = _tables(paths)
    readings: dict[tuple[str, str], Reading] = {}
    complaints: list[str] = []
    sheets = [_sheet(table, name, annotator, speller, readings, complaints) for table, name, annotator in tables]
    if complaints:
        raise UsageError(f"a sheet's rows must be whole, got {name_some(complaints, most=12)}; mend them in the sheet.")
    proposals = _proposals(sheets, readings)
    _refuse_open(proposals, speller.taxonomy, readings)
    return Sheets(tuple(sheets), speller.taxonomy, tuple(proposals))


def _tables(paths: SheetPaths) -> list[tuple[RawTable, str, str]]:
    """Each table with a name that no other has, and who annotated it."""
    listed: list[tuple[str, Path]] = []
    if isinstance(paths, Mapping):
        for annotator, files in paths.items():
            several = [files] if isinstance(files, str | Path) else files
            listed += [(str(annotator), Path(file)) for file in several]
    else:
        listed = [("", Path(file)) for file in paths]
    if not listed:
        raise UsageError("there must be a sheet to read, got none; name the files, such as sheets=[a.csv,b.xlsx].")
    repeated = sorted(
        {str(path) for _, path in listed if [other.resolve() for _, other in listed].count(path.resolve()) > 1}
    )
    if repeated:
        raise UsageError(f"a sheet must be named once, got {name_some(repeated)} more than once; name it once.")
    tables = [(annotator, table) for annotator, path in listed for table in raw_tables(path)]
    names = _distinct([table.name for _, table in tables], [table.path for _, table in tables])
    stems = [table.part or table.path.stem for _, table in tables]
    own = [stem if stems.count(stem) == 1 else name for stem, name in zip(stems, names, strict=True)]
    return [(table, name, annotator or stem) for (annotator, table), name, stem in zip(tables, names, own, strict=True)]


def _distinct(names: list[str], paths: list[Path]) -> list[str]:
    """File names, with as much of the folder before them as tells them apart."""
    if len(set(names)) == len(names):
        return names
    return [
        name if names.count(name) == 1 else f"{path.parent}/{name}" for name, path in zip(names, paths, strict=True)
    ]


def _sheet(
    table: RawTable,
    name: str,
    annotator: str,
    speller: Speller,
    readings: dict[tuple[str, str], Reading],
    complaints: list[str],
) -> Sheet:
    positions = column_positions(table.header, sheet=name)
    is_csv = table.path.read_bytes()[:2] != b"PK"
    remarks, rows = list(table.remarks), []
    for number, cells in table.rows:
        by_column = {column: cells[place] for column, place in positions.items()}
        if is_csv:
            by_column = {column: unguarded(text) for column, text in by_column.items()}
        place = Place(name, number)
        if not any(by_column.get(column, "").strip() for column in ("query_id", "caption")):
            if any(by_column.get(column, "").strip() for column in ("category", "ambiguous_subtype")):
                complaints.append(f"{place}: a label without an item")
            else:
                remarks.append(f"row {number} has neither a query nor a label and is left out")
            continue
        try:
            row = row_from(by_column, place, annotator)
        except UsageError as error:
            complaints.append(f"{place}: {error}")
            continue
        reading = readings.setdefault(row.written, speller.read(*row.written))
        rows.append(replace(row, label=reading.label))
    known = recognised(table.header)
    return Sheet(
        name=name,
        path=table.path,
        sha256=sha256_file(table.path),
        annotators=tuple(dict.fromkeys(row.annotator for row in rows)) or (annotator,),
        rows=tuple(rows),
        ignored_columns=tuple(h for h, column in zip(table.header, known, strict=True) if h and column is None),
        remarks=tuple(remarks),
    )


def _proposals(sheets: Iterable[Sheet], readings: Mapping[tuple[str, str], Reading]) -> list[Proposal]:
    places: dict[tuple[str, str], list[Place]] = {written: [] for written, reading in readings.items() if reading.rule}
    for sheet in sheets:
        for row in sheet.rows:
            if row.written in places:
                places[row.written].append(row.place)
    return [
        Proposal(
            written, readings[written].label, readings[written].rule, tuple(found), readings[written].is_unambiguous
        )
        for written, found in sorted(places.items())
    ]


def _refuse_open(
    proposals: Iterable[Proposal], taxonomy: Taxonomy, readings: Mapping[tuple[str, str], Reading]
) -> None:
    still_open = [one for one in proposals if not one.is_applied]
    unknown = [one for one in still_open if not readings[one.written].is_known]
    if unknown:
        raise UsageError(
            f"labels must be among {', '.join(taxonomy.names)}, got {name_some(map(_named, unknown), most=12)}; mend "
            "them in the sheet, or give each a label in a mapping: accept=mapping.yaml."
        )
    if still_open:
        words = ",".join(sorted({cell.strip() for one in still_open for cell in one.written if cell.strip()}))
        listed = [f"{one.line()}: {name_some(one.places, most=3)}" for one in still_open]
        raise UsageError(
            f"a reading that isn't certain must be confirmed, got {name_some(listed, most=12)}; confirm with "
            f"accept=[{words}] or accept=all, or say what they mean in a mapping: accept=mapping.yaml."
        )


def _named(proposal: Proposal) -> str:
    written = " + ".join(repr(cell) for cell in proposal.written if cell.strip())
    return f"{written} in {', '.join(map(str, proposal.places[:5]))}{', ...' if len(proposal.places) > 5 else ''}"
