import csv
import io

from misfire.evaluation import gap_sentence
from misfire.reporting.gap_table import gap_table
from misfire.reporting.table import to_csv, to_markdown
from tests.reporting.invented_gap import GAP


def test_every_system_has_a_row_with_its_flips_and_its_net() -> None:
    lines = to_markdown(gap_table(GAP)).splitlines()
    assert (
        "| 5 | oracle † | 25 % | 5→7 | 3 | 1 | 100→100 | 0 | 0 | +3.00 [2.00, 4.00] | +0.00 [-1.00, 1.00] |  |" in lines
    )
    assert any(line.startswith("| 5 | predicted (zero-shot) |") and line.endswith("| 7/12 |") for line in lines)
    assert sum(line.startswith("| 5 |") for line in lines) == len(GAP.systems)


def test_the_file_has_the_unrounded_numbers() -> None:
    rows = list(csv.DictReader(io.StringIO(to_csv(gap_table(GAP)))))
    assert [float(row["net"]) for row in rows] == [0.0, -0.02, 0.03, 0.015, 0.005]
    assert [row["others_broken"] for row in rows] == ["0", "5", "0", "2", "1"]


def test_the_sentence_says_what_is_sure_and_what_is_not() -> None:
    said = gap_sentence(GAP)
    assert "surely better than the plain caption: predicted (zero-shot)," in said
    assert "surely worse: same for all" in said
    assert "surely behind the oracle: same for all and predicted (zero-shot) and gated (zero-shot)" in said
