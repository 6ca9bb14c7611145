"""Modes in pictures: of each, the images nearest to it and what every method says of it, side by side."""

import io
import json
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import TYPE_CHECKING, Any, final

from misfire.core.errors import IntegrityError, MisfireError
from misfire.core.progress import say
from misfire.core.words import percentage_points, plain_count
from misfire.methods.modes.outcome_source import image_names
from misfire.reporting.gallery import Example, ExampleGroup, Gallery, Picture
from misfire.reporting.section import Section

if TYPE_CHECKING:
    from misfire.cells import Logged, Question
    from misfire.data import Image

_SIDE, _QUALITY = 112, 85
_MOST_MODES, _MOST_PICTURES = 8, 6
_FEWEST_MEMBERS = 5  # a mode of fewer images of the measured half is shown by nothing
_SAME = 0.2  # Jaccard index of members from which on two methods are said to find one mode


@final
@dataclass(frozen=True, eq=False)
class _Mode:
    cell: "Logged"
    row: Mapping[Hashable, Any]
    members: frozenset[int]

    def overlap(self, other: "_Mode") -> float:
        return len(self.members & other.members) / len(self.members | other.members)


def modes_in_pictures(cells: "Sequence[Logged]", question: "Question", names: Mapping[str, str]) -> list[Section]:
    """A section with a gallery a mode; none, with a word why, where the pictures can't be had.

    Of each method the cell with the largest drop is shown. Its modes with the largest drops come first; one that
    another method has found as well stands there once, with the sentences of all.

    Args:
        cells: Finished cells.
        question: What the experiment asks; its settings know the data.
        names: What a cell is called, by its id.
    """
    shown = _one_a_method(cells)
    try:
        images = _images(shown, question)
        groups = [_group(one, others, len(shown), images, names) for one, others in _told_together(shown)]
    except (MisfireError, OSError) as error:
        say(f"No pictures of modes: {error}")
        return []
    if not groups:
        return []
    words = (
        "Images of the measured half that lie nearest to a mode, and under the name of each method that finds it what "
        f"it says of them. Two methods find one mode where they share {_SAME:.0%} of its images at least. Each method "
        "shows its mode with the largest drop before any shows a second one; a drop that could be chance is said to be."
    )
    return [Section("modes_gallery", "Modes in pictures", sentences=(words,), gallery=Gallery(tuple(groups)))]


def _one_a_method(cells: "Sequence[Logged]") -> "list[Logged]":
    best: dict[str, Logged] = {}
    for cell in cells:
        method = cell.label["method"]
        if method not in best or _drop(cell) > _drop(best[method]):
            best[method] = cell
    return list(best.values())


def _drop(cell: "Logged") -> float:
    found = cell.estimates.find("drop")
    return float("-inf") if found is None or found.value != found.value else found.value


def _images(cells: "Sequence[Logged]", question: "Question") -> "Mapping[str, Image]":
    dataset = question.settings.of(cells[0])["dataset"]
    of_cells = {cell.identity["images"] for cell in cells}
    if of_cells != {dataset.image_set.fingerprint}:
        raise IntegrityError(f"dataset {dataset.name} isn't that of every cell; report one dataset's cells alone.")
    return dict(zip(image_names(dataset.images), dataset.images, strict=True))


def _told_together(cells: "Sequence[Logged]") -> list[tuple[_Mode, list[tuple[_Mode, float]]]]:
    """Modes that differ, those of every method in turn; with each, every method's mode that is most like it."""
    known = [sorted(_modes(cell), key=lambda mode: -float(mode.row["drop"])) for cell in cells]
    known.sort(key=lambda modes: -float(modes[0].row["drop"]) if modes else 0.0)
    in_turn = [mode for level in zip_longest(*known) for mode in level if mode is not None]
    chosen: list[_Mode] = []
    for mode in in_turn:
        if len(chosen) < _MOST_MODES and all(mode.overlap(other) < _SAME for other in chosen):
            chosen.append(mode)
    told = []
    for one in chosen:
        alike = []
        for modes in known:
            nearest = max(modes, key=one.overlap, default=None)
            if nearest is not None and one.overlap(nearest) >= _SAME:
                alike.append((nearest, one.overlap(nearest)))
        told.append((one, sorted(alike, key=lambda pair: -pair[1])))
    return told


def _modes(cell: "Logged") -> list[_Mode]:
    found = []
    for number, row in enumerate(cell.records.to_dict("records"), start=1):
        if row["num_members"] >= _FEWEST_MEMBERS and row["drop"] == row["drop"]:
            written = json.loads(cell.read(f"slices/mode_{number:03d}.json"))
            found.append(_Mode(cell, row, frozenset(written["members"])))
    return found


def _group(
    one: _Mode,
    alike: Sequence[tuple[_Mode, float]],
    num_methods: int,
    images: "Mapping[str, Image]",
    names: Mapping[str, str],
) -> ExampleGroup:
    examples = tuple(_example(mode, share, one, images, names) for mode, share in alike)
    title = f"{one.row['mode']} ({names[one.cell.id]}), {percentage_points(one.row['drop'])} pp; methods that find it"
    return ExampleGroup(title, num_methods, examples)


def _example(mode: _Mode, share: float, one: _Mode, images: "Mapping[str, Image]", names: Mapping[str, str]) -> Example:
    row = mode.row
    said = "; ".join(row["sentences"]) or "no sentence was a candidate"
    scores = list(row["examples_performance"])[:_MOST_PICTURES]
    pictures = tuple(
        Picture(_jpeg(images[name]), _role(float(score)))
        for name, score in zip(list(row["examples"])[:_MOST_PICTURES], scores, strict=True)
    )
    told = [
        f"{percentage_points(row['drop'])} pp",
        f"{plain_count(int(row['num_members']))} images",
        *([] if row["is_confirmed"] else ["could be chance"]),
        *([] if mode is one else [f"shares {share:.0%}"]),
    ]
    return Example(text=f"{names[mode.cell.id]}: {said}", pictures=pictures, remark=" · ".join(told))


def _role(score: float) -> str:
    return {0.0: "wrong", 1.0: "right"}.get(score, f"{score:.2f}")


def _jpeg(image: "Image") -> bytes:
    from PIL import Image as PillowImage

    picture = image.source.load().convert("RGB")
    if max(picture.size) < _SIDE:  # small pictures are shown large, their pixels as they are
        scale = _SIDE / max(picture.size)
        size = (round(picture.width * scale), round(picture.height * scale))
        picture = picture.resize(size, PillowImage.Resampling.NEAREST)
    picture.thumbnail((_SIDE, _SIDE))
    buffer = io.BytesIO()
    picture.save(buffer, format="JPEG", quality=_QUALITY, optimize=True)
    return buffer.getvalue()
