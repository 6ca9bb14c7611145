import io
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from misfire.core import font
from misfire.core.errors import UsageError
from misfire.data import Dataset
from misfire.failures import ContactSheetLayout, FailureSet, contact_sheets
from misfire.failures.contact_sheet import _TEXT_WIDTH, _length, _wrapped
from tests.core.test_font import write_font


def pages(
    failures: FailureSet, data: Dataset, *, layout: ContactSheetLayout | None = None, show: bool = False
) -> dict[str, bytes]:
    return dict(contact_sheets(failures, data, layout=layout, show_oracle_categories=show))


def colours(png: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))


def columns_of(picture: np.ndarray, colour: tuple[int, int, int]) -> tuple[int, int]:
    """First and last column in which many pixels have a colour."""
    found = np.flatnonzero((picture == colour).all(axis=2).sum(axis=0) > 100)
    return int(found[0]), int(found[-1])


def test_pages_hold_every_failure_and_have_stable_names(invented: ModuleType) -> None:
    data, failures = invented.dataset(), invented.failure_set()
    drawn = pages(failures, data, layout=ContactSheetLayout(pairs_per_page=4))
    assert list(drawn) == ["page_1.png", "page_2.png", "page_3.png"]
    assert drawn == pages(failures, data, layout=ContactSheetLayout(pairs_per_page=4))
    many = pages(failures, data, layout=ContactSheetLayout(pairs_per_page=1))
    assert list(many)[::9] == ["page_01.png", "page_10.png"]


def test_the_target_stands_left_and_the_retrieved_image_right(invented: ModuleType) -> None:
    data, failures = invented.dataset(), invented.failure_set(num_failures=1)
    failure = failures.failures[0]
    source = {image.id: image.source for image in data.images}
    picture = colours(pages(failures, data)["page_1.png"])
    target = columns_of(picture, source[failure.target_image_id].colour)
    retrieved = columns_of(picture, source[failure.retrieved_image_id].colour)
    assert target[1] < retrieved[0]
    # 64 pixels grow by a whole factor of 3, less the frame of 2 on each side.
    assert target[1] - target[0] + 1 == retrieved[1] - retrieved[0] + 1 == 3 * 64 - 4


@pytest.mark.parametrize("size", [(640, 427), (3, 500), (1, 1), (191, 100)])
def test_images_of_any_size_are_drawn(invented: ModuleType, size: tuple[int, int]) -> None:
    data, failures = invented.dataset(), invented.failure_set()
    expected = colours(pages(failures, data)["page_1.png"]).shape
    resized = replace(
        data, images=tuple(replace(image, source=replace(image.source, size=size)) for image in data.images)
    )
    assert colours(pages(failures, resized)["page_1.png"]).shape == expected


def test_a_long_caption_makes_room_for_itself(invented: ModuleType) -> None:
    data, failures = invented.dataset(), invented.failure_set(num_failures=1)

    def height(caption: str) -> int:
        longer = replace(failures, failures=(replace(failures.failures[0], caption=caption),))
        return len(colours(pages(longer, data)["page_1.png"]))

    assert height("one line") < height("many words " * 15) < height("many words " * 30)
    assert height("many words " * 300) == height("many words " * 600)
    assert height("one line") < height("x" * 100) < height("x" * 200)
    assert height("x" * 5000) == height("many words " * 300)


def test_annotators_do_not_see_the_category(invented: ModuleType) -> None:
    data, failures = invented.dataset(), invented.failure_set()
    unlabelled = failures.relabelled({}, label_source="nobody")
    # The digest in the title differs, so only what lies below it is compared.
    blind = colours(pages(failures, data)["page_1.png"])[60:]
    np.testing.assert_array_equal(blind, colours(pages(unlabelled, data)["page_1.png"])[60:])
    assert (blind != colours(pages(failures, data, show=True)["page_1.png"])[60:]).any()


def test_annotators_see_neither_ranks_nor_scores(invented: ModuleType) -> None:
    data, failures = invented.dataset(), invented.failure_set()
    moved = replace(
        failures,
        failures=tuple(
            replace(
                one, rank=one.rank + 3, best_rank=one.best_rank + 3, worst_rank=one.worst_rank + 3, target_score=-0.5
            )
            for one in failures.failures
        ),
    )
    blind, open_ = ([colours(pages(one, data, show=s)["page_1.png"])[60:] for one in (failures, moved)] for s in (0, 1))
    np.testing.assert_array_equal(*blind)
    assert (open_[0] != open_[1]).any()


def test_an_impossible_layout_is_refused() -> None:
    with pytest.raises(UsageError, match="pairs_per_page must be at least 1, got 0"):
        ContactSheetLayout(pairs_per_page=0)
    with pytest.raises(UsageError, match="num_columns must be at least 1, got -1"):
        ContactSheetLayout(num_columns=-1)


def captioned(invented: ModuleType, caption: str) -> FailureSet:
    failures = invented.failure_set(num_failures=1)
    return replace(failures, failures=(replace(failures.failures[0], caption=caption),))


def test_a_script_is_drawn_in_a_font_that_has_it_or_its_letters_are_named(
    invented: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    data, failures = invented.dataset(), captioned(invented, "one \u4e00\u5f20 two \u4e00")
    monkeypatch.setattr(font, "font_folders", lambda: (tmp_path,))
    boxes = colours(pages(failures, data)["page_1.png"])
    assert capsys.readouterr().err == (
        "No font of this system has 2 (\u4e00, \u5f20) of the letters, they are drawn as boxes; install one, such as "
        "Noto.\n"
    )
    write_font(tmp_path / "more" / "Noto.ttf", "\u4e00\u5f20")
    monkeypatch.setattr(font, "font_folders", lambda: (tmp_path / "more",))
    drawn = colours(pages(failures, data)["page_1.png"])
    assert capsys.readouterr().err == ""
    assert boxes.shape == drawn.shape
    assert (boxes != drawn).any()
    # The letters of the font that we wrote are full squares: more ink than an empty box has.
    assert (drawn[60:] < 60).all(axis=2).sum() > (boxes[60:] < 60).all(axis=2).sum()


def test_a_text_without_blanks_wraps_at_any_of_its_wide_letters(invented: ModuleType) -> None:
    data = invented.dataset()

    def height(caption: str) -> int:
        return len(colours(pages(captioned(invented, caption), data)["page_1.png"]))

    assert height("\u4e00" * 10) < height("\u4e00" * 80) < height("\u4e00" * 150)
    lines = _wrapped("\u4e00\u5f20\u3002" * 40 + " and words")
    assert all(not line.startswith("\u3002") for line in lines)  # a full stop doesn't begin a line
    assert all(_length(line) <= _TEXT_WIDTH for line in lines)


@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Zl", "Zp"]), max_size=60))
def test_every_line_fits_and_no_letter_is_lost(caption: str) -> None:
    lines = _wrapped(caption)
    assert all(_length(line) <= _TEXT_WIDTH or len(line) < 8 for line in lines)
    assert "".join(lines).replace(" ", "") == "".join(caption.split()) or len(lines) == 8
