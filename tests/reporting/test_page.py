from collections.abc import Callable
from html.parser import HTMLParser

from misfire.reporting import CellRow, improvement_table
from misfire.reporting.page import EmbeddedFigure, render_page
from misfire.reporting.story import Story

MakeRow = Callable[..., CellRow]
STORY = Story("Title", "Question?", "Rule.", "Answer.")
VOID = {"meta", "img", "br"}


class Reader(HTMLParser):
    """Checks the nesting and collects text and addresses."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.text: list[str] = []
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.addresses += [value for name, value in attrs if name in ("href", "src") and value]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def read(page: str) -> Reader:
    reader = Reader()
    reader.feed(page)
    assert reader.open == []
    return reader


def render(rows: list[CellRow], story: Story = STORY) -> str:
    figure = EmbeddedFigure("one", "A figure.", "Its caption.", b"<svg/>")
    return render_page(story, [improvement_table(rows)], [figure], rows)


def test_page_says_what_was_asked_and_answered(paper_rows: list[CellRow]) -> None:
    text = " ".join(read(render(paper_rows)).text)
    for expected in ("Title", "Question?", "Answer.", "Rule.", "Its caption.", "+20.83", "\N{MINUS SIGN}41"):
        assert expected in text


def test_page_needs_no_network(paper_rows: list[CellRow]) -> None:
    page = render(paper_rows)
    reader = read(page)
    elsewhere = [address for address in reader.addresses if not address.startswith(("#", "data:"))]
    assert set(elsewhere) == {"http://127.0.0.1:5000/#/experiments/1/runs/0123"}
    assert "<script" not in page
    assert "@import" not in page


def test_texts_are_escaped_and_scripts_are_no_links(make_row: MakeRow) -> None:
    hostile = "<script>alert(1)</script>"
    rows = [make_row(subset=hostile, backbone=hostile, run_url="javascript:alert(1)")]
    page = render(rows, Story(hostile, hostile, hostile, hostile))
    assert "<script" not in page
    assert "javascript:" not in page
    assert hostile in "".join(read(page).text)
