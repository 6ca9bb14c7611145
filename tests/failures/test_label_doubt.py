"""How far labels are in doubt, as kept with a set: content, refusals, round trip."""

from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from misfire.core.errors import IntegrityError, UsageError
from misfire.failures import (
    CategorySubset,
    FailureSet,
    Label,
    LabelDoubt,
    load_taxonomy,
    read_failure_set,
    write_failure_set,
)

NAMES = load_taxonomy().names


def row(**chances: float) -> tuple[float, ...]:
    return tuple(chances.get(name, 0.0) for name in NAMES)


def doubted(invented: ModuleType, **chances: float) -> FailureSet:
    """All but the last query are Object and Attribute by turns, each sure, but for the first."""
    failures = invented.failure_set(is_labelled=False)
    ids = failures.query_ids[:-1]
    labels = {query_id: Label(("Object", "Attribute")[place % 2]) for place, query_id in enumerate(ids)}
    probability = {query_id: row(**{label.category: 1.0}) for query_id, label in labels.items()}
    probability[ids[0]] = row(**chances)
    relabelled: FailureSet = failures.relabelled(
        labels, label_source="some", label_doubt=LabelDoubt(NAMES, probability)
    )
    return relabelled


def test_it_comes_back_with_the_set_and_is_part_of_its_name(invented: ModuleType, tmp_path: Path) -> None:
    failures = doubted(invented, Object=0.7, Attribute=0.1 + 0.2)
    folder = write_failure_set(failures, tmp_path)
    assert read_failure_set(folder) == failures
    assert (folder / "label_doubt.json").is_file()
    others = doubted(invented, Object=1.0), failures.relabelled({}, label_source="nobody")
    assert len({failures.digest, *(one.digest for one in others)}) == 3


def test_a_set_without_it_keeps_its_name(invented: ModuleType) -> None:
    assert invented.failure_set().digest == "65600777be61afa99ec8ec7ae17d4046f2ef4ed516500d74146494c4b6e0a9f6"


@pytest.mark.parametrize("damage", [lambda data: data.replace(b"0.7", b"0.6").replace(b"0.3", b"0.4"), None])
def test_another_file_is_found(invented: ModuleType, tmp_path: Path, damage: object) -> None:
    path = write_failure_set(doubted(invented, Object=0.7, Attribute=0.3), tmp_path) / "label_doubt.json"
    if callable(damage):
        path.write_bytes(damage(path.read_bytes()))
    else:
        path.unlink()
    with pytest.raises(IntegrityError, match=r"but label_doubt\.json"):
        read_failure_set(path.parent)


@pytest.mark.parametrize("bad", [{}, {1: (0.5,) * 7}, {1: (1.0,)}, {1: row(Object=1.5, Count=-0.5)}])
def test_what_is_no_distribution_is_refused(bad: dict[int, tuple[float, ...]]) -> None:
    with pytest.raises(UsageError, match="must hold a distribution over 7 categories a query"):
        LabelDoubt(NAMES, bad)


def test_doubt_about_other_queries_is_refused(invented: ModuleType) -> None:
    failures = invented.failure_set(is_labelled=False)
    doubt = LabelDoubt(NAMES, {1: row(Object=1.0)})
    with pytest.raises(UsageError, match=r"got 1 \(1\) that aren't in the set; make"):
        failures.relabelled({}, label_source="some", label_doubt=doubt)


def test_a_selection_knows_who_may_belong_to_it(invented: ModuleType) -> None:
    data = invented.dataset()
    failures = doubted(invented, Object=0.7, Attribute=0.3)
    places = failures.positions(data)[:-1]
    for names, first in ((["Object"], 0.7), (["Attribute"], 0.3), (["attribute", "object"], 1.0)):
        selection = CategorySubset(names).select(data, failures)
        found = selection.in_doubt
        assert found is not None
        assert np.array_equal(found.positions, places)
        assert np.array_equal(found.positions[found.is_labelled], selection.positions)
        assert found.probability[0] == pytest.approx(first)
        assert np.array_equal(found.probability[1:] == 1, found.is_labelled[1:])
    assert CategorySubset(["Object"]).select(data, invented.failure_set()).in_doubt is None
