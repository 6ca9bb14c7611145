"""The evidence table where labels are in doubt."""

from dataclasses import replace

import numpy as np

from misfire.core.words import UNDEFINED
from misfire.methods.retrieval.ensemble.label_noise import NoisyGain
from misfire.methods.retrieval.ensemble.report.evidence_table import evidence_table
from misfire.methods.retrieval.ensemble.report.rows import cell_row
from tests.evaluation.outcomes import cutoff, outcome

REPLICATES = {10: np.zeros(3)}


def test_label_noise_has_a_column_where_it_is_known() -> None:
    noisy = replace(cutoff(10), label_noise=NoisyGain(-0.125, 0.3, 0.05, 0.1, 180))
    rows = [
        cell_row(outcome(noisy), REPLICATES, run_url=None),
        cell_row(outcome(cutoff(10), cell_id="b" * 64), REPLICATES, run_url=None),
    ]
    table = evidence_table(rows, 10)
    assert table is not None
    (place,) = [place for place, column in enumerate(table.columns) if column.group == "Label noise (pp)"]
    assert [row[place].text for row in table.rows] == ["[-12.50, 30.00]", UNDEFINED]
    assert evidence_table(rows[1:], 10) is None
