import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from misfire.cells import Estimates, Lab, Logged, run_cell
from misfire.config.settings import Settings
from misfire.core.errors import UsageError
from misfire.data.tag_table import common_images
from misfire.data.world import World
from misfire.embeddings import EmbeddingStore, TrainerSettings
from misfire.methods.modes.mode_page import mode_page
from misfire.methods.modes.outcome_source import FileOutcomes, Ground, OneSide, PlantedOutcomes, ZeroShotOutcomes
from misfire.methods.modes.prime_cell import PrimeCell
from misfire.methods.modes.prime_findings import PrimeFindings
from misfire.methods.modes.prime_report import failures_of, prime_part, settings_table
from misfire.methods.modes.prime_search import PrimeSearch
from misfire.methods.modes.tag_mode import prime
from misfire.methods.modes.tag_source import BackboneTags, CaptionTags, DatasetTags, FileTags, WordTags
from misfire.prompts.descriptions import ListedDescriptions, NoDescriptions
from tests.cells.memory_ledger import MemoryLedger

PLANTS = [
    {"label": "fish", "tags": ["desert"], "accuracy": 0.3},
    {"label": "cup", "tags": ["large", "striped"], "accuracy": 0.2},
]
FAST = PrimeSearch(min_support=15, num_permutations=49, num_shuffles=2, max_size=2)


class FakeSettings:
    """A configuration that is a mapping of objects."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self.values, self.asked = values, list[str]()

    def __getitem__(self, key: str) -> Any:
        self.asked.append(key)
        return self.values[key]


@pytest.fixture(scope="module")
def world() -> World:
    return World(num_images=8000, captions_per_image=1, seed=3)


def cell_on(
    world: World, *, plants: list[dict[str, Any]] = PLANTS, search: PrimeSearch = FAST, **options: Any
) -> PrimeCell:
    outcomes = PlantedOutcomes(plants=plants, accuracy=0.9, seed=1, **options)
    return PrimeCell(outcomes, DatasetTags(without=["kind"]), search, Ground(world), 0)


def logged(cell: PrimeCell) -> Logged:
    nowhere = Path("needs no folder")
    lab = Lab(nowhere, EmbeddingStore(nowhere), TrainerSettings())
    return run_cell(cell, lab, MemoryLedger(), config=lambda: "")[0]


@pytest.fixture(scope="module")
def searched(world: World) -> Logged:
    return logged(cell_on(world))


def test_planted_modes_stand_and_hold_on_the_other_half(searched: Logged) -> None:
    failures = failures_of(searched)
    stay = failures[failures["stands"]]
    assert {(row["class"], tuple(sorted(row["tags"]))) for row in stay.to_dict("records")} == {
        ("fish", ("desert",)),
        ("cup", ("large", "striped")),
    }
    estimates = searched.estimates
    assert estimates.at("oracle_f1").value == 1.0
    assert estimates.at("standing").value == 2
    assert estimates.at("unseen_drop", group="standing").value > 0.3
    assert estimates.at("expected_by_chance").value < estimates.at("modes").value
    assert (stay["is_planted_oracle"] == True).all()  # noqa: E712


def test_shuffled_outcomes_leave_no_mode_standing(world: World) -> None:
    found = logged(cell_on(world, is_shuffled=True, search=replace(FAST, min_drop=0.2)))
    assert found.estimates.at("surviving").value == 0
    assert np.isnan(found.estimates.at("oracle_recall").value)


def test_modes_of_one_to_four_tags_stand_out_of_20_000_images_and_none_by_chance() -> None:
    """By the verb's own thresholds: one half of each class is searched."""
    plants = [
        {"label": "fish", "tags": ["desert"], "accuracy": 0.3},
        {"label": "cup", "tags": ["large", "striped"], "accuracy": 0.3},
        {"label": "key", "tags": ["one", "small", "left of"], "accuracy": 0.3},
        {"label": "moon", "tags": ["one", "large", "small", "left of"], "accuracy": 0.3},
    ]
    ground = Ground(World(num_images=20_000, captions_per_image=1))
    tags = DatasetTags(without=["kind"]).tags(ground, None)
    for is_shuffled in (False, True):
        source = PlantedOutcomes(plants=plants, seed=1, is_shuffled=is_shuffled)
        outcomes = source.outcomes(ground, None)
        rows, places, _ = common_images(outcomes.images, tags.images)
        joined = outcomes.take(rows), tags.take(places)
        search = PrimeSearch(num_permutations=1, num_shuffles=0)
        found = PrimeFindings(search, source, ground, *joined, remarks=(), seed=42, lab=None)
        if is_shuffled:
            assert not found.survives.any()
        else:
            assert found.estimates.at("oracle_f1").value >= 0.9


def test_records_are_the_search_on_the_searched_half(world: World, searched: Logged) -> None:
    """Members, counts and drops again from the outcomes and facts, without the cell."""
    cell = cell_on(world)
    outcomes = cell.source.outcomes(cell.ground, None)
    tags = world.tags
    row_of = {name: row for row, name in enumerate(outcomes.images)}
    for row in searched.records.to_dict("records"):
        members = [row_of[name] for name in row["members"]]
        assert len(members) == row["support"]
        assert outcomes.correct[members].sum() == row["num_correct"]
        assert tags.columns(list(row["tags"])).holds[members].all()
        assert {outcomes.class_names[outcomes.labels[member]] for member in members} == {row["class"]}
        assert row["drop"] == pytest.approx(row["class_accuracy"] - row["num_correct"] / row["support"])
    fish = next(
        row for row in searched.records.to_dict("records") if list(row["tags"]) == ["desert"] and row["class"] == "fish"
    )
    holders = np.flatnonzero(
        (outcomes.labels == outcomes.class_names.index("fish")) & tags.columns(["desert"]).holds[:, 0]
    )
    unseen = sorted(set(holders.tolist()) - {row_of[name] for name in fish["members"]})
    assert (fish["unseen_support"], fish["unseen_correct"]) == (len(unseen), outcomes.correct[unseen].sum())


def test_a_finished_search_is_told_reported_and_read_back(searched: Logged) -> None:
    told = PrimeCell.tell(searched)
    assert "sets of tags that at least 15 images of a class carry" in told
    assert "fish (" in told
    assert "held out" in told
    part = prime_part([searched])
    assert [section.name for section in part.sections] == ["prime_modes"]
    assert len(part.sections[0].tables[0].rows) == min(40, len(failures_of(searched)))
    assert [figure.name for figure in part.sections[0].illustrations] == ["prime_drops", "prime_lattice"]
    assert Estimates.from_csv(searched.estimates.to_csv()).metrics() == searched.estimates.metrics()
    assert searched.name.startswith("s=15 a=0.3 l=2 · ")
    assert searched.name.endswith("2 stand")


def test_several_settings_are_compared_by_how_their_modes_hold(world: World, searched: Logged) -> None:
    other = logged(cell_on(world, search=replace(FAST, min_support=100, width=5)))
    part = prime_part([searched, other])
    assert [section.name for section in part.sections] == ["prime_settings", "prime_modes"]
    table = settings_table([searched, other], part.sources)
    assert [column.header for column in table.columns][:2] == ["min_support", "width"]
    assert [row[0].text for row in table.rows] == ["15", "100"]
    assert "finds the modes that hold best" in part.answer
    assert other.estimates.at("missed_by_greedy").value >= 0


def test_a_mode_is_a_slice_that_others_take(world: World, searched: Logged, tmp_path: Path) -> None:
    from misfire.cells import read_slice

    (tmp_path / "mode.json").write_bytes(searched.read("slices/mode_001.json"))
    mode = read_slice(tmp_path / "mode.json")
    first = failures_of(searched).iloc[0]
    assert [str(member) for member in mode.members] == sorted(first["members"], key=int)
    assert mode.is_chosen_by_failing
    mode.check_fits(world.fingerprint, name="world")


def test_the_page_holds_every_mode_with_its_lattice_and_needs_no_network(searched: Logged) -> None:
    page = searched.read("modes.html").decode()
    for row in failures_of(searched).to_dict("records"):
        assert row["mode"] in page
    assert page.count("<tbody class=") == page.count("<svg") == len(failures_of(searched))
    assert page.count('<tbody class="stays"') == 2
    assert "<text" in page.partition("the class")[2]
    assert "Its errors lie in those of cup" in page
    assert "data:image/png;base64," in page
    assert "http" not in page
    assert "&lt;b&gt;" in mode_page("<b>", [], [])
    prompts = searched.read("prompts.txt").decode().splitlines()
    assert "a photo of a fish, desert" in prompts


def test_identity_is_what_the_result_depends_on() -> None:
    world = World(num_images=30, captions_per_image=1, seed=3)
    cell = cell_on(world)
    assert cell.id == cell_on(World(num_images=30, captions_per_image=1, seed=3)).id
    assert cell.id == cell_on(world, plants=PLANTS[::-1]).id
    others = [
        cell_on(World(num_images=31, captions_per_image=1, seed=3)),
        cell_on(world, search=replace(FAST, min_drop=0.25)),
        cell_on(world, plants=PLANTS[:1]),
        cell_on(world, is_shuffled=True),
        replace(cell, seed=1),
        replace(cell, tag_source=DatasetTags()),
    ]
    assert len({cell.id, *(other.id for other in others)}) == 1 + len(others)


def write_files(folder: Path) -> tuple[Path, Path]:
    rng = np.random.default_rng(0)
    names = [f"picture {index}" for index in range(600)]
    dark = rng.random(600) < 0.4
    right = rng.random(600) < np.where(dark, 0.3, 0.95)
    outcomes = pd.DataFrame({"image": names, "label": "fox", "prediction": np.where(right, "fox", "wolf")})
    outcomes.sample(frac=1, random_state=0).to_csv(folder / "outcomes.csv", index=False)
    tags = pd.DataFrame({"image": names, "dark": dark.astype(int), "dim": dark.astype(int), "text": "A fox at night."})
    tags[:-10].to_csv(folder / "tags.csv", index=False)
    return folder / "outcomes.csv", folder / "tags.csv"


def test_files_of_any_model_are_searched_and_tags_of_one_meaning_named_together(tmp_path: Path) -> None:
    outcomes, tags = write_files(tmp_path)
    cell = PrimeCell(
        FileOutcomes(str(outcomes)),
        FileTags(str(tags), leave_out=["text"]),
        replace(FAST, holds_out_half=False),
        Ground(),
        0,
    )
    found = logged(cell)
    failures = failures_of(found)
    assert failures["tags"].map(list).tolist() == [["dark/dim"]]
    assert failures["description"].tolist() == ["a photo of fox dark"]
    assert "10 of 600 images with an outcome have no tags and are left out." in found.facts["sentences"]
    assert found.estimates.find("unseen_drop", group="all") is None
    read = FileOutcomes(str(outcomes)).outcomes(Ground(), None)
    holds = FileTags(str(tags), leave_out=["text"]).tags(Ground(), None)
    kept = [row for row, name in enumerate(read.images) if name in holds.images]
    expected = prime(read.correct[kept], read.labels[kept], holds.holds[:, :1])
    assert (failures["support"].tolist(), failures["num_correct"].tolist()) == (
        [mode.support for mode in expected],
        [mode.num_correct for mode in expected],
    )
    words = WordTags(str(tags), texts=["text"], min_count=1).tags(Ground(), None)
    assert words.names == ("fox", "night")


def test_a_split_of_ones_own_is_held_out(tmp_path: Path) -> None:
    outcomes, tags = write_files(tmp_path)
    pd.DataFrame({"image": [f"picture {index}" for index in range(300)]}).to_csv(tmp_path / "unseen.csv", index=False)
    search = replace(FAST, unseen=str(tmp_path / "unseen.csv"))
    found = logged(PrimeCell(FileOutcomes(str(outcomes)), FileTags(str(tags), leave_out=["text"]), search, Ground(), 0))
    assert found.facts["images"] == {"searched": 290, "unseen": 300}
    assert not any(int(name.split()[1]) < 300 for name in found.records["members"].explode())
    (tmp_path / "unseen.csv").write_text("image\nnobody\n")
    with pytest.raises(UsageError, match=r"unseen must name some of the 590 images, got 0 of them"):
        logged(PrimeCell(FileOutcomes(str(outcomes)), FileTags(str(tags), leave_out=["text"]), search, Ground(), 0))


def test_a_configuration_builds_what_it_names_and_no_more(world: World, tmp_path: Path) -> None:
    outcomes, tags = write_files(tmp_path)
    values: dict[str, Any] = {
        "outcomes": FileOutcomes(str(outcomes)),
        "tags": FileTags(str(tags), leave_out=["text"]),
        "method": FAST,
        "descriptions": NoDescriptions(),
        "seed": 5,
        "side": None,
    }
    settings = FakeSettings(values)
    assert PrimeCell.configured(settings).seed == 5  # type: ignore[arg-type]
    assert "dataset" not in settings.asked
    with_world = FakeSettings({**values, "outcomes": PlantedOutcomes(plants=PLANTS), "dataset": world})
    assert PrimeCell.configured(with_world).ground.dataset is world  # type: ignore[arg-type]
    with pytest.raises(UsageError, match=r"tags of a PRIME search must be a TagSource, got int"):
        PrimeCell.configured(FakeSettings({**values, "tags": 7}))  # type: ignore[arg-type]
    with pytest.raises(UsageError, match=r"outcomes must be an OutcomeSource, got int"):
        PrimeCell.configured(FakeSettings({**values, "outcomes": 7}))  # type: ignore[arg-type]


def test_two_sides_share_no_image_and_a_search_compares_them(world: World) -> None:
    whole = cell_on(world)
    sides = {of: replace(whole, source=OneSide(whole.source, of, 0.5, 7)) for of in ("dev", "test")}
    dev, test = (sides[of].source.outcomes(whole.ground, None) for of in ("dev", "test"))
    assert sorted([*dev.images, *test.images]) == sorted(whole.source.outcomes(whole.ground, None).images)
    assert np.abs(np.bincount(dev.labels) - np.bincount(test.labels)).max() <= 1
    assert len({whole.id, *(cell.id for cell in sides.values())}) == 3
    assert sides["dev"].name == "s=15 a=0.3 l=2 on dev"
    found = logged(sides["dev"])
    values = {name: one.of(found.estimates, k=None) for name, one in PrimeCell.objectives.items()}
    assert values["standing"] == found.estimates.at("standing").value
    assert 0 < values["explained"] < values["coverage"] < 100
    with pytest.raises(UsageError, match=r"dev_share must be in \(0, 1\), got 50"):
        OneSide(whole.source, "dev", 50.0, 7)


def test_captions_of_the_modes_that_stand_are_written_by_a_source(world: World) -> None:
    texts = {"fish, desert": ["A fish lies on the sand.", "I'm sorry, I can't help with that."]}
    cell = cell_on(world)
    described = replace(cell, captions=ListedDescriptions(texts, are_sentences=True))
    assert described.id != cell.id
    found = logged(described)
    prompts = found.read("prompts.txt").decode().splitlines()
    assert "A fish lies on the sand." in prompts
    assert "a photo of a fish, desert" not in prompts
    assert "a photo of a cup, striped, large" in prompts
    (said,) = [sentence for sentence in found.facts["sentences"] if "caption" in sentence]
    assert said == (
        "Of 1 of the 2 modes that stand a caption was written (dropped: 1 refused); the template stands in for the "
        "others."
    )
    features = replace(cell, captions=ListedDescriptions({"fish, desert": ["dunes"]}, are_sentences=False))
    assert "a photo of a fish, desert, which has dunes" in logged(features).read("prompts.txt").decode()


def test_tags_of_captions_are_their_words(world: World) -> None:
    table = CaptionTags(min_count=500).tags(Ground(world), None)
    assert "fish" in table.names
    assert set(table.images) == {str(image.id) for image in world.images}


def test_bad_settings_are_refused_with_their_remedy(world: World) -> None:
    with pytest.raises(UsageError, match=r"min_drop must be in \[0, 1\], got 30"):
        PrimeSearch(min_drop=30.0)
    with pytest.raises(UsageError, match=r"q must be in \(0, 1\), got 5"):
        PrimeSearch(q=5.0)
    with pytest.raises(UsageError, match=r"places \{class\} and \{tags\}, got 'a fox'"):
        PrimeSearch(prompt="a fox")
    with pytest.raises(UsageError, match=r"an accuracy must be in \[0, 1\], got 90"):
        PlantedOutcomes(accuracy=90.0)
    with pytest.raises(UsageError, match=r"name classes and tags that the dataset knows, got 1 \(wolf\)"):
        logged(cell_on(world, plants=[{"label": "wolf", "tags": ["desert"], "accuracy": 0.3}]))
    with pytest.raises(UsageError, match=r"need one, got none; choose a dataset, or name files"):
        DatasetTags().tags(Ground(), None)
    with pytest.raises(UsageError, match=r"a threshold or a number of tags, got None and None"):
        BackboneTags(["red"])
    with pytest.raises(UsageError, match=r"must have the place \{class\}, got 'x'"):
        ZeroShotOutcomes("x")
    with pytest.raises(UsageError, match=r"must have tags, each once, got 2"):
        BackboneTags(["red", "red"], num_tags=1)


def test_a_search_stays_within_a_slice(tmp_path: Path) -> None:
    outcomes, tags = write_files(tmp_path)
    sources = FileOutcomes(str(outcomes)), FileTags(str(tags), leave_out=["text"])
    first = logged(PrimeCell(*sources, replace(FAST, holds_out_half=False), Ground(), 0))
    (tmp_path / "mode.json").write_bytes(first.read("slices/mode_001.json"))
    search = replace(FAST, holds_out_half=False, within=str(tmp_path / "mode.json"))
    within = PrimeCell(*sources, search, Ground(), 0)
    assert logged(within).facts["images"]["searched"] == failures_of(first)["support"].iloc[0]
    assert within.id != PrimeCell(*sources, replace(search, within=None), Ground(), 0).id
    content = json.loads((tmp_path / "mode.json").read_text())
    (tmp_path / "mode.json").write_text(json.dumps({**content, "members": ["nobody"]}))
    with pytest.raises(UsageError, match=r"must have outcomes, got 1 \(nobody\) without"):
        logged(within)


def test_slices_of_files_name_images_as_the_files_do(tmp_path: Path) -> None:
    outcomes, tags = write_files(tmp_path)
    found = logged(PrimeCell(FileOutcomes(str(outcomes)), FileTags(str(tags), leave_out=["text"]), FAST, Ground(), 0))
    content = json.loads(found.read("slices/mode_001.json"))
    assert all(str(member).startswith("picture ") for member in content["members"])


class OneBench:
    """A lab of one workbench whose embeddings are the world's facts and, for a text, its words."""

    def __init__(self, world: World) -> None:
        self.world, self.gallery = world, torch.from_numpy(world.tags.holds.astype(np.float32)) + 0.01

    def bench(self, dataset: Any, encoder: Any) -> "OneBench":
        return self

    def watched_by(self, watch: Any) -> "OneBench":
        return self

    def texts(self, texts: list[str]) -> torch.Tensor:
        names = self.world.tags.names
        return torch.tensor([[float(name in text.split()) for name in names] for text in texts]) + 0.01


class FakeEncoder:
    fingerprint = "fake"


def test_descriptions_and_distances_are_measured_in_the_space_of_the_images() -> None:
    """In a space of facts descriptions fit, and near images share what can be shared."""
    world = World(num_images=500, captions_per_image=1, seed=3)
    cell = replace(
        cell_on(world, search=replace(FAST, min_support=3, min_drop=0.2, embeds=True)),
        ground=Ground(world, FakeEncoder()),
    )  # type: ignore[arg-type]
    found = run_cell(cell, OneBench(world), MemoryLedger(), config=lambda: "")[0]  # type: ignore[arg-type]
    estimates, failures = found.estimates, failures_of(found)
    assert failures["auroc"].mean() > 0.9
    assert estimates.at("description/auroc").value == pytest.approx(failures["auroc"].mean())
    assert estimates.at("distance/mean", k=7).value < estimates.at("distance/mean", k=0).value
    near, together, possible = (
        estimates.at(f"neighbours/{name}", k=50).value for name in ("near", "near_together", "possible")
    )
    assert 0 < together <= min(near, possible)
    assert cell.id != replace(cell, search=replace(cell.search, embeds=False)).id


def test_a_backbone_labels_and_tags_images_by_itself(world: World) -> None:
    ground, lab = Ground(world, FakeEncoder()), OneBench(world)  # type: ignore[arg-type]
    outcomes = ZeroShotOutcomes("a {class}").outcomes(ground, lab)  # type: ignore[arg-type]
    assert outcomes.predictions is not None
    assert outcomes.correct.tolist() == (outcomes.predictions == outcomes.labels).tolist()
    has_two = world.label_matrix.values.clip(0).sum(axis=1) == 2
    assert outcomes.correct[~has_two].all()  # a picture of one kind alone can't be taken for another
    tags = BackboneTags(["red", "desert", "night"], template="{tag}", num_tags=1).tags(ground, lab)  # type: ignore[arg-type]
    assert (tags.holds.sum(axis=1) == 1).all()
    row = {name: index for index, name in enumerate(tags.images)}
    in_desert = world.tags.columns(["desert", "red"]).holds
    told = [bool(tags.holds[row[str(image.id)], 1]) for image in world.images]
    assert all(holds for holds, (desert, red) in zip(told, in_desert.tolist(), strict=True) if desert and not red)


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        (["method=prime"], PrimeSearch),
        (["method=prime_large"], PrimeSearch),
        (["method=prime_greedy"], PrimeSearch),
        (["outcomes=file", "outcomes.path=x.csv"], FileOutcomes),
        (["outcomes=zero_shot"], ZeroShotOutcomes),
        (["outcomes=planted"], PlantedOutcomes),
        (["tags=file", "tags.path=x.csv"], FileTags),
        (["tags=words", "tags.path=x.csv", "tags.texts=[text]"], WordTags),
        (["tags=captions"], CaptionTags),
        (["tags=facts"], DatasetTags),
        (["tags=backbone", "tags.vocabulary=[red,dark]"], BackboneTags),
    ],
)
def test_every_choice_of_the_verb_builds_its_object(words: list[str], kind: type) -> None:
    settings = Settings.of_words("modes", words)
    assert isinstance(settings[words[0].partition("=")[0]], kind)
    assert settings.kind is PrimeCell
    assert settings["method"].criteria.necessity == (0.1, 0.05, 0.025)
