"""Cells of other models' outcomes: by loops over invented files, and by the real outcomes of two real models."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from misfire.cells import Lab, Outcome, Question
from misfire.core.errors import UsageError
from misfire.data.right_answers import RightAnswers, read_right_answers
from misfire.methods.classification.outcomes_cell import OutcomeFile, OutcomesCell
from misfire.methods.classification.report import outcomes_part
from misfire.methods.classification.words import classes_of
from misfire.stats import StatisticsSettings
from tests.cells.memory_ledger import MemoryLedger
from tests.methods.classification import colours

IMAGENET_X = Path(__file__).parents[3] / "../shared/data/imagenet_x/predictions.parquet"
STATISTICS = StatisticsSettings(num_replicates=100)
NAMES = ("crane", "crane", "cat", "7")


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    return colours.lab(tmp_path)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    labels = rng.integers(3, size=200)
    wrong = rng.random(200) < 0.3
    table = pd.DataFrame({"image": [f"i{index:03d}" for index in range(200)], "label": labels, "kind": "x"})
    table["prediction"] = np.where(wrong, rng.integers(4, size=200), labels)  # 3 is a class that no image has
    table["other"] = np.where(rng.random(200) < 0.5, 0, labels)
    table.to_csv(tmp_path / "outcomes.csv", index=False)
    return tmp_path / "outcomes.csv"


def cell(path: Path, **options: Any) -> OutcomesCell:
    return OutcomesCell(OutcomeFile(str(path)), STATISTICS, **{"worst_k": 2, "cutoffs": (1, 2, 3, 10), **options})


def classes(outcome: Outcome) -> pd.DataFrame:
    return pd.read_csv(io.BytesIO(outcome.files["classes.csv"]), dtype={"name": str})


def test_numbers_are_those_of_a_loop(file: Path, lab: Lab) -> None:
    table = pd.read_csv(file)
    found = cell(file, names=NAMES).run(lab)
    accuracy = [(group.prediction == label).mean() for label, group in table.groupby("label")]
    assert classes(found).accuracy[:3].tolist() == pytest.approx(accuracy)
    assert np.isnan(classes(found).accuracy[3])
    assert found.estimates.at("accuracy").value == pytest.approx((table.prediction == table.label).mean())
    assert found.estimates.at("worst", k=2).value == pytest.approx(np.mean(sorted(accuracy)[:2]))
    assert found.estimates.at("worst", k=3).value == pytest.approx(np.mean(accuracy))
    assert found.estimates.at("classes_without_images").value == 1
    assert found.estimates.find("worst", k=10) is None
    assert found.facts["shared_names"] == ["crane"]


def test_other_models_and_other_labels_stand_beside(file: Path, lab: Lab) -> None:
    table = pd.read_csv(file)
    right = {name: frozenset({str(label), "0"}) for name, label in zip(table.image, table.label, strict=True)}
    found = cell(file, others=(OutcomeFile(str(file), prediction="other"),), also=RightAnswers("real", right)).run(lab)
    times = classes(found).worst_in_others
    accuracy = np.array([(group.other == label).mean() for label, group in table.groupby("label")])
    assert set(np.flatnonzero(times)) == set(accuracy.argsort(kind="stable")[:2])
    also = ((table.prediction == table.label) | (table.prediction == 0)).mean()
    assert found.estimates.at("accuracy", group="also").value == pytest.approx(also)


def test_identity_is_what_the_files_say(file: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.csv"
    copy.write_bytes(file.read_bytes())
    assert cell(file).id == cell(copy).id
    assert cell(file).id != cell(file, names=NAMES).id != cell(file, worst_k=1).id
    pd.read_csv(file).assign(prediction=0).to_csv(copy, index=False)
    assert cell(file).id != cell(copy).id


def test_models_are_reported_side_by_side(file: Path, lab: Lab) -> None:
    ledger = MemoryLedger()
    cells = [
        cell(file),
        OutcomesCell(OutcomeFile(str(file), "b", prediction="other"), STATISTICS, worst_k=2, cutoffs=(2,)),
    ]
    logged = [ledger.save(one, one.run(lab), config="") for one in cells]
    assert "Accuracy" in OutcomesCell.tell(logged[0])
    assert classes_of(logged[0]).name.tolist() == ["0", "1", "2", "3"]
    question = Question("m", "M", "Which model?", "", None, 0, settings=None)  # type: ignore[arg-type]
    part = outcomes_part(logged, question)
    assert part.answer.count("worst@2") == 2
    names = [figure.name for section in part.sections for figure in section.illustrations]
    assert len(names) == len(set(names)) == 6


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("image,label,correct\na,x,1\n", "must have a column prediction of predicted classes or columns of scores"),
        ("image,label\na,x\n", "must say which images are right"),
        ("image,label,prediction\na,x,\n", "must have a value in every row"),
    ],
)
def test_a_file_without_predictions_is_refused(tmp_path: Path, content: str, sentence: str) -> None:
    path = tmp_path / "bad.csv"
    path.write_text(content)
    with pytest.raises(UsageError, match=sentence):
        cell(path, cutoffs=(1,))


def test_names_that_do_not_fit_are_refused(file: Path) -> None:
    with pytest.raises(
        UsageError, match=r"every class of .*outcomes.csv must .* got 2 names for 4 \(0, 1, 2, 3\); give"
    ):
        cell(file, names=("a", "b"))


@pytest.mark.skipif(not IMAGENET_X.is_file(), reason="the outcomes of ImageNet-X aren't beside the repository")
def test_real_models_by_both_label_sets(lab: Lab) -> None:
    model = OutcomeFile(str(IMAGENET_X), "ResNet50", label="class_index", prediction="predicted_resnet50")
    also = read_right_answers(IMAGENET_X, answers="real_labels")
    found = OutcomesCell(model, STATISTICS, also=also).run(lab)
    table = pd.read_parquet(IMAGENET_X)
    hit = table.predicted_resnet50 == table.class_index
    rated = table.real_labels != ""
    right = pd.Series([str(p) in r.split() for p, r in zip(table.predicted_resnet50, table.real_labels, strict=True)])
    for group, accuracy in (
        ("", hit.groupby(table.class_index).mean()),
        ("also", right[rated].groupby(table.class_index[rated]).mean()),
    ):
        for k in (1, 5, 10, 20, 100):
            value = found.estimates.at("worst", k=k, group=group).value
            assert value == pytest.approx(accuracy.nsmallest(k).mean(), abs=1e-9)
        assert found.estimates.at("harmonic_mean", group=group).value == pytest.approx(1 / (1 / accuracy).mean())
        assert found.estimates.at("geometric_mean", group=group).value == pytest.approx(np.exp(np.log(accuracy).mean()))
    assert found.estimates.at("worst", k=10).value == pytest.approx(0.226)
    assert found.estimates.at("worst_also", k=10).value == pytest.approx(0.641, abs=5e-4)
    assert found.estimates.at("worst_held_out", k=10).value > 0.29  # the ten are partly low by chance
