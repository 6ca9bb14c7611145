"""Every file of conf/ is composed and builds its object; a new file is tested without a word here."""

import json
import shutil
from pathlib import Path

import pytest

from misfire.config import Settings, conf_folder
from misfire.config.building import target
from misfire.config.groups import content, groups, groups_of, primaries
from misfire.core.errors import UsageError
from misfire.data import Dataset
from misfire.embeddings import Encoder, TrainerSettings
from misfire.failures import QuerySubset
from misfire.methods.retrieval.profile.tau_grid import TauGrid
from misfire.prompts import MatchedTemplates, TemplateChoice, TemplateSet
from misfire.scoring import PromptPooling
from misfire.stats import StatisticsSettings
from misfire.tracking import MlflowLedger
from tests.config import dataset_files

PLAIN = {
    "backbone": ("backbone", Encoder),
    "statistics": ("statistics", StatisticsSettings),
    "subset": ("subset", QuerySubset),
    "pooling": ("pooling", PromptPooling | TauGrid),
    "tracking": ("tracking", MlflowLedger),
    "templates": ("templates", TemplateChoice),
    "dataset": ("dataset", Dataset),
}
# What a file leaves to its user, and a value that will do.
GIVEN = {
    "backbone/checkpoint": ["backbone.model=ViT-B-32", "backbone.pretrained=FOLDER/epoch_1.pt"],
    "backbone/hf_hub": ["backbone.model=hf-hub:laion/CLIP-ViT-B-32-laion2B-s34B-b79K"],
    "backbone/local_dir": ["backbone.model=local-dir:FOLDER"],
    "dataset/coco2017": ["paths.datasets=FOLDER", "paths.root=FOLDER/mlruns"],
    "dataset/image_folder": ["dataset.root=FOLDER", "paths.root=FOLDER/mlruns"],
    "dataset/folder": ["dataset.root=FOLDER", "paths.root=FOLDER/mlruns"],
    "dataset/world": ["dataset.num_images=4"],
    "subset/category": ["subset.categories=[count,spatial]"],
    "subset/file": ["subset.path=queries.csv"],
    "templates/file": ["templates.path=FOLDER/mine.yaml"],
    **dataset_files.GIVEN,
}
# What a dataset says whose files aren't there: which file to put where, and who publishes it.
ABSENT = {
    "dataset/coco2017": r"captions_val2017.json there (it is in annotations_trainval2017.zip of https://cocodataset.org",
    **dataset_files.ABSENT,
}
# What asks for another kind of cell, and templates of classes, are tested with their rooms.
ELSEWHERE = ("dataset/outcomes", "templates/class_")
FILES = sorted(
    file
    for path in conf_folder().glob("*/*.yaml")
    if not (file := path.relative_to(conf_folder()).with_suffix("").as_posix()).startswith(ELSEWHERE)
)
# A new dataset in paths.datasets needs no word here: it must say where its files belong.
DOWNLOADED = [
    file
    for file in FILES
    if file.startswith("dataset/")
    and "${paths.datasets}" in (conf_folder() / f"{file}.yaml").read_text(encoding="utf-8")
]


def verb_of(group: str) -> str:
    """A verb that composes a group; `ensemble` where it does."""
    using = [verb for verb in primaries() if group in groups_of(verb)]
    return "ensemble" if "ensemble" in using else using[0]


def settings_of(file: str, folder: Path) -> Settings:
    group, _, choice = file.partition("/")
    given = [word.replace("FOLDER", str(folder)) for word in GIVEN.get(file, [])]
    return Settings.of_words(verb_of(group), [f"{group}={choice}", *given])


def write_coco2017(folder: Path) -> None:
    document = {
        "images": [{"id": 7, "file_name": "one.png"}],
        "annotations": [{"id": 1, "image_id": 7, "caption": "a red square"}],
    }
    (folder / "coco2017" / "annotations").mkdir(parents=True)
    (folder / "coco2017" / "annotations" / "captions_val2017.json").write_text(json.dumps(document))
    (folder / "coco2017" / "val2017").mkdir()
    shutil.copy(folder / "one.png", folder / "coco2017" / "val2017")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder that holds a template set and datasets of one image."""
    from PIL import Image

    (tmp_path / "mine.yaml").write_text("name: mine\ntemplates: ['{caption}', 'a drawing of {caption}']\n")
    (tmp_path / "captions.csv").write_text("image,caption\none.png,a red square\n")
    for place in (tmp_path, tmp_path / "images"):
        place.mkdir(exist_ok=True)
        Image.new("RGB", (8, 8), "red").save(place / "one.png")
    write_coco2017(tmp_path)
    dataset_files.write_dataset_files(tmp_path, (tmp_path / "one.png").read_bytes())
    return tmp_path


@pytest.mark.parametrize(
    "file",
    [file for file in FILES if file.partition("/")[0] in PLAIN and (file in GIVEN or file not in DOWNLOADED)],
)
def test_a_file_builds_its_object(file: str, folder: Path) -> None:
    attribute, kind = PLAIN[file.partition("/")[0]]
    assert isinstance(settings_of(file, folder)[attribute], kind)


@pytest.mark.parametrize("file", DOWNLOADED)
def test_a_dataset_whose_files_are_absent_says_which_to_put_where(file: str, tmp_path: Path) -> None:
    words = [file.replace("/", "="), f"paths.datasets={tmp_path}", f"paths.root={tmp_path}/mlruns"]
    settings = Settings.of_words("ensemble", words)
    with pytest.raises(UsageError) as caught:
        _ = settings["dataset"]
    assert f"must lie at {tmp_path}" in str(caught.value)
    assert ABSENT.get(file, " there (") in str(caught.value)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("file", [file for file in FILES if file.startswith("trainer/")])
def test_a_trainer_builds_with_the_workbench(file: str, folder: Path) -> None:
    settings = Settings.of_words("ensemble", [file.replace("/", "="), "dataset.num_images=4", f"paths.root={folder}"])
    assert isinstance(settings["trainer"], TrainerSettings)


@pytest.mark.parametrize("file", FILES)
def test_what_a_file_names_may_be_built(file: str) -> None:
    group, _, choice = file.partition("/")
    said = content(groups()[group][choice])
    inner = said.get(group)  # where a file with a package header says more than its group
    named = said.get("_target_") or (inner.get("_target_") if isinstance(inner, dict) else None)
    if named is not None:
        assert callable(target(named, key=group))


@pytest.mark.parametrize("file", [file for file in FILES if file.startswith(("subset/", "templates/"))])
def test_a_choice_is_called_as_its_file(file: str, folder: Path) -> None:
    settings = settings_of(file, folder)
    group, _, choice = file.partition("/")
    built = settings[group]
    if choice not in ("file", "category"):
        assert getattr(built, "name", "matched") == choice


@pytest.mark.parametrize("file", [file for file in FILES if file.startswith("templates/")])
def test_the_plain_caption_comes_first_and_no_template_adds_content(file: str, folder: Path) -> None:
    built = settings_of(file, folder)["templates"]
    if isinstance(built, MatchedTemplates):
        sets = [built.for_categories([name]) for name in ("object", "count")]
    else:
        sets = [built] if isinstance(built, TemplateSet) else list(built.sets.values())
    for templates in sets:
        assert templates.templates[0] == "{caption}"
        assert len(templates) in (1, 2, 5, 10)


@pytest.mark.parametrize(
    "file",
    sorted(
        {
            "backbone/local_dir",
            "subset/file",
            "templates/file",
            "dataset/folder",
            "dataset/huggingface",
            "dataset/webdataset",
        }
    ),
)
def test_what_a_file_leaves_to_its_user_is_asked_for(file: str) -> None:
    group, _, choice = file.partition("/")
    key = GIVEN[file][0].partition("=")[0]
    with pytest.raises(UsageError) as caught:
        _ = Settings.of_words(verb_of(group), [f"{group}={choice}"])[group]
    assert str(caught.value) == f"{key} must be given, got nothing; add {key}=... to the command."


def test_a_backbone_without_weights_is_refused_when_it_is_needed(tmp_path: Path) -> None:
    encoder = Settings.of_words("ensemble", ["backbone=local_dir", f"backbone.model=local-dir:{tmp_path}"])["backbone"]
    with pytest.raises(UsageError, match=r"a model's folder must hold open_clip_config\.json and its weights, got"):
        _ = encoder.fingerprint


def test_the_two_soft_maxima_are_one() -> None:
    one, other = (Settings.of_words("ensemble", [f"pooling={name}"])["pooling"] for name in ("logmeanexp", "logsumexp"))
    assert one.describe() == other.describe()


def test_a_grid_of_poolings_is_no_pooling() -> None:
    settings = Settings.of_words("ensemble", ["pooling=profile", "pooling.low=1", "pooling.num_taus=3"])
    assert settings["pooling"] == TauGrid(1.0, 10.0, 3)
    with pytest.raises(UsageError) as caught:
        Settings.of_words("gap", ["pooling=profile", "dataset.num_images=4"]).cell()
    assert str(caught.value) == (
        "pooling must be a single one here, got a grid of taus; use `misfire ensemble` for a profile, or "
        "pooling=logmeanexp with a pooling.tau."
    )


def test_matched_templates_join_what_the_categories_bring() -> None:
    templates = Settings.of_words("ensemble", [])["templates"]
    assert [len(templates.for_categories(names)) for names in (["object"], ["object", "attribute"])] == [10, 15]
    assert templates.for_categories(["object"]).is_oracle
