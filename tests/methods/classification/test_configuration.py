"""What ``misfire classify`` composes: every choice of its groups makes a cell, and what is wrong is one sentence."""

from pathlib import Path

import pytest

from misfire.config.groups import groups
from misfire.config.settings import Settings
from misfire.core.errors import UsageError
from misfire.methods.classification.cell import ClassificationCell
from misfire.methods.classification.outcomes_cell import OutcomesCell

SMALL = ("dataset.num_images=40", "cutoffs=[1,5]", "worst_k=5")
GIVEN = {
    "json": ("descriptions.path=x.json",),
    "cupl": ("descriptions.path=x.json",),
    "endpoint": ("descriptions.model=m",),
    "local_model": ("descriptions.model=m",),
}


def cell_of(*words: str) -> ClassificationCell:
    cell = Settings.of_words("classify", [*SMALL, *words]).cell()
    assert isinstance(cell, ClassificationCell)
    return cell


def test_by_default_the_world_is_classified_and_nothing_is_mended() -> None:
    cell = cell_of()
    assert (cell.weighting.name, cell.prior, cell.found_on, cell.enrich) == ("uniform", None, None, "none")
    assert cell.name == "world · class_photo · uniform"


@pytest.mark.parametrize("weighting", sorted(groups()["weighting"]))
def test_every_weighting_makes_a_cell_of_its_own(weighting: str) -> None:
    cell = cell_of(f"weighting={weighting}", "prior=label_free")
    assert cell.weighting.name == weighting
    assert cell.prior is not None
    assert (cell.id == cell_of("prior=label_free").id) == (weighting == "uniform")


@pytest.mark.parametrize("descriptions", sorted(set(groups()["descriptions"]) - {"none", "json", "cupl"}))
def test_every_source_of_descriptions_makes_a_cell(descriptions: str) -> None:
    cell = cell_of(f"descriptions={descriptions}", "enrich=worst_k", *GIVEN.get(descriptions, ()))
    assert cell.descriptions is not None
    assert cell.identity()["descriptions"]["descriptions"] == cell.descriptions.name  # type: ignore[call-overload,index]


@pytest.mark.parametrize("templates", [name for name in sorted(groups()["templates"]) if name.startswith("class_")])
def test_every_template_set_of_classes_makes_a_cell(templates: str) -> None:
    cell = cell_of(f"templates={templates}")
    assert len(cell.templates) == {"class_name": 1, "class_photo": 7, "class_many": 13, "class_clip_80": 80}[templates]


def test_every_kind_of_the_world_is_described() -> None:
    cell = cell_of("descriptions=world", "enrich=all")
    assert cell.descriptions is not None
    said = cell.descriptions(cell.names)
    assert not said.without
    assert not said.dropped


def test_outcomes_of_another_model_make_the_other_kind_of_cell(tmp_path: Path) -> None:
    path = tmp_path / "outcomes.csv"
    path.write_text("image,label,prediction,second\na,x,x,y\nb,y,x,y\nc,y,y,y\n")
    words = ("dataset=outcomes", f"dataset.path={path}", "cutoffs=[1]", "others=[{prediction: second}]")
    cell = Settings.of_words("classify", words).cell()
    assert isinstance(cell, OutcomesCell)
    assert [file.prediction for file in cell.others] == ["second"]
    second = Settings.of_words("classify", (*words, "dataset.prediction=second")).cell()
    assert isinstance(second, OutcomesCell)
    assert not second.others  # it is no other model of itself
    with pytest.raises(UsageError, match="others must be paths, or mappings with some of path, name, image"):
        Settings.of_words("classify", (*words[:-1], "others=[{column: second}]")).cell()


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("enrich=worst",), "enrich must be one of all, none, worst_k, got worst"),
        (("enrich=all",), "enrich=all needs descriptions"),
        (("descriptions=json", "enrich=all"), "descriptions.path must be given, got nothing"),
        (("templates=generic",), "templates must have a place for a class here, generic has one for a caption"),
        (("weighting=cpe", "weighting.temprature=1"), "did you mean weighting.temperature"),
        (("weighting=cpe", "weighting.temperature=0"), "temperature must be a positive finite number, got 0"),
        (("class_names=absent.txt",), "class names must be in a file in UTF-8, got absent.txt"),
        (("dataset=outcomes",), "dataset.path must be given"),
        (("side=left",), "side must be one of dev, test or null, got left"),
    ],
)
def test_what_is_wrong_is_said_in_one_sentence(words: tuple[str, ...], sentence: str) -> None:
    small = SMALL if words[0] != "dataset=outcomes" else ()
    with pytest.raises(UsageError) as refusal:
        Settings.of_words("classify", [*small, *words]).cell()
    assert sentence in str(refusal.value)
