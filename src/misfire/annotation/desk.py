"""One annotator's session as a page needs it: what there is to see, and what is written when a key is pressed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from misfire.annotation.events import MOST_NOTE_CHARACTERS, Action, AnnotationEvent, ItemKey
from misfire.annotation.highlight import highlighted
from misfire.annotation.label_log import LabelLog
from misfire.annotation.session import Item
from misfire.annotation.state import AnnotationState, fold
from misfire.core.errors import UsageError, name_some
from misfire.failures import Failure, FailureSet, Taxonomy

_MOST_SECONDS = 86400.0
_MOST_ID_CHARACTERS = 64
_PAGE_KEYS = frozenset("hnsuz")


class UnknownItemError(UsageError):
    """An item that isn't of this session."""


@dataclass(frozen=True)
class Opinion:
    """What somebody else said of an item; shown only where the session isn't blind."""

    annotator: str
    category: str
    subtype: str | None = None
    notes: str = ""


@dataclass(frozen=True)
class AnnotationDesk:
    """Reads and writes one annotator's log for a page, in plain values.

    ``opinions`` are shown with their items, and ``shows_scores`` shows the model's; both are empty and false where the
    annotator is to judge blind. ``is_adjudication`` says that the items are those on which others disagree.

    Raises:
        UsageError: If a key of the taxonomy is one that the page itself needs.
    """

    annotator: str
    failure_set: FailureSet
    taxonomy: Taxonomy
    items: tuple[Item, ...]
    log: LabelLog
    opinions: Mapping[int, Sequence[Opinion]] = field(default_factory=dict)
    shows_scores: bool = False
    highlights: bool = True
    is_adjudication: bool = False

    def __post_init__(self) -> None:
        keys = {str(key) for one in self.taxonomy.categories for key in (one.key, *(sub.key for sub in one.subtypes))}
        if keys & _PAGE_KEYS:
            raise UsageError(
                f"a taxonomy's keys must leave {', '.join(sorted(_PAGE_KEYS))} to the page, got "
                f"{name_some(sorted(keys & _PAGE_KEYS))}; choose other keys."
            )

    def overview(self) -> dict[str, Any]:
        """Everything that the page needs to begin or to catch up, the items' content excepted."""
        content = self.log.read()
        state = fold(content.events)
        return {
            "annotator": self.annotator,
            "failure_set": self.failure_set.digest[:12],
            "dataset": self.failure_set.dataset_name,
            "is_adjudication": self.is_adjudication,
            "highlights": self.highlights,
            "most_note_characters": MOST_NOTE_CHARACTERS,
            "taxonomy": _shown_taxonomy(self.taxonomy),
            "items": [self._shown_state(item, state) for item in self.items],
            "num_damaged_lines": len(content.damaged_lines),
            **self._progress(state, len(content.events)),
        }

    def item(self, item_id: str) -> dict[str, Any]:
        """What an item shows.

        Raises:
            UnknownItemError: If the session has no such item.
        """
        failure = self.failure(item_id)
        scores = {"rank": failure.rank, "target": failure.target_score, "retrieved": failure.retrieved_score}
        return {
            "id": item_id,
            "caption": highlighted(failure.caption),
            "opinions": [
                {"annotator": one.annotator, "category": one.category, "subtype": one.subtype, "notes": one.notes}
                for one in self.opinions.get(failure.query_id, ())
            ],
            "scores": scores if self.shows_scores else None,
        }

    def failure(self, item_id: str) -> Failure:
        """The failure that an item shows.

        Raises:
            UnknownItemError: If the session has no such item.
        """
        return self._failures[self._item(item_id).key.query_id]

    def record(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Write what the page asks for and say how things stand then; asked twice with one id, it's written once.

        Raises:
            UsageError: If the request isn't one, or names what the session or the taxonomy lacks.
            OSError: If it couldn't be written.
        """
        event_id = _text(request, "id", most=_MOST_ID_CHARACTERS)
        action = _text(request, "action", most=_MOST_ID_CHARACTERS)
        if not event_id or action not in list(Action):
            raise UsageError(
                f"a request must have an id and one of the actions {', '.join(Action)}, got {action!r}; reload it."
            )
        if action == Action.UNDO:
            written = self.log.append(event_id, lambda events: self._undo(event_id, events))
        else:
            event = self._event(event_id, Action(action), request)
            written = self.log.append(event_id, lambda _: event)
        if written is None:
            raise UsageError("an undo needs something to take back, got nothing; label an item first.")
        events = self.log.read().events
        state = fold(events)
        item = self._item_of(written)
        return {
            "item": self._shown_state(item, state),
            "took_back": _took_back(written, events),
            **self._progress(state, len(events)),
        }

    def progress(self) -> dict[str, Any]:
        """How many items are labelled and skipped, how long the rest takes, and how many events the log has."""
        events = self.log.read().events
        return self._progress(fold(events), len(events))

    def _progress(self, state: AnnotationState, version: int) -> dict[str, Any]:
        keys = [item.key for item in self.items]
        num_labelled = sum(state.label(key) is not None for key in keys)
        return {
            "version": version,
            "num_items": len(keys),
            "num_labelled": num_labelled,
            "num_skipped": sum(key in state.answers for key in keys) - num_labelled,
            "minutes_left": state.minutes_left(keys),
            "can_undo": self._undoable(state) is not None,
        }

    def _shown_state(self, item: Item, state: AnnotationState) -> dict[str, Any]:
        answer = state.answers.get(item.key)
        return {
            "id": item.id,
            "status": "open" if answer is None else "labelled" if answer.event is Action.LABEL else "skipped",
            "category": answer.category if answer else None,
            "subtype": answer.subtype if answer else None,
            "notes": state.notes.get(item.key, ""),
        }

    def _undoable(self, state: AnnotationState) -> AnnotationEvent | None:
        return next((event for event in reversed(state.in_force) if event.key in self._by_key), None)

    def _undo(self, event_id: str, events: tuple[AnnotationEvent, ...]) -> AnnotationEvent | None:
        undone = self._undoable(fold(events))
        if undone is None:
            return None
        return self._blank(event_id, Action.UNDO, undone.key, undoes=undone.id)

    def _event(self, event_id: str, action: Action, request: Mapping[str, Any]) -> AnnotationEvent:
        key = self._item(_text(request, "item", most=_MOST_ID_CHARACTERS)).key
        seconds = _seconds(request.get("seconds"))
        if action is Action.LABEL:
            subtype = request.get("subtype")
            label = self.taxonomy.label(
                _text(request, "category", most=MOST_NOTE_CHARACTERS),
                None if subtype is None else _text(request, "subtype", most=MOST_NOTE_CHARACTERS),
            )
            return self._blank(
                event_id, action, key, category=label.category, subtype=label.ambiguous_subtype, seconds=seconds
            )
        notes = _text(request, "notes", most=MOST_NOTE_CHARACTERS).strip() if action is Action.NOTE else ""
        return self._blank(event_id, action, key, notes=notes, seconds=seconds)

    def _blank(self, event_id: str, action: Action, key: ItemKey, **fields: Any) -> AnnotationEvent:
        return AnnotationEvent(
            event=action,
            id=event_id,
            query_id=key.query_id,
            text_sha256=self._failures[key.query_id].text_sha256,
            failure_set=self.failure_set.digest,
            time=datetime.now(UTC).isoformat(timespec="milliseconds"),
            sequence=0,
            repeat_of=key.query_id if key.is_repeat else None,
            **fields,
        )

    @cached_property
    def _by_id(self) -> dict[str, Item]:
        return {item.id: item for item in self.items}

    @cached_property
    def _by_key(self) -> dict[ItemKey, Item]:
        return {item.key: item for item in self.items}

    @cached_property
    def _failures(self) -> dict[int, Failure]:
        return {failure.query_id: failure for failure in self.failure_set.failures}

    def _item(self, item_id: str) -> Item:
        if item_id not in self._by_id:
            raise UnknownItemError(
                f"an item must be of this session of {self.annotator}, got {item_id[:20]!r}; reload the page."
            )
        return self._by_id[item_id]

    def _item_of(self, event: AnnotationEvent) -> Item:
        if event.key not in self._by_key:
            raise UnknownItemError(f"an event of this session must be of its items, got id {event.id!r}; reload it.")
        return self._by_key[event.key]


def _took_back(written: AnnotationEvent, events: Sequence[AnnotationEvent]) -> str | None:
    return next((str(event.event) for event in events if event.id == written.undoes), None)


def _shown_taxonomy(taxonomy: Taxonomy) -> dict[str, Any]:
    content = taxonomy.content()
    shown = ("name", "key", "definition", "use_when", "avoid_when", "examples", "subtypes", "colour")
    return {**content, "categories": [{name: entry[name] for name in shown} for entry in content["categories"]]}


def _text(request: Mapping[str, Any], name: str, *, most: int) -> str:
    value = request.get(name)
    if not isinstance(value, str) or len(value) > most:
        got = f"{len(value)} characters" if isinstance(value, str) else type(value).__name__
        raise UsageError(f"{name} must be a text of at most {most} characters, got {got}; shorten it or reload.")
    try:
        value.encode("utf-8")
    except UnicodeEncodeError as error:
        raise UsageError(f"{name} must be text that UTF-8 can hold, got half of a character; retype it.") from error
    return value


def _seconds(value: Any) -> float | None:
    if value is None:
        return None
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not 0 <= value <= _MOST_SECONDS:  # false of NaN
        raise UsageError(f"seconds must be a number from 0 to {_MOST_SECONDS:.0f}, got {value!r:.20}; reload the page.")
    return round(float(value), 3)
