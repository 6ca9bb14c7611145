from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from misfire.core.errors import UsageError
from misfire.methods.multilabel import draw_mask, hide, known_fraction, mask_csv, read_mask

ROWS = np.array([[1, 0, -1], [0, 0, 1], [-1, -1, 0], [1, 0, 0]], dtype=np.int8)


def test_a_mask_knows_about_its_fraction_and_grows_with_it() -> None:
    masks = [draw_mask((4000, 5), fraction=share / 10, seed=3) for share in range(1, 11)]
    for share, mask in enumerate(masks, start=1):
        assert np.abs(mask.mean(axis=0) - share / 10).max() < 4 * np.sqrt(0.25 / 4000)
    assert all(not (few & ~many).any() for few, many in pairwise(masks))
    assert masks[-1].all()


def test_a_seed_repeats_a_mask_and_another_gives_another() -> None:
    first, again, other = (draw_mask((50, 4), fraction=0.5, seed=seed) for seed in (1, 1, 2))
    assert (first == again).all()
    assert (first != other).any()


def test_hiding_leaves_what_is_known() -> None:
    known = np.array([[True, False, True]] * 4)
    assert hide(ROWS, known).tolist() == [[1, 0, -1], [0, 0, 1], [-1, 0, 0], [1, 0, 0]]
    with pytest.raises(UsageError, match="got 4 x 2 for 4 x 3 of labels; use the mask of this dataset and split"):
        hide(ROWS, known[:, :2])


@pytest.mark.parametrize(
    "text",
    [
        "1,0,-1\n0,0,1\n-1,-1,0\n1,0,0\n",
        "1 0 -1\n0 0 1\n\n-1 -1 0\n1 0 0",
        "a\tb\tc\n1\t0\t-1\n0\t0\t1\n-1\t-1\t0\n1\t0\t0",
    ],
)
def test_published_masks_are_read(tmp_path: Path, text: str) -> None:
    (tmp_path / "mask.txt").write_text(text)
    found = read_mask(tmp_path / "mask.txt")
    assert found.dtype == np.int8
    assert (found == ROWS).all()
    assert known_fraction(found).tolist() == [0.75, 0.25, 0.5]


def test_arrays_are_read_and_own_masks_come_back(tmp_path: Path) -> None:
    np.save(tmp_path / "mask.npy", ROWS.astype(np.float32))
    assert (read_mask(tmp_path / "mask.npy") == ROWS).all()
    (tmp_path / "mask.csv").write_bytes(mask_csv(ROWS, ["a", "b,c", "d"]))
    assert (read_mask(tmp_path / "mask.csv", ["a", "b,c", "d"]) == ROWS).all()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "1,0\n2,0\n",
            r"must hold -1 \(absent\), 0 \(unknown\) and 1 \(present\), got 1 other values in .*, the first 2;",
        ),
        ("1,0\n1\n", r"all of one length, got 2 rows of which 1 \(row 2\) aren't 2 long"),
        ("", "a row for each image, all of one length, got 0 rows"),
        ("1,0\n1,x\n", "got 1 other values in .*, the first 'x'"),
        ("cat,dog,cow\n1,0,0\n", r"for the dataset's 2 classes, got 1 \(cow\)"),
        ("b,a\n1,0\n", r"for the dataset's 2 classes, got 2 \(b, a\)"),
        ("1,0,1\n", "for the dataset's 2 classes, got 3 columns"),
    ],
)
def test_refusals(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "mask.csv").write_text(text)
    with pytest.raises(UsageError, match=message):
        read_mask(tmp_path / "mask.csv", ["cat", "dog"])


def test_classes_in_another_order_a_missing_file_and_a_pickle_are_refused(tmp_path: Path) -> None:
    (tmp_path / "mask.csv").write_text("dog,cat\n1,0\n")
    with pytest.raises(UsageError, match="the same in another order"):
        read_mask(tmp_path / "mask.csv", ["cat", "dog"])
    with pytest.raises(UsageError, match="found none at"):
        read_mask(tmp_path / "absent.csv")
    np.save(tmp_path / "evil.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(UsageError, match="must be a plain NumPy array"):
        read_mask(tmp_path / "evil.npy")
    with pytest.raises(UsageError, match=r"the fraction of known labels must be in \(0, 1\], got 10"):
        draw_mask((2, 2), fraction=10, seed=0)
