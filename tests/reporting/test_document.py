"""A report as files: what is empty is left out, and the text says what the page says."""

from pathlib import Path

from misfire.reporting.abstract import Abstract
from misfire.reporting.conclusion import Conclusion, Statement
from misfire.reporting.document import Document
from misfire.reporting.section import Section
from misfire.reporting.table import Column, Entry, Table

ABSTRACT = Abstract("Title", "Question?", "Rule.", "Answer.")
TABLE = Table("numbers", "Some numbers.", (Column("n", ("n",)),), ((Entry("1", (1,)),),), "A note.")


def test_sections_stand_in_their_order_and_empty_ones_nowhere(tmp_path: Path) -> None:
    sections = (
        Section("b", "Beyond", ("It goes on.",)),
        Section("e", "Empty"),
        Section("a", "All", tables=(TABLE,)),
    )
    said = Conclusion((Statement("Luck?", "No."),), "This.", "That.", "None.")
    document = Document(ABSTRACT, sections, conclusion=said, method=("By hand.",))
    written = document.write(tmp_path)
    assert [path.relative_to(tmp_path).as_posix() for path in written] == [
        "report.html",
        "report.md",
        "tables/numbers.md",
        "tables/numbers.tex",
        "tables/numbers.csv",
    ]
    text = (tmp_path / "report.md").read_text()
    headings = [line for line in text.splitlines() if line.startswith("#")]
    assert headings == ["# Title", "## In plain words", "## Beyond", "## All", "## How each number was made"]
    assert "**None.**\n\nNo.\n\n**May be concluded.** This.\n\n**May not.** That." in text
    assert "It goes on." in text
    page = (tmp_path / "report.html").read_text()
    assert page.index("Beyond") < page.index("All") < page.index("Some numbers.")
    assert "Empty" not in page
