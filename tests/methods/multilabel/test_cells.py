"""Cells of the room, composed as a command composes them, on a small world and in memory."""

import io
import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from misfire.cells import Logged, Question, run_cell
from misfire.config.settings import Settings
from misfire.core.errors import UsageError
from misfire.methods.multilabel import read_mask
from misfire.methods.multilabel.cell import MASK_FILE, RecognitionCell, _TestPrecision
from misfire.methods.multilabel.replicates import MAP
from misfire.metrics import mean_average_precision
from tests.cells.memory_ledger import MemoryLedger

SMALL = [
    "dataset.num_images=150",
    "train.num_images=240",
    "trainer=cpu",
    "statistics.num_replicates=60",
    "training.max_epochs=3",
    "prompting.num_context=2",
]


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("multilabel")


@pytest.fixture(scope="module")
def ledger() -> MemoryLedger:
    return MemoryLedger()


@pytest.fixture(scope="module")
def run(root: Path, ledger: MemoryLedger) -> Any:
    def issue(*words: str) -> Logged:
        settings = settings_of(root, *words)
        logged, _ = run_cell(settings.cell(), settings.lab, ledger, config=settings.to_yaml)
        return logged

    return issue


def settings_of(root: Path, *words: str) -> Settings:
    given = [word for word in SMALL if not ("num_context" in word and any("vision" in w or "zero" in w for w in words))]
    return Settings.of_words("multilabel", [*given, f"paths.root={root}", *words])


@pytest.fixture(scope="module")
def all_four(run: Any) -> list[Logged]:
    methods = ("dual_coop", "positive_coop", "negative_coop", "vision_only")
    return [run(f"prompting={name}", f"labels.fraction={share}") for name in methods for share in (0.4, 0.8)]


def test_estimates_are_those_of_the_records(all_four: list[Logged]) -> None:
    for logged in all_four:
        records, names = logged.records, logged.facts["classes"]
        scores, labels = (records[column].to_numpy().reshape(-1, len(names)) for column in ("score", "label"))
        found = mean_average_precision(scores, labels)
        assert logged.estimates.at(MAP).value == pytest.approx(found.mean)
        per_class = [logged.estimates.at("average_precision", group=name).value for name in names]
        np.testing.assert_allclose(per_class, found.per_class)
        floor = mean_average_precision(records["floor"].to_numpy().reshape(-1, len(names)), labels).mean
        gain = logged.estimates.at(MAP, group="gain_over_zero_shot")
        assert gain.value == pytest.approx(found.mean - floor)
        assert gain.low <= gain.high


def test_artifacts_say_what_was_known_and_how_it_went(all_four: list[Logged], tmp_path: Path) -> None:
    logged = all_four[2]
    (tmp_path / "mask.csv").write_bytes(logged.read(MASK_FILE))
    partial = read_mask(tmp_path / "mask.csv", logged.facts["classes"])
    known = list(logged.facts["known_fraction"].values())
    np.testing.assert_allclose((partial != 0).mean(axis=0), known)
    assert np.mean(known) == pytest.approx(0.4, abs=0.05)
    curve = pd.read_csv(io.BytesIO(logged.read("curve.csv")))
    assert curve["epoch"].tolist() == [1, 2, 3]
    assert {"loss", "validation_map", "learning_rate_contexts", "validation_ap_star"} <= set(curve.columns)
    best = curve.loc[curve["validation_map"].idxmax(), "epoch"]
    assert logged.facts["chosen_epoch"] == best
    assert set(logged.facts["similarity"]) == set(logged.facts["classes"])
    assert "similarity" not in all_four[-1].facts  # a projector has no embeddings


def test_its_curves_can_be_watched_while_it_trains(all_four: list[Logged], ledger: MemoryLedger) -> None:
    for logged in all_four:
        curve = pd.read_csv(io.BytesIO(logged.read("curve.csv")))
        watched = ledger.watched[logged.id]
        assert [len(one["training/loss"]) for one in watched] == [1, 2, 3]
        np.testing.assert_allclose(watched[-1]["training/loss"], curve["loss"])
        np.testing.assert_allclose(watched[-1]["training/validation_ap/star"], curve["validation_ap_star"])
        assert any(name.startswith("training/learning_rate_") for name in watched[0])


def test_errors_of_a_class_are_a_slice(all_four: list[Logged], ledger: MemoryLedger, tmp_path: Path) -> None:
    from misfire.cells import read_slice

    logged = all_four[2]
    files = [name for name in ledger.files[logged.id] if name.startswith("errors_")]
    assert files
    (tmp_path / "slice.json").write_bytes(logged.read(files[0]))
    found = read_slice(tmp_path / "slice.json")
    name = found.name.partition(":")[0]
    of_class = logged.records[logged.records["class"] == name]
    wrong = of_class[(of_class["score"] > 0) != (of_class["label"] == 1)]
    assert list(found.members) == sorted(wrong["image"].tolist())
    assert found.is_chosen_by_failing


def test_images_before_and_after_are_paired(all_four: list[Logged]) -> None:
    paired = RecognitionCell.paired(all_four[0], k=None)
    assert paired is not None
    assert len(paired.unit) == 150
    assert ((paired.after >= 0) & (paired.after <= 1)).all()


def test_a_page_answers_with_a_number_and_an_interval(all_four: list[Logged], root: Path) -> None:
    question = Question("multilabel", "title", "question", "rule", None, 0, settings_of(root))
    part = RecognitionCell.report(all_four, question)
    assert part.decides
    assert part.answer.startswith("Negative prompts ")
    assert "points [" in part.answer
    assert "vision-only baseline" in part.answer
    assert part.conclusion is not None
    assert part.conclusion.verdict in part.answer
    figures = {one.name for section in part.sections for one in section.illustrations}
    assert {"multilabel_fractions", "multilabel_parameters", "multilabel_similarity"} <= figures
    rows = {table.name: len(table.rows) for section in part.sections for table in section.tables}
    assert rows == {"multilabel_accuracy": 8, "multilabel_cost": 4, "multilabel_classes": 16}


def test_what_own_and_shared_contexts_cost_is_told_together(run: Any, root: Path, all_four: list[Logged]) -> None:
    shared = [
        run(f"prompting={name}", "labels.fraction=0.8", "prompting.class_specific=false")
        for name in ("dual_coop", "positive_coop")
    ]
    question = Question("multilabel", "title", "question", "rule", None, 0, settings_of(root))
    part = RecognitionCell.report([*all_four, *shared], question)
    assert part.answer.startswith("Worth the parameters, since nothing that learns as few is more accurate: ")
    found = {logged.name.partition(" · 0.")[0]: logged for logged in (*all_four[1::2], *shared)}
    own, few = (found[f"dual_coop · 2 {which}"].estimates for which in ("own", "shared"))
    change = f"{100 * (few.at(MAP).value - own.at(MAP).value):+.2f} ["
    assert "With 2 shared tokens in place of 2 own tokens DualCoOp learns 16.0 times fewer numbers" in part.answer
    assert f"its mAP changes by {change}" in part.answer
    (cost,) = (section for section in part.sections if section.name == "multilabel_cost")
    rows = {row[0].text: row[1:] for row in cost.tables[0].rows}
    assert len(rows) == 6  # the projector, which has no contexts, once
    parameters, maps = ({name: row[column].raw[0] for name, row in rows.items()} for column in (0, 3))
    assert parameters["DualCoOp (2 shared tokens)"] == 2 * 2 * 128
    worth = {
        name
        for name in rows
        if not any(parameters[other] <= parameters[name] and maps[other] > maps[name] for other in rows)
    }
    first = part.answer.partition("The best, ")[0]
    assert {name for name in rows if f"{name} ({parameters[name]:,.0f} parameters" in first} == worth
    figures = [one.name for section in part.sections for one in section.illustrations]
    assert len(set(figures)) == len(figures) > 4


def test_several_seeds_are_told_apart_beside_their_mean(run: Any, root: Path, all_four: list[Logged]) -> None:
    methods = ("dual_coop", "positive_coop")
    again = [run(f"prompting={name}", "labels.fraction=0.8", "seed=1") for name in methods]
    question = Question("multilabel", "title", "question", "rule", None, 0, settings_of(root))
    answer = RecognitionCell.report([*all_four, *again], question).answer
    pairs = [(all_four[0], all_four[2]), (all_four[1], all_four[3]), (again[0], again[1])]
    changes = [dual.estimates.at(MAP).value - positive.estimates.at(MAP).value for dual, positive in pairs]
    assert f"it lies between {100 * min(changes):+.2f} and {100 * max(changes):+.2f} points" in answer
    assert f"below 0 in {sum(change < 0 for change in changes)} of 3 pairs of runs." in answer


def test_the_floor_is_a_cell_of_its_own_and_a_page_of_it_is_a_table(
    run: Any, root: Path, all_four: list[Logged]
) -> None:
    floor = run("prompting=zero_shot")
    assert floor.estimates.at(MAP).value == all_four[0].estimates.at(MAP, group="zero_shot").value
    assert floor.estimates.find("parameters") is None
    assert RecognitionCell.paired(floor, k=None) is None
    question = Question("multilabel", "title", "question", "rule", None, 0, settings_of(root))
    assert RecognitionCell.report([floor], question).sections[0].tables


def test_normalised_scores_are_a_switch_with_its_evidence(run: Any) -> None:
    plain, normalised = run("prompting=zero_shot"), run("prompting=zero_shot", "normalise=true")
    change = normalised.estimates.at(MAP).value - plain.estimates.at(MAP).value
    for logged in (plain, normalised):
        assert logged.estimates.at(MAP, group="gain_by_normalising").value == pytest.approx(change)


def test_an_id_depends_on_what_counts(root: Path) -> None:
    base = settings_of(root).cell()
    assert settings_of(root, "trainer.batch_size=2", "tracking.experiment=other").cell().id == base.id
    for word in (
        "labels.fraction=0.3",
        "seed=1",
        "training.clip=0.1",
        "prompting.class_specific=false",
        "zeros=negative",
    ):
        assert settings_of(root, word).cell().id != base.id


def test_a_run_repeats_bit_for_bit(root: Path) -> None:
    settings = settings_of(root, "prompting=positive_coop")
    outcomes = [settings.cell().run(settings.lab) for _ in range(2)]
    assert outcomes[0].records.equals(outcomes[1].records)
    differing = {name for name in outcomes[0].files if outcomes[0].files[name] != outcomes[1].files[name]}
    assert not differing


def test_what_spawned_processes_train_with_can_be_sent_to_them(root: Path) -> None:
    cell = settings_of(root, "prompting=positive_coop", "training=augmented").cell()
    assert isinstance(cell, RecognitionCell)
    views, cpu = cell._views(), torch.device("cpu")
    frozen = cell._frozen(cell.method, cell.test.label_matrix.names)
    watch = _TestPrecision(frozen.text, torch.zeros(2, 4, 128), np.ones((2, 16), dtype=np.int8), "ignore")
    sent_views, sent_watch = pickle.loads(pickle.dumps((views, watch)))
    seen = [one([3, 0], np.random.default_rng(0), cpu) for one in (views, sent_views)]
    assert torch.equal(*seen)
    assert seen[0].shape[::2] == (2, 128)
    contexts = torch.randn(1, 2, frozen.width, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        assert torch.equal(sent_watch.text(contexts), frozen.text(contexts))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["labels.fraction=1.5"], r"labels.fraction must be in \(0, 1\], got 1.5"),
        (["zeros=drop"], "zeros must be ignore or negative, got 'drop'"),
        (["prompting=zero_shot", "prompting.template=a photo"], "must have {} once for the class name, got 'a photo'"),
        (["train.split=test"], "no test image may be trained on, got 150 that stand in both"),
        (["dataset.num_images=2"], r"each class must have a positive test image, got \d+ "),
        (["labels.fraction=0.001"], r"each class must have a known positive image to learn from, got \d+ \("),
    ],
)
def test_what_does_not_fit_is_refused_before_anything_runs(root: Path, words: list[str], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        settings_of(root, *words).cell()


def test_a_mask_for_other_classes_or_images_is_refused(root: Path, tmp_path: Path) -> None:
    (tmp_path / "mask.csv").write_text("cat,dog\n1,0\n")
    settings = settings_of(root, "labels=mask", f"labels.mask={tmp_path}/mask.csv")
    with pytest.raises(UsageError, match=r"for the dataset's 16 classes, got 2 \(cat, dog\)"):
        settings.cell()
    np.save(tmp_path / "mask.npy", np.ones((3, 16), dtype=np.int8))
    settings = settings_of(root, "labels=mask", f"labels.mask={tmp_path}/mask.npy")
    with pytest.raises(UsageError, match="got 3 x 16 for 240 x 16 of labels"):
        settings.cell()


def test_a_mask_that_was_drawn_gives_the_same_run(run: Any, all_four: list[Logged], tmp_path: Path) -> None:
    (tmp_path / "mask.csv").write_bytes(all_four[6].read(MASK_FILE))
    again = run("prompting=vision_only", "labels=mask", f"labels.mask={tmp_path}/mask.csv")
    assert again.records.equals(all_four[6].records)


def test_negations_are_counted_as_a_cell(root: Path, tmp_path: Path) -> None:
    (tmp_path / "texts.txt").write_text("a cat\nno cat\n\nit isn't a dog\n")
    settings = Settings.of_words("negations", [f"texts={tmp_path}/texts.txt", f"paths.root={root}"])
    logged, _ = run_cell(settings.cell(), settings.lab, MemoryLedger(), config=settings.to_yaml)
    assert logged.name == "texts.txt · 66.67 % negate"
    assert type(settings.cell()).tell(logged).splitlines()[0].startswith("2 of 3 texts hold a negation: 66.67 % [")
    captions = Settings.of_words("negations", ["dataset.num_images=20", f"paths.root={root}"])
    assert captions.cell().run(captions.lab).estimates.at("share_of_negated_texts").value == 0.0
    with pytest.raises(UsageError, match="texts must be a text file with a text a line, found none at"):
        Settings.of_words("negations", ["texts=absent.txt", f"paths.root={root}"]).cell()
