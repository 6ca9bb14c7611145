"""Everything that mining leaves behind: the failure set, sheets to fill in, and pictures to fill them in by."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from misfire.core.errors import UsageError
from misfire.core.files import write_bytes, write_text
from misfire.data import Dataset
from misfire.failures.annotators import SimulatedAnnotator, check_annotator_names, typical_confusion
from misfire.failures.assignment import Assignment, plan_assignment
from misfire.failures.contact_sheet import ContactSheetLayout, contact_sheets
from misfire.failures.failure_set import WORLD_TRUTH, FailureSet
from misfire.failures.failure_store import write_failure_set
from misfire.failures.sheets import SHEET_COLUMNS, CsvFormat, SheetFormat, sheet_table
from misfire.failures.taxonomy import Taxonomy, load_taxonomy

_MANIFEST = "manifest.json"


@dataclass(frozen=True)
class AnnotationPlan:
    """Who annotates what out of which taxonomy, in which files, and how the pictures are laid out.

    ``overlap`` failures are shared by all; ``num_backups`` are dealt out beside the sheets and stand in for items that
    must be dropped. ``simulated_accuracy`` is that of the annotators who stand in for people where the truth is known.

    Raises:
        UsageError: If an annotator's name is unusable or repeated, or there is no format of its own name.
    """

    annotators: tuple[str, ...] = ("annotator_1", "annotator_2", "annotator_3")
    overlap: int = 30
    seed: int = 42
    num_backups: int = 0
    sheet_formats: tuple[SheetFormat, ...] = (CsvFormat(),)
    taxonomy: Taxonomy = field(default_factory=load_taxonomy)
    simulated_accuracy: float = 0.85
    layout: ContactSheetLayout = field(default_factory=ContactSheetLayout)

    def __post_init__(self) -> None:
        object.__setattr__(self, "annotators", tuple(self.annotators))
        object.__setattr__(self, "sheet_formats", tuple(self.sheet_formats))
        check_annotator_names(self.annotators)
        suffixes = [form.suffix for form in self.sheet_formats]
        if not suffixes or len(set(suffixes)) < len(suffixes):
            raise UsageError(
                f"sheets must have a format, and each a suffix of its own, got {', '.join(suffixes) or 'none'}; name "
                "csv, csv_bom or xlsx."
            )
        typical_confusion(self.simulated_accuracy)


@dataclass(frozen=True)
class MiningOutputs:
    """Where everything lies. Simulated sheets and oracle pages exist only where the truth is known.

    ``sheets`` are those of the first format; ``backup_sheets`` exist only where backups are planned.
    """

    folder: Path
    manifest: Path
    sheets: Mapping[str, Path]
    contact_sheets: tuple[Path, ...]
    simulated_sheets: Mapping[str, Path]
    oracle_contact_sheets: tuple[Path, ...]
    backup_sheets: Mapping[str, Path] = field(default_factory=dict)


def write_mining_outputs(
    failure_set: FailureSet, dataset: Dataset, plan: AnnotationPlan, parent: Path
) -> MiningOutputs:
    """Write the failure set's folder into ``parent``: the set, a blank sheet an annotator, a manifest, contact sheets.

    Everything is made before anything is written, so that a bad image or plan leaves no trace. Sheets that exist
    already are kept, since an annotator may have filled them in.

    Raises:
        UsageError: If the set isn't of this dataset, the overlap is larger than the set, or sheets were already dealt
            out under another plan.
        IntegrityError: If the folder already holds the set and is damaged.
    """
    failure_set.check_fits(dataset)
    assignment = plan_assignment(
        failure_set.query_ids,
        plan.annotators,
        overlap=plan.overlap,
        seed=plan.seed,
        num_backups=plan.num_backups,
    )
    manifest = _manifest(failure_set, assignment, plan)
    _check_same_plan(parent / failure_set.digest[:12] / _MANIFEST, manifest)
    blank = _blank_sheets(failure_set, "sheets", assignment.query_ids, plan)
    backups = _blank_sheets(failure_set, "backups", assignment.backups, plan) if plan.num_backups else {}
    simulated = _simulated_sheets(failure_set, assignment, plan) if _is_simulable(failure_set, plan) else {}
    pages = _pages(failure_set, dataset, plan, "contact_sheets", show_oracle_categories=False)
    oracle_pages = (
        _pages(failure_set, dataset, plan, "oracle_contact_sheets", show_oracle_categories=True)
        if _is_truth_known(failure_set)
        else {}
    )
    folder = write_failure_set(failure_set, parent)
    for name, data in {**blank, **backups, **simulated}.items():
        if not (folder / name).exists():
            write_bytes(folder / name, data)
    for name, png in {**pages, **oracle_pages}.items():
        write_bytes(folder / name, png)
    write_text(folder / _MANIFEST, manifest)
    return MiningOutputs(
        folder=folder,
        manifest=folder / _MANIFEST,
        sheets=_paths_by_annotator(folder, blank),
        contact_sheets=tuple(folder / name for name in pages),
        simulated_sheets=_paths_by_annotator(folder, simulated),
        oracle_contact_sheets=tuple(folder / name for name in oracle_pages),
        backup_sheets=_paths_by_annotator(folder, backups),
    )


def _is_truth_known(failure_set: FailureSet) -> bool:
    return failure_set.label_source == WORLD_TRUTH


def _check_same_plan(path: Path, manifest: str) -> None:
    if path.exists() and path.read_text(encoding="utf-8") != manifest:
        raise UsageError(
            f"the sheets of a failure set must keep their plan (annotators, overlap, seed, accuracy), got another than "
            f"{path} says; repeat the old plan, or move that folder away to start afresh."
        )


def _is_simulable(failure_set: FailureSet, plan: AnnotationPlan) -> bool:
    """Whether simulated annotators know the truth in the taxonomy's words, which are ours."""
    return _is_truth_known(failure_set) and plan.taxonomy == load_taxonomy()


def _blank_sheets(
    failure_set: FailureSet, folder: str, query_ids: Mapping[str, tuple[int, ...]], plan: AnnotationPlan
) -> dict[str, bytes]:
    return {
        f"{folder}/{name}{form.suffix}": form.encode(sheet_table(failure_set, ids), plan.taxonomy)
        for form in plan.sheet_formats
        for name, ids in query_ids.items()
    }


def _simulated_sheets(failure_set: FailureSet, assignment: Assignment, plan: AnnotationPlan) -> dict[str, bytes]:
    confusion = typical_confusion(plan.simulated_accuracy)
    return {
        f"simulated_sheets/{name}.csv": CsvFormat().encode(
            sheet_table(failure_set, ids, SimulatedAnnotator(name, seed=plan.seed, confusion=confusion).label),
            plan.taxonomy,
        )
        for name, ids in assignment.query_ids.items()
    }


def _pages(
    failure_set: FailureSet, dataset: Dataset, plan: AnnotationPlan, folder: str, *, show_oracle_categories: bool
) -> dict[str, bytes]:
    pages = contact_sheets(failure_set, dataset, layout=plan.layout, show_oracle_categories=show_oracle_categories)
    return {f"{folder}/{name}": png for name, png in pages}


def _paths_by_annotator(folder: Path, names: Iterable[str]) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for name in names:
        found.setdefault(Path(name).stem, folder / name)
    return found


def _manifest(failure_set: FailureSet, assignment: Assignment, plan: AnnotationPlan) -> str:
    manifest = {
        "failure_set": failure_set.digest,
        "how_chosen": failure_set.how_chosen,
        "annotators": list(plan.annotators),
        "overlap": plan.overlap,
        "seed": plan.seed,
        "shared_query_ids": list(assignment.shared),
        "num_items": {name: len(ids) for name, ids in assignment.query_ids.items()},
        "query_ids": {name: list(ids) for name, ids in assignment.query_ids.items()},
        "num_backups": plan.num_backups,
        "backup_query_ids": {name: list(ids) for name, ids in assignment.backups.items() if ids},
        "taxonomy": plan.taxonomy.digest,
        "columns": list(SHEET_COLUMNS),
        "simulated_accuracy": plan.simulated_accuracy if _is_simulable(failure_set, plan) else None,
    }
    return json.dumps(manifest, indent=2, ensure_ascii=False) + "\n"
