"""One sheet of one failure set, all or nothing."""

from collections.abc import Mapping
from pathlib import Path

from misfire.core.errors import UsageError, name_some
from misfire.failures.consensus.linking import link
from misfire.failures.failure_set import FailureSet
from misfire.failures.sheets import read_sheets
from misfire.failures.taxonomy import Label, Taxonomy


def read_sheet(path: Path, failure_set: FailureSet, taxonomy: Taxonomy | None = None) -> Mapping[int, Label | None]:
    """The labels of a sheet by query id; None for a row that isn't filled in.

    Raises:
        UsageError: If the sheet can't be read, a row isn't of this failure set, a query has two different labels, or a
            label isn't in the taxonomy. Every offender is counted.
    """
    linked = link(read_sheets([path], taxonomy=taxonomy), failure_set)
    apart = [one.line() for one in linked.mismatches if not one.is_joined]
    if apart:
        raise UsageError(
            f"the rows of sheet {path.name} must be of failure set {failure_set.digest[:12]}, got {name_some(apart)} "
            "that aren't; fill in the sheet that misfire mine wrote for this set."
        )
    conflicts = [one.line() for one in linked.duplicates if one.is_conflict]
    if conflicts:
        raise UsageError(
            f"a query in sheet {path.name} must have one label, got {name_some(conflicts)} with two; decide which."
        )
    return {item.query_id: label for labels in linked.labels.values() for item, label in labels.items()}
