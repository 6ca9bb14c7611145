import json
from dataclasses import replace
from pathlib import Path

import pytest

from misfire.core.errors import IntegrityError
from misfire.methods.retrieval.attribution.outcome import TemplateAttribution
from misfire.tracking import TrackingStore, log_attribution, read_attributions, read_cells
from tests.reporting.invented_gap import ATTRIBUTION


def log(store: TrackingStore, folder: Path, found: TemplateAttribution, **files: bytes) -> str:
    folder.mkdir()
    return log_attribution(
        store,
        found,
        config_yaml="seed: 42\n",
        files={"attribution.md": b"| table |", **files},
        settings={"seed": "42"},
        folder=folder,
    )


def test_attributions_are_read_back_as_they_were_logged(store: TrackingStore, tmp_path: Path) -> None:
    other = replace(ATTRIBUTION, attribution_id="f" * 64, num_orders=200)
    for place, found in enumerate((ATTRIBUTION, other)):
        log(store, tmp_path / str(place), found)
    assert read_attributions(store) == [ATTRIBUTION, other]
    assert read_cells(store) == []


def test_its_run_has_a_number_a_template_and_cut_off(store: TrackingStore, tmp_path: Path) -> None:
    run = store.client.get_run(log(store, tmp_path / "a", ATTRIBUTION))
    assert run.data.metrics == {
        "shapley_pp_at_5/01 caption": -2.0,
        "shapley_pp_at_5/02 see caption": 2.0,
        "shapley_pp_at_10/01 caption": -1.0,
        "shapley_pp_at_10/02 see caption": 5.0,
    }
    assert run.data.params["ks"] == "5 10"
    assert run.info.run_name == ("attribution · object_count · logmeanexp tau=1 · see {caption} +5.0 of +4.0 pp @10")


def test_a_file_of_another_form_is_told_from_one_that_can_be_read(store: TrackingStore, tmp_path: Path) -> None:
    facts = ATTRIBUTION.to_json()
    del facts["cutoffs"]
    run_id = log(store, tmp_path / "a", ATTRIBUTION, **{"attribution.json": json.dumps(facts).encode()})
    with pytest.raises(IntegrityError, match=rf"attribution.json of run {run_id} must have the form that this version"):
        read_attributions(store)
