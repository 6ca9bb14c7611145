import json
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from misfire.core.errors import UsageError
from misfire.data.tag_table import TagTable, common_images, read_tags, read_words, words_as_tags


def carried(table: TagTable) -> dict[str, set[str]]:
    return {
        image: {name for name, holds in zip(table.names, row, strict=True) if holds}
        for image, row in zip(table.images, table.holds.tolist(), strict=True)
    }


def write(path: Path, content: str) -> Path:
    path.write_text(content)
    return path


TRUTH = {"a": {"red", "dark"}, "b": set(), "c": {"red"}}


def test_every_layout_says_the_same(tmp_path: Path) -> None:
    long = write(tmp_path / "long.csv", "image,tag\nc,red\na,red\na,dark\nb,\n")
    wide = write(tmp_path / "wide.csv", "image,red,dark\na,1,1\nb,0,0\nc,true,0\n")
    lines = [json.dumps({"image": image, "tags": sorted(tags)}) for image, tags in TRUTH.items()]
    listed = write(tmp_path / "listed.jsonl", "\n".join(lines))
    joined = write(tmp_path / "joined.tsv", "image\ttags\na\tdark; red\nb\t\nc\tred\n")
    pd.DataFrame({"image": ["a", "b", "c"], "red": [1, 0, 1], "dark": [True, False, False]}).to_parquet(
        tmp_path / "wide.parquet"
    )
    for path in (long, wide, listed, joined, tmp_path / "wide.parquet"):
        table = read_tags(path)
        assert carried(table) == TRUTH
        assert table.remarks == ()
    assert read_tags(long).fingerprint == read_tags(listed).fingerprint


def test_scores_need_a_threshold_and_reach_it_when_they_equal_it(tmp_path: Path) -> None:
    long = write(tmp_path / "long.csv", "image,tag,score\na,red,0.5\na,dark,0.9\nb,red,0.4\nc,red,0.75\n")
    wide = write(tmp_path / "wide.csv", "image,red,dark\na,0.5,0.9\nb,0.4,0.1\nc,0.75,0\n")
    for path in (long, wide):
        assert carried(read_tags(path, threshold=0.5)) == TRUTH
        assert "from a score of 0.5 on" in read_tags(path, threshold=0.5).remarks[0]
    with pytest.raises(UsageError, match=r"threshold must say .* got none; they go from 0.4 to 0.9"):
        read_tags(long)
    with pytest.raises(UsageError, match=r"must hold 0 and 1, got scores in 2 \(red, dark\); give the threshold"):
        read_tags(wide)
    assert carried(read_tags(wide, threshold=0.5, leave_out=["dark"]))["a"] == {"red"}


def test_repeated_rows_count_once_and_contradictions_are_refused(tmp_path: Path) -> None:
    long = read_tags(write(tmp_path / "long.csv", "image,tag\na,red\na,red\n"))
    assert carried(long) == {"a": {"red"}}
    assert long.remarks == ("1 row gives an image a tag a second time and counts once.",)
    wide = read_tags(write(tmp_path / "wide.csv", "image,red\nb,1\na,0\nb,1\nb,1\n"))
    assert carried(wide) == {"a": set(), "b": {"red"}}
    assert wide.remarks == ("2 rows stand a second time and count once.",)
    with pytest.raises(UsageError, match=r"got different rows of 1 \(b\); keep one"):
        read_tags(write(tmp_path / "wide.csv", "image,red\nb,1\nb,0\n"))
    with pytest.raises(UsageError, match=r"one score, got different ones for 1 \(a red\); keep one"):
        read_tags(write(tmp_path / "long.csv", "image,tag,score\na,red,0.1\na,red,0.2\n"), threshold=0.5)


def test_words_of_texts_are_counted_once_an_image(tmp_path: Path) -> None:
    path = write(
        tmp_path / "words.csv",
        "image,first,second\na,The fox's DEN,fox den\nb,a fox,\na,den again,\nc,Füchse: 2 foxes,\n",
    )
    table = read_words(path, texts=["first", "second"])
    assert carried(table) == {"a": {"fox", "fox's", "den"}, "b": {"fox"}, "c": {"füchse", "foxes"}}
    assert carried(read_words(path, texts=["first", "second"], min_count=2)) == {"a": {"fox"}, "b": {"fox"}, "c": set()}
    assert table.more_frequent_than(2).names == ("fox",)
    assert words_as_tags(["a"], ["the fox"], stop_words=()).names == ("fox", "the")
    with pytest.raises(UsageError, match=r"every text must have an image, got 1 images of 2 texts"):
        words_as_tags(["a"], ["x", "y"])


@given(st.lists(st.sampled_from("abcdef"), unique=True), st.lists(st.sampled_from("abcdef"), unique=True))
def test_common_images_are_those_of_both(first: list[str], second: list[str]) -> None:
    expected = [name for name in first if name in second]
    if not expected:
        with pytest.raises(UsageError, match=r"got none in common: .* check that both name images alike"):
            common_images(first, second)
        return
    left, right, remarks = common_images(first, second)
    assert [first[at] for at in left] == [second[at] for at in right] == expected
    assert len(remarks) == (len(expected) < len(first)) + (len(expected) < len(second))


def test_images_without_a_partner_are_counted_in_words() -> None:
    remarks = common_images(["a", "b", "c"], ["c", "a"])[2]
    assert remarks == ("1 of 3 images with an outcome has no tags and is left out.",)
    remarks = common_images(["a"], ["c", "a", "b"])[2]
    assert remarks == ("2 of 3 images with tags have no outcome and are left out.",)


def test_a_file_without_tags_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"must have a column a tag, or columns image and tag, got only image"):
        read_tags(write(tmp_path / "wide.csv", "image\na\n"))
