"""What stands beside a gain and a hit rate, as a user gets it."""

import pytest

from tests.end_to_end.conftest import Place

pytestmark = pytest.mark.end_to_end


def test_evaluate_bounds_what_it_measures(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    assert place.misfire("mine") == 0
    folder = place.failure_set
    capsys.readouterr()
    assert place.misfire("evaluate", f"failure_set={folder}") == 0
    printed = capsys.readouterr().out
    run = next(run for run in place.store("baseline").runs() if "t2i/hit_at_1/ceiling" in run.data.metrics)
    for k in (1, 5, 10):
        bounds = {
            name: run.data.metrics[f"t2i/hit_at_{k}/{name}"]
            for name in ("ceiling", "if_ties_lose", "if_ties_win", "within_fp32", "within_bf16")
        }
        strict = run.data.metrics[f"t2i/hit_at_{k}"]
        assert bounds["if_ties_lose"] <= strict <= bounds["if_ties_win"]
        assert bounds["within_fp32"] <= bounds["within_bf16"]
        assert f"t2i/hit_at_{k}: at most {bounds['ceiling']:.4f} by the texts alone" in printed
        (lenient,) = [line for line in printed.splitlines() if f"captions t2i/hit_at_{k} is about" in line]
        assert f"with them {strict:.4f} (Ambiguous: " in lenient


def test_a_gain_is_confirmed_on_the_images_that_were_not_mined(place: Place) -> None:
    words = ("ensemble", "subset=failures", "templates=generic", "pooling=mean", "mined_share=0.5")
    assert place.misfire(*words) == 0
    (cell,) = place.cells()
    assert "of 0.5 of the images, the others kept to confirm on" in cell.outcome.how_chosen
    for cutoff in cell.outcome.cutoffs:
        found = cutoff.confirmation
        assert found is not None
        num_queries = found.queries.flips.num_queries
        assert found.how_split.startswith(f"{num_queries} sampled captions of 100 of 200 images")
        assert 0 < found.failures.flips.num_queries < num_queries < 50  # of the complement's 50, about a half
        assert {band.kind for band in cutoff.placebos} == {"noise", "paraphrase"}
        assert sum(flips.num_queries for flips in cutoff.by_category.values()) == 40
        assert cutoff.without_ambiguous is not None
        assert cutoff.without_ambiguous.num_queries < 40
    run = place.store().client.get_run(cell.run_id)
    assert "t2i/hit_at_10/confirm_queries/delta_pp" in run.data.metrics
    assert "**Confirmed at 10** on " in run.data.tags["mlflow.note.content"]
