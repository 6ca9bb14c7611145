"""Every choice of the room's groups builds what the room takes."""

from pathlib import Path

import pytest

from misfire.config import conf_folder
from misfire.config.settings import Settings
from misfire.core.errors import UsageError
from misfire.data import CocoInstances, Dataset, Voc2007
from misfire.methods.multilabel import KnownLabels, Prompting, TrainingSettings, ZeroShot
from tests.config import dataset_files

KINDS = {"prompting": (Prompting, ZeroShot), "labels": KnownLabels, "training": TrainingSettings, "train": Dataset}
FILES = [path.relative_to(conf_folder()) for group in KINDS for path in sorted((conf_folder() / group).glob("*.yaml"))]
DOWNLOADED = {"voc2007": Voc2007, "coco2014_instances": CocoInstances}
GIVEN = {
    "train/world": ["train.num_images=4"],
    "labels/mask": ["labels.mask=mask.csv"],
    "train/label_table": ["train.path=FOLDER/labels.csv", "train.images=FOLDER"],
    "train/rated_labels": ["train.path=FOLDER/judgements.csv", "train.images=FOLDER"],
}


@pytest.mark.parametrize("file", [file for file in FILES if file.stem not in DOWNLOADED], ids=str)
def test_a_choice_builds_its_object(file: Path, tmp_path: Path) -> None:
    from PIL import Image

    Image.new("RGB", (8, 8), "red").save(tmp_path / "one.png")
    dataset_files.write_dataset_files(tmp_path, (tmp_path / "one.png").read_bytes())
    group = str(file.parent)
    given = [word.replace("FOLDER", str(tmp_path)) for word in GIVEN.get(f"{group}/{file.stem}", [])]
    settings = Settings.of_words("multilabel", [f"{group}={file.stem}", f"paths.root={tmp_path}/mlruns", *given])
    assert isinstance(settings[group], KINDS[group])


@pytest.mark.parametrize("group", ["train", "dataset"])
@pytest.mark.parametrize("name", DOWNLOADED)
def test_a_dataset_that_is_absent_says_which_file_to_put_where(group: str, name: str, tmp_path: Path) -> None:
    words = [f"{group}={name}", f"paths.root={tmp_path}/mlruns", f"paths.datasets={tmp_path}"]
    with pytest.raises(UsageError, match=rf"must lie at {tmp_path}/.*, found none; put .* there \("):
        _ = Settings.of_words("multilabel", words)[group]
