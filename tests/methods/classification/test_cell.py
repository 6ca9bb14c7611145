"""The classification cell: its numbers by loops, its labels unread while it mends, its identity, its report."""

import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from misfire.cells import Lab, Logged, Outcome, Question, Slice
from misfire.core.errors import UsageError
from misfire.data.right_answers import RightAnswers
from misfire.methods.classification.cell import ClassificationCell
from misfire.methods.classification.design import labels_of
from misfire.methods.classification.enriching import Enrich
from misfire.methods.classification.pictures import worst_first
from misfire.methods.classification.prior import PriorCorrection
from misfire.methods.classification.report import classification_part, finds_worst
from misfire.methods.classification.weighting import CarprtWeighting, CpeWeighting, UniformWeighting
from misfire.prompts import TemplateSet
from misfire.prompts.descriptions import ListedDescriptions, NoDescriptions
from misfire.reporting.figure import to_png
from misfire.reporting.table import to_markdown
from misfire.scoring import EmbeddingMean, MeanPooling
from misfire.stats import StatisticsSettings
from tests.cells.memory_ledger import MemoryLedger
from tests.methods.classification import colours

TEMPLATES = TemplateSet("three", ("a {class}", "a photo of {class}", "tax report {class} merger"), placeholder="class")
STATISTICS = StatisticsSettings(num_replicates=200)


@pytest.fixture(scope="module", autouse=True)
def direct_embedding() -> Iterator[None]:
    """Images and texts are embedded at once, without a loop or a store."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            "misfire.cells.lab.embed_images", lambda images, encoder, store, trainer: encoder.of_images(images)
        )
        patch.setattr("misfire.cells.lab.embed_texts", lambda texts, encoder, store, trainer: encoder.of_texts(texts))
        yield


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    return colours.lab(tmp_path_factory.mktemp("lab"))


def cell(**options: Any) -> ClassificationCell:
    given = {
        "dataset": colours.dataset(),
        "encoder": colours.ColourEncoder(),
        "templates": TEMPLATES,
        "pooling": MeanPooling(),
        "weighting": UniformWeighting(),
        "statistics": STATISTICS,
        "worst_k": 2,
        "cutoffs": (1, 2, 100),
    }
    return ClassificationCell(**{**given, **options})


MENDED = {
    "weighting": CpeWeighting(worst_k=2, temperature=0.05),
    "prior": PriorCorrection(logit_scale=10.0),
    "found_on": colours.dataset(1),
}


@pytest.fixture(scope="module")
def plain(lab: Lab) -> Outcome:
    return cell().run(lab)


@pytest.fixture(scope="module")
def mended(lab: Lab) -> Outcome:
    return cell(**MENDED).run(lab)


def read(outcome: Outcome, file: str) -> pd.DataFrame:
    return pd.read_csv(io.BytesIO(outcome.files[file]))


def test_the_plain_classifier_is_that_of_a_loop(plain: Outcome) -> None:
    data, encoder = colours.dataset(), colours.ColourEncoder()
    prompts = [[text.replace("{class}", name) for text in TEMPLATES.templates] for name in colours.CLASSES]
    scores = np.stack([encoder.of_images(data.images) @ encoder.of_texts(row).T.mean(dim=1) for row in prompts], axis=1)
    said, labels = scores.argmax(axis=1), labels_of(data).labels
    assert plain.records["after"].tolist() == said.tolist() == plain.records["before"].tolist()
    accuracy = [float((said[labels == one] == one).mean()) for one in range(len(colours.CLASSES))]
    assert read(plain, "classes.csv").accuracy.tolist() == pytest.approx(accuracy)
    found = plain.estimates
    assert found.at("accuracy", group="after").value == pytest.approx(float((said == labels).mean()))
    assert found.at("macro_accuracy", group="after").value == pytest.approx(np.mean(accuracy))
    assert found.at("worst", k=2, group="after").value == pytest.approx(np.mean(sorted(accuracy)[:2]))
    assert found.find("worst", k=100, group="after") is None
    assert found.find("accuracy", group="delta") is None
    assert not plain.facts["is_mended"]


def test_two_colours_made_alike_are_the_worst_by_margin_and_rivals_of_each_other(plain: Outcome) -> None:
    table = read(plain, "classes.csv").set_index("name")
    assert set(plain.facts["worst_by_margin"]) == {"red", "rose"}
    assert set(plain.facts["worst_classes"]) == {"red", "rose"}
    assert (table.margin_rival["red"], table.margin_rival["rose"]) == (1, 0)
    assert table.rival_name["rose"] == "red"


def test_how_many_classes_count_as_the_worst_is_a_cutoff_too() -> None:
    assert cell(worst_k=3, cutoffs=(1, 5)).cutoffs == (1, 3, 5)
    assert cell(worst_k=8, cutoffs=(5, 1)).cutoffs == (1, 5)  # there are seven classes


def test_what_mending_changed_is_told_with_what_it_took(plain: Outcome, mended: Outcome) -> None:
    records, found = mended.records, mended.estimates
    assert records["before"].tolist() == plain.records["after"].tolist()
    delta = found.at("accuracy", group="delta")
    assert delta.value == pytest.approx(records.hit_after.mean() - records.hit_before.mean())
    assert delta.low <= delta.value <= delta.high
    fixed, broken = (records.hit_after & ~records.hit_before).sum(), (records.hit_before & ~records.hit_after).sum()
    assert (found.at("images_fixed").value, found.at("images_broken").value) == (fixed, broken)
    flips = read(mended, "image_flips.csv")
    assert (flips.flip == "fixed").sum() == fixed
    by_class = read(mended, "class_flips.csv")
    assert (by_class.fixed.sum(), by_class.broken.sum()) == (fixed, broken)
    weights = read(mended, "weights.csv").set_index("template").weight
    assert weights.idxmin() == "tax report {class} merger"
    assert weights.sum() == pytest.approx(1)


def test_no_label_is_read_while_mending(lab: Lab, mended: Outcome) -> None:
    rng = np.random.default_rng(7)
    wrong = rng.permutation(np.repeat(np.arange(7), 12))
    other = cell(
        **{**MENDED, "found_on": colours.dataset(1, labels=wrong), "dataset": colours.dataset(0, labels=wrong)}
    )
    again = other.run(lab)
    assert again.records["after"].tolist() == mended.records["after"].tolist()
    assert again.facts["worst_by_margin"] == mended.facts["worst_by_margin"]
    assert again.files["weights.csv"] == mended.files["weights.csv"]


def test_only_the_worst_classes_by_margin_are_described(lab: Lab) -> None:
    asked: list[Sequence[str]] = []

    class Watched(NoDescriptions.__mro__[1]):  # type: ignore[misc]  # a source of its own
        name = "watched"
        are_sentences = False

        def answers(self, classes: Sequence[str]) -> dict[str, list[str]]:
            asked.append(classes)
            return {name: ["red red" if name == "red" else "white white"] for name in classes}

        def describe(self) -> dict[str, Any]:
            return {"descriptions": "watched"}

    enriched = cell(descriptions=Watched(), enrich=Enrich.WORST_K, share=0.5).run(lab)
    assert [sorted(one) for one in asked] == [["red", "rose"]]
    assert sorted(enriched.facts["enriched"]) == ["red", "rose"]
    assert enriched.facts["is_mended"]
    table = read(enriched, "classes.csv").set_index("name")
    assert table.is_enriched.sum() == 2
    everywhere = cell(descriptions=Watched(), enrich=Enrich.ALL).run(lab)
    assert len(everywhere.facts["enriched"]) == 7


def test_the_worst_classes_images_become_a_slice_and_a_sheet(mended: Outcome) -> None:
    chosen = Slice(**{**(said := json.loads(mended.files["slice.json"])), "members": tuple(said["members"])})
    labels = labels_of(colours.dataset()).labels
    ids = colours.dataset().image_set.ids
    worst = [colours.CLASSES.index(name) for name in mended.facts["worst_classes"]]
    assert chosen.members == tuple(int(one) for one in ids[np.isin(labels, worst)])
    assert chosen.is_chosen_by_failing
    assert chosen.uses_oracle_labels
    free = json.loads(mended.files["slice_by_margin.json"])
    assert not free["uses_oracle_labels"]
    assert mended.files["worst_01.png"][:4] == b"\x89PNG"
    assert "worst_03.png" not in mended.files


def test_a_sheet_shows_each_name_in_its_share() -> None:
    labels, said = np.zeros(60, dtype=np.int64), np.array([3] * 30 + [0] * 20 + [2] * 10)
    shown = worst_first(np.append(labels, 1), np.append(said, 3), 0, most=12)
    assert said[shown].tolist() == [3] * 6 + [2] * 2 + [0] * 4  # the commonest wrong name first, what is right last
    assert worst_first(labels, said, 0, most=100).tolist() == [*range(30), *range(50, 60), *range(30, 50)]


def test_a_second_label_set_stands_beside_every_number(lab: Lab) -> None:
    labels = labels_of(colours.dataset())
    right = {
        str(image): frozenset({"red", "rose"} if labels.names[one] in ("red", "rose") else {labels.names[one]})
        for image, one in zip(labels.image_ids, labels.labels, strict=True)
    }
    right["100"] = frozenset()
    found = cell(also=RightAnswers("raters", right)).run(lab)
    assert found.estimates.at("accuracy", group="after/also").n == 83
    assert (
        found.estimates.at("worst_also", k=2, group="after").value
        > found.estimates.at("worst", k=2, group="after").value
    )
    assert found.records.is_rated.sum() == 83


def test_sides_divide_each_class_and_are_told_apart(lab: Lab) -> None:
    dev, test = cell(side="dev"), cell(side="test")
    assert sorted([*dev.positions, *test.positions]) == list(range(84))
    assert np.bincount(labels_of(dev.dataset).labels[dev.positions]).tolist() == [6] * 7
    assert len({one.id for one in (dev, test, cell(), cell(side="dev", split_seed=1))}) == 4
    assert len(dev.run(lab).records) == 42


def test_identity_is_content_and_nothing_else() -> None:
    assert cell().id == cell(dataset=replace(colours.dataset(), name="other"), encoder=colours.ColourEncoder("x")).id
    changes: list[dict[str, Any]] = [
        {"weighting": CpeWeighting()},
        {"weighting": CarprtWeighting()},
        {"pooling": EmbeddingMean()},
        {"prior": PriorCorrection()},
        {"found_on": colours.dataset(1)},
        {"worst_k": 3},
        {"names": tuple("abcdefg")},
        {"statistics": StatisticsSettings(seed=1)},
        {"enrich": Enrich.ALL, "descriptions": ListedDescriptions({"red": ["a"]})},
        {"enrich": Enrich.ALL, "descriptions": ListedDescriptions({"red": ["b"]})},
        {"dataset": colours.dataset(2)},
    ]
    assert len({cell().id, *(cell(**change).id for change in changes)}) == 1 + len(changes)
    assert cell(descriptions=ListedDescriptions({"red": ["a"]})).id == cell().id  # nothing is described


def test_a_cell_goes_through_a_ledger_and_is_told(finished: tuple[list[Logged], Question]) -> None:
    logged, question = finished
    told = ClassificationCell.tell(logged[1])
    assert "Mending changed worst@2 by" in told
    assert "Without labels, the 2 lowest matching margins are those of " in told
    assert "; 2 of these are among the 2 worst by accuracy." in told
    assert "The 2 worst classes were chosen by the images that measure them" in told
    pairs = ClassificationCell.paired(logged[1], k=None)
    assert pairs is not None
    assert pairs.after.mean() - pairs.before.mean() == pytest.approx(
        logged[1].estimates.at("accuracy", group="delta").value
    )
    assert ClassificationCell.paired(logged[0], k=None) is None
    part = classification_part(logged, question)
    assert part.decides
    assert "mends raise worst@2" in part.answer or "mends raises worst@2" in part.answer
    for section in part.sections:
        for table in section.tables:
            assert to_markdown(table)
    figures = [figure for section in part.sections for figure in section.illustrations]
    assert [figure.name for figure in figures] == [
        "class_accuracies",
        "rivals",
        "confusion_of_worst",
        "margin_against_accuracy",
    ]
    assert to_png(figures[0].figure)[:4] == b"\x89PNG"
    assert {section.name for section in part.sections} >= {"classification", "worst_classes", "rivals"}


def test_without_a_mend_the_answer_is_about_the_margin(finished: tuple[list[Logged], Question]) -> None:
    logged, question = finished
    part = classification_part(logged[:1], question)
    assert "By its matching margin, without labels, the worst classes are found in" in part.answer
    assert finds_worst(logged[0]) in (True, False)


@pytest.fixture(scope="module")
def finished(lab: Lab, plain: Outcome, mended: Outcome) -> tuple[list[Logged], Question]:
    ledger = MemoryLedger()
    weighted = cell(weighting=CarprtWeighting(), found_on=colours.dataset(1))
    runs = ((cell(), plain), (cell(**MENDED), mended), (weighted, weighted.run(lab)))
    logged = [ledger.save(one, outcome, config="") for one, outcome in runs]
    question = Question("colours", "Colours", "Which mends?", "Those that do.", 2, 0, settings=None)  # type: ignore[arg-type]
    return logged, question


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        (
            lambda: cell(dataset=colours.dataset(named=False)),
            "needs a class for each image, dataset colours knows none",
        ),
        (lambda: cell(names=("a", "b")), "every class of colours must have a name, got 2 names for 7 "),
        (lambda: cell(enrich=Enrich.WORST_K), "enrich=worst_k needs descriptions, got none"),
        (lambda: cell(enrich=Enrich.ALL, descriptions=NoDescriptions()), "enrich=all needs descriptions, got none"),
        (lambda: cell(templates=TemplateSet("t", ("a {caption}",))), "must have a place for a class here"),
        (lambda: cell(cutoffs=(0, 3)), "cutoffs must be from 1 to the number of classes with images, 7"),
        (lambda: cell(worst_k=0), "worst_k must be >= 1, got 0"),
        (lambda: cell(side="dev", dev_share=1.0), r"dev_share must be in \(0, 1\), got 1.0"),
    ],
)
def test_what_does_not_fit_is_refused_before_anything_is_computed(wrong: Any, sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        wrong()


def test_nothing_is_written_by_a_cell(lab: Lab, tmp_path: Path) -> None:
    cell().run(colours.lab(tmp_path))
    assert not list(tmp_path.rglob("*.csv"))
