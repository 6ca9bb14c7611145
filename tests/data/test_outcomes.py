import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from misfire.core.errors import UsageError
from misfire.data.column_file import ColumnFile
from misfire.data.outcomes import read_outcomes

ROWS = [
    {"image": "b.png", "label": "cat", "prediction": "dog", "score": 0.25},
    {"image": "a.png", "label": "dog", "prediction": "dog", "score": 0.5},
    {"image": "c.png", "label": "cat", "prediction": "cat", "score": 1.0},
]


def written(folder: Path, ending: str, rows: list[dict[str, object]] = ROWS) -> Path:
    path, frame = folder / f"outcomes.{ending}", pd.DataFrame(rows)
    if ending == "parquet":
        frame.to_parquet(path)
    elif ending == "jsonl":
        path.write_text("\n".join(json.dumps(row) for row in rows))
    else:
        frame.to_csv(path, index=False, sep="\t" if ending == "tsv" else ",")
    return path


@pytest.mark.parametrize("ending", ["csv", "tsv", "jsonl", "parquet"])
def test_every_format_says_the_same(tmp_path: Path, ending: str) -> None:
    outcomes = read_outcomes(written(tmp_path, ending))
    assert outcomes.images == ("a.png", "b.png", "c.png")
    assert outcomes.class_names == ("cat", "dog")
    assert outcomes.labels.tolist() == [1, 0, 0]
    assert outcomes.correct.tolist() == [True, False, True]
    assert outcomes.predictions is not None
    assert [outcomes.prediction_names[one] for one in outcomes.predictions] == ["dog", "dog", "cat"]
    assert outcomes.scores is not None
    assert outcomes.scores.tolist() == [0.5, 0.25, 1.0]
    assert outcomes.fingerprint == read_outcomes(written(tmp_path, "csv", ROWS[::-1])).fingerprint
    assert outcomes.accuracy == pytest.approx(2 / 3)


def test_groups_of_classes_are_right_where_the_fine_class_is(tmp_path: Path) -> None:
    rows = [
        {"image": 7, "group": "dog", "index": 10, "predicted": 10.0},
        {"image": 8, "group": "dog", "index": 9, "predicted": 10.0},
    ]
    for ending in ("csv", "parquet"):
        path = written(tmp_path, ending, rows)
        outcomes = read_outcomes(path, label="group", fine_label="index", prediction="predicted")
        assert outcomes.correct.tolist() == [True, False]
        assert outcomes.prediction_names == ("9", "10")  # by number, not as texts
        assert outcomes.fine_labels is not None
        assert outcomes.fine_labels.tolist() == [1, 0]
        assert outcomes.images == ("7", "8")
        assert outcomes.take([1]).correct.tolist() == [False]


def test_without_predictions_a_column_or_a_bound_says_what_is_right(tmp_path: Path) -> None:
    told = written(tmp_path, "csv", [{"image": "a", "correct": "True"}, {"image": "b", "correct": 0}])
    assert read_outcomes(told).correct.tolist() == [True, False]
    assert read_outcomes(told).class_names == ("all",)
    bounded = written(tmp_path, "csv", [{"image": "a", "score": 0.5}, {"image": "b", "score": 0.49}])
    assert read_outcomes(bounded, correct_from=0.5).correct.tolist() == [True, False]
    with pytest.raises(
        UsageError, match=r"must say which images are right .* got the columns image, score; .*correct_f"
    ):
        read_outcomes(bounded)


def test_scores_of_classes_stand_in_the_order_of_the_classes(tmp_path: Path) -> None:
    rows = [{"image": "a", "label": "dog", "prediction": "cat", "score_dog": 0.25, "score_cat": 0.75}]
    scores = read_outcomes(written(tmp_path, "csv", rows)).class_scores
    assert scores is not None
    assert scores.tolist() == [[0.75, 0.25]]
    with pytest.raises(UsageError, match=r"score_CLASS for every class or for none, it lacks 1 \(dog\)"):
        read_outcomes(written(tmp_path, "csv", [{"image": "a", "label": "dog", "correct": 1, "score_cat": 0.5}]))


def test_a_row_that_stands_twice_counts_once_and_a_contradiction_is_refused(tmp_path: Path) -> None:
    outcomes = read_outcomes(written(tmp_path, "csv", [*ROWS, ROWS[0]]))
    assert len(outcomes) == 3
    assert outcomes.remarks == ("1 row stands in outcomes.csv a second time and counts once.",)
    with pytest.raises(UsageError, match=r"must say one thing of an image, got different rows of 1 \(b.png\)"):
        read_outcomes(written(tmp_path, "csv", [*ROWS, {**ROWS[0], "prediction": "cat"}]))


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("image,label\n", r"a table must have rows, got none"),
        ("image,label,prediction\na,cat\n", r"must have 3 fields in each row, got 1 \(row 1 with 2\)"),
        ("image,image,label\na,b,c\n", r"must name each column once, got 1 \(image\) again"),
        ("picture,label,prediction\na,cat,cat\n", r"must have a column image, got picture, label, prediction; rename"),
        ("image,label,prediction\n,cat,cat\n", r"must have a value in every row, got 1 \(row 1\) without"),
        ("image,correct\na,maybe\n", r"must hold 0 or 1 in every row, got others in 1 \(row 1: 'maybe'\)"),
        ("image,score\na,x\n", r"must hold a finite number in every row, got others in 1 \(row 1: 'x'\)"),
        ('image,score\n"a,1\n', r"must be CSV, got line"),
    ],
)
def test_files_that_say_nothing_are_refused(tmp_path: Path, content: str, sentence: str) -> None:
    path = tmp_path / "outcomes.csv"
    path.write_text(content)
    with pytest.raises(UsageError, match=sentence):
        read_outcomes(path, correct_from=0.5)


def test_files_of_other_formats_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"must end in .csv, .tsv, .jsonl, .parquet, .npz, got .*outcomes.txt"):
        read_outcomes(tmp_path / "outcomes.txt")
    with pytest.raises(UsageError, match=r"must be a file, got .*which doesn't exist"):
        read_outcomes(tmp_path / "outcomes.csv")
    for name, content, sentence in [
        ("a.jsonl", b"{", r"must be JSON lines, got line 1"),
        ("b.jsonl", b"[1]", r"must have a JSON object a line, got '\[1\]' in line 1"),
        ("c.parquet", b"PAR1", r"must be Parquet, got something else"),
        ("d.csv", b"\xff\xfe", r"must be UTF-8 text, got other bytes at 0"),
    ]:
        (tmp_path / name).write_bytes(content)
        with pytest.raises(UsageError, match=sentence):
            ColumnFile(tmp_path / name)


def test_a_fingerprint_names_what_is_said(tmp_path: Path) -> None:
    outcomes = read_outcomes(written(tmp_path, "csv"))
    other = read_outcomes(written(tmp_path, "csv", [{**row, "score": 0.0} for row in ROWS]))
    assert other.fingerprint != outcomes.fingerprint
    assert outcomes.take(np.array([True, False, True])).images == ("a.png", "c.png")
