"""What a reader of a cell's page is told."""

from dataclasses import replace

from misfire.methods.retrieval.flips import Flips
from misfire.tracking.cell_note import note
from tests.methods.retrieval.outcomes import cutoff, outcome, with_evidence


def test_each_gain_stands_beside_what_speaks_against_it() -> None:
    text = note(outcome(with_evidence(1), with_evidence(5)))
    assert (
        "| 5 | 3 | 5 | +20.00 | [5.00, 40.00] | [0.00, 19.00], gain above | [0.00, 30.00], gain within | 2 | 2 | "
        "+2.00 [-2.00, 4.00] |" in text
    )
    assert "a gain here alone proves nothing" in text
    assert "**All queries**: two strata." in text
    assert "**Equals**: the central 95% of what is shown by flips." in text
    assert "**Confirmed at 5** on halves: +20.00 pp [0.00, 30.00] (n = 10) on all of them; +20.00 pp (n = 10)" in text
    assert "**Bounds at 5**: before, 3 hits (2 to 4 by how ties fall; 0 hang on rounding in fp32, 1 in bf16)" in text
    assert "at most 98.00 % in expectation" in text
    assert "less than 6.0e-08 (fp32) or 3.9e-03 (bf16)" in text
    assert "| Ambiguous | 6 | 2 | 1 | +16.67 |" in text
    assert "| a photo of {caption} | 3 | 1 | 1 | 2 |" in text


def test_the_lenient_score_is_told_with_its_strict_twin() -> None:
    text = note(outcome(with_evidence(5)))
    assert "**Without Ambiguous at 5**: 2 of 4 hit, +25.00 pp; with them 5 of 10 hit, +20.00 pp." in text
    nothing_left = replace(with_evidence(5), without_ambiguous=Flips(0, 0, 0, 0))
    assert "every query is Ambiguous; with them 5 of 10 hit, +20.00 pp." in note(outcome(nothing_left))


def test_a_cell_of_an_earlier_version_is_told_without_evidence() -> None:
    text = note(outcome(cutoff(5)))
    assert "| 5 | 3 | 5 | +20.00 | [5.00, 40.00] | - | - | 2 | 2 | +2.00 |" in text
    assert "**Bounds" not in text
    unasked = note(outcome(cutoff(5, others=Flips(0, 0, 0, 0))))
    assert "| 0 | 0 | - |" in unasked


def test_a_bar_in_a_template_stays_in_its_cell() -> None:
    flips = with_evidence(5)
    odd = replace(flips, by_template=(replace(flips.by_template[0], template="{caption} | photo"),))
    assert "| {caption} \\| photo | 3 |" in note(outcome(odd))
