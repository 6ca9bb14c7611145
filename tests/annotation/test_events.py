import json
from dataclasses import asdict, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from misfire.annotation import Action, AnnotationEvent, ItemKey
from misfire.annotation.events import event_from_line

LABEL = AnnotationEvent(Action.LABEL, "a1", 7, "t", "f", "2026-01-01T00:00:00+00:00", 1, category="Object", seconds=2.5)


@given(
    st.builds(
        replace,
        st.just(LABEL),
        id=st.text(min_size=1),
        query_id=st.integers(),
        category=st.text(),
        subtype=st.none() | st.text(),
        notes=st.text(),
        seconds=st.none() | st.floats(0, 1e6),
    )
)
def test_a_line_says_all_of_an_event_and_is_one_line(event: AnnotationEvent) -> None:
    line = event.to_line()
    assert line.count(b"\n") == 1
    assert line.endswith(b"\n")
    assert event_from_line(line) == event


def test_a_lone_surrogate_is_no_text_of_a_line() -> None:
    with pytest.raises(ValueError, match="surrogates"):
        replace(LABEL, notes="\ud800").to_line()


@pytest.mark.parametrize(
    "changed",
    [
        {"event": "praise"},
        {"id": ""},
        {"id": None},
        {"query_id": "7"},
        {"query_id": True},
        {"category": None},
        {"event": "skip"},
        {"event": "undo", "category": None},
        {"seconds": -1},
        {"seconds": "2"},
        {"repeat_of": 8},
        {"undoes": "a0"},
        {"ground_truth": 1},
        {"unknown": 1},
    ],
)
def test_what_is_no_event_is_refused(changed: dict[str, object]) -> None:
    line = json.dumps({**asdict(LABEL), **changed}).encode()
    with pytest.raises(ValueError, match=r"damaged|not a valid"):
        event_from_line(line)


@pytest.mark.parametrize("line", [b"", b"{", b"[]", b"null", b"\xff", b"\0\0\0", b'{"event": "label"}'])
def test_torn_lines_are_refused(line: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - any of JSON's, UTF-8's and ours
        event_from_line(line)


def test_a_repeat_is_an_item_of_its_own() -> None:
    assert LABEL.key == ItemKey(7)
    assert replace(LABEL, repeat_of=7).key == ItemKey(7, is_repeat=True)
