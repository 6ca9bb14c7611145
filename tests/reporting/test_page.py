from collections.abc import Callable
from html.parser import HTMLParser

from misfire.methods.retrieval.ensemble.logged import LoggedEnsemble
from misfire.methods.retrieval.ensemble.series import listed
from misfire.methods.retrieval.ensemble.tables import improvement_table
from misfire.reporting.abstract import Abstract
from misfire.reporting.conclusion import Conclusion, Statement
from misfire.reporting.page import EmbeddedFigure, PrintedSection, render_page
from misfire.reporting.section import Section

MakeRow = Callable[..., LoggedEnsemble]
ABSTRACT = Abstract("Title", "Question?", "Rule.", "Answer.")
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


def render(rows: list[LoggedEnsemble], abstract: Abstract = ABSTRACT) -> str:
    figure = EmbeddedFigure("one", "A figure.", "Its caption.", b"<svg/>")
    section = Section("gains", "What was gained", ("It was <measured>.",), (improvement_table(rows),))
    return render_page(
        abstract, [PrintedSection(section, (figure,))], about=[("Model", rows[0].backbone)], cells=listed(rows)
    )


def test_page_says_what_was_asked_and_answered(paper_rows: list[LoggedEnsemble]) -> None:
    text = " ".join(read(render(paper_rows)).text)
    for expected in (
        "Title",
        "Question?",
        "Answer.",
        "Rule.",
        "Its caption.",
        "+20.83",
        "\N{MINUS SIGN}41",
        "<measured>",
    ):
        assert expected in text


def test_only_the_first_sentence_of_an_answer_is_loud(paper_rows: list[LoggedEnsemble]) -> None:
    abstract = Abstract("T", "Q?", "R.", "None passes. The best, at tau 0.1, gains nothing.")
    assert "<strong>None passes. </strong>The best, at tau 0.1, gains nothing." in render(paper_rows, abstract)


def test_a_conclusion_is_read_part_by_part() -> None:
    parts = (Statement("Can it be luck?", "It <can>."), Statement("", "And so on."))
    page = render_page(ABSTRACT, [], conclusion=Conclusion(parts, "This.", "That.", "No gain."))
    assert "<strong>No gain.</strong>" in page
    assert "<p><b>Can it be luck?</b> It &lt;can&gt;.</p>" in page
    assert "<p>And so on.</p>" in page
    assert Conclusion(parts, "", "").paragraph == "It <can>. And so on."


def test_tables_and_figures_are_numbered_through_all_sections(paper_rows: list[LoggedEnsemble]) -> None:
    table, figure = improvement_table(paper_rows), EmbeddedFigure("one", "A figure.", "Its caption.", b"<svg/>")
    section = PrintedSection(Section("a", "A", tables=(table,)), (figure,))
    text = " ".join(read(render_page(ABSTRACT, [section, section], cells=listed(paper_rows))).text)
    for expected in ("Table 1.", "Table 2.", "Figure 1.", "Figure 2."):
        assert text.count(expected) == 1


def test_a_table_points_at_listed_cells_only(paper_rows: list[LoggedEnsemble]) -> None:
    section = PrintedSection(Section("a", "A", tables=(improvement_table(paper_rows),)))
    assert 'href="#cells"' in render_page(ABSTRACT, [section], cells=listed(paper_rows))
    assert 'href="#cells"' not in render_page(ABSTRACT, [section])


def test_page_needs_no_network(paper_rows: list[LoggedEnsemble]) -> None:
    page = render(paper_rows)
    reader = read(page)
    elsewhere = [address for address in reader.addresses if not address.startswith(("#", "data:"))]
    assert set(elsewhere) == {"http://127.0.0.1:5000/#/experiments/1/runs/0123"}
    assert "<script" not in page
    assert "@import" not in page


def test_texts_are_escaped_and_scripts_are_no_links(make_row: MakeRow) -> None:
    hostile = "<script>alert(1)</script>"
    rows = [make_row(subset=hostile, backbone=hostile, run_url="javascript:alert(1)")]
    page = render(rows, Abstract(hostile, hostile, hostile, hostile))
    assert "<script" not in page
    assert "javascript:" not in page
    assert hostile in "".join(read(page).text)
