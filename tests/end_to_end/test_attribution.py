"""Which templates a gain comes from, as a user gets it: printed, logged once, read again, killed."""

import os
import signal
from pathlib import Path

import pytest

from misfire.cli import main
from misfire.methods.retrieval.attribution.logged import LoggedAttribution
from misfire.methods.retrieval.ensemble.logged import LoggedEnsemble
from misfire.tracking import MlflowLedger
from tests.commands import Started
from tests.end_to_end.conftest import Place

pytestmark = [pytest.mark.end_to_end, pytest.mark.usefixtures("undrawn")]

WORDS = ("attribute", "subset=failures", "templates=generic", "pooling=mean")


def killed_when_it_saves(words: list[str]) -> int:
    MlflowLedger.save = lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL)  # type: ignore[method-assign]
    return main(words)


def test_the_parts_are_those_of_the_cell_at_every_cut_off(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    assert place.misfire("ensemble", *WORDS[1:]) == 0
    capsys.readouterr()
    assert place.misfire(*WORDS) == 0
    printed = capsys.readouterr().out
    store = place.store()
    cell = LoggedEnsemble(*store.load("ensemble"))
    found = LoggedAttribution(*store.load("attribution"))
    assert tuple(found.ks) == tuple(cell.ks) == (1, 5, 10)
    for k in found.ks:
        shares = found.shares(k)
        assert found.gain(k) == pytest.approx(cell.delta(k), abs=1e-12)
        assert sum(share.shapley.value for share in shares) == pytest.approx(cell.delta(k), abs=1e-9)
        for name in found.category_sizes:
            flips = cell.flips(k, f"category/{name}")
            part = sum(share.in_category(name).value for share in shares)
            assert part * flips.num_units == pytest.approx(flips.net, abs=1e-9)
    assert "(sign-flip tests by image, corrected for 5 templates at 3 cut-offs)." in printed
    assert "a photo of {caption}" in printed
    assert found.logged.estimates.metrics()


def test_the_second_time_it_is_read_from_the_store(
    place: Place, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert place.misfire(*WORDS) == 0
    first = capsys.readouterr().out

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("it was attributed again")

    monkeypatch.setattr("misfire.methods.retrieval.attribution.attribution.coalition_hits", refuse)
    assert place.misfire(*WORDS) == 0
    assert capsys.readouterr().out == first
    assert len(place.cells()) == 1


def test_killed_on_the_way_nothing_is_half_logged(own_place: Place) -> None:
    killed = Started(own_place.folder, killed_when_it_saves, [*WORDS, *own_place.words_of(*WORDS)])
    assert killed.end() == -signal.SIGKILL, killed.err
    assert own_place.cells() == []
    assert own_place.misfire(*WORDS) == 0
    (cell,) = own_place.cells()
    assert LoggedAttribution(cell).ks == (1, 5, 10)


def test_faulty_templates_are_warned_of_before_they_are_attributed(
    place: Place, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mine = tmp_path / "mine.yaml"
    mine.write_text('name: mine\ntemplates: ["{caption}", "{caption}, two of them"]\n')
    assert place.misfire("attribute", "subset=failures", "templates=file", f"templates.path={mine}") == 0
    assert "Warning: template '{caption}, two of them': adds content" in capsys.readouterr().err


def test_the_plain_caption_alone_is_refused_and_nothing_is_logged(
    place: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    assert place.misfire("attribute", "subset=failures", "templates=caption_only") == 2
    assert "an attribution needs a template besides the plain caption, got none in caption_only" in (
        capsys.readouterr().err
    )
    assert place.cells() == []
