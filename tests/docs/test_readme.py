"""The README: what it shows is what is printed, and what it names is there."""

import re
import shlex
from pathlib import Path

import pytest

from misfire.cli import _entry, main
from misfire.config.composing import composition, shared_out
from misfire.config.groups import groups
from misfire.config.sweep_names import sweep_names
from misfire.config.words import grid, is_multirun, own_words
from tests.docs.guides import ROOT, SMALL

TEXT = (ROOT / "README.md").read_text(encoding="utf-8")
COMMANDS = [
    line.partition("#")[0].strip()
    for block in re.findall(r"^```bash\n(.*?)^```$", TEXT, re.M | re.S)
    for line in block.splitlines()
]


def shown_of_demo() -> list[str]:
    (block,) = re.findall(r"## What `make demo` prints\n\n```text\n(.*?)^```$", TEXT, re.M | re.S)
    return [line for line in block.splitlines() if line.strip()]


def shape(line: str) -> str:
    """A line without what hangs on the data: numbers, ids, which category or setting; a gap is as wide as it is."""
    line = re.sub(r"_num_images_\d+", "", line)  # of the experiment's name: a small world says so
    line = re.sub(r"\b[0-9a-f]{12}\b", "ID", line)
    line = re.sub(r"[+-]?\d[\d,.]*(?:e-\d+)?", "N", line)
    line = re.sub(r"^  (?:Object|Ambiguous|Attribute|Action|Count|Context|Spatial) +N", "  CATEGORY N", line)
    return re.sub(r"(?<=[N\]]) +| +(?=[N\[])", " ", line).rstrip()


def is_of_data(line: str) -> bool:
    """Whether a line's words hang on the data: the answer, and what had to be encoded."""
    return line.startswith(("Answer: ", "Encoding "))


def test_the_demo_prints_what_is_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    words = shared_out(("evaluate", "mine", "ensemble"), ["statistics.num_replicates=50", "trainer=cpu", *SMALL[:3]])
    assert main(["demo", *dict.fromkeys(word for share in words.values() for word in share)]) == 0
    printed = capsys.readouterr()
    lines = [line for line in (*printed.out.splitlines(), *printed.err.splitlines()) if line.strip()]
    shown = shown_of_demo()
    expected, found = ({shape(line) for line in some if not is_of_data(line)} for some in (shown, lines))
    assert expected == found
    (answer,) = [line for line in lines if line.startswith("Answer: ")]
    (said,) = [line for line in shown if line.startswith("Answer: ")]
    for part in ("Corrected for having looked at 12 cells", "The largest gain is ", "% bootstrap interval ["):
        assert part in answer, part
        assert part in said, part
    done = next(place for place, line in enumerate(shown) if line.startswith("Done in "))
    where = shown[done + 1 :]
    assert where == [line for line in lines if line in where]
    assert len({re.match(r"  \S+(?: \S+)* +", line).end() for line in where}) == 1  # type: ignore[union-attr]


def test_every_command_composes() -> None:
    asked = [command for command in COMMANDS if command.startswith("misfire ")]
    assert len(asked) >= 6
    for command in asked:
        verb, *words = shlex.split(command.replace("FOLDER", "folder").replace("IMAGES", "images"))[1:]
        if verb in ("sweep", "search", "report"):
            assert words[0] in sweep_names() or words[0] in sweep_names(searches=True), command
            continue
        for point in grid(own_words(words)) if is_multirun(words) else [tuple(own_words(words))]:
            _ = composition(verb, point).plain


@pytest.mark.parametrize("group", ["pooling", "subset", "templates"])
def test_every_choice_is_listed(group: str) -> None:
    (listed,) = re.findall(rf"^- `{group}=([a-z_|]+)`$", TEXT, re.M)
    of_classes = {name for name in groups()[group] if name.startswith("class_")}  # another method's
    assert listed.split("|") == sorted(set(groups()[group]) - of_classes)


def test_every_verb_is_told_of() -> None:
    (table,) = re.findall(r"^\| verb \| does \|\n\| :--- \| :--- \|\n(.*?)\n\n", TEXT, re.M | re.S)
    for verb in _entry.verbs():
        assert re.search(rf"`{verb}\b", table), verb


def test_every_file_that_it_links_is_there() -> None:
    linked = [link for link in re.findall(r"\]\(([^)#]+)\)", TEXT) if "://" not in link]
    assert [link for link in linked if not (ROOT / link).exists()] == []
