"""What an annotator did, as one line of a log: a label, a skip, a note, or an undo of one of these."""

import json
from dataclasses import asdict, dataclass, fields
from enum import StrEnum
from math import isfinite
from typing import Any, NamedTuple

MOST_NOTE_CHARACTERS = 2000


class Action(StrEnum):
    """The kinds of event."""

    LABEL = "label"
    SKIP = "skip"
    NOTE = "note"
    UNDO = "undo"


class ItemKey(NamedTuple):
    """What is shown: a query, for the first time or as a hidden repeat."""

    query_id: int
    is_repeat: bool = False


@dataclass(frozen=True)
class AnnotationEvent:
    """One thing that an annotator did.

    ``id`` is chosen by whoever sends the event, so that sending it twice counts once. ``repeat_of`` is the query's id
    where the item was a hidden repeat of it. ``undoes`` is the id of the event that an undo takes back. ``seconds``
    is how long the item was looked at; None where nobody measured. ``time`` is in UTC, ISO 8601. ``sequence`` counts
    the log's events from 1.

    Raises:
        ValueError: If a field has another type or contradicts the action.
    """

    event: Action
    id: str
    query_id: int
    text_sha256: str
    failure_set: str
    time: str
    sequence: int
    category: str | None = None
    subtype: str | None = None
    notes: str = ""
    seconds: float | None = None
    repeat_of: int | None = None
    undoes: str | None = None
    ground_truth: bool = False

    def __post_init__(self) -> None:
        wrong = [name for name, is_right in _looks(self).items() if not is_right]
        if wrong:
            raise ValueError(f"an event's {', '.join(wrong)} must fit its kind; the line is damaged.")

    @property
    def key(self) -> ItemKey:
        """The item that it is about."""
        return ItemKey(self.query_id, self.repeat_of is not None)

    def to_line(self) -> bytes:
        """One line of JSON with its end."""
        return json.dumps(asdict(self), ensure_ascii=False, allow_nan=False).encode("utf-8") + b"\n"


def event_from_line(line: bytes) -> AnnotationEvent:
    """The event of a line.

    Raises:
        ValueError: If the line isn't an event, whole and in UTF-8.
    """
    content = json.loads(line.decode("utf-8"))
    known = {field.name for field in fields(AnnotationEvent)}
    if not isinstance(content, dict) or not set(content) <= known:
        raise ValueError("a log's line must be an event; the line is damaged.")
    seconds = content.get("seconds")
    try:
        return AnnotationEvent(
            **{
                **content,
                "event": Action(str(content.get("event"))),
                "seconds": float(seconds) if type(seconds) is int else seconds,  # JSON writes 3.0 as 3
            }
        )
    except TypeError as error:
        raise ValueError("an event must have its fields; the line is damaged.") from error


def _looks(event: AnnotationEvent) -> dict[str, bool]:
    """Whether each field is of its type and fits the action; JSON promises neither."""
    is_label = event.event is Action.LABEL
    return {
        "id": _is_text(event.id) and event.id != "",
        "query_id": _is_count(event.query_id),
        "text_sha256": _is_text(event.text_sha256),
        "failure_set": _is_text(event.failure_set),
        "time": _is_text(event.time),
        "sequence": _is_count(event.sequence),
        "category": _is_text(event.category) if is_label else event.category is None,
        "subtype": event.subtype is None or (is_label and _is_text(event.subtype)),
        "notes": _is_text(event.notes),
        "seconds": event.seconds is None or _is_duration(event.seconds),
        "repeat_of": event.repeat_of is None or (_is_count(event.repeat_of) and event.repeat_of == event.query_id),
        "undoes": _is_text(event.undoes) if event.event is Action.UNDO else event.undoes is None,
        "ground_truth": isinstance(event.ground_truth, bool),
    }


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_duration(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value) and value >= 0
