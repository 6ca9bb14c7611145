"""What stands beside a gain and a hit rate, as a user gets it."""

import pandas as pd
import pytest

from misfire.methods.retrieval.ensemble.logged import LoggedEnsemble
from tests.end_to_end.conftest import Place

pytestmark = [pytest.mark.end_to_end, pytest.mark.usefixtures("undrawn")]


def test_evaluate_bounds_what_it_measures(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    assert place.misfire("mine") == 0
    folder = place.failure_set
    capsys.readouterr()
    assert place.misfire("evaluate", f"failure_set={folder}") == 0
    printed = capsys.readouterr().out
    (cell,) = place.cells()
    for k in (1, 5, 10):
        bounds = {
            name: cell.estimates.at("t2i/hit", k=k, group=name).value
            for name in ("ceiling", "if_ties_lose", "if_ties_win", "within_fp32", "within_bf16")
        }
        strict = cell.estimates.at("t2i/hit", k=k).value
        assert bounds["if_ties_lose"] <= strict <= bounds["if_ties_win"]
        assert bounds["within_fp32"] <= bounds["within_bf16"]
        assert f"t2i/hit_at_{k}: at most {bounds['ceiling']:.4f} by the texts alone" in printed
        (lenient,) = [line for line in printed.splitlines() if f"captions t2i/hit_at_{k} is about" in line]
        assert f"with them {strict:.4f} (Ambiguous: " in lenient


def test_a_gain_is_confirmed_on_the_images_that_were_not_mined(place: Place) -> None:
    words = ("ensemble", "subset=failures", "templates=generic", "pooling=mean", "mined_share=0.5")
    assert place.misfire(*words) == 0
    (cell,) = place.cells()
    view = LoggedEnsemble(cell)
    assert "of 0.5 of the images, the others kept to confirm on" in view.how_chosen
    num_queries = view.flips(10, "confirm/queries").num_units
    assert view.how_confirmed.startswith(f"{num_queries} sampled captions of 100 of 200 images")
    for k in view.ks:
        assert view.flips(k, "confirm/queries").num_units == num_queries
        assert 0 < view.flips(k, "confirm/failures").num_units < num_queries < 50  # about a half of 50
        confirmed = view.at("confirm/queries/delta", k)
        assert confirmed.low <= confirmed.value <= confirmed.high
        assert {view.at(f"placebo_{kind}", k).unit for kind in ("noise", "paraphrase")} == {"difference"}
        assert sum(view.flips(k, f"category/{name}").num_units for name in view.category_sizes) == 40
        assert view.flips(k, "without_ambiguous").num_units < 40
    assert place.misfire("report", f"tracking.experiment={place.experiment}") == 0
    table = pd.read_csv(place.report / place.experiment / "tables" / "evidence.csv")
    assert (table["confirmed_gain"] == view.at("confirm/queries/delta", 10).value).all()
