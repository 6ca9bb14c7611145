"""Which of a failure set's queries an annotator was given."""

import json
from collections.abc import Mapping
from pathlib import Path

from misfire.core.errors import IntegrityError
from misfire.failures import FailureSet

_MANIFEST = "manifest.json"


def planned_query_ids(folder: Path, failure_set: FailureSet) -> Mapping[str, tuple[int, ...]]:
    """What the manifest of a failure set's folder deals out, by annotator; nothing where it has no manifest.

    Raises:
        IntegrityError: If the manifest isn't one, or deals out another set.
    """
    path = folder / _MANIFEST
    if not path.is_file():
        return {}
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
        planned = {str(name): tuple(map(int, ids)) for name, ids in manifest["query_ids"].items()}
        is_ours = manifest["failure_set"] == failure_set.digest
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise _damaged(path) from error
    known = set(failure_set.query_ids)
    if not is_ours or not all(known.issuperset(ids) for ids in planned.values()):
        raise _damaged(path)
    return planned


def assigned_query_ids(folder: Path, failure_set: FailureSet, annotator: str) -> tuple[int, ...]:
    """The shared queries and the annotator's own, as the manifest deals them out; without a share, all queries.

    Raises:
        IntegrityError: If the manifest isn't one, or deals out another set.
    """
    return planned_query_ids(folder, failure_set).get(annotator, failure_set.query_ids)


def _damaged(path: Path) -> IntegrityError:
    return IntegrityError(
        f"a failure set's manifest must be what misfire mine wrote, got another in {path}; restore it, or move it "
        "away and mine again."
    )
