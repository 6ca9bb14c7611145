"""What was dealt out to annotators against what came back."""

import json
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

from misfire.core.errors import UsageError
from misfire.failures.consensus.linking import LinkedLabels
from misfire.failures.failure_set import FailureSet


def planned_against_returned(linked: LinkedLabels, failure_set: FailureSet, manifest: Path) -> dict[str, Any] | None:
    """For each annotator, planned or not, which items are missing and which are extra, as a JSON value.

    An item is back where a sheet of the annotator has its row, labelled or not. Backups that came back are counted
    apart: they stand in for others. None where there is no manifest, or it is another set's.

    Args:
        linked: What came back.
        failure_set: What was annotated.
        manifest: The file that ``misfire mine`` wrote beside the sheets.

    Raises:
        UsageError: If the manifest can't be read.
    """
    plan = _read(manifest)
    if plan is None or plan["failure_set"] != failure_set.digest:
        return None
    planned: Mapping[str, list[int]] = plan["query_ids"]
    backups: Mapping[str, list[int]] = plan.get("backup_query_ids", {})
    returned = {name: {item.query_id for item in labels} - {-1} for name, labels in linked.labels.items()}
    shared = set(plan["shared_query_ids"])
    in_all = set.intersection(*(returned.get(name, set()) for name in planned))
    return {
        "annotators": {
            name: _one(planned.get(name, ()), backups.get(name, ()), returned[name])
            for name in linked.annotators
            if name in planned
        },
        "absent": [name for name in planned if name not in returned],
        "not_planned": [name for name in linked.annotators if name not in planned],
        "num_shared_planned": len(shared),
        "num_shared_returned": len(shared & in_all),
        "shared_missing": _names(shared - in_all),
    }


def _one(planned: Collection[int], backups: Collection[int], returned: set[int]) -> dict[str, Any]:
    missing, extra = set(planned) - returned, returned - set(planned) - set(backups)
    return {
        "num_planned": len(planned),
        "num_returned": len(returned),
        "num_missing": len(missing),
        "missing": _names(missing),
        "num_extra": len(extra),
        "extra": _names(extra),
        "num_backups_used": len(returned & set(backups)),
    }


def _names(query_ids: Iterable[int]) -> list[str]:
    return [f"query {query_id}" for query_id in sorted(query_ids)]


def _read(manifest: Path) -> Any:
    if not manifest.is_file():
        return None
    try:
        plan = json.loads(manifest.read_bytes())
        plan["failure_set"], plan["query_ids"].items(), plan["shared_query_ids"]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(
            f"a manifest must be what misfire mine wrote, got {manifest} that isn't; run misfire mine again."
        ) from error
    return plan
