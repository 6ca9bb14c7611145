from misfire.methods.retrieval.ensemble.report.rows import cell_row
from tests.tracking.cell_results import cell_result


def test_a_row_says_what_the_cell_said() -> None:
    result = cell_result()
    row = cell_row(result.outcome, result.replicates, run_url=None)
    assert row.num_queries == 10
    assert row.baseline_hits == {1: 1, 5: 1, 10: 1}
    assert row.ensembled_hits == {1: 1, 5: 3, 10: 6}
    assert row.delta(5) == 0.2
    assert (row.complement_fixed[10], row.complement_broken[10]) == (1, 2)
    assert row.net_of_all[5] == (2 - 0.05 * 200) / 210
    assert row.bootstrap[10].p_positive == 0.9
