"""The cell from outcomes to the report, on a dataset whose embeddings are planted."""

import json
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from misfire.cells import Logged, run_cell
from misfire.core.errors import UsageError
from misfire.data import ClassLabels, Sentences, Tags
from misfire.methods.modes import (
    DatasetSentences,
    Domino,
    ErrorAwareMixture,
    FileOutcomes,
    FileSentences,
    GeneralSentences,
    Judging,
    Ladder,
    ModeFinder,
    PDiff,
    PerformanceSplit,
    SentenceModesCell,
    SplitAndCluster,
    Trend,
    WardClustering,
    ZeroShotOutcomes,
)
from misfire.methods.modes.mode_gallery import modes_in_pictures
from misfire.methods.modes.outcome_source import Ground
from misfire.methods.modes.sentence_report import (
    scorecard_table,
    seeds_table,
    sentences_table,
    trust_table,
    whom_to_trust,
)
from misfire.reporting.table import to_markdown
from tests.cells.memory_ledger import MemoryLedger
from tests.methods.modes.planted import Planted, planted

CLASSES = ("ball", "box", "cup", "key")
JUDGING = Judging(contexts="place", num_shuffles=1, num_repeats=1)
METHODS: list[ModeFinder] = [
    SplitAndCluster(PDiff(2), PerformanceSplit(), WardClustering(6)),
    Trend(is_per_class=True),
    Ladder(is_per_class=True),
    Domino(ErrorAwareMixture(8, max_iterations=10), num_dimensions=8),
]


@dataclass
class Bench:
    """Embeddings without a backbone."""

    gallery: torch.Tensor
    of_text: dict[str, np.ndarray]

    def texts(self, texts: list[str]) -> torch.Tensor:
        return torch.from_numpy(np.stack([self.of_text[text] for text in texts]))


@dataclass
class Scene:
    """A planted world as a dataset, a lab and a file of outcomes."""

    known: Planted
    ground: Ground
    lab: Any
    path: Path

    def cell(self, finder: ModeFinder = METHODS[0], **changes: Any) -> SentenceModesCell:
        settings = {
            "source": FileOutcomes(str(self.path)),
            "sentence_source": DatasetSentences(),
            "finder": finder,
            "ground": self.ground,
            "judging": JUDGING,
            "seed": 0,
        }
        return SentenceModesCell(**{**settings, **changes})

    def logged(self, cell: SentenceModesCell) -> Logged:
        return run_cell(cell, self.lab, MemoryLedger(), config=lambda: "")[0]


def as_dataset(known: Planted) -> Any:
    ids = np.arange(len(known.images))
    images = [SimpleNamespace(id=int(one), name=f"{one:05d}.png") for one in ids]
    places = tuple(f"place {one}" for one in range(known.num_classes))
    return SimpleNamespace(
        name="planted",
        fingerprint="planted",
        images=images,
        image_set=SimpleNamespace(ids=ids, fingerprint="images"),
        labels=ClassLabels(ids, CLASSES, known.images.strata),
        tags=Tags(ids, places, np.eye(known.num_classes, dtype=bool)[known.contexts], ("place",) * known.num_classes),
        sentences=Sentences(ids, known.sentences.texts, known.holds()),
    )


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    known = planted(num_images=1200)
    assert known.images.predictions is not None
    rows = pd.DataFrame(
        {
            "image": [f"{one:05d}.png" for one in range(len(known.images))],
            "label": [CLASSES[one] for one in known.images.strata],
            "prediction": [CLASSES[one] for one in known.images.predicted],
            "score": known.images.predictions.max(axis=1),
            **{f"score_{name}": known.images.predictions[:, one] for one, name in enumerate(CLASSES)},
        }
    )
    path = tmp_path_factory.mktemp("outcomes") / "outcomes.csv"
    rows.to_csv(path, index=False)
    texts = dict(zip(known.sentences.texts, known.sentences.embeddings, strict=True))
    bench = Bench(torch.from_numpy(known.images.embeddings), texts)
    lab = SimpleNamespace(bench=lambda dataset, backbone: bench, watched_by=lambda watch: lab)
    backbone: Any = SimpleNamespace(fingerprint="backbone")
    return Scene(known, Ground(as_dataset(known), backbone), lab, path)


@pytest.fixture(scope="module")
def finished(scene: Scene) -> list[Logged]:
    return [scene.logged(scene.cell(finder)) for finder in METHODS]


def test_records_hold_every_number_of_a_mode(scene: Scene, finished: list[Logged]) -> None:
    records = finished[0].records
    assert len(records) == 6
    assert records["mode"].tolist() == [f"hard cluster {one}" for one in range(1, 7)]
    assert all(set(said) <= set(scene.known.sentences.texts) and len(said) == 2 for said in records["sentences"])
    assert records["drop"].mean() == pytest.approx(finished[0].estimates.at("drop").value)
    assert finished[0].estimates.at("num_modes").value == 6
    assert finished[0].estimates.at("p", k=10).value > finished[0].estimates.at("p", k=10, group="chance").value
    assert {"ahr", "acr", "tpr", "ji"} <= {row.metric for row in finished[0].estimates}
    for row in records.to_dict("records"):
        assert len(row["examples"]) == min(12, row["num_members"])
        assert row["is_confirmed"] == (row["q_value"] <= 0.05)


def test_a_class_is_called_by_its_name(finished: list[Logged]) -> None:
    ladder = finished[2].records["mode"].tolist()
    assert ladder == [f"{name}, what errors have" for name in CLASSES]
    assert finished[3].records["mode"].iloc[0] == "ball, slice 1"


def test_slices_can_be_taken_as_a_subset(scene: Scene) -> None:
    outcome = scene.cell().run(scene.lab)
    found = json.loads(outcome.files["slices/mode_001.json"])
    assert found["dataset_fingerprint"] == "planted"
    assert found["is_chosen_by_failing"] is False
    assert len(found["members"]) == outcome.records["num_members"].iloc[0]


def test_the_same_cell_gives_the_same_outcome(scene: Scene, finished: list[Logged]) -> None:
    again = scene.logged(scene.cell())
    assert again.id == finished[0].id
    for row in again.estimates:
        if row.metric != "seconds":
            np.testing.assert_equal(row.value, finished[0].estimates.at(row.metric, k=row.k, group=row.group).value)
    pd.testing.assert_frame_equal(again.records, finished[0].records)


def test_what_is_asked_makes_the_id(scene: Scene) -> None:
    ids = {
        scene.cell(**change).id
        for change in (
            {},
            {"seed": 1},
            {"finder": METHODS[1]},
            {"finder": replace(METHODS[0], selector=PDiff(3))},  # type: ignore[type-var]
            {"judging": replace(JUDGING, contexts=None)},
            {"judging": replace(JUDGING, is_graded=True)},
            {"sentence_source": GeneralSentences()},
            {"judging": replace(JUDGING, num_shuffles=0)},
            {"source": ZeroShotOutcomes()},
        )
    }
    assert len(ids) == 9


def test_the_command_line_tells_modes_and_numbers(finished: list[Logged]) -> None:
    told = SentenceModesCell.tell(finished[0])
    assert "hard cluster 1: An image" in told
    assert "What holds is said by what dataset planted knows." in told
    assert "AHR 0." in told or "AHR 1." in told
    assert finished[0].name.startswith("PDiff · 6 modes, +")


class Drawn:
    """A picture in one colour."""

    def load(self) -> Image.Image:
        return Image.new("RGB", (8, 8), (200, 0, 0))


def question(scene: Scene, *, fingerprint: str = "images") -> Any:
    dataset = as_dataset(scene.known)
    dataset.images = [SimpleNamespace(id=one.id, name=one.name, source=Drawn()) for one in dataset.images]
    dataset.image_set.fingerprint = fingerprint
    return SimpleNamespace(settings=SimpleNamespace(of=lambda logged: {"dataset": dataset}))


def test_one_report_compares_all_methods(scene: Scene, finished: list[Logged]) -> None:
    part = SentenceModesCell.report(finished, question(scene))
    assert [section.name for section in part.sections] == ["modes_scorecard", "modes_sentences", "modes_gallery"]
    card = to_markdown(scorecard_table(finished, ()))
    for name in ("PDiff", "trend per class", "ladder per class", "DOMINO per class"):
        assert f"| {name} |" in card
    assert "P@10 by chance" in card
    assert part.answer.startswith("For modes that also fail on images they weren't found on trust ")
    said = to_markdown(sentences_table(finished, ()))
    assert "An image taken in place" in said
    assert part.deciding is not None
    assert part.deciding.value == max(cell.estimates.at("drop").value for cell in finished)


def test_each_wish_has_its_best_method_and_the_number(scene: Scene, finished: list[Logged]) -> None:
    trusted = {one.wish.metric: one for one in whom_to_trust(finished)}
    assert {"drop", "confirmed", "excess", "p", "ahr", "ji"} <= set(trusted)
    best = max(finished, key=lambda cell: cell.estimates.at("p", k=10).value)
    assert trusted["p"].best[0] == best.label["method"]
    assert trusted["p"].value.value == best.estimates.at("p", k=10).value
    assert trusted["p"].next_value is not None
    assert trusted["p"].next_value.value < trusted["p"].value.value
    table = to_markdown(trust_table(list(trusted.values()), ()))
    assert f"| images of one true context together | {best.label['method']} |" in table


def test_runs_of_several_seeds_are_one_method(scene: Scene, finished: list[Logged]) -> None:
    again = scene.logged(scene.cell(seed=1))
    cells = [*finished, again]
    table = seeds_table(cells, ())
    assert table is not None
    (row,) = table.rows
    values = [cell.estimates.at("p", k=10).value for cell in (finished[0], again)]
    place = [column.header for column in table.columns].index("P@10")
    assert row[0].text == "PDiff"
    assert row[1].raw == (2,)
    assert row[place].raw == pytest.approx((np.mean(values), np.std(values, ddof=1)))
    trusted = {one.wish.metric: one for one in whom_to_trust(cells)}
    assert all("seed" not in name for one in trusted.values() for name in (*one.best, *one.next_best))
    assert scorecard_table(cells, ()).title == "Scorecard of 4 methods, 5 runs on the same images."
    assert seeds_table(finished, ()) is None


def test_a_mode_is_shown_with_what_every_method_says_of_it(scene: Scene, finished: list[Logged]) -> None:
    (section,) = modes_in_pictures(finished, question(scene), {cell.id: cell.label["method"] for cell in finished})
    assert section.gallery is not None
    assert 1 < len(section.gallery.groups) <= 8
    assert any(len(group.examples) > 1 for group in section.gallery.groups)
    for group in section.gallery.groups:
        assert group.num_all == len(finished)
        first = group.examples[0]
        assert first.pictures[0].jpeg.startswith(b"\xff\xd8")
        assert {picture.role for picture in first.pictures} <= {"right", "wrong"}
        assert "shares" not in first.remark


def test_pictures_of_other_data_are_left_out_with_a_word(
    scene: Scene, finished: list[Logged], capsys: pytest.CaptureFixture[str]
) -> None:
    assert modes_in_pictures(finished, question(scene, fingerprint="other"), {}) == []
    assert "No pictures of modes: dataset planted isn't that of every cell" in capsys.readouterr().err


def test_one_method_is_told_by_itself(scene: Scene, finished: list[Logged]) -> None:
    part = SentenceModesCell.report(finished[:1], question(scene))
    assert part.answer.startswith("PDiff finds 6 modes, ")


def test_what_is_unknown_is_absent_from_the_scorecard(scene: Scene, tmp_path: Path) -> None:
    path = tmp_path / "mine.txt"
    path.write_text("\n".join(scene.known.sentences.texts), encoding="utf-8")
    bare = scene.logged(scene.cell(sentence_source=FileSentences(str(path)), judging=replace(JUDGING, contexts=None)))
    card = to_markdown(scorecard_table([bare], ()))
    assert "AHR" not in card
    assert "P@10" not in card
    assert "coverage" in card


@pytest.mark.parametrize("finder", METHODS, ids=lambda finder: finder.label)
def test_outcomes_of_one_kind_explain_nothing(scene: Scene, tmp_path: Path, finder: ModeFinder) -> None:
    path = tmp_path / "right.csv"
    names = [f"{one:05d}.png" for one in range(len(scene.known.images))]
    right = pd.DataFrame({"image": names, "label": "ball", "prediction": "ball", "score": 0.5})
    right.to_csv(path, index=False)
    cell = scene.cell(finder, source=FileOutcomes(str(path)))
    with pytest.raises(UsageError, match="only beside successes, got a right prediction for each of 1200 images"):
        cell.run(scene.lab)
    graded = replace(JUDGING, is_graded=True)
    cell = scene.cell(finder, source=FileOutcomes(str(path), correct_from=0.1), judging=graded)
    with pytest.raises(UsageError, match=r"got a score of 0\.5 for each of 1200 images; bring images of both kinds"):
        cell.run(scene.lab)
    right.assign(prediction="box").to_csv(path, index=False)
    with pytest.raises(UsageError, match="got a wrong prediction for each"):
        scene.cell(finder, source=FileOutcomes(str(path))).run(scene.lab)


def test_a_score_an_image_is_enough(scene: Scene, tmp_path: Path) -> None:
    """Segmentation and detection enter so: no class, no prediction, a number an image."""
    path = tmp_path / "iou.csv"
    rng = np.random.default_rng(0)
    iou = 0.4 + 0.4 * scene.known.images.performance + 0.1 * rng.random(len(scene.known.images))
    names = [f"{one:05d}.png" for one in range(len(iou))]
    pd.DataFrame({"image": names, "score": iou}).to_csv(path, index=False)
    source = FileOutcomes(str(path), correct_from=0.5)
    judging = replace(JUDGING, is_graded=True, contexts=None)
    found = scene.logged(scene.cell(source=source, judging=judging))
    assert found.estimates.at("drop").value > 0.05
    assert len(found.records) == 6
    with pytest.raises(UsageError, match="DOMINO needs labels and predictions of the images, got none"):
        scene.cell(METHODS[3], source=source, judging=judging).run(scene.lab)


def test_unfit_input_is_refused(scene: Scene, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="a family of the dataset's tags, got weather; take one of place"):
        scene.cell(judging=replace(JUDGING, contexts="weather")).run(scene.lab)
    path = tmp_path / "other.csv"
    pd.DataFrame({"image": ["x.png"], "label": ["a"], "prediction": ["a"]}).to_csv(path, index=False)
    with pytest.raises(UsageError, match=r"outcomes must be of the dataset's images, got 1 \(x.png\) beside"):
        scene.cell(source=FileOutcomes(str(path))).run(scene.lab)
    pd.read_csv(scene.path).drop(columns="score").to_csv(path, index=False)
    with pytest.raises(UsageError, match="a graded performance needs a score an image, got outcomes without"):
        scene.cell(source=FileOutcomes(str(path)), judging=replace(JUDGING, is_graded=True)).run(scene.lab)
    with pytest.raises(UsageError, match=r"families must be some of sentence, got x"):
        scene.cell(sentence_source=DatasetSentences(("x",))).run(scene.lab)


def test_a_set_in_another_language_is_refused_before_anything_is_embedded(scene: Scene, tmp_path: Path) -> None:
    path = tmp_path / "mine.txt"
    refused = r"the language that the backbone reads, en, got .*mine.txt in another, such as '"
    for text in ("Ein Bild mit einer Katze\nEin Bild ohne Licht\nrain", "\u043d\u043e\u0447\u044c"):
        path.write_text(text, encoding="utf-8")
        with pytest.raises(UsageError, match=refused):
            _ = scene.cell(sentence_source=FileSentences(str(path))).id
        assert len(scene.cell(sentence_source=FileSentences(str(path), language="de")).id) == 64
    stated = tmp_path / "mine.yaml"
    groups = "groups:\n  - {family: x, template: 'Bild: {}', words: [y]}\n"
    stated.write_text(f"name: a\nprovenance: b\nlanguage: de\n{groups}")
    with pytest.raises(UsageError, match=r"en, got .*mine.yaml in de; translate them, or take a backbone that reads"):
        _ = scene.cell(sentence_source=FileSentences(str(stated))).id
    assert len(scene.cell(sentence_source=FileSentences(str(stated), language="de")).id) == 64


def test_a_cell_is_told_by_what_its_files_hold_and_not_by_where_they_lie(scene: Scene, tmp_path: Path) -> None:
    first, second = tmp_path / "first.txt", tmp_path / "second.txt"
    first.write_text("an image at night\nan image of snow\n")
    second.write_text("# the same\nan image at night\nan image of snow\n")
    ids = [scene.cell(sentence_source=FileSentences(str(path))).id for path in (first, second)]
    assert ids[0] == ids[1]
    second.write_text("an image at night\nan image of rain\n")
    assert scene.cell(sentence_source=FileSentences(str(second))).id != ids[0]
    answers = tmp_path / "answers.csv"
    answers.write_text("image,sentence,answer\n")
    assert scene.cell(sentence_source=FileSentences(str(first), answers=str(answers))).id != ids[0]


def test_a_sentence_in_another_alphabet_is_told(scene: Scene, tmp_path: Path) -> None:
    foreign = "\u043d\u043e\u0447\u044c"
    path = tmp_path / "mine.txt"
    path.write_text("\n".join([*scene.known.sentences.texts, foreign]), encoding="utf-8")
    scene.lab.bench(None, None).of_text[foreign] = scene.known.sentences.embeddings[0]
    found = scene.logged(scene.cell(sentence_source=FileSentences(str(path))))
    assert any("1 of " in remark and "sentences aren't in English" in remark for remark in found.facts["remarks"])
