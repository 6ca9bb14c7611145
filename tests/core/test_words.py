from misfire.core.words import interval_percent, percent, percentage_points
from tests.published import table_1


def test_every_published_percentage_is_a_count_that_prints_the_same() -> None:
    for row in table_1():
        total = row["n"]
        for k in (5, 10):
            published = row[f"recall_at_{k}"]
            before, after = (round(published[system] * total / 100) for system in ("baseline", "ensembled"))
            assert percent(before, total) == f"{published['baseline']:.2f}"
            assert percent(after, total) == f"{published['ensembled']:.2f}"
            assert percentage_points((after - before) / total) == f"{published['delta_pp']:+.2f}"


def test_a_delta_is_rounded_once() -> None:
    """51.61 and 53.23 differ by 1.62, but 1 of 62 is 1.61."""
    assert (percent(32, 62), percent(33, 62), percentage_points(1 / 62)) == ("51.61", "53.23", "+1.61")


def test_nothing_prints_as_minus_zero() -> None:
    assert percentage_points(-1e-9) == "+0.00"
    assert interval_percent(-1e-9, 0.0) == "[0.00, 0.00]"
    assert percentage_points(-0.05) == "-5.00"
