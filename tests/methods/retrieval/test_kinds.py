"""Cells of retrieval: what names them, what it costs to name them, and that a finished one isn't run again."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from misfire.cells import Cell, Lab, Question, run_cell
from misfire.core.errors import UsageError
from misfire.data import Dataset
from misfire.embeddings import EmbeddingStore, TrainerSettings
from misfire.failures import AllFailures, AllQueries, CategorySubset
from misfire.methods.retrieval import (
    AttributionCell,
    BaselineCell,
    EnsembleCell,
    GapCell,
    GapSystems,
    GatedTemplates,
    LexicalRouter,
    MarginGate,
    OutOfFoldRouter,
    PredictedTemplates,
    ProfileCell,
    TauGrid,
)
from misfire.prompts import MatchedTemplates, TemplateSet
from misfire.scoring import LogMeanExpPooling, MaxPooling, MeanPooling
from misfire.stats import StatisticsSettings
from tests.cells.memory_ledger import MemoryLedger
from tests.methods.retrieval import invented
from tests.methods.retrieval.ensemble.written_report import NoData
from tests.methods.retrieval.plain_settings import PlainSettings

SETS = {name: TemplateSet(name, ("{caption}", f"a {name}: {{caption}}")) for name in invented.CATEGORIES}
PREDICTED = PredictedTemplates(SETS, LexicalRouter({name: name for name in SETS}))
TRAINED = PredictedTemplates(SETS, OutOfFoldRouter(num_folds=2, seed=0), name="trained")


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    store = EmbeddingStore(tmp_path / "embeddings")
    return Lab(root=tmp_path, store=store, trainer=TrainerSettings(accelerator="cpu", batch_size=64))


def values(**changed: Any) -> dict[str, Any]:
    plain: dict[str, Any] = {
        "dataset": invented.dataset(),
        "backbone": invented.HashEncoder(),
        "subset": AllFailures(),
        "templates": invented.TEMPLATES,
        "pooling": MeanPooling(),
        "statistics": StatisticsSettings(num_replicates=50, confidence=0.9, seed=1),
        "failure_set": None,
        "taxonomy": None,
        "num_failures": 12,
        "mined_share": 1.0,
        "seed": 3,
        "ks": [1, 3],
        "complement.num_queries": "all",
        "side": None,
        "dev_share": 0.5,
        "split_seed": 3,
    }
    return {**plain, **changed}


def ensemble(lab: Lab, **changed: Any) -> EnsembleCell:
    return EnsembleCell.configured(PlainSettings(values(**changed), lab))


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"subset": CategorySubset(["object", "action"]), "templates": MatchedTemplates(SETS)},
        {"templates": PREDICTED},
        {"templates": TRAINED},
        {"templates": GatedTemplates(PREDICTED, MarginGate())},
        {"side": "dev"},
    ],
    ids=["mined", "matched", "predicted", "trained", "gated", "side"],
)
def test_a_finished_cell_that_is_issued_again_embeds_and_mines_nothing(
    changed: Mapping[str, Any], lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = MemoryLedger()
    first = ensemble(lab, **changed)
    assert first.design.encoder.num_encoded == []  # type: ignore[attr-defined]
    assert not (tmp_path / "failures").exists()
    logged, is_new = run_cell(first, lab, ledger, config=str)
    assert is_new
    assert first.design.encoder.num_encoded  # type: ignore[attr-defined]

    elsewhere = tmp_path / "elsewhere"
    other = Lab(root=elsewhere, store=EmbeddingStore(elsewhere / "embeddings"), trainer=lab.trainer)
    monkeypatch.setattr(Lab, "bench", lambda *_: pytest.fail("a finished cell needs no embedding"))
    again = ensemble(other, **changed)
    assert run_cell(again, other, ledger, config=str) == (logged, False)
    assert again.design.encoder.num_encoded == []  # type: ignore[attr-defined]
    assert not elsewhere.exists()


SCIENTIFIC: dict[str, dict[str, Any]] = {
    "dataset": {"dataset": invented.dataset(last_text="another text")},
    "backbone": {"backbone": invented.HashEncoder(weights="other")},
    "queries": {"subset": AllQueries()},
    "categories": {"subset": CategorySubset(["object"])},
    "more failures": {"num_failures": 13},
    "mined share": {"mined_share": 0.5},
    "seed": {"seed": 4},
    "others": {"complement.num_queries": 5},
    "no others": {"complement.num_queries": 0},
    "side": {"side": "dev"},
    "other side": {"side": "test"},
    "dev share": {"side": "dev", "dev_share": 0.4},
    "split seed": {"side": "dev", "split_seed": 4},
    "a template": {"templates": TemplateSet("three", ("{caption}", "a photo of {caption}", "shown: {caption}"))},
    "gold templates": {"templates": TemplateSet("three", invented.TEMPLATES.templates, is_oracle=True)},
    "predicted templates": {"templates": PREDICTED},
    "another router": {"templates": TRAINED},
    "gate": {"templates": GatedTemplates(PREDICTED, MarginGate())},
    "another gate": {"templates": GatedTemplates(PREDICTED, MarginGate(num_folds=3))},
    "pooling": {"pooling": MaxPooling()},
    "tau": {"pooling": LogMeanExpPooling(1.0)},
    "another tau": {"pooling": LogMeanExpPooling(1.01)},
    "ks": {"ks": [1, 6]},
    "replicates": {"statistics": StatisticsSettings(num_replicates=51, confidence=0.9, seed=1)},
}


def test_everything_scientific_changes_the_id(lab: Lab) -> None:
    ids = [ensemble(lab, **changed).id for changed in ({}, *SCIENTIFIC.values())]
    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize(
    "changed",
    [
        {"dataset": invented.dataset("renamed")},
        {"templates": TemplateSet("renamed", invented.TEMPLATES.templates)},
        {"dev_share": 0.3},
    ],
    ids=["dataset", "templates", "no side"],
)
def test_a_name_changes_no_id(changed: dict[str, Any], lab: Lab) -> None:
    assert ensemble(lab, **changed).id == ensemble(lab).id


def test_what_a_cell_is_made_of_is_checked_before_anything_is_done(lab: Lab, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="templates=matched needs a subset with a category"):
        ensemble(lab, templates=MatchedTemplates(SETS))
    with pytest.raises(UsageError, match="a search must ask templates that learn from no hits, got templates=gated"):
        ensemble(lab, templates=GatedTemplates(PREDICTED, MarginGate()), side="dev")
    with pytest.raises(UsageError, match=r"side must be dev, test or null, got 'train'"):
        ensemble(lab, side="train")
    with pytest.raises(UsageError, match=r"complement.num_queries must be >= 0 or all, got -1"):
        ensemble(lab, **{"complement.num_queries": -1})
    assert list(tmp_path.iterdir()) == []


def test_a_sides_cell_asks_that_side_alone(lab: Lab) -> None:
    ledger = MemoryLedger()
    asked = {}
    for side in ("dev", "test"):
        logged, _ = run_cell(ensemble(lab, side=side), lab, ledger, config=str)
        asked[side] = set(logged.records["image_id"])
    assert asked["dev"]
    assert asked["test"]
    assert not asked["dev"] & asked["test"]


def test_a_cell_tells_its_gain_and_what_speaks_against_it(lab: Lab) -> None:
    logged, _ = run_cell(
        ensemble(lab, subset=CategorySubset(["object", "action"]), templates=MatchedTemplates(SETS)),
        lab,
        MemoryLedger(),
        config=str,
    )
    gain = logged.estimates.at("t2i/hit", k=3, group="delta")
    said = EnsembleCell.tell(logged)
    assert said.startswith(f"object_action · mean · {100 * gain.value:+.1f} pp @3\n")
    assert f"{100 * gain.value:+.2f} pp hit@3 on {gain.n} queries, 90 % bootstrap interval [" in said
    others = logged.estimates.at("t2i/hit", k=3, group="complement/fixed")
    assert f"Elsewhere, on {others.n} of {others.n} other queries, it fixed {others.value:.0f} and broke" in said
    assert "picked because the plain caption fails on them" in said
    assert "an oracle, not a system" in said
    assert json.dumps(logged.facts, allow_nan=False)


def test_about_twenty_numbers_are_tracked(lab: Lab) -> None:
    logged, _ = run_cell(ensemble(lab), lab, MemoryLedger(), config=str)
    metrics = logged.estimates.metrics()
    assert 15 <= len(metrics) <= 25
    assert {"t2i/hit_at_3/delta_pp", "t2i/hit_at_3/delta_low_pp", "t2i/hit_at_1/delta_pp"} <= metrics.keys()
    assert next(iter(metrics)) == "t2i/hit_at_3/delta_pp"


@dataclass
class ShortSighted(invented.HashEncoder):
    """Reads texts of up to 16 letters."""

    def is_truncated(self, texts: Sequence[str]) -> np.ndarray:
        return np.array([len(text) > 16 for text in texts])


SYSTEMS = GapSystems(
    SETS, TemplateSet("generic", ("{caption}", "a photo of {caption}")), (PREDICTED.router,), MarginGate()
)
QUESTION = Question("x", "T", "Q?", "", None, 42, NoData())
KINDS: dict[str, tuple[type[Cell], dict[str, Any]]] = {
    "baseline": (BaselineCell, {}),
    "ensemble": (EnsembleCell, {}),
    "profile": (ProfileCell, {"pooling": TauGrid(0.01, 1.0, 3)}),
    "attribution": (AttributionCell, {}),
    "gap": (GapCell, {"templates": SYSTEMS}),
}


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_cut_off_is_said_with_the_result_of_every_kind(kind: str, lab: Lab) -> None:
    """The count is of the cell, not of the run that happens to encode the texts, so a filled store changes nothing."""
    made, changed = KINDS[kind]
    data = invented.dataset(last_text="a view of thing 0 once again")
    asked = PlainSettings(values(dataset=data, backbone=ShortSighted(), **changed), lab)
    first, _ = run_cell(made.configured(asked), lab, MemoryLedger(), config=str)
    again, _ = run_cell(made.configured(asked), lab, MemoryLedger(), config=str)
    assert first.facts == again.facts
    said = [note for note in first.facts["dataset_notes"] if "longer than the model's 99 tokens" in note]
    assert said[0].startswith("1 of ")
    assert said[0].endswith("captions is longer than the model's 99 tokens: its end is cut off.")
    assert len(said) == 1 if kind == "baseline" else "prompts are longer" in said[1]
    for text in (made.tell(first), str(made.report([first], QUESTION))):
        assert all(note in text for note in said)


@pytest.mark.parametrize("kind", KINDS)
def test_without_captions_or_with_templates_of_classes_nothing_is_begun(kind: str, lab: Lab, tmp_path: Path) -> None:
    made, changed = KINDS[kind]
    silent = Dataset("silent", invented.dataset().images)
    with pytest.raises(UsageError, match="dataset silent has 14 images and no caption"):
        made.configured(PlainSettings(values(dataset=silent, **changed), lab))
    if kind == "baseline":
        return
    of_classes = TemplateSet("zero-shot", ("a photo of a {class}",), placeholder="class")
    templates = replace(SYSTEMS, generic=of_classes) if kind == "gap" else of_classes
    with pytest.raises(UsageError, match="templates must have a place for a caption here, zero-shot has one for a cl"):
        made.configured(PlainSettings(values(**{**changed, "templates": templates}), lab))
    assert list(tmp_path.iterdir()) == []


def test_a_baseline_is_named_and_told(lab: Lab) -> None:
    asked = PlainSettings(values(), lab)
    cell = BaselineCell.configured(asked)
    assert asked.values["backbone"].num_encoded == []
    logged, _ = run_cell(cell, lab, MemoryLedger(), config=str)
    said = BaselineCell.tell(logged)
    row = logged.estimates.at("i2t/hit", k=3)
    assert f"  {row.tracked_name:<22} {row.value:8.4f}  [{row.low:.4f}, {row.high:.4f}]" in said
    assert BaselineCell.configured(PlainSettings(values(ks=[1]), lab)).id != cell.id
    with pytest.raises(UsageError, match="ks must be different cut-offs from 1"):
        BaselineCell.configured(PlainSettings(values(ks=[0]), lab))
