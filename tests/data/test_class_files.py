"""Class names, right answers and score matrices from files."""

import json
from pathlib import Path

import numpy as np
import pytest

from misfire.core.errors import UsageError
from misfire.data.class_names import read_class_names
from misfire.data.outcomes import read_outcomes
from misfire.data.right_answers import RightAnswers, read_right_answers

IMAGENET_X = Path(__file__).parents[2] / "../shared/data/imagenet_x/predictions.parquet"
CLASSES = ("n01", "n02", "n03")


def written(path: Path, content: str) -> Path:
    path.write_text(content, encoding="utf-8")
    return path


def test_names_are_listed_or_mapped(tmp_path: Path) -> None:
    mapped = {"n03": "cat", "n01": "crane", "n02": "crane", "n99": "dog"}
    for path in (
        written(tmp_path / "names.txt", "crane\ncrane\ncat\n"),
        written(tmp_path / "names.json", json.dumps(mapped)),
        written(tmp_path / "names.yaml", "n03: cat\nn01: crane\nn02: crane\n"),
        written(tmp_path / "list.json", '["crane", "crane", "cat"]'),
    ):
        assert read_class_names(path, CLASSES) == ("crane", "crane", "cat")


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("a.txt", "crane\ncat\n", r"got 2 names for 3 \(n01, n02, n03\); give one a line"),
        ("a.txt", "crane\n\ncat\n", r"must give every class a name in words, got none for 1 \(n02\)"),
        ("a.json", '{"n01": "crane"}', r"it has 1 \(n01\) and lacks 2 \(n02, n03\)"),
        ("a.json", '{"n01": "a", "n02": 3, "n03": "c"}', r"got none for 1 \(n02\)"),
        ("a.json", "{", "must be in a file in UTF-8"),
        ("a.json", '"crane"', "must list or map names, got a str"),
    ],
)
def test_names_that_do_not_fit_the_classes_are_refused(tmp_path: Path, name: str, content: str, sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        read_class_names(written(tmp_path / name, content), CLASSES)


def test_several_answers_may_be_right_and_none_too(tmp_path: Path) -> None:
    path = written(tmp_path / "real.csv", "image,labels\na,3 7\nb,\nc,5\n")
    answers = read_right_answers(path)
    assert answers.of_image == {"a": {"3", "7"}, "b": frozenset(), "c": {"5"}}
    rated, hit = answers.hits(["c", "a", "b"], ["5", "7", "5"])
    assert rated.tolist() == [True, True, False]
    assert hit.tolist() == [True, True, False]
    with pytest.raises(UsageError, match=r"must know every image, real has 3 and lacks 1 \(d\)"):
        answers.hits(["d"], ["1"])
    assert RightAnswers("other", answers.of_image).fingerprint == answers.fingerprint
    twice = written(tmp_path / "twice.csv", "image,labels\na,3\na,4\n")
    with pytest.raises(UsageError, match=r"one row an image, got 1 \(a\) again"):
        read_right_answers(twice)


def test_a_score_matrix_predicts_its_highest_class(tmp_path: Path) -> None:
    scores = np.array([[0.1, 0.9, 0.0], [0.5, 0.2, 0.5], [0.0, 0.1, 0.2]])
    path = tmp_path / "scores.npz"
    np.savez(path, image=["a", "b", "c"], label=["x", "y", "z"], scores=scores, class_names=["x", "y", "z"])
    outcomes = read_outcomes(path)
    assert [outcomes.prediction_names[place] for place in outcomes.predictions] == ["y", "x", "z"]
    assert outcomes.correct.tolist() == [False, False, True]
    np.testing.assert_array_equal(outcomes.class_scores, scores)


def test_labels_of_a_score_matrix_may_be_positions(tmp_path: Path) -> None:
    scores, path = np.eye(3), tmp_path / "scores.npz"
    given = {"image": ["a", "b", "c"], "label": [0, 1, 1], "scores": scores}
    np.savez(path, **given, class_names=["z", "y", "x"])
    outcomes = read_outcomes(path)
    assert [outcomes.class_names[place] for place in outcomes.labels] == ["z", "y", "y"]
    assert outcomes.correct.tolist() == [True, True, False]
    np.savez(path, **given)  # classes without names are called by their positions
    assert read_outcomes(path).class_names == ("0", "1", "2")
    assert read_outcomes(path).correct.tolist() == [True, True, False]
    np.savez(path, **given, class_names=[2, 1, 0])  # numbers that are names are names
    assert read_outcomes(path).correct.tolist() == [False, True, False]


@pytest.mark.parametrize("outside", [3, -1])
def test_a_label_that_is_no_position_is_refused(tmp_path: Path, outside: int) -> None:
    path, given = tmp_path / "scores.npz", {"image": ["a", "b"], "label": [0, outside], "scores": np.eye(3)[:2]}
    np.savez(path, **given, class_names=["z", "y", "x"])
    with pytest.raises(
        UsageError,
        match=rf"column label of .* must hold a number of class_names, 0 to 2, .* \(row 2: {outside}\); mend",
    ):
        read_outcomes(path)
    np.savez(path, **given)
    with pytest.raises(UsageError, match=rf"must have a column score_CLASS .* it lacks 1 \({outside}\)"):
        read_outcomes(path)


@pytest.mark.parametrize(
    ("arrays", "sentence"),
    [
        (
            {"scores": np.eye(2), "class_names": ["crane", "crane"]},
            r"a name of its own in class_names, got 1 \(crane\) again; leave class_names out",
        ),
        ({"scores": np.zeros((2, 3)), "class_names": ["x", "y"]}, r"got scores of shape \(2, 3\) and 2 class_names"),
        ({"scores": np.array([[np.nan, 1], [0, 1]]), "class_names": ["x", "y"]}, "must hold a finite number"),
        ({"prediction": ["x"]}, r"columns of one length, got 3 \(image 2, label 2, prediction 1\)"),
        ({"prediction": np.array([{}, {}], dtype=object)}, "NPZ without pickled objects"),
    ],
)
def test_a_bad_score_matrix_is_refused(tmp_path: Path, arrays: dict[str, object], sentence: str) -> None:
    np.savez(tmp_path / "bad.npz", image=["a", "b"], label=["x", "y"], **arrays)
    with pytest.raises(UsageError, match=sentence):
        read_outcomes(tmp_path / "bad.npz")


def test_what_is_no_npz_is_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="must be NPZ without pickled objects, got something else"):
        read_outcomes(written(tmp_path / "no.npz", "junk"))


@pytest.mark.skipif(not IMAGENET_X.is_file(), reason="the outcomes of ImageNet-X aren't beside the repository")
def test_real_raters_are_read() -> None:
    answers = read_right_answers(IMAGENET_X, answers="real_labels")
    assert sum(map(bool, answers.of_image.values())) == 46837
