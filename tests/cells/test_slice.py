from pathlib import Path

import pytest

from misfire.cells import Slice, read_slice
from misfire.core.errors import UsageError

DATA = "d" * 64


def a_slice(members: tuple[int, ...] | tuple[str, ...] = (3, 1, 2), **changed: str) -> Slice:
    whole = {
        "name": "foxes in grass",
        "of": "images",
        "how_chosen": "all of them",
        "dataset_fingerprint": DATA,
        **changed,
    }
    return Slice(members=members, is_chosen_by_failing=True, uses_oracle_labels=False, **whole)  # type: ignore[arg-type]


@pytest.mark.parametrize("members", [(3, 1, 2), ("a/é.png", "b.png")])
def test_a_slice_is_read_back_as_it_was_written(members: tuple[int, ...] | tuple[str, ...], tmp_path: Path) -> None:
    written = a_slice(members)
    written.write(tmp_path / "slice.json")
    assert read_slice(tmp_path / "slice.json") == written
    assert written.members == tuple(sorted(members))


def test_the_digest_names_what_was_chosen_and_not_what_it_is_called() -> None:
    assert a_slice().digest == a_slice((1, 2, 3), name="other", how_chosen="by hand").digest
    others = [a_slice((1, 2)), a_slice(of="captions"), a_slice(dataset_fingerprint="e" * 64)]
    assert len({a_slice().digest, *(one.digest for one in others)}) == 4


def test_a_slice_of_other_data_is_refused() -> None:
    a_slice().check_fits(DATA, name="world")
    with pytest.raises(UsageError, match=r"slice foxes in grass must be of the data in use, got ids of data dddd"):
        a_slice().check_fits("e" * 64, name="coco")


@pytest.mark.parametrize("members", [(), (1, 1)])
def test_members_stand_once_and_there_are_some(members: tuple[int, ...]) -> None:
    with pytest.raises(UsageError, match=r"slice foxes in grass must have members, each once, got"):
        a_slice(members)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "a slice must be a JSON file in UTF-8"),
        ("[]", "lacks or mistakes name, of"),
        ('{"name": 1}', "lacks or mistakes name, of, members"),
    ],
)
def test_what_is_no_slice_is_refused(text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "slice.json").write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match=message):
        read_slice(tmp_path / "slice.json")


def test_members_of_two_kinds_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "slice.json"
    a_slice().write(path)
    path.write_text(path.read_text(encoding="utf-8").replace("  1,", '  "1",'), encoding="utf-8")
    with pytest.raises(UsageError, match="mistakes members"):
        read_slice(path)
