"""The guide to agreement: its commands run, and its table of readings is what sheets are read as."""

import re
import shlex
import shutil
from pathlib import Path

import pytest

from misfire.core.errors import UsageError
from misfire.failures import read_sheets
from tests.end_to_end.conftest import Place

GUIDE = (Path(__file__).parents[2] / "docs" / "agreement.md").read_text(encoding="utf-8")
COMMANDS = [line for block in re.findall(r"^```bash\n(.*?)^```$", GUIDE, re.M | re.S) for line in block.splitlines()]


@pytest.mark.end_to_end
@pytest.mark.usefixtures("undrawn")
def test_the_commands_of_the_guide_run(
    own_place: Place, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    labelled = ""
    printed = {}
    monkeypatch.chdir(tmp_path)
    for command in COMMANDS:
        words = shlex.split(command.replace("LABELLED", labelled))[1:]
        assert own_place.misfire(*words) == 0, command
        printed[command] = capsys.readouterr().out
        if words == ["mine"]:
            for sheet in own_place.root.glob("failures/*/simulated_sheets/*.csv"):
                shutil.copy(sheet, tmp_path)
        labelled = labelled or "".join(re.findall(r"labelled failures +(\S+)", printed[command]))
    assert len(printed) == len(COMMANDS) == 5
    (by_expert,) = [text for command, text in printed.items() if "policy=expert" in command]
    assert "annotator_3 was planned for, and no sheet is theirs" in by_expert
    others = [text for command, text in printed.items() if "agree" in command and "expert" not in command]
    assert others
    assert not any("not as planned" in text for text in others)
    (cell,) = own_place.cells()
    assert all(cell.estimates.find("t2i/hit", k=k, group="label_noise") is not None for k in cell.facts["ks"])


def test_words_are_read_as_the_guide_says(tmp_path: Path) -> None:
    sheet = tmp_path / "ann.csv"

    def read(word: str, **options: object) -> tuple[str | None, str | None]:
        sheet.write_text(f"idx,caption,gt_img_idx,pred_img_idx,category,ambiguous_subtype\n0,a cat,7,9,{word},\n")
        (row,) = read_sheets([sheet], **options).rows  # type: ignore[arg-type]
        return (None, None) if row.label is None else (row.label.category, row.label.ambiguous_subtype)

    applied = {"object ": "Object", "OBJECT": "Object", "Ambiguou": "Ambiguous", "Sptial": "Spatial", "": None}
    assert {word: read(word)[0] for word in applied} == applied
    for word in ("near-duplicate", "nearduplicate", "missing_info"):
        assert read(word)[0] == "Ambiguous"
    for word in ("Ambigs", "huh"):
        with pytest.raises(UsageError):
            read(word)
    assert read("Ambigs", accept=["Ambigs"])[0] == "Ambiguous"
    (tmp_path / "mapping.yaml").write_text("huh: Object\n")
    assert read("huh", accept=[str(tmp_path / "mapping.yaml")])[0] == "Object"
