"""Kinds of cells are found in the rooms, and no more is imported than they need."""

import subprocess
import sys
from types import SimpleNamespace

import pytest

from misfire.config import rooms
from misfire.config.rooms import Room, kinds
from misfire.core.errors import UsageError
from misfire.methods.retrieval import EnsembleCell

ALL = (
    *("attribution", "baseline", "class_outcomes", "classification", "ensemble", "gap", "modes", "multilabel"),
    *("negations", "prime", "profile", "sentences"),
)


def test_each_kind_is_found_by_its_name() -> None:
    assert {kind: one.kind for kind, one in kinds(ALL).items()} == dict(zip(ALL, ALL, strict=True))
    assert kinds(["gap", "nothing of the kind"]).keys() == {"gap"}
    assert kinds([]) == {}


def test_the_kinds_of_one_room_import_no_other() -> None:
    code = (
        "import sys; from misfire.config.rooms import kinds; kinds(['ensemble', 'profile']); "
        "print([name for name in sys.modules if name.startswith('misfire.methods.') and name.count('.') > 2 "
        "and not name.startswith('misfire.methods.retrieval')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_a_kind_that_a_strangers_room_brings_again_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    class ImpostorCell(EnsembleCell):
        pass

    stranger = SimpleNamespace(__name__="stranger", __all__=["ImpostorCell"], ImpostorCell=ImpostorCell)
    monkeypatch.setitem(sys.modules, "stranger", stranger)  # type: ignore[arg-type]
    ours = rooms.rooms()
    monkeypatch.setattr(rooms, "rooms", lambda: (Room("stranger", "stranger", None), *ours))
    with pytest.raises(UsageError, match="a kind must stand in one room, got ensemble in two; rename one of them"):
        kinds(["ensemble"])
