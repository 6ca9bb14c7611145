"""The page in a real browser: by keyboard alone, through a killed server, under hostile captions, small and large."""

import re
import signal
import time
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import pytest

from misfire.annotation import Action, fold

sync_api = pytest.importorskip("playwright.sync_api", reason="needs the Python package playwright")
FLAGS = [
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
]
NAME_OF = {"2": "Object", "3": "Attribute", "4": "Action", "5": "Count", "6": "Context", "7": "Spatial"}
HOSTILE = "<img src=x onerror=alert(1)><script>alert(2)</script> two <b>red</b> kites"
# Every text that is seen: its colours as painted, its size, and whether it is bold. Disabled controls may be faint.
PAINTED_TEXTS = """() => {
  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    const box = element.getBoundingClientRect();
    const isSeen = element.checkVisibility() && box.width > 2 && box.height > 2 && box.bottom > 0;
    if (!walker.currentNode.data.trim() || !isSeen || element.closest(":disabled, noscript")) continue;
    const style = getComputedStyle(element);
    let ground = element;
    const painted = (one) => getComputedStyle(one).backgroundColor;
    while (/^rgba.*, 0\\)$|transparent/.test(painted(ground))) ground = ground.parentElement;
    found.push([walker.currentNode.data.trim(), style.color, painted(ground),
                parseFloat(style.fontSize), parseInt(style.fontWeight)]);
  }
  return found;
}"""


@pytest.fixture(scope="module")
def browser(invented: ModuleType) -> Iterator[Any]:
    path = invented.chromium()
    if path is None:
        pytest.skip("needs Chromium, which isn't on this machine; apt-get install chromium")
    with sync_api.sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield started
        started.close()


@pytest.fixture
def opened(browser: Any) -> Iterator[Callable[..., Any]]:
    """Opens a page of a server; an error in its script fails the test."""
    contexts, errors = [], []

    def open_page(url: str, *, context: Any = None, width: int = 1280, height: int = 800, **more: Any) -> Any:
        context = context or browser.new_context(viewport={"width": width, "height": height}, **more)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(10_000)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("dialog", lambda dialog: (errors.append(dialog.message), dialog.dismiss()))
        page.goto(url)
        sync_api.expect(page.locator("#where")).to_contain_text("Item")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert errors == []


def place(page: Any) -> str:
    return str(page.locator("#where").inner_text())


def caption(page: Any) -> str:
    return str(page.locator("#caption").inner_text())


def press(page: Any, *keys: str) -> None:
    """Keys on an item that has been looked at for a moment."""
    page.wait_for_timeout(160)
    for key in keys:
        page.keyboard.press(key)


def label(page: Any, *keys: str) -> str:
    """Label the item that is shown, wait until another is; returns the caption that was labelled."""
    before, shown = place(page), caption(page)
    press(page, *keys)
    sync_api.expect(page.locator("#where")).not_to_have_text(before)
    return shown


def labels_by_caption(invented: ModuleType, server: Any) -> dict[str, tuple[str | None, str | None]]:
    desk = invented.desk(server.folder)
    captions = {failure.query_id: failure.caption for failure in desk.failure_set.failures}
    answers = fold(desk.log.read().events).answers
    return {
        captions[key.query_id]: (event.category, event.subtype)
        for key, event in answers.items()
        if event.event is Action.LABEL
    }


def test_a_session_by_keyboard_through_undo_reload_and_a_killed_server(
    opened: Callable[..., Any], server: Any, invented: ModuleType
) -> None:
    page = opened(server.url)
    expect = sync_api.expect
    expected: dict[str, tuple[str, str | None]] = {}
    for number in range(8):
        key = "234567"[number % 6]
        expected[label(page, key)] = (NAME_OF[key], None)
    expected[label(page, "1", "q")] = ("Ambiguous", "underspecified")
    expected[label(page, "w")] = ("Ambiguous", "near_duplicate")
    expected[label(page, "1", "Enter")] = ("Ambiguous", None)
    assert labels_by_caption(invented, server) == expected

    wrong = label(page, "7")
    press(page, "z")
    expect(page.locator("#saved-text")).to_have_text("Took back the label")
    assert caption(page) == wrong
    expected[label(page, "3")] = ("Attribute", None)

    page.reload()
    expect(page.locator("#progress-text")).to_contain_text("12 of 24, ")
    expect(page.locator("#where")).to_have_text("Item 13 of 24")

    server.end(signal.SIGKILL)
    shown = caption(page)
    press(page, "5", "6")  # the second key must not label what is not there yet
    expect(page.locator("#alert-text")).to_contain_text("The server doesn't answer, so this label is not saved yet.")
    expect(page.locator("#saved")).to_have_attribute("data-state", "unsaved")
    assert (place(page), caption(page)) == ("Item 13 of 24", shown)
    server.start()
    expect(page.locator("#where")).to_have_text("Item 14 of 24", timeout=15_000)
    expect(page.locator("#saved-text")).to_have_text("Saved, the server is back")
    expect(page.locator("#alert")).to_be_hidden()
    expected[shown] = ("Count", None)
    assert labels_by_caption(invented, server) == expected

    while not page.locator("#finished").is_visible():
        before, shown = page.locator("#progress-text").inner_text(), caption(page)
        press(page, "2")
        expect(page.locator("#progress-text")).not_to_have_text(before)
        expected[shown] = ("Object", None)
    expect(page.locator("#finished-title")).to_have_text("All 24 items are labelled")
    assert labels_by_caption(invented, server) == expected
    assert len(expected) == 24
    times = [event.seconds for event in invented.desk(server.folder).log.read().events if event.event is Action.LABEL]
    assert all(seconds is not None and 0.15 <= seconds < 60 for seconds in times)
    events = invented.desk(server.folder).log.read()
    assert (len(events.events), events.damaged_lines) == (26, ())  # 24, and one that was taken back


def test_looking_back_skipping_and_notes(opened: Callable[..., Any], server: Any, invented: ModuleType) -> None:
    page = opened(server.url)
    expect = sync_api.expect
    first = label(page, "2")
    press(page, "ArrowLeft")
    expect(page.locator("#state")).to_have_text("Object")
    expect(page.locator('#categories [aria-pressed="true"]')).to_have_text("2Object")
    press(page, "5")
    expect(page.locator("#where")).to_have_text("Item 2 of 24")
    assert labels_by_caption(invented, server) == {first: ("Count", None)}

    press(page, "n")
    page.keyboard.type("2 of 7? <i>s</i>")  # none of these is a shortcut here
    page.keyboard.press("Enter")
    expect(page.locator("#note-shown")).to_have_text("Note: 2 of 7? <i>s</i>")
    press(page, "n")
    page.keyboard.type("nothing")
    page.keyboard.press("Escape")
    expect(page.locator("#note-shown")).to_have_text("Note: 2 of 7? <i>s</i>")

    skipped = label(page, "s")
    for _ in range(22):
        before = page.locator("#progress-text").inner_text()
        press(page, "4")
        expect(page.locator("#progress-text")).not_to_have_text(before)
    expect(page.locator("#finished-title")).to_have_text("23 labelled, 1 skipped")
    page.locator("#review").press("Enter")
    expect(page.locator("#caption")).to_have_text(skipped)
    expect(page.locator("#state")).to_have_text("Skipped")
    press(page, "6")
    expect(page.locator("#finished-title")).to_have_text("All 24 items are labelled")
    assert labels_by_caption(invented, server)[skipped] == ("Context", None)
    press(page, "ArrowLeft")
    expect(page.locator("#where")).to_have_text("Item 24 of 24")


def test_a_held_key_labels_nothing_and_shortcuts_can_be_turned_off(opened: Callable[..., Any], server: Any) -> None:
    page = opened(server.url)
    page.wait_for_timeout(200)
    repeat = "document.body.dispatchEvent(new KeyboardEvent('keydown', {key: '2', repeat: true, bubbles: true}))"
    page.evaluate(repeat)
    page.keyboard.press("Control+2")
    press(page, "?")
    page.locator("#shortcuts").uncheck()
    page.keyboard.press("Escape")
    press(page, "2")
    page.wait_for_timeout(200)
    assert place(page) == "Item 1 of 24"
    assert page.locator("#progress-text").inner_text() == "0 of 24"
    page.locator("#categories button").nth(1).press("Enter")  # the buttons still work by Tab and Enter
    sync_api.expect(page.locator("#where")).to_have_text("Item 2 of 24")


def test_the_guide_holds_the_focus_and_gives_it_back(opened: Callable[..., Any], server: Any) -> None:
    page = opened(server.url)
    page.locator("#guide-button").focus()
    page.keyboard.press("?")
    guide = page.locator("#guide")
    sync_api.expect(guide).to_be_visible()
    for text in ("ten-second rule", "Use it when", "Not when", "near duplicate", "Retrieved: "):
        assert text in guide.inner_text()
    page.keyboard.press("PageDown")
    page.wait_for_timeout(500)
    assert page.evaluate("document.querySelector('#guide-body').scrollTop") > 100
    for _ in range(8):
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement === document.body || !!document.activeElement.closest('#guide')")
    page.keyboard.press("3")
    page.keyboard.press("Escape")
    sync_api.expect(guide).to_be_hidden()
    assert page.evaluate("document.activeElement.id") == "guide-button"
    assert page.locator("#progress-text").inner_text() == "0 of 24"


def test_a_key_never_labels_an_item_that_is_not_on_the_screen(
    opened: Callable[..., Any], server: Any, invented: ModuleType
) -> None:
    page = opened(server.url)
    expect = sync_api.expect
    page.wait_for_timeout(300)  # the second item is fetched ahead
    page.route("**/api/items/*", lambda route: route.abort())
    expected = {label(page, "2"): ("Object", None)}
    expected[caption(page)] = ("Attribute", None)
    press(page, "3")
    expect(page.locator("#alert-text")).to_contain_text("The server doesn't answer. Everything so far is on disk;")
    expect(page.locator("#saved-text")).to_have_text("No server")
    press(page, "4", "s", "n")
    assert page.locator("#note-dialog").is_hidden()
    page.unroute("**/api/items/*")
    page.locator("#retry").click()
    expect(page.locator("#where")).to_have_text("Item 3 of 24")
    expect(page.locator("#alert")).to_be_hidden()
    assert labels_by_caption(invented, server) == expected
    expected[label(page, "5")] = ("Count", None)
    assert labels_by_caption(invented, server) == expected


def test_two_tabs_stay_in_step_and_lose_nothing(opened: Callable[..., Any], server: Any, invented: ModuleType) -> None:
    first = opened(server.url)
    second = opened(server.url, context=first.context)
    expected = {label(first, "2"): ("Object", None)}
    sync_api.expect(second.locator("#where")).to_have_text("Item 2 of 24")
    expected[label(second, "3")] = ("Attribute", None)
    sync_api.expect(first.locator("#where")).to_have_text("Item 3 of 24")
    expected[label(first, "4")] = ("Action", None)
    assert labels_by_caption(invented, server) == expected


def test_a_caption_is_text_whatever_it_says(opened: Callable[..., Any], served: Callable[..., Any]) -> None:
    page = opened(served(HOSTILE).url)
    assert caption(page).startswith(HOSTILE)
    page.keyboard.press("n")
    page.keyboard.type(HOSTILE)
    page.keyboard.press("Enter")
    sync_api.expect(page.locator("#note-shown")).to_have_text(f"Note: {HOSTILE}")
    assert page.locator("#caption img, #caption script, #caption b, #note-shown *").count() == 0
    assert {"two", "red", "kites"} <= set(page.locator("#caption .fact").all_inner_texts())
    styles = "els => els.map(el => getComputedStyle(el)).map(s => s.backgroundColor + s.textDecorationColor)"
    assert len(set(page.locator("#caption .fact").evaluate_all(styles))) == 1
    press(page, "h")
    assert page.locator("#caption .fact").count() == 0
    assert caption(page).startswith(HOSTILE)


@pytest.mark.parametrize("width", [320, 375, 768])
def test_a_small_screen_is_enough(width: int, opened: Callable[..., Any], server: Any) -> None:
    page = opened(server.url, width=width, height=640, has_touch=True)
    for keys in ((), ("1",)):
        press(page, *keys)
        assert page.evaluate("document.documentElement.scrollWidth") == width
        boxes = [button.bounding_box() for button in page.locator("button:visible").all()]
        assert len(boxes) > 8
        assert min(min(box["width"], box["height"]) for box in boxes) >= 44
    press(page, "Escape")
    page.locator("#categories button").nth(1).tap()
    sync_api.expect(page.locator("#where")).to_have_text("Item 2 of 24")


def luminance(colour: tuple[float, ...]) -> float:
    linear = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in colour]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(first: str, second: str) -> float:
    """Contrast ratio of two opaque colours as WCAG 2.2 defines it, from 1 to 21."""
    parsed = [tuple(float(number) / 255 for number in re.findall(r"[\d.]+", colour)[:3]) for colour in (first, second)]
    low, high = sorted(luminance(colour) for colour in parsed)
    return (high + 0.05) / (low + 0.05)


def test_the_ratio_is_that_of_the_standard() -> None:
    assert contrast("rgb(0, 0, 0)", "rgb(255, 255, 255)") == pytest.approx(21)
    assert contrast("rgb(119, 119, 119)", "rgb(255, 255, 255)") == pytest.approx(4.48, abs=0.005)  # published for #777


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_stands_out(scheme: str, opened: Callable[..., Any], server: Any) -> None:
    page = opened(server.url, color_scheme=scheme, reduced_motion="reduce")
    page.wait_for_timeout(160)
    painted: list[Any] = []

    def look(*keys: str) -> None:
        press(page, *keys)
        painted.extend(page.evaluate(PAINTED_TEXTS))

    look("n")
    page.keyboard.type("odd")
    look("Enter")
    for keys in (("1",), ("Escape",), ("?",), ("Escape",), ("2",), ("ArrowLeft",)):
        look(*keys)
    server.end()
    look("3")
    sync_api.expect(page.locator("#alert")).to_be_visible()
    look()
    assert len(painted) > 200
    faint = {
        (text, round(contrast(ink, ground), 2))
        for text, ink, ground, size, weight in painted
        if contrast(ink, ground) < (3.0 if size >= 24 or (size >= 18.66 and weight >= 700) else 4.5)
    }
    assert faint == set()
    borders = page.evaluate(
        "[...document.querySelectorAll('.category:not([aria-pressed=true])')].map((one) => "
        "[getComputedStyle(one).borderBottomColor, getComputedStyle(one).backgroundColor])"
    )
    assert min(contrast(edge, ground) for edge, ground in borders) >= 3.0


def test_a_reader_is_told_what_is_shown_and_what_happened(opened: Callable[..., Any], server: Any) -> None:
    page = opened(server.url)
    announced = page.locator('[role="status"]')
    sync_api.expect(announced).to_contain_text(f"Item 1 of 24. Caption: {caption(page)}")
    named = page.locator("#target img, #retrieved img")
    assert [image.get_attribute("alt") for image in named.all()] == [
        "Target: the image that the caption describes",
        "Retrieved: the image that the model found instead",
    ]
    for button in page.get_by_role("button").all():
        assert button.inner_text().strip()
    group = page.get_by_role("group", name="What does the retrieved image get wrong?")
    assert group.get_by_role("button").count() == 7
    assert page.get_by_role("progressbar", name="Items labelled").count() == 1
    label(page, "2")
    sync_api.expect(announced).to_contain_text("Item 2 of 24. Caption: ")
    press(page, "z")
    sync_api.expect(announced).to_contain_text("Took back the label of item 1.")
    started = time.monotonic()
    server.end()
    press(page, "2")
    sync_api.expect(page.get_by_role("alert")).to_contain_text("The server doesn't answer")
    assert time.monotonic() - started < 10
