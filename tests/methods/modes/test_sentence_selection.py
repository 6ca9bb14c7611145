import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from misfire.core.errors import UsageError
from misfire.methods.modes import FPDiff, PDiff, SentenceSelector, SetDiff, TopS

COSINES = st.lists(st.tuples(st.integers(-4, 4), st.integers(-4, 4)), min_size=1, max_size=8)


def by_the_text(name: str, to_hard: list[float], to_easy: list[float], k: int, tau: float) -> list[int]:
    """The paper's sentences of each method, with sets and sorted lists."""
    everything = range(len(to_hard))
    if name == "SetDiff":
        everything = [n for n in everything if not to_easy[n] > tau]
    if name == "FPDiff":
        everything = [n for n in everything if to_hard[n] > tau]
    if name in ("TopS", "SetDiff"):
        return sorted(everything, key=lambda n: (-to_hard[n], n))[:k]
    return sorted(everything, key=lambda n: (-(to_hard[n] - to_easy[n]), n))[:k]


@given(COSINES, st.integers(1, 4))
def test_each_selects_what_the_paper_says(cosines: list[tuple[int, int]], k: int) -> None:
    to_hard, to_easy = np.array(cosines).T / 8  # eighths subtract exactly
    for selector in (TopS(k), PDiff(k), SetDiff(k, threshold=0.25), FPDiff(k, threshold=0.25)):
        expected = by_the_text(type(selector).__name__, to_hard.tolist(), to_easy.tolist(), k, 0.25)
        assert selector(to_hard, to_easy).tolist() == expected


def test_pdiff_on_unit_prototypes_ranks_by_their_difference() -> None:
    rng = np.random.default_rng(0)
    hard, easy, *sentences = (row / np.linalg.norm(row) for row in rng.normal(size=(22, 6)))
    chosen = PDiff(20)(np.array(sentences) @ hard, np.array(sentences) @ easy)
    assert chosen.tolist() == np.argsort(-(np.array(sentences) @ (hard - easy))).tolist()


@pytest.mark.parametrize("selector", [TopS(3), PDiff(3), SetDiff(3), FPDiff(3)], ids=lambda one: type(one).__name__)
def test_fewer_candidates_are_fewer_sentences(selector: SentenceSelector) -> None:
    assert len(selector(np.array([0.5, 0.4]), np.array([0.0, 0.0]))) == 2
    assert len(selector(np.array([0.5]), np.array([0.9]))) == (0 if isinstance(selector, SetDiff) else 1)


def test_settings_out_of_range_are_refused() -> None:
    with pytest.raises(UsageError, match="num_sentences must be >= 1, got 0"):
        TopS(0)
    with pytest.raises(UsageError, match=r"threshold must be a cosine in \[-1, 1\], got 25"):
        FPDiff(threshold=25)
