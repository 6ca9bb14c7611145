"""Every file that `misfire modes` composes for a method that names sentences builds its object."""

from pathlib import Path

import pytest

from misfire.config.folders import conf_folder
from misfire.config.settings import Settings
from misfire.config.sweep import load
from misfire.core.errors import UsageError
from misfire.methods.modes import (
    ClassProbabilitySplit,
    FPDiff,
    ModeFinder,
    OutcomeSource,
    PlantedOutcomes,
    SentenceModesCell,
    SentenceSource,
    SplitAndCluster,
    ZeroShotOutcomes,
)

WORLD = ["dataset.num_images=4"]
METHODS = {
    path.stem for path in conf_folder().glob("method/*.yaml") if "SentenceModesCell" in path.read_text(encoding="utf-8")
}
GIVEN = {"outcomes/file": ["outcomes.path=none.csv"], "sentences/file": ["sentences.path=none.txt"]}


@pytest.mark.parametrize("method", sorted(METHODS))
def test_a_method_is_built_and_makes_a_cell(method: str, tmp_path: Path) -> None:
    settings = Settings.of_words("modes", [f"method={method}", *WORLD, f"paths.root={tmp_path}"])
    finder = settings["method"]
    assert isinstance(finder, ModeFinder)
    assert finder.label.lower().startswith("prime" if method == "tag_combinations" else method.replace("_", " "))
    cell = settings.cell()
    assert isinstance(cell, SentenceModesCell)
    assert len(cell.id) == 64
    assert cell.label()["method"] == finder.label


def test_methods_have_different_ids_and_a_seed_counts(tmp_path: Path) -> None:
    words = [*WORLD, f"paths.root={tmp_path}"]
    ids = [Settings.of_words("modes", [f"method={method}", *words]).cell().id for method in sorted(METHODS)]
    assert len(METHODS) >= 8
    assert len(set(ids)) == len(ids)
    first, second, again = (Settings.of_words("modes", [f"seed={seed}", *words]).cell().id for seed in (1, 2, 1))
    assert first == again != second


def test_the_default_is_the_papers() -> None:
    finder = Settings.of_words("modes", ["method=fpdiff", *WORLD])["method"]
    assert isinstance(finder, SplitAndCluster)
    assert finder.selector == FPDiff(3, threshold=0.25)
    assert finder.clusterer.num_clusters == 15
    assert "20,000" in finder.clusterer.describe(20_001)
    of_class = Settings.of_words("modes", ["method=fpdiff_per_class", *WORLD])["method"]
    assert isinstance(of_class, SplitAndCluster)
    assert of_class.is_per_class
    assert of_class.split == ClassProbabilitySplit(0.2)
    assert of_class.clusterer.num_clusters == 5


def test_a_sweep_asks_which_method_finds_planted_contexts(tmp_path: Path) -> None:
    sweep = load("planted_contexts")
    small = ["dataset.num_images=20", "outcomes.taught_on.num_images=20", f"paths.root={tmp_path}"]
    points = sweep.points(small)
    assert len(set(points)) == len(points) == 30
    labels = [dict(Settings.of_words(sweep.verb, point).cell().label()) for point in (points[0], points[-1])]
    assert [label["contexts"] for label in labels] == ["colour", "background"]
    assert labels[1]["dimensions"] == "16"
    assert labels[1]["weights"] == "10"


@pytest.mark.parametrize(
    ("group", "kind"), [("outcomes", OutcomeSource), ("sentences", SentenceSource)], ids=["outcomes", "sentences"]
)
def test_a_source_is_built(group: str, kind: type) -> None:
    files = sorted(path.stem for path in conf_folder().glob(f"{group}/*.yaml"))
    assert files
    for file in files:
        words = ["method=fpdiff", f"{group}={file}", *WORLD]
        found = Settings.of_words("modes", [*words, *GIVEN.get(f"{group}/{file}", [])])[group]
        assert isinstance(found, kind)
        if f"{group}/{file}" in GIVEN:
            with pytest.raises(UsageError, match=rf"{group}.path must be given, got nothing; add {group}.path=..."):
                _ = Settings.of_words("modes", words)[group]


def test_a_misspelt_key_is_refused_with_a_hint() -> None:
    with pytest.raises(UsageError, match=r"sede"):
        Settings.of_words("modes", ["method=fpdiff", *WORLD, "sede=3"])
    with pytest.raises(UsageError, match=r"num_suffles.*num_shuffles"):
        _ = Settings.of_words("modes", ["method=fpdiff", *WORLD, "judging.num_suffles=3"])["judging"]


def test_a_method_of_sentences_reads_what_a_backbone_predicts_unless_told_otherwise() -> None:
    plain = Settings.of_words("modes", ["method=trend", *WORLD])
    told = Settings.of_words("modes", ["method=trend", "outcomes=planted", *WORLD])
    assert isinstance(plain["outcomes"], ZeroShotOutcomes)
    assert isinstance(told["outcomes"], PlantedOutcomes)
