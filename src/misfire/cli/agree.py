"""Merge annotators' sheets, measure how far they agree, decide where they don't, and label the failures."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from misfire.core.errors import UsageError

if TYPE_CHECKING:
    from misfire.config import Settings
    from misfire.failures import FailureSet, Policy, Sheets, Taxonomy

_EXPERT = "expert"


def run(words: Sequence[str]) -> int:
    """Read the sheets, and write what they agree on."""
    from misfire.config import Settings

    settings = Settings.of_words("agree", words)

    from misfire.annotation.agreement_report import agreement_summary, write_agreement
    from misfire.failures import (
        adjudicated_set,
        agreement,
        agreement_record,
        label_doubt,
        load_taxonomy,
        planned_against_returned,
        read_sheets,
        write_failure_set,
    )

    taxonomy = load_taxonomy(None if settings["taxonomy"] is None else Path(settings["taxonomy"]))
    sheets = read_sheets(_sheet_paths(settings), taxonomy=taxonomy, accept=settings["accept"] or ())
    failure_set, place = _failure_set(settings, sheets)
    policy = _policy(settings, sheets, failure_set, taxonomy)
    found = agreement(
        sheets,
        failure_set=failure_set,
        dataset=settings["dataset"] if settings["agree.check_dataset"] else None,
        policy=policy,
        settings=settings["statistics"],
    )
    labelled = None
    if failure_set is not None and found.adjudication.categories:
        labelled = adjudicated_set(failure_set, found.adjudication, label_doubt(found))
    record = {
        **agreement_record(found),
        "plan": (
            None
            if failure_set is None or place is None
            else planned_against_returned(found.linked, failure_set, place / "manifest.json")
        ),
        "failure_set": None if failure_set is None else failure_set.digest,
        "labelled_failure_set": None if labelled is None else labelled.digest,
    }
    destination = _destination(settings, record, settings.root if place is None else place)
    written = write_agreement(record, taxonomy, destination)
    print(agreement_summary(record))
    print(f"\n  record, tables, figures   {written[0].parent}")
    if labelled is not None:
        folder = write_failure_set(labelled, settings.root / "failures")
        print(f"  labelled failures         {folder}")
        print(f"  go on with                misfire ensemble failure_set={folder} subset=failures templates=generic")
    return 0


def _sheet_paths(settings: "Settings") -> Any:
    sheets = settings["sheets"]
    if not sheets:
        raise UsageError("agree must have sheets, got none; name them, such as sheets=[ann.csv,bob.xlsx].")
    return [sheets] if isinstance(sheets, str) else sheets


def _failure_set(settings: "Settings", sheets: "Sheets") -> "tuple[FailureSet | None, Path | None]":
    """The set that is named, or the one that all sheets say they're of where it lies among ours; else none."""
    from misfire.failures import read_failure_set

    parent = settings.root / "failures"
    if settings["failure_set"] is not None:
        place = Path(settings["failure_set"])
        return read_failure_set(place), place
    digests = {row.failure_set for row in sheets.rows}
    place = parent / next(iter(digests), "")[:12]
    if len(digests) == 1 and digests != {""} and (place / "failure_set.json").is_file():
        return read_failure_set(place), place
    return None, None


def _policy(settings: "Settings", sheets: "Sheets", failure_set: "FailureSet | None", taxonomy: "Taxonomy") -> "Policy":
    from misfire.failures import expert_policy, policy_named, read_sheets

    if (settings["policy"] == _EXPERT) != (settings["expert"] is not None):
        raise UsageError(
            f"policy=expert and expert=SHEET must be given together, got policy={settings['policy']} and "
            f"expert={settings['expert']}; give both or neither."
        )
    if settings["expert"] is None:
        return policy_named(settings["policy"])
    said = read_sheets([settings["expert"]], taxonomy=taxonomy, accept=settings["accept"] or ())
    return expert_policy(sheets, said, failure_set)


def _destination(settings: "Settings", record: dict[str, Any], place: Path) -> Path:
    from misfire.core.hashing import sha256_json

    if settings["agree.out"] is not None:
        return Path(settings["agree.out"])
    asked = [sorted(one["sha256"] for one in record["import"]["sheets"]), record["adjudication"], record["failure_set"]]
    return place / "agreement" / sha256_json(asked)[:12]
