from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from misfire.core.errors import UsageError
from misfire.methods.modes import (
    EncodedSentences,
    Relevance,
    ScoredImages,
    read_answers,
    relevance_agreement,
    similarity_relevance,
)


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=12))
def test_agreement_counts_pairs(pairs: list[tuple[bool, bool]]) -> None:
    proxy, truth = (np.array([column]) for column in zip(*pairs, strict=True))
    found = relevance_agreement(proxy, truth)
    assert found.accuracy == pytest.approx(sum(p == t for p, t in pairs) / len(pairs))
    held = [p for p, t in pairs if t]
    if held:
        assert found.true_positive == pytest.approx(sum(held) / len(held))
        assert found.false_negative == pytest.approx(1 - found.true_positive)
    else:
        assert np.isnan(found.true_positive)
        assert np.isnan(found.false_negative)
    if len(held) < len(pairs):
        assert found.true_negative + found.false_positive == pytest.approx(1.0)


def test_two_models_can_be_joined() -> None:
    one = Relevance(np.array([[True, True, False]]), "OFA", is_proxy=True)
    other = Relevance(np.array([[True, False, False]]), "LLaVA", is_proxy=True)
    assert one.both(other).holds.tolist() == [[True, False, False]]
    assert one.either(other).holds.tolist() == [[True, True, False]]
    assert one.both(other).source == "OFA and LLaVA"
    truth = Relevance(one.holds, "the truth", is_proxy=False)
    assert truth.either(other).is_proxy
    assert not truth.both(truth).is_proxy


def test_similarity_is_a_proxy() -> None:
    images = ScoredImages(np.array([[1.0, 0.0], [1.0, 1.0]]), np.ones(2))
    found = similarity_relevance(images, EncodedSentences(("x", "y"), np.eye(2)), threshold=0.5)
    assert found.holds.tolist() == [[True, False], [True, True]]
    assert found.is_proxy
    assert found.source == "a cosine above 0.5"


def written(path: Path, *rows: str) -> Path:
    path.write_text("\n".join(["image,sentence,answer", *rows]) + "\n", encoding="utf-8")
    return path


def test_answers_are_read_in_the_order_that_is_wanted(tmp_path: Path) -> None:
    path = written(tmp_path / "vqa.csv", "b,at night,Yes.", "a,at night,no", "a,a cat,TRUE", "b,a cat,0", "c,a cat,yes")
    found = read_answers(path, ["a", "b"], ["at night", "a cat"])
    assert found.holds.tolist() == [[False, True], [True, False]]
    assert found.source == "answers of vqa.csv"


def test_unfit_answers_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "vqa.csv"
    with pytest.raises(UsageError, match=r"must be yes or no, got 1 \('maybe'\); ask for one of the two"):
        read_answers(written(path, "a,x,maybe"), ["a"], ["x"])
    with pytest.raises(UsageError, match=r"in one way, got both for 1 \(a: x\)"):
        read_answers(written(path, "a,x,yes", "a,x,no"), ["a"], ["x"])
    with pytest.raises(UsageError, match=r"it lacks 1 \(b: x, ...\); ask again for these"):
        read_answers(written(path, "a,x,yes"), ["a", "b"], ["x"])
