"""Annotations back from Label Studio: held against the failure set and the taxonomy, then appended to the logs."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from math import isfinite
from pathlib import Path
from typing import Any, Final

from misfire.annotation.events import Action, AnnotationEvent, ItemKey
from misfire.annotation.label_log import LabelLog, log_path
from misfire.annotation.state import fold
from misfire.core.errors import UsageError, name_some
from misfire.core.files import write_text
from misfire.core.hashing import sha256_json
from misfire.failures import Failure, FailureSet, Taxonomy

_OURS: Final = "misfire:"
_ACCOUNTS: Final = Path("annotations") / "label_studio_accounts.json"


@dataclass(frozen=True)
class ImportedAnnotation:
    """One annotation of a file: whose it is, what it says, and the note beside it.

    ``account`` is who made it by the file's own words, whole (an e-mail address, a user name, a number), or ours where
    the annotation carries our mark; ``annotator`` is the name of that account's log.
    """

    annotator: str
    event: AnnotationEvent
    notes: str
    account: str = ""


def read_label_studio(
    path: Path,
    failure_set: FailureSet,
    taxonomy: Taxonomy,
    *,
    annotator: str | None = None,
    folder: Path | None = None,
) -> list[ImportedAnnotation]:
    """The annotations of a Label Studio export (JSON), oldest first; predictions and drafts are left out.

    An annotator is named by our own mark where the annotation carries one, else by ``completed_by``: a name, the part
    of an e-mail address before its @, or ``user_7`` for number 7. Accounts stay apart by their whole identity: where
    two of them would have one name, each is named by its whole address. A cancelled annotation is a skip.

    Args:
        path: The export.
        failure_set: What was annotated.
        taxonomy: What the choices must come from.
        annotator: Whose all annotations are, where the file has one annotator under another name.
        folder: The failure set's; an account that was imported before keeps the name that it has there.

    Raises:
        UsageError: If the file isn't one, a task isn't of the failure set, or an annotation isn't one label of the
            taxonomy. Every offender is counted.
    """
    found, complaints = [], []
    for number, task in enumerate(_tasks(path), start=1):
        try:
            failure = _failure(task, failure_set)
            found += [
                _annotation(entry, failure, failure_set, taxonomy)
                for entry in _listed(task, "annotations")
                if isinstance(entry, dict)
            ]
        except UsageError as error:
            complaints.append(f"task {number}: {error}")
    if complaints:
        raise UsageError(
            f"{path.name} must hold annotations of failure set {failure_set.digest[:12]}, got {len(complaints)} tasks "
            f"that don't fit; {'; '.join(complaints[:3])}"
        )
    apart = _apart(found, {} if folder is None else _known_accounts(folder), path)
    return sorted(_renamed(apart, annotator, path), key=lambda one: one.event.time)


def append_annotations(annotations: Iterable[ImportedAnnotation], folder: Path, failure_set: FailureSet) -> int:
    """Append what the logs don't hold yet; returns how many annotations that were.

    Which account a log was imported from is remembered beside the logs, so that another account's labels never
    replace it.

    Args:
        annotations: In the order in which they were made.
        folder: The failure set's.
        failure_set: What was annotated.

    Raises:
        UsageError: If a log is another account's, or is nobody's by what is known and has other labels than those that
            are imported; nothing is appended then.
    """
    listed = list(annotations)
    accounts = _accounts_after(listed, folder, failure_set)
    logs: dict[str, LabelLog] = {}
    num_new = 0
    for one in listed:
        log = logs.setdefault(one.annotator, LabelLog(log_path(folder, one.annotator), failure_set.digest))
        events = log.read().events
        event = one.event
        if _is_another(event, events):
            # The same mark with another label: somebody changed it in Label Studio.
            event = replace(
                event, id=sha256_json([event.id, event.category, event.subtype, event.event, event.time])[:32]
            )
        if not any(known.id == event.id for known in events):
            log.append(event.id, lambda _, event=event: event)  # type: ignore[misc]
            num_new += 1
        _append_note(log, one, event)
    if accounts != _known_accounts(folder):
        write_text(folder / _ACCOUNTS, json.dumps(accounts, indent=1, sort_keys=True, ensure_ascii=False) + "\n")
    return num_new


def _known_accounts(folder: Path) -> dict[str, str]:
    """The account of each log that was imported, by the log's name."""
    path = folder / _ACCOUNTS
    if not path.is_file():
        return {}
    try:
        content = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise UsageError(f"{path} must be JSON, got something else ({error}); restore or delete it.") from error
    if not isinstance(content, dict) or not all(isinstance(one, str) for one in content.values()):
        raise UsageError(f"{path} must give each annotator an account, got something else; restore or delete it.")
    return content


def _accounts_after(annotations: Iterable[ImportedAnnotation], folder: Path, failure_set: FailureSet) -> dict[str, str]:
    """The accounts of the logs once the annotations are appended, if nobody's labels are overwritten by that."""
    accounts = _known_accounts(folder)
    replaced: dict[str, list[int]] = {}
    logs: dict[str, tuple[AnnotationEvent, ...]] = {}
    for one in annotations:
        if one.account.startswith(_OURS):
            continue  # our mark says which event it is; a changed one is that annotator's own change
        owner = accounts.get(one.annotator)
        if owner not in (None, one.account):
            raise UsageError(
                f"a log must be of one account, got annotations of {one.account} for {one.annotator}, which is "
                f"{owner}'s; give the others a name with annotator=NAME."
            )
        if owner is None and one.annotator not in logs:
            logs[one.annotator] = LabelLog(log_path(folder, one.annotator), failure_set.digest).read().events
    answers = {name: fold(events).answers for name, events in logs.items()}
    for one in annotations:
        is_ours = one.account.startswith(_OURS)
        if not is_ours and one.annotator in logs and _replaces(one.event, answers[one.annotator], logs[one.annotator]):
            replaced.setdefault(one.annotator, []).append(one.event.query_id)
    for name, queries in replaced.items():
        raise UsageError(
            f"an import must not replace labels that others gave, got other labels of {name_some(queries)} by query id "
            f"than {name} has; import them beside with annotator=NAME."
        )
    return accounts | {one.annotator: one.account for one in annotations if not one.account.startswith(_OURS)}


def _replaces(
    event: AnnotationEvent, answers: Mapping[ItemKey, AnnotationEvent], events: Sequence[AnnotationEvent]
) -> bool:
    """Whether a log has another answer for the event's item."""
    answer = answers.get(event.key)
    if answer is None or any(known.id == event.id for known in events):
        return False
    return (answer.event, answer.category, answer.subtype) != (event.event, event.category, event.subtype)


def _apart(found: list[ImportedAnnotation], known: Mapping[str, str], path: Path) -> list[ImportedAnnotation]:
    """The same with a name an account: the short one where no other account has it, else the whole."""
    names = {account: name for name, account in known.items()}
    owners: dict[str, set[str]] = {}
    for one in found:
        owners.setdefault(one.annotator, set()).add(one.account)
    for name, account in known.items():
        owners.setdefault(name, set()).add(account)
    chosen: dict[str, str] = {}
    for one in found:
        if one.account in chosen:
            continue
        is_alone = len(owners[one.annotator]) == 1 or one.account.startswith(_OURS)
        chosen[one.account] = names.get(one.account) or (one.annotator if is_alone else _file_name(one.account))
    shared = [name for name in set(chosen.values()) if list(chosen.values()).count(name) > 1]
    if shared:
        accounts = sorted(account for account, name in chosen.items() if name in shared)
        raise UsageError(
            f"accounts must have different names, got {name_some(accounts)} in {path.name}, which become one file's "
            "name; rename one of them in Label Studio."
        )
    return [replace(one, annotator=chosen[one.account]) for one in found]


def _append_note(log: LabelLog, one: ImportedAnnotation, event: AnnotationEvent) -> None:
    note_id = sha256_json([event.id, "note", one.notes])[:32]
    known = fold(log.read().events).notes.get(event.key, "")
    if one.notes and one.notes != known:
        note = replace(
            event,
            event=Action.NOTE,
            id=note_id,
            category=None,
            subtype=None,
            notes=one.notes,
            seconds=None,
            ground_truth=False,
        )
        log.append(note_id, lambda _: note)


def _is_another(event: AnnotationEvent, events: Iterable[AnnotationEvent]) -> bool:
    return any(
        known.id == event.id
        and (known.event, known.category, known.subtype) != (event.event, event.category, event.subtype)
        for known in events
    )


def _tasks(path: Path) -> list[dict[str, Any]]:
    try:
        content = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise UsageError(f"an import must be a readable JSON file, got {path}: {error}; export it again.") from error
    tasks = content if isinstance(content, list) else [content]
    if not tasks or not all(isinstance(task, dict) and isinstance(task.get("data"), dict) for task in tasks):
        raise UsageError(
            f"an import must be Label Studio's JSON, tasks with data and annotations, got another shape in {path}; "
            "choose JSON, not JSON-MIN, where Label Studio exports."
        )
    return tasks


def _listed(entry: Mapping[str, Any], name: str) -> list[Any]:
    value = entry.get(name)
    return value if isinstance(value, list) else []


def _failure(task: Mapping[str, Any], failure_set: FailureSet) -> Failure:
    data = task["data"]
    query_id, digest, text = data.get("query_id"), data.get("failure_set"), data.get("text_sha256")
    if digest != failure_set.digest:
        raise UsageError(f"its failure_set must be {failure_set.digest[:12]}, got {str(digest)[:12]}.")
    failure = next((one for one in failure_set.failures if str(one.query_id) == str(query_id)), None)
    if failure is None:
        raise UsageError(f"its query_id must be in the failure set, got {query_id!r}.")
    if text != failure.text_sha256:
        raise UsageError(f"its text_sha256 must be that of query {query_id}, got {str(text)[:12]}.")
    return failure


def _annotation(
    entry: Mapping[str, Any], failure: Failure, failure_set: FailureSet, taxonomy: Taxonomy
) -> ImportedAnnotation:
    results = [result for result in _listed(entry, "result") if isinstance(result, dict)]
    is_skip = bool(entry.get("was_cancelled", False))
    category, subtype = (None, None) if is_skip else _label(_values(results, "choices", "choices"), taxonomy, failure)
    mark = {
        **_mark(results),
        **{name: entry[name] for name in ("annotator", "event") if isinstance(entry.get(name), str)},
    }
    annotator = _annotator_name(mark.get("annotator", entry.get("completed_by")))
    account = f"{_OURS}{mark['annotator']}" if "annotator" in mark else _account(entry.get("completed_by"))
    made = str(entry.get("updated_at") or entry.get("created_at") or datetime.now(UTC).isoformat(timespec="seconds"))
    own_id = sha256_json(
        [annotator, failure.query_id, entry.get("unique_id"), entry.get("id"), category, subtype, made]
    )
    event = AnnotationEvent(
        event=Action.SKIP if is_skip else Action.LABEL,
        id=mark.get("event", own_id[:32]),
        query_id=failure.query_id,
        text_sha256=failure.text_sha256,
        failure_set=failure_set.digest,
        time=_utc(made),
        sequence=0,
        category=category,
        subtype=subtype,
        seconds=_seconds(entry.get("lead_time")),
        ground_truth=entry.get("ground_truth") is True,
    )
    return ImportedAnnotation(annotator, event, "\n".join(_values(results, "textarea", "text")), account)


def _label(choices: list[str], taxonomy: Taxonomy, failure: Failure) -> tuple[str, str | None]:
    lowered = {name.lower() for name in taxonomy.names}
    categories = [choice for choice in choices if choice.lower() in lowered]
    rest = [choice for choice in choices if choice.lower() not in lowered]
    if len(categories) != 1 or len(rest) > 1:
        raise UsageError(
            f"query {failure.query_id} must have one category and at most one subtype, got {name_some(choices)}; the "
            f"categories are {', '.join(taxonomy.names)}."
        )
    label = taxonomy.label(categories[0], rest[0] if rest else None)
    return label.category, label.ambiguous_subtype


def _values(results: list[dict[str, Any]], kind: str, name: str) -> list[str]:
    values = [
        result["value"] for result in results if result.get("type") == kind and isinstance(result.get("value"), dict)
    ]
    listed = [value.get(name) for value in values]
    return [str(one) for several in listed for one in (several if isinstance(several, list) else [several]) if one]


def _mark(results: list[dict[str, Any]]) -> dict[str, str]:
    marks = [result["meta"] for result in results if isinstance(result.get("meta"), dict)]
    return {name: mark[name] for mark in marks for name in ("annotator", "event") if isinstance(mark.get(name), str)}


def _told(completed_by: Any) -> Any:
    if isinstance(completed_by, dict):
        return completed_by.get("email") or completed_by.get("username") or completed_by.get("id")
    return completed_by


def _account(completed_by: Any) -> str:
    """Who made it, whole; addresses are compared in small letters, as mail servers do."""
    told = _told(completed_by)
    return told.strip().lower() if isinstance(told, str) and "@" in told else str(told).strip()


def _file_name(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9_-]+", "_", text).strip("_-")


def _annotator_name(completed_by: Any) -> str:
    completed_by = _told(completed_by)
    if isinstance(completed_by, str):
        name = _file_name(completed_by.partition("@")[0])
        if name:
            return name
    if isinstance(completed_by, int) and not isinstance(completed_by, bool):
        return f"user_{completed_by}"
    raise UsageError(f"an annotation's completed_by must say who made it, got {completed_by!r:.40}.")


def _seconds(value: Any) -> float | None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number and isfinite(value) and value >= 0 else None


def _utc(time: str) -> str:
    try:
        return datetime.fromisoformat(time).astimezone(UTC).isoformat(timespec="milliseconds")
    except ValueError:
        return time


def _renamed(found: list[ImportedAnnotation], annotator: str | None, path: Path) -> list[ImportedAnnotation]:
    names = sorted({one.annotator for one in found})
    if annotator is None or annotator in names:
        return [one for one in found if annotator in (None, one.annotator)]
    if len(names) > 1:
        raise UsageError(
            f"an import for {annotator} must have one annotator, got {name_some(names)} in {path.name}; leave "
            "annotator out, or name one of them."
        )
    return [replace(one, annotator=annotator) for one in found]
