from pathlib import Path

import numpy as np
import pytest

from misfire.cells import run_cell
from misfire.config.settings import Settings
from misfire.core.errors import UsageError
from misfire.methods.modes import (
    SentenceLintCell,
    SentenceSet,
    general_sentences,
    lint_sentences,
    read_sentence_set,
    sentences_of_classes,
)
from tests.cells.memory_ledger import MemoryLedger


def of(*texts: str) -> SentenceSet:
    return SentenceSet("mine", texts, ("any",) * len(texts), "by hand")


def test_the_general_set_is_large_varied_and_clean() -> None:
    found = general_sentences()
    assert 300 <= len(found) <= 500
    assert {"object", "place", "light", "weather", "viewpoint", "quality"} <= set(found.families)
    assert lint_sentences(found) == ()
    assert all(text.startswith("An image ") and len(text.split()) <= 14 for text in found.texts)
    assert "without any data set, model or generator" in found.provenance
    assert found.language == "en"


def test_a_text_file_is_a_sentence_a_line(tmp_path: Path) -> None:
    path = tmp_path / "mine.txt"
    path.write_text("# comment\nAn image of a cat\n\n  An image taken at night  \n", encoding="utf-8")
    found = read_sentence_set(path)
    assert found.texts == ("An image of a cat", "An image taken at night")
    assert (found.name, found.provenance) == ("mine", "Read from mine.txt.")


def test_a_set_is_named_by_its_sentences() -> None:
    one, other = of("a", "b"), SentenceSet("other", ("a", "b"), ("x", "y"), "somebody", "de")
    assert one.fingerprint == other.fingerprint != of("b", "a").fingerprint
    both = of("a", "b").plus(of("b", "c"))
    assert both.texts == ("a", "b", "c")
    assert both.families == ("any",) * 3
    assert sentences_of_classes(["cat", "dog"], template="A photo of a {}").texts == (
        "A photo of a cat",
        "A photo of a dog",
    )


def test_duplicates_and_long_sentences_are_told() -> None:
    found = lint_sentences(of("An image of a cat", "an image, of a CAT!", "a b c d"), most_words=3)
    assert [finding.fault for finding in found] == ["duplicate", "too long", "too long", "too long"]
    assert str(found[0]) == "'An image of a cat' and 'an image, of a CAT!': the same words; keep one."


def test_near_duplicates_are_told_once_with_the_nearest_earlier_sentence() -> None:
    angles = np.array([0.0, 1.0, 1.05, 0.01])
    embeddings = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    found = lint_sentences(of("one", "two", "three", "four"), embeddings=embeddings)
    assert [finding.sentences for finding in found] == [("two", "three"), ("one", "four")]
    assert "cosine of 0.999" in str(found[0])
    assert lint_sentences(of("one", "two", "three", "four"), embeddings=embeddings, near=1.0) == ()


def test_what_a_tokenizer_cuts_off_and_another_language_are_told() -> None:
    found = lint_sentences(of("An image", "夜に撮られた写真"), is_truncated=lambda texts: np.array([True, False]))
    assert [finding.fault for finding in found] == ["cut off", "other language"]
    assert "1 of 2 sentences aren't in English" in str(found[1])
    assert [one.fault for one in lint_sentences(of("Ein Bild mit einer Straße", "2"))] == ["other language"]
    assert lint_sentences(of("An image of El Paso with das Boot", "rain", "2")) == ()


def test_unfit_files_are_refused_with_their_line(tmp_path: Path) -> None:
    path = tmp_path / "set.yaml"
    for text, words in (
        (
            "name: a\nprovenance: b\ngroups:\n  - {family: x, template: An image, words: [y]}\n",
            r"line 4 must have one {}",
        ),
        (
            "name: a\nprovenance: b\ngroups:\n  - {family: x, template: '{}', words: [no]}\n",
            r"list of texts, .* line 4",
        ),
        ("name: a\ngroups: []\n", r"got none named 1 \(provenance\)"),
        ("name: a\nprovenance: b\ngroups: []\n", r"sentence set a must hold sentences, got none"),
        ("name: a\nprovenance: b\ngroups: 3\n", r"must be a list, got something else in .*line 3"),
    ):
        path.write_text(text, encoding="utf-8")
        with pytest.raises(UsageError, match=words):
            read_sentence_set(path)
    with pytest.raises(UsageError, match=r"a readable file in UTF-8, got .*none.txt"):
        read_sentence_set(tmp_path / "none.txt")


def test_unfit_sets_are_refused() -> None:
    with pytest.raises(UsageError, match=r"each sentence once, got 1 \(a\) again"):
        of("a", "a")
    with pytest.raises(UsageError, match=r"got empty ones at 1 \(2\)"):
        of("a", " ")
    with pytest.raises(UsageError, match=r"needs a family for each of its 1 sentences, got 0"):
        SentenceSet("mine", ("a",), (), "by hand")
    with pytest.raises(UsageError, match=r"must say where it comes from, got nothing"):
        SentenceSet("mine", ("a",), ("x",), " ")
    with pytest.raises(UsageError, match=r"most_words must be >= 1 and near a cosine, got 0 and 0.98"):
        lint_sentences(of("a"), most_words=0)
    with pytest.raises(UsageError, match=r"an embedding a sentence, got 2 for 1"):
        lint_sentences(of("a"), embeddings=np.eye(2))


def test_the_command_line_tells_every_fault(tmp_path: Path) -> None:
    long = " ".join(["night"] * 25)
    texts = ["a cat at night", "A cat at night.", "at night, a cat", "\u043d\u043e\u0447\u044c", long]
    path = tmp_path / "mine.txt"
    path.write_text("\n".join(texts), encoding="utf-8")
    words = ["sentences=file", f"sentences.path={path}", f"paths.root={tmp_path / 'root'}", "near=0.5", "trainer=cpu"]
    settings = Settings.of_words("sentences", words)
    logged = run_cell(settings.cell(), settings.lab, MemoryLedger(), config=lambda: "")[0]
    found = set(zip(logged.records["fault"], logged.records["sentence"], strict=True))
    assert {("duplicate", texts[1]), ("near duplicate", texts[2]), ("too long", long)} <= found
    assert "other language" in logged.records["fault"].tolist()
    assert logged.estimates.at("faults").value == len(logged.records)
    told = SentenceLintCell.tell(logged)
    assert f"5 sentences, {len(logged.records)} faults (near-duplicates by world_clip)." in told
    assert "duplicate: 'a cat at night' and 'A cat at night.': the same words; keep one." in told

    with pytest.raises(UsageError, match="near a cosine, got 20 and 2"):
        Settings.of_words("sentences", [f"paths.root={tmp_path}", "near=2"]).cell()
