"""Where an annotator stands: a pure fold over the events of the log."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from misfire.annotation.events import Action, AnnotationEvent, ItemKey

_RECENT = 20


@dataclass(frozen=True)
class AnnotationState:
    """What counts now.

    ``in_force`` holds what wasn't taken back, in its order; an undo takes back the last of it. ``answers`` holds each
    item's last label or skip, ``notes`` its last note, ``recent_seconds`` the times of the last 20 labels.
    """

    in_force: tuple[AnnotationEvent, ...]

    answers: Mapping[ItemKey, AnnotationEvent]
    notes: Mapping[ItemKey, str]
    recent_seconds: tuple[float, ...]

    def label(self, key: ItemKey) -> AnnotationEvent | None:
        """The label of an item, None where it is open or skipped."""
        answer = self.answers.get(key)
        return answer if answer is not None and answer.event is Action.LABEL else None

    def minutes_left(self, keys: Sequence[ItemKey]) -> float | None:
        """Minutes that the unlabelled ones of these items take at the median pace of the last 20 labels.

        None where no label has a time yet.
        """
        if not self.recent_seconds:
            return None
        return sum(self.label(key) is None for key in keys) * median(self.recent_seconds) / 60


def fold(events: Iterable[AnnotationEvent]) -> AnnotationState:
    """The state after these events.

    An event whose id came before counts once. A label of an item that has one replaces it, and an undo of the second
    brings the first back.

    Args:
        events: In the order of the log.
    """
    once: dict[str, AnnotationEvent] = {}
    for event in events:
        once.setdefault(event.id, event)
    taken_back = {event.undoes for event in once.values() if event.event is Action.UNDO}
    in_force = [event for event in once.values() if event.event is not Action.UNDO and event.id not in taken_back]
    labels = [event for event in in_force if event.event is Action.LABEL]
    notes = {event.key: event.notes for event in in_force if event.event is Action.NOTE}
    times = [event.seconds for event in labels if event.seconds is not None]
    return AnnotationState(
        in_force=tuple(in_force),
        answers={event.key: event for event in in_force if event.event is not Action.NOTE},
        notes={key: text for key, text in notes.items() if text},
        recent_seconds=tuple(times[-_RECENT:]),
    )
