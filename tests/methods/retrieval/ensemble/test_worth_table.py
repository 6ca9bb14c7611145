"""What a gain is worth: what is known is shown, and a dash stands where it isn't."""

from misfire.cells import Estimate
from misfire.core.words import UNDEFINED
from misfire.methods.retrieval.ensemble.measured import HIT
from misfire.methods.retrieval.ensemble.worth_table import worth_table
from misfire.reporting.table import Table
from tests.methods.retrieval.finished import cut_off, ensemble


def texts(table: Table, header: str, group: str) -> list[str]:
    place = next(i for i, column in enumerate(table.columns) if (column.header, column.group) == (header, group))
    return [row[place].text for row in table.rows]


def test_label_noise_has_a_column_where_it_is_known() -> None:
    noise = Estimate(HIT, 0.1, 10, "label_noise", "difference", -0.125, 0.3, 180)
    rows = [ensemble(cut_off(10, more=[noise])), ensemble(cut_off(10), cell_id="b" * 64)]
    table = worth_table(rows, 10)
    assert table is not None
    assert texts(table, "Interval", "Label noise (pp)") == ["[-12.50, 30.00]", UNDEFINED]
    without = worth_table(rows[1:], 10)
    assert without is None or not any(column.group == "Label noise (pp)" for column in without.columns)


def test_what_is_known_is_shown_and_dashes_stand_where_it_is_not() -> None:
    band = Estimate(HIT, 0.0, 10, "placebo_noise", "difference", -0.05, 0.1)
    chance = Estimate(HIT, 0.01, 10, "placebo_noise/p_at_least")
    rich = ensemble(cut_off(10, net=(-0.01, 0.03), more=[band, chance]))
    table = worth_table([rich, ensemble(cut_off(10), cell_id="b" * 64)], 10)
    assert table is not None
    assert texts(table, "Band", "Placebo: noise") == ["[-5.00, 10.00]", UNDEFINED]
    assert texts(table, "P", "Placebo: noise") == ["0.010", UNDEFINED]
    assert texts(table, "Interval", "All queries (pp)") == ["[-1.00, 3.00]", UNDEFINED]
    assert not any("Unmined" in column.group for column in table.columns)
    assert "Noise is systems of equal quality" in table.note
    for unshown in ("Paraphrases", "Unmined", "Ambiguous", "Label noise", "ceiling"):
        assert unshown not in table.note
