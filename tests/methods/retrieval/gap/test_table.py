import csv
import io

from misfire.cells import Estimate
from misfire.methods.retrieval.ensemble.measured import HIT
from misfire.methods.retrieval.gap.logged import LoggedGap
from misfire.methods.retrieval.gap.table import gap_table
from misfire.methods.retrieval.gap.words import gap_sentence
from misfire.reporting.table import to_csv, to_markdown
from tests.methods.retrieval.finished import logged
from tests.methods.retrieval.gap.invented_gap import GAP


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


def test_the_words_say_what_is_sure_and_how_sure_that_is() -> None:
    said = gap_sentence(GAP)
    assert (
        "Better than the plain caption: predicted (zero-shot); worse: same for all; behind the oracle: same for all "
        in (said)
    )
    assert "behind the oracle: same for all and predicted (zero-shot) and gated (zero-shot). The intervals" in said
    assert said.endswith("those of all 4 systems hold at once in 95% of comparisons like this.")
    assert "can't be told from none" not in said


def test_the_words_say_where_the_oracle_gains_nothing_sure() -> None:
    doubtful = Estimate(HIT, 0.01, 5, "oracle/net", "difference", -0.01, 0.03)
    rows = [doubtful if row.key == doubtful.key else row for row in GAP.logged.estimates]
    said = gap_sentence(LoggedGap(logged("gap", GAP.logged.facts, rows)))
    assert "Better than the plain caption: predicted (zero-shot);" in said
    assert ". The oracle's own change can't be told from none. Better" in said
