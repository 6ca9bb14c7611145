from collections.abc import Sequence
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from misfire.annotation import Action, AnnotationEvent, ItemKey, fold


def event(number: int, action: Action, query_id: int, *, is_repeat: bool = False, **more: object) -> AnnotationEvent:
    made = AnnotationEvent(
        action,
        f"e{number}",
        query_id,
        "t",
        "f",
        "2026-01-01T00:00:00+00:00",
        number,
        category="Object" if action is Action.LABEL else None,
        repeat_of=query_id if is_repeat else None,
        undoes="" if action is Action.UNDO else None,
    )
    return replace(made, **more)  # type: ignore[arg-type]


def stack_machine(
    steps: Sequence[tuple[Action, int, str]],
) -> tuple[dict[int, str], dict[int, str], list[AnnotationEvent]]:
    """Independent and slow on purpose: a stack of what was done, from which undo pops; the log beside it."""
    stack: list[AnnotationEvent] = []
    log: list[AnnotationEvent] = []
    for number, (action, query_id, text) in enumerate(steps):
        if action is Action.UNDO:
            if stack:
                log.append(event(number, action, query_id, undoes=stack.pop().id))
            continue
        more = {"category": text} if action is Action.LABEL else {"notes": text} if action is Action.NOTE else {}
        stack.append(event(number, action, query_id, **more))
        log.append(stack[-1])
    answers: dict[int, str] = {}
    notes: dict[int, str] = {}
    for done in stack:
        if done.event is Action.NOTE:
            notes[done.query_id] = done.notes
        else:
            answers[done.query_id] = done.category or "skipped"
    return answers, {query_id: text for query_id, text in notes.items() if text}, log


STEPS = st.lists(st.tuples(st.sampled_from(Action), st.integers(0, 3), st.sampled_from(["", "Object", "Count"])))


@given(STEPS)
def test_the_fold_is_a_stack_with_undo(steps: list[tuple[Action, int, str]]) -> None:
    answers, notes, log = stack_machine(steps)
    state = fold(log)
    assert {key.query_id: one.category or "skipped" for key, one in state.answers.items()} == answers
    assert {key.query_id: text for key, text in state.notes.items()} == notes


@given(STEPS, st.randoms(use_true_random=False))
def test_sending_an_event_again_changes_nothing(steps: list[tuple[Action, int, str]], random: object) -> None:
    *_, log = stack_machine(steps)
    again = list(log)
    for one in log:
        again.insert(again.index(one) + 1 + random.randrange(len(again) - again.index(one)), one)  # type: ignore[attr-defined]
    assert fold(again) == fold(log)


def test_the_later_label_counts_and_undo_brings_the_earlier_back() -> None:
    first, second = event(1, Action.LABEL, 7), event(2, Action.LABEL, 7, category="Count")
    undo = event(3, Action.UNDO, 7, undoes="e2")
    assert fold([first, second]).label(ItemKey(7)) == second
    assert fold([first, second, undo]).label(ItemKey(7)) == first
    assert fold([first, second, undo]).in_force == (first,)


def test_a_skip_after_a_label_opens_the_item() -> None:
    state = fold([event(1, Action.LABEL, 7), event(2, Action.SKIP, 7)])
    assert state.label(ItemKey(7)) is None
    assert ItemKey(7) in state.answers


def test_the_time_left_is_the_median_pace_times_what_is_open() -> None:
    times = [1000.0] * 5 + [4.0] * 9 + [8.0] * 11
    log = [event(number, Action.LABEL, number, seconds=seconds) for number, seconds in enumerate(times)]
    keys = [ItemKey(query_id) for query_id in range(40)]
    # The last 20 are 9 of 4 s and 11 of 8 s, so that half of them took at most 8 s; 15 items are open.
    assert fold(log).minutes_left(keys) == 15 * 8.0 / 60
    assert fold([]).minutes_left(keys) is None
    assert fold(log).minutes_left(keys[:25]) == 0.0


def test_a_repeat_is_an_item_of_its_own() -> None:
    first, again = event(1, Action.LABEL, 7), event(2, Action.LABEL, 7, is_repeat=True, category="Count")
    state = fold([first, again])
    assert state.label(ItemKey(7)) == first
