import csv
import io

from misfire.methods.retrieval.gap.figure import oracle_gap_points
from misfire.methods.retrieval.gap.table import gap_table
from misfire.reporting.exhibit import exhibit_files
from tests.reporting.invented_gap import GAP


def test_an_exhibit_is_a_table_twice_and_a_figure_twice_with_one_sentence() -> None:
    files = exhibit_files(gap_table(GAP), oracle_gap_points(GAP), sentence="So it is.")
    table = gap_table(GAP)
    assert list(files) == [f"{table.name}.md", f"{table.name}.csv", "oracle_gap.png", "oracle_gap.svg"]
    markdown, comma, png, svg = files.values()
    assert markdown.decode().endswith("\nSo it is.\n")
    assert b"So it is." not in comma
    assert len(list(csv.reader(io.StringIO(comma.decode())))) == 1 + len(table.rows)
    assert (png[:4], svg[:5]) == (b"\x89PNG", b"<?xml")


def test_equal_exhibits_have_equal_bytes() -> None:
    first, second = (exhibit_files(gap_table(GAP), oracle_gap_points(GAP), sentence=".") for _ in range(2))
    assert first == second
