"""What a search may know of each side: whose captions it reads, what its routers learn from, which model wins."""

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from misfire.cells import Logged
from misfire.cells.lab import Workbench
from misfire.cli import main
from misfire.data import Dataset
from misfire.methods.retrieval.ensemble.logged import LoggedEnsemble
from misfire.methods.retrieval.split import dev_queries
from misfire.methods.retrieval.split import test_queries as held_back
from misfire.methods.retrieval.templates.routers import OutOfFoldRouter
from misfire.methods.retrieval.templates.routing_problem import RoutingProblem
from tests.end_to_end.conftest import Place
from tests.end_to_end.studies import WrittenSearch, ensembles, finished, journal, sides, world

pytestmark = [pytest.mark.end_to_end, pytest.mark.usefixtures("undrawn")]

FAILURES = {"subset": "failures"}


def texts_of(dataset: Dataset, *, dev_share: float, seed: int) -> tuple[set[str], set[str]]:
    """The different captions of dev and of test."""
    dev, test = (
        {dataset.captions[position].text for position in split(dataset, dev_share=dev_share, seed=seed).positions}
        for split in (dev_queries, held_back)
    )
    return dev, test


def num_told(place: Place, name: str) -> int:
    return len(finished(place, name)) if journal(place, name).is_file() else 0


def test_no_test_caption_has_an_embedding_before_the_winner_is_known(
    place: Place, written_search: WrittenSearch, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Captions of test images are poisoned until the trials are finished: whoever ranked one would be refused."""
    name, seed = f"poisoned-{place.experiment}", 10  # a split of the test's own, so that failures are mined
    dev, test = texts_of(world(place), dev_share=0.5, seed=seed)
    asked: dict[bool, set[str]] = {True: set(), False: set()}
    original = Workbench.texts

    def poisoned(bench: Workbench, texts: Sequence[str]) -> torch.Tensor:
        rows, is_early = original(bench, texts).clone(), num_told(place, name) < 2
        asked[is_early].update(texts)
        if is_early:
            rows[[row for row, text in enumerate(texts) if text in test - dev]] = torch.nan
        return rows

    monkeypatch.setattr(Workbench, "texts", poisoned)
    fixed = {"subset": "object_attribute", "templates": "generic"}
    space = {"pooling": ["max", "embedding_mean"]}
    search = written_search(name, objectives=["gain"], walk="grid", seed=seed, space=space, fixed=fixed)
    assert place.misfire("search", str(search)) == 0
    assert len(sides(place, name)["test"]) == 1
    assert dev <= asked[True]  # all of them, since they were mined
    assert not asked[True] & (test - dev)
    assert test <= asked[False]


def test_the_winners_failures_are_those_of_test_captions(place: Place, written_search: WrittenSearch) -> None:
    name = f"mined-{place.experiment}"
    search = written_search(name, objectives=["gain"], walk="grid", space={"pooling": ["max"]}, seed=11)
    assert place.misfire("search", str(search)) == 0
    dataset = world(place)
    for side, split in (("dev", dev_queries), ("test", held_back)):
        (records,) = [cell.records for cell in ensembles(place, name) if cell.label["side"] == side]
        failing = records[records["part"] == "subset"]
        of_side = {dataset.captions[position].id for position in split(dataset, dev_share=0.5, seed=11).positions}
        assert set(records["query_id"]) <= of_side
        assert len(failing) == 20  # half of num_failures
        assert (failing["baseline_rank"] > 1).all()


@pytest.mark.parametrize("is_named", [False, True])
def test_a_trained_router_learns_on_dev_and_is_applied_to_test(
    place: Place, written_search: WrittenSearch, monkeypatch: pytest.MonkeyPatch, is_named: bool
) -> None:
    """Also where a named failure set has labels of both sides."""
    name = f"routed-{place.experiment}"
    routed: list[tuple[bool, RoutingProblem, tuple[str, ...]]] = []
    original = OutOfFoldRouter.route

    def watched(router: OutOfFoldRouter, problem: RoutingProblem) -> tuple[str, ...]:
        routes = original(router, problem)
        routed.append((not num_told(place, name), problem, routes))
        return routes

    monkeypatch.setattr(OutOfFoldRouter, "route", watched)
    space = {"templates": ["predicted_trained"]}
    search = written_search(name, objectives=["gain"], walk="grid", fixed=FAILURES, space=space, seed=12)
    words = [f"failure_set={place.failure_set}"] if is_named else []
    assert place.misfire("search", str(search), "pooling=mean", *words) == 0
    assert num_told(place, name) == 1
    assert len(sides(place, name)["test"]) == 1

    dataset = world(place)
    dev, test = (
        set(dataset.targets[split(dataset, dev_share=0.5, seed=12).positions].tolist())
        for split in (dev_queries, held_back)
    )
    place_of = {image.id: number for number, image in enumerate(dataset.images)}
    for is_early, problem, _ in routed:
        asked, known = (
            {place_of[image] for image in captions.images.tolist()}
            for captions in (problem.captions, problem.annotated.captions)
        )
        assert known <= dev
        assert asked <= (dev if is_early else test)
    assert {is_early for is_early, *_ in routed} == {True, False}
    (_, problem, routes) = routed[-1]
    assert list(routes) == fitted_by_hand(problem)


def test_a_named_failure_set_is_cut_to_the_side(place: Place, written_search: WrittenSearch) -> None:
    name, folder = f"named-{place.experiment}", place.failure_set
    search = written_search(name, objectives=["gain"], walk="grid", space={"pooling": ["max"]}, seed=15)
    assert place.misfire("search", str(search), f"failure_set={folder}") == 0
    dataset = world(place)
    named = set(pd.read_parquet(folder / "failure_set.parquet")["query_id"])
    assert len(named) == 40
    for cell in ensembles(place, name):
        split = {"dev": dev_queries, "test": held_back}[cell.label["side"]]
        of_side = {dataset.captions[position].id for position in split(dataset, dev_share=0.5, seed=15).positions}
        records = cell.records
        assert set(records.loc[records["part"] == "subset", "query_id"]) == named & of_side
        assert set(records["query_id"]) <= of_side


def test_a_gate_that_test_itself_would_set_is_refused(
    place: Place, written_search: WrittenSearch, capsys: pytest.CaptureFixture[str]
) -> None:
    name = f"gated-{place.experiment}"
    search = written_search(
        name, objectives=["gain"], fixed=FAILURES, space={"templates": ["generic", "gated_generic"]}, seed=15
    )
    assert place.misfire("search", str(search)) == 2
    said = capsys.readouterr().err.splitlines()[-1]
    assert said == (
        "misfire: a search must ask templates that learn from no hits, got templates=gated_generic, which the winner's "
        "test queries would teach; search what stands behind the gate, and gate the winner."
    )
    assert not journal(place, name).exists()


def fitted_by_hand(problem: RoutingProblem) -> list[str]:
    """The classifier's formula of its docstring, once more: TF-IDF of words and pairs, balanced logistic regression."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression

    words = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, token_pattern=r"(?u)\b\w+\b")
    known = words.fit_transform(problem.annotated.captions.texts)
    model = LogisticRegression(class_weight="balanced", max_iter=1000).fit(known, problem.annotated.categories)
    return [str(name) for name in model.predict(words.transform(problem.captions.texts))]


def test_routed_templates_are_searched_beside_others(
    place: Place, written_search: WrittenSearch, capsys: pytest.CaptureFixture[str]
) -> None:
    name = f"beside-{place.experiment}"
    choices = ["generic", "predicted", "predicted_words", "predicted_trained"]
    search = written_search(
        name, walk="grid", fixed=FAILURES, space={"templates": choices}, objectives=["net"], seed=13
    )
    assert place.misfire("search", str(search), "pooling=mean") == 0
    assert f"4 trials of {name}: 4 finished\n" in capsys.readouterr().out
    table = pd.read_csv(place.report / name / "tables" / "trials.csv")
    assert sorted(table["setting"]) == sorted(f"templates={choice}" for choice in choices)
    by_id = {cell.id: LoggedEnsemble(cell) for cell in ensembles(place, name)}
    assert sorted(by_id[cell_id].templates for cell_id in sides(place, name)["dev"]) == sorted(choices)
    assert not any(outcome.is_oracle for outcome in by_id.values())
    # Each is what `ensemble` makes of the same queries, and is asked with as many prompts as a category has templates.
    assert {outcome.num_templates for outcome in by_id.values() if outcome.templates != "generic"} == {10}


@pytest.fixture(scope="module")
def weak_backbone(tmp_path_factory: pytest.TempPathFactory, backbone: Path) -> Path:
    """The bundled model after a blow to its text tower."""
    from safetensors.torch import load_file, save_file

    folder = Path(shutil.copytree(backbone, tmp_path_factory.mktemp("weak") / "clip"))
    (path,) = folder.glob("*.safetensors")
    weights = load_file(path)
    noise = torch.Generator().manual_seed(0)
    projection = weights["text_projection"]
    weights["text_projection"] = projection + projection.std() * torch.randn(projection.shape, generator=noise)
    save_file(weights, path)
    return folder


@pytest.fixture
def searched(place: Place, weak_backbone: Path) -> Callable[..., int]:
    """Runs a search whose backbones are its own business."""

    def run(search: Path, *words: str) -> int:
        shared = [word for word in place.words_of("search") if not word.startswith("backbone.")]
        return main(["search", str(search), *shared, *words])

    return run


def backbones(weak_backbone: Path) -> dict[str, object]:
    model = {"values": [f"local-dir:{weak_backbone}"], "when": {"backbone": "local_dir"}}
    return {"backbone": ["local_dir", "world_clip"], "backbone.model": model, "pooling": ["max", "mean"]}


def test_backbones_are_compared_by_what_they_hit(
    place: Place,
    written_search: WrittenSearch,
    searched: Callable[..., int],
    weak_backbone: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    name = f"backbones-{place.experiment}"
    search = written_search(
        name,
        objectives=["hits"],
        walk="grid",
        fixed={"subset": "all", "templates": "generic"},
        space=backbones(weak_backbone),
        seed=14,
    )
    assert searched(search, "num_trials=2") == 0
    early = finished(place, name)
    assert sorted(early) == [0, 1]
    assert searched(search, "num_trials=4") == 0
    shown = capsys.readouterr()
    assert f"4 trials of {name}: 4 finished\n" in shown.out
    assert {number: told for number, told in finished(place, name).items() if number in early} == early

    told = finished(place, name)
    cells = {cell.id: cell for cell in ensembles(place, name)}
    hits: dict[str, list[float]] = {}
    for setting, (value,), cell_id in told.values():  # type: ignore[misc]
        records = cells[str(cell_id)].records
        assert len(records) == 500
        assert value == pytest.approx(100 * np.mean(records["ensembled_rank"] <= 1))
        hits.setdefault(dict(setting)["backbone"], []).append(value)
    assert min(hits["world_clip"]) > max(hits["local_dir"])

    table = pd.read_csv(place.report / name / "tables" / "trials.csv")
    assert table["setting"].str.contains("backbone=world_clip").sum() == 2
    answer = [line for line in shown.out.splitlines() if line.startswith("Answer: ")][-1]
    assert "backbone=world_clip" in answer
    winner = max(told, key=lambda number: (told[number][1], -number))
    asked = but_for_side(cells[str(told[winner][2])])
    (read,) = [one for one in cells.values() if one.label["side"] == "test" and but_for_side(one) == asked]
    assert "world_clip" in read.label["backbone"]
    assert searched(search, "num_trials=4") == 0
    assert finished(place, name) == told


def but_for_side(cell: Logged) -> dict[str, Any]:
    """All that a cell depends on, but for the side that it asks."""
    return {key: value for key, value in cell.identity.items() if key != "side"}


def test_backbones_are_not_compared_on_failures_of_their_own(
    place: Place,
    written_search: WrittenSearch,
    searched: Callable[..., int],
    weak_backbone: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    name = f"unfair-{place.experiment}"
    search = written_search(name, objectives=["hits"], space=backbones(weak_backbone), seed=14)
    assert searched(search) == 2
    said = capsys.readouterr().err.splitlines()[-1]
    assert said == (
        "misfire: a search over backbones must ask all of them the same queries, got 2 different subsets failures, "
        "each of a backbone's own failures; fix subset: all or a file, and choose the objective hits."
    )
    assert not journal(place, name).exists()
