"""Compare measured retrieval with published results of the same backbone on the same data."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from misfire.methods.retrieval.baseline.published import Comparison, PublishedResult


def run(words: Sequence[str]) -> int:
    """Measure, compare and print; 0 if everything agrees, 1 otherwise."""
    from misfire.cells import run_cell
    from misfire.config import Settings
    from misfire.methods.retrieval.baseline.published import compare_with, published_results

    settings = Settings.of_words("verify", words)
    # Whether there is anything to compare with is known before an hour of encoding.
    published = published_results(settings["backbone"].name, settings["dataset"])
    own = Settings.of_words("evaluate", words)
    cell = own.cell()
    logged, _ = run_cell(cell, own.lab, own["tracking"], config=own.to_yaml, words=("evaluate", *words))
    measured = {row.tracked_name: row.value for row in logged.estimates}
    compared = [(result, compare_with(result, measured)) for result in published]
    for result, comparisons in compared:
        _print(result, comparisons)
    return 0 if all(one.agrees for _, comparisons in compared for one in comparisons) else 1


def _print(result: "PublishedResult", comparisons: "Sequence[Comparison]") -> None:
    from misfire.methods.retrieval.baseline.published import TOLERANCE_PP

    print(f"{result.backbone} on {result.data}")
    print(f"  published in {result.citation}")
    print(f"  {'':<14} {'measured':>9} {'published':>10} {'difference':>12}")
    for comparison in comparisons:
        verdict = "agrees" if comparison.agrees else "DIFFERS"
        print(
            f"  {comparison.measure:<14} {comparison.measured:9.4f} {comparison.published:10.4f} "
            f"{comparison.difference_pp:+9.2f} pp  {verdict}"
        )
    num_agreeing = sum(comparison.agrees for comparison in comparisons)
    print(f"  {num_agreeing} of {len(comparisons)} agree within {TOLERANCE_PP} percentage points")
