"""The verb on a folder of pictures whose failures are given, so that no model is loaded."""

import csv
import json
import re
import shlex
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from PIL import Image

import misfire.annotation
from misfire.annotation import Access, AnnotationDesk
from misfire.cli import main
from misfire.data import Dataset
from misfire.failures import AnnotationPlan, Failure, FailureSet, write_mining_outputs

GUIDE = Path(__file__).parents[2] / "docs" / "annotation.md"
NUM_IMAGES = 8


@dataclass(frozen=True)
class Place:
    """A dataset with a failure set that was dealt out to two annotators."""

    words: tuple[str, ...]
    folder: Path

    def misfire(self, *words: str) -> int:
        return main(["annotate", *self.words, *words])

    def log(self, name: str) -> Path:
        return self.folder / "annotations" / f"{name}.jsonl"


@pytest.fixture(scope="module")
def mined(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """What every test of this module starts from."""
    base = tmp_path_factory.mktemp("mined")
    pictures = base / "pictures"
    pictures.mkdir()
    for number in range(NUM_IMAGES):
        Image.new("RGB", (16, 16), (30 * number, 90, 200)).save(pictures / f"{number}.png")
    with (pictures / "captions.csv").open("w", newline="") as file:
        rows = ((f"{n}.png", f"thing {n}, red") for n in range(NUM_IMAGES))
        csv.writer(file).writerows([("image", "caption"), *rows])
    words = ("dataset=folder", f"dataset.root={pictures}", f"paths.root={base / 'mlruns'}")
    data = dataset_of(words)
    ids = [image.id for image in data.images]
    next_id = dict(zip(ids, [*ids[1:], ids[0]], strict=True))
    failures = tuple(
        Failure(one.id, one.text, one.image_id, next_id[one.image_id], 2, 2, 2, 0.1, 0.2) for one in data.captions
    )
    failure_set = FailureSet("pictures", data.fingerprint, "any", "fp32", 42, NUM_IMAGES, NUM_IMAGES, failures)
    plan = AnnotationPlan(annotators=("annotator_1", "annotator_2"), overlap=4)
    return Place(words, write_mining_outputs(failure_set, data, plan, base / "failures").folder)


@pytest.fixture
def place(mined: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    """A copy of it, and a current folder of the test's own."""
    monkeypatch.chdir(tmp_path)
    folder = Path(shutil.copytree(mined.folder, tmp_path / "mined"))
    return Place((*mined.words, f"failure_set={folder}"), folder)


def dataset_of(words: tuple[str, ...]) -> Dataset:
    from misfire.config import Settings

    return Settings.of_words("annotate", words)["dataset"]


@pytest.fixture
def sessions(monkeypatch: pytest.MonkeyPatch) -> list[tuple[AnnotationDesk, Access]]:
    """The sessions that would have been served."""
    opened: list[tuple[AnnotationDesk, Access]] = []

    def instead(desk: AnnotationDesk, dataset: Dataset, access: Access, *, announce: Callable[[str], None]) -> None:
        opened.append((desk, access))
        announce(access.url)

    monkeypatch.setattr(misfire.annotation, "serve", instead)
    return opened


def label(desk: AnnotationDesk, category: str, *, unlike: int = 0) -> None:
    """Label everything so, and the first few queries another way."""
    different = sorted(item.key.query_id for item in desk.items)[:unlike]
    for item in desk.items:
        name = "Spatial" if item.key.query_id in different else category
        desk.record({"id": f"{desk.annotator}-{item.id}", "action": "label", "item": item.id, "category": name})


def test_a_session_is_opened_on_the_annotators_share(
    place: Place, sessions: list[tuple[AnnotationDesk, Access]], capsys: pytest.CaptureFixture[str]
) -> None:
    assert place.misfire("annotator=annotator_1", "repeats=0", "port=8399") == 0
    (desk, access) = sessions[0]
    assert (desk.annotator, len(desk.items), access.url) == ("annotator_1", 6, "http://127.0.0.1:8399/")
    assert (desk.opinions, desk.shows_scores, desk.is_adjudication) == ({}, False, False)
    shown = capsys.readouterr().out
    assert "annotator_1: 0 of 6 items of failure set " in shown
    assert "open http://127.0.0.1:8399/ (Ctrl-C ends it; every label is on disk)" in shown
    assert f"0 of 6 labelled, 0 skipped: {place.log('annotator_1')}" in shown
    assert place.misfire("annotator=visitor", "repeats=0") == 0
    assert len(sessions[1][0].items) == NUM_IMAGES


def test_labels_go_out_and_come_back(
    place: Place, sessions: list[tuple[AnnotationDesk, Access]], capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("annotator_1", "annotator_2"):
        assert place.misfire(f"annotator={name}", "repeats=0") == 0
        label(sessions[-1][0], "Object")
    assert place.misfire("export=sheet") == 0
    assert place.misfire("export=sheet", "annotator=annotator_1", "out=one.xlsx") == 0
    assert place.misfire("export=label_studio", "annotator=all", "out=tasks.json") == 0
    shown = capsys.readouterr().out
    assert f"{place.folder / 'annotations' / 'annotator_2.csv'}: 6 labels of annotator_2" in shown
    assert "one.xlsx: 6 labels of annotator_1" in shown
    assert "tasks.json: 8 tasks with 12 annotations of annotator_1, annotator_2" in shown
    assert len(json.loads(Path("tasks.json").read_text())) == 8
    before = {name: place.log(name).read_bytes() for name in ("annotator_1", "annotator_2")}
    place.log("annotator_2").unlink()
    assert place.misfire("import=tasks.json") == 0
    assert "tasks.json: 12 annotations of annotator_1, annotator_2, 6 of them new" in capsys.readouterr().out
    assert place.log("annotator_1").read_bytes() == before["annotator_1"]
    assert len(place.log("annotator_2").read_bytes().splitlines()) == 6


def test_an_expert_sees_the_disagreements(place: Place, sessions: list[tuple[AnnotationDesk, Access]]) -> None:
    for name, unlike in (("annotator_1", 0), ("annotator_2", 6)):
        assert place.misfire(f"annotator={name}", "repeats=0") == 0
        label(sessions[-1][0], "Object", unlike=unlike)
    assert place.misfire("annotator=expert", "only=disagreements") == 0
    desk = sessions[-1][0]
    assert desk.is_adjudication
    assert len(desk.items) == 4  # those that both have
    shown = desk.item(desk.items[0].id)
    assert [(one["annotator"], one["category"]) for one in shown["opinions"]] == [
        ("annotator_1", "Object"),
        ("annotator_2", "Spatial"),
    ]
    assert shown["scores"] is None
    label(desk, "Count")
    assert len(place.log("expert").read_bytes().splitlines()) == 4
    assert place.misfire("annotator=annotator_1", "blind=false") == 0
    assert sessions[-1][0].shows_scores
    assert sessions[-1][0].opinions


@pytest.mark.parametrize(
    ("words", "part"),
    [
        ((), "a session must have one annotator, got none; add annotator=NAME to the command."),
        (("annotator=all",), "a session must have one annotator, got all;"),
        (("annotator=a/b",), "an annotator's name must be letters, digits, - and _, got 1 ('a/b');"),
        (
            ("annotator=a", "host=0.0.0.0"),
            "a server on 0.0.0.0 must have a token, since others can reach it, got none;",
        ),
        (("annotator=a", "token=short"), "annotate.token must have 16 to 256 characters, got 5;"),
        (("annotator=a", "repeats=5"), "annotate.repeats must be in [0, 1], got 5.0;"),
        (("annotator=a", "only=some"), "only must be one of all, disagreements, got some;"),
        (("annotator=a", "only=disagreements"), "a session of disagreements must have some, got none between nobody;"),
        (("annotator=a", "only=disagreements", "of=[b]"), "annotate.of must name annotators with a log (none yet) or"),
        (("export=csv",), "export must be one of sheet, label_studio, got csv; choose one."),
        (("export=sheet", "import=a.json"), "a command must export or import, got both;"),
        (("export=sheet",), "an export needs labels, got none of anybody in "),
        (("export=sheet", "annotator=zoe"), "an export needs labels, got none of zoe in "),
        (("import=none.json",), "an import must be a readable JSON file, got none.json:"),
        (("annotator=a", "taxonomy=none.yaml"), "none.yaml"),
        (("anotator=a",), "a key must be one of the configuration's, got anotator"),
    ],
)
def test_a_wrong_command_is_one_sentence(
    words: tuple[str, ...],
    part: str,
    place: Place,
    sessions: list[tuple[AnnotationDesk, Access]],
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert place.misfire(*words) == 2
    error = capsys.readouterr().err
    assert part in error
    assert error.count("\n") == 1
    assert sessions == []
    assert not (place.folder / "annotations").exists()


def test_torn_lines_are_told(
    place: Place, sessions: list[tuple[AnnotationDesk, Access]], capsys: pytest.CaptureFixture[str]
) -> None:
    assert place.misfire("annotator=a") == 0
    label(sessions[0][0], "Object")
    whole = place.log("a").read_bytes()
    place.log("a").write_bytes(whole[:-20])
    assert place.misfire("annotator=a") == 0
    last = len(whole.splitlines())
    assert f"a.jsonl has 1 torn line, line {last}; all others are there." in capsys.readouterr().err


def test_the_guides_commands_work(place: Place, sessions: list[tuple[AnnotationDesk, Access]]) -> None:
    blocks = re.findall(r"```bash\n(.*?)```", GUIDE.read_text(encoding="utf-8"), flags=re.DOTALL)
    commands = [shlex.split(line) for block in blocks for line in block.splitlines()]
    assert len(commands) == 8
    for number, (program, verb, *words) in enumerate(commands):
        assert program == "misfire"
        if verb == "mine":
            continue
        assert verb == "annotate"
        opened = len(sessions)
        given = [word.replace("token=TOKEN", "token=0123456789abcdef") for word in words]
        assert place.misfire(*given) == 0, words
        if len(sessions) > opened and "only=disagreements" not in words:
            label(sessions[-1][0], "Object", unlike=6 * (number > 1))
