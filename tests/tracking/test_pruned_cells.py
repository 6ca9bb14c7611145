"""A cell that was cut short, logged and read back, and never taken for a finished one."""

from pathlib import Path

import numpy as np
import pandas as pd

from misfire.failures import Selection
from misfire.methods.retrieval.ensemble.cell import Cell
from misfire.methods.retrieval.search.objective import objective_named
from misfire.methods.retrieval.search.pruning import PrunedCell
from misfire.prompts import TemplateSet
from misfire.scoring import LogMeanExpPooling
from misfire.stats import StatisticsSettings
from misfire.tracking import TrackingStore, log_pruned_cell, pruned_id, read_cells, read_pruned_records
from tests.methods.retrieval import invented

OBJECTIVES = [objective_named(name, k=1) for name in ("gain", "broken")]


def pruned_cell(tau: float = 0.05) -> PrunedCell:
    cell = Cell(
        dataset=invented.dataset(),
        backbone_fingerprint="b" * 64,
        subset=Selection(
            name="object",
            positions=np.array([0, 1]),
            how_chosen="by hand",
            is_failure_mined=True,
            categories=("Object",),
        ),
        complement=np.array([2, 3, 4]),
        template_set=TemplateSet("two", ("{caption}", "a photo of {caption}")),
        pooling=LogMeanExpPooling(tau=tau),
        ks=(1,),
        statistics=StatisticsSettings(num_replicates=100, confidence=0.9, seed=1),
    )
    records = pd.DataFrame(
        {
            "query_id": [1000, 1010],
            "image_id": [100, 101],
            "part": "subset",
            "baseline_rank": 2,
            "ensembled_rank": [1, 3],
        }
    )
    return PrunedCell(cell, bound=(50.0, 1.25), rival=(60.0, 1.0), num_asked=2, records=records)


def log(store: TrackingStore, folder: Path, pruned: PrunedCell) -> str:
    folder.mkdir()
    return log_pruned_cell(
        store,
        pruned,
        OBJECTIVES,
        backbone="tiny",
        config_yaml="seed: 42\n",
        settings={"seed": "42", "side": "dev"},
        folder=folder,
    )


def test_its_outcomes_are_read_back_by_the_cells_id(store: TrackingStore, tmp_path: Path) -> None:
    one, other = pruned_cell(), pruned_cell(tau=0.1)
    for name, pruned in (("one", one), ("other", other)):
        log(store, tmp_path / name, pruned)
    found = read_pruned_records(store)
    assert list(found) == [one.cell.id, other.cell.id]
    assert found[one.cell.id].equals(one.records)


def test_it_says_why_it_was_cut_short_and_is_no_cell(store: TrackingStore, tmp_path: Path) -> None:
    pruned = pruned_cell()
    run = store.client.get_run(log(store, tmp_path / "a", pruned))
    assert run.info.run_name == "object · logmeanexp tau=0.05 · two · pruned"
    assert run.data.tags["misfire.kind"] == "pruned"
    assert run.data.tags["mlflow.note.content"] == (
        "Not run to its end: gain at most 50.00, broken at least 1.25, beaten by gain 60.00, broken 1.00."
    )
    assert run.data.metrics == {"bound/gain": 50.0, "bound/broken": 1.25, "rival/gain": 60.0, "rival/broken": 1.0}
    assert (run.data.params["tau"], run.data.params["others_asked"], run.data.params["side"]) == ("0.05", "2", "dev")
    assert {artifact.path for artifact in store.client.list_artifacts(run.info.run_id)} == {
        "config.yaml",
        "subset.parquet",
    }
    assert read_cells(store) == []
    with store.claimed(pruned.cell.id) as finished:
        assert finished is None
    with store.claimed(pruned_id(pruned.cell.id)) as logged:
        assert logged is not None
        assert logged.info.run_id == run.info.run_id
