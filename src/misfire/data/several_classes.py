"""Datasets whose images show several classes: VOC 2007, COCO's instances, a table of labels, several raters' answers.

Each gives a ``label_matrix`` with 1 present, -1 absent, 0 neither, and says in a remark how it got there.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, final
from xml.etree import ElementTree

import numpy as np
from jaxtyping import Int8

from misfire.core.errors import UsageError, name_some
from misfire.data.column_file import ColumnFile
from misfire.data.dataset import Image, Skipped
from misfire.data.image_table import Known, LabelMatrix
from misfire.data.listing import NAME, WHOLE_NUMBER, Listing, read_column, read_json, read_rows, read_text
from misfire.data.picture_folder import pictures
from misfire.data.sourced import SourcedDataset

VOC_CLASSES: Final = (
    "aeroplane",
    "bicycle",
    "bird",
    "boat",
    "bottle",
    "bus",
    "car",
    "cat",
    "chair",
    "cow",
    "diningtable",
    "dog",
    "horse",
    "motorbike",
    "person",
    "pottedplant",
    "sheep",
    "sofa",
    "train",
    "tvmonitor",
)
_VOC: Final = "it is in VOCtrainval_06-Nov-2007.tar or VOCtest_06-Nov-2007.tar of host.robots.ox.ac.uk/pascal/VOC"
_COCO: Final = "it is in annotations_trainval2014.zip of https://cocodataset.org/#download"
_COCO_PICTURES: Final = "they are in train2014.zip and val2014.zip of https://cocodataset.org/#download"
_ANSWERS: Final[Mapping[str, int]] = MappingProxyType(
    {"yes": 1, "1": 1, "true": 1, "no": -1, "-1": -1, "false": -1, "maybe": 0, "0": 0, "unsure": 0}
)
_LABELS: Final[Mapping[str, int]] = MappingProxyType({"1": 1, "-1": -1, "0": 0})


class LabelledImages(SourcedDataset):
    """The dataset of images and a matrix of labels.

    Args:
        name: What tables call it.
        images: What the source lists.
        classes: Names of the classes.
        labels: A row an image, a column a class, in -1, 0, 1.
        remarks: How the labels were read, where that was a choice.
        others: Images that the source lists and that its rule leaves out.
        on_bad_image: ``refuse`` or ``skip``, see :class:`SourcedDataset`.
        index: Folder in which the look at each picture is remembered.

    Raises:
        UsageError: As :class:`SourcedDataset` says.
    """

    def __init__(
        self,
        name: str,
        images: Sequence[Image],
        classes: Sequence[str],
        labels: Int8[np.ndarray, "image class"],
        *,
        remarks: Sequence[str] = (),
        others: Sequence[Skipped] = (),
        on_bad_image: str = "refuse",
        index: str | Path | None = None,
    ) -> None:
        matrix = LabelMatrix(np.array([image.id for image in images], dtype=np.int64), tuple(classes), labels)
        listing = Listing(name=name, images=images, captions=(), remarks=remarks, other_images=others)
        super().__init__(listing, on_bad_image=on_bad_image, index=index, known=Known(label_matrix=matrix))


@final
class Voc2007(LabelledImages):
    """A split of PASCAL VOC 2007 (or a later year in the same layout) with the objects of each image as labels.

    An image of which every object of a class is marked difficult is neither with nor without it: 0 by the devkit's
    rule, which leaves it out of that class; or absent, as the public multi-label codes count it.

    Args:
        root: The folder with ``Annotations``, ``ImageSets/Main`` and ``JPEGImages``.
        split: Name of a list in ``ImageSets/Main``: ``train``, ``val``, ``trainval`` or ``test``.
        difficult: ``ignore`` (0) or ``negative`` (-1).
        on_bad_image: ``refuse`` or ``skip``, see :class:`SourcedDataset`.
        index: Folder in which the look at each picture is remembered.
        name: What tables call it.

    Raises:
        UsageError: If a file is missing or isn't of VOC's format, or an object is of no known class.

    Reference:
        Everingham et al., "The PASCAL Visual Object Classes (VOC) challenge", IJCV 88, 2010.
    """

    def __init__(
        self,
        root: str | Path,
        split: str = "test",
        *,
        difficult: str = "ignore",
        on_bad_image: str = "refuse",
        index: str | Path | None = None,
        name: str | None = None,
    ) -> None:
        _check_choice("difficult", difficult, ("ignore", "negative"))
        folder = Path(root)
        text = read_text(folder / "ImageSets" / "Main" / f"{split}.txt", "VOC's list of images", published=_VOC)
        # A class's own list has a second column; the images are the first of either.
        names = [line.split()[0] for line in text.splitlines() if line.strip()]
        wrong = [one for one in names if not one.replace("_", "").isdecimal()]
        if wrong:
            raise UsageError(
                f"VOC's images must be called by digits, got {name_some(wrong)} in {split}.txt; restore it."
            )
        picture = pictures(folder / "JPEGImages", published=_VOC)
        rows = [_voc_row(folder / "Annotations" / f"{one}.xml") for one in names]
        labels = np.array(rows, dtype=np.int8).reshape(len(rows), len(VOC_CLASSES))
        num_difficult = int((labels == 0).sum())
        if difficult == "negative":
            labels[labels == 0] = -1
        rule = "left out of these classes, as by VOC's devkit" if difficult == "ignore" else "counted as absent"
        super().__init__(
            name or f"voc2007 {split}",
            [Image(int(one.replace("_", "")), picture(f"{one}.jpg"), one) for one in names],
            VOC_CLASSES,
            labels,
            remarks=(f"{num_difficult:,} labels whose objects are all marked difficult are {rule}.",),
            on_bad_image=on_bad_image,
            index=index,
        )


def _voc_row(path: Path) -> list[int]:
    text = read_text(path, "VOC's annotation of an image", published=_VOC)
    if "<!DOCTYPE" in text or "<!ENTITY" in text:  # VOC's have none, and an entity can blow up in memory
        raise UsageError(f"VOC's annotations must be plain XML, got entities in {path}; restore it ({_VOC}).")
    try:
        objects = ElementTree.fromstring(text).findall("object")
    except ElementTree.ParseError as error:
        raise UsageError(f"VOC's annotations must be XML, got {path} ({error}); restore it ({_VOC}).") from error
    row = [-1] * len(VOC_CLASSES)
    for one in objects:
        name = (one.findtext("name") or "").strip().lower()
        if name not in VOC_CLASSES:
            raise UsageError(f"VOC's objects must be of its 20 classes, got {name!r} in {path}; restore it ({_VOC}).")
        column = VOC_CLASSES.index(name)
        is_difficult = (one.findtext("difficult") or "0").strip() == "1"
        row[column] = max(row[column], 0 if is_difficult else 1)
    return row


@final
class CocoInstances(LabelledImages):
    """Images of a file with COCO's instances, with the categories that each shows as labels.

    Args:
        annotations: The JSON file, such as ``instances_val2014.json``.
        images: Folder of the pictures, or None to open the labels alone.
        crowds: What a category counts as of which an image has only crowd boxes: ``present``, as in the public codes,
            or ``ignore`` (0).
        unannotated: Whether images without any annotation are ``kept``, as images of no class, or ``dropped``, as the
            public codes do by listing annotated images alone.
        on_bad_image: ``refuse`` or ``skip``, see :class:`SourcedDataset`.
        index: Folder in which the look at each picture is remembered.
        name: What tables call it.

    Raises:
        UsageError: If the file is missing or isn't of COCO's format.
    """

    def __init__(
        self,
        annotations: str | Path,
        images: str | Path | None = None,
        *,
        crowds: str = "present",
        unannotated: str = "kept",
        on_bad_image: str = "refuse",
        index: str | Path | None = None,
        name: str | None = None,
    ) -> None:
        _check_choice("crowds", crowds, ("present", "ignore"))
        _check_choice("unannotated", unannotated, ("kept", "dropped"))
        path = Path(annotations)
        document = read_json(path, "COCO's instances", published=_COCO)
        column = partial(_coco_column, path, document)
        picture = pictures(images, published=_COCO_PICTURES)
        kinds = sorted(zip(column("categories", "id", WHOLE_NUMBER), column("categories", "name", NAME), strict=True))
        place = {identifier: number for number, (identifier, _) in enumerate(kinds)}
        listed = dict(zip(column("images", "id", WHOLE_NUMBER), column("images", "file_name", NAME), strict=True))
        labels = {identifier: np.full(len(kinds), -1, dtype=np.int8) for identifier in listed}
        found = zip(
            column("annotations", "image_id", WHOLE_NUMBER),
            column("annotations", "category_id", WHOLE_NUMBER),
            column("annotations", "iscrowd", WHOLE_NUMBER),
            strict=True,
        )
        annotated, strangers = set(), []
        for image_id, category, is_crowd in found:
            if image_id not in labels or category not in place:
                strangers.append(f"image {image_id}, category {category}")
                continue
            annotated.add(image_id)
            value = 0 if is_crowd and crowds == "ignore" else 1
            labels[image_id][place[category]] = max(labels[image_id][place[category]], value)
        if strangers:
            raise UsageError(
                f"{path}: annotations must be of a listed image and category, got {name_some(strangers)}; restore it "
                f"({_COCO})."
            )
        bare = [identifier for identifier in listed if identifier not in annotated]
        kept = [identifier for identifier in listed if unannotated == "kept" or identifier in annotated]
        only_crowds = sum(int((labels[identifier] == 0).sum()) for identifier in kept)
        remarks = [f"{len(bare):,} images without an annotation are {unannotated}."]
        if crowds == "ignore":
            remarks.append(f"{only_crowds:,} labels that only crowd boxes speak for are left out of these classes.")
        super().__init__(
            name or path.stem,
            [Image(identifier, picture(listed[identifier]), listed[identifier]) for identifier in kept],
            [kind for _, kind in kinds],
            np.stack([labels[identifier] for identifier in kept]) if kept else np.empty((0, len(kinds)), dtype=np.int8),
            remarks=remarks,
            others=[] if unannotated == "kept" else [Skipped(listed[one], "without an annotation") for one in bare],
            on_bad_image=on_bad_image,
            index=index,
        )


def _coco_column(path: Path, document: Any, key: str, field: str, kind: Any) -> list[Any]:
    return read_column(path, read_rows(path, document, key), field, kind, call=f"{key}[{{}}]".format)


@final
class LabelTable(LabelledImages):
    """Images and labels of a table: a row an image, a column a class, with 1 present, -1 absent, 0 unknown.

    Args:
        path: CSV, TSV, JSON lines or Parquet.
        images: Folder of the pictures.
        image: Column with each picture's name in that folder.
        leave_out: Columns that are no classes.
        on_bad_image: ``refuse`` or ``skip``, see :class:`SourcedDataset`.
        index: Folder in which the look at each picture is remembered.
        name: What tables call it.

    Raises:
        UsageError: If the table can't be read, an image stands twice, there is no class, or a value is another.
    """

    def __init__(
        self,
        path: str | Path,
        images: str | Path,
        *,
        image: str = "image",
        leave_out: Sequence[str] = (),
        on_bad_image: str = "refuse",
        index: str | Path | None = None,
        name: str | None = None,
    ) -> None:
        file = ColumnFile(Path(path))
        names = file.texts(image)
        _refuse_again(names, Path(path))
        classes = [column for column in file.columns if column not in (image, *leave_out)]
        if not classes:
            raise UsageError(f"a table of labels must have a column a class, got none in {path}; add them.")
        values = [[_one_of(_LABELS, one, path, column) for one in file.texts(column)] for column in classes]
        super().__init__(
            name or Path(path).stem,
            _numbered(names, images),
            classes,
            np.array(values, dtype=np.int8).T,
            on_bad_image=on_bad_image,
            index=index,
        )


@final
class RatedLabels(LabelledImages):
    """Images and labels from several raters' answers to "does this image show this class?": yes, maybe or no.

    A pair is present where more raters say yes than no, absent where more say no, and 0, neither, where they are even,
    all say maybe, or nobody was asked.

    Args:
        path: CSV, TSV, JSON lines or Parquet with a row a judgement.
        images: Folder of the pictures.
        image: Column with the picture's name in that folder.
        label: Column with the class.
        rater: Column with who answered; a rater judges a pair once.
        answer: Column with ``yes``, ``maybe`` or ``no`` (or 1, 0, -1).
        least: Raters that must have said yes or no for a pair to be known.
        on_bad_image: ``refuse`` or ``skip``, see :class:`SourcedDataset`.
        index: Folder in which the look at each picture is remembered.
        name: What tables call it.

    Raises:
        UsageError: If the table can't be read, an answer is another, or a rater judged a pair twice.
    """

    def __init__(
        self,
        path: str | Path,
        images: str | Path,
        *,
        image: str = "image",
        label: str = "label",
        rater: str = "rater",
        answer: str = "answer",
        least: int = 1,
        on_bad_image: str = "refuse",
        index: str | Path | None = None,
        name: str | None = None,
    ) -> None:
        if least < 1:
            raise UsageError(f"least must be >= 1, got {least}; 1 takes every pair that somebody decided.")
        file = ColumnFile(Path(path))
        answers = [_one_of(_ANSWERS, one.lower(), path, answer) for one in file.texts(answer)]
        pairs = list(zip(file.texts(image), file.texts(label), strict=True))
        again = [key for key, count in Counter(zip(pairs, file.texts(rater), strict=True)).items() if count > 1]
        if again:
            told = [f"{who} on {what} in {where}" for (where, what), who in again]
            raise UsageError(
                f"a rater must judge a pair once, got {name_some(told)} again in {path}; drop or merge them."
            )
        judged: dict[tuple[str, str], list[int]] = defaultdict(list)
        for pair, value in zip(pairs, answers, strict=True):
            judged[pair].append(value)
        names, classes = sorted({one for one, _ in pairs}), sorted({kind for _, kind in pairs})
        labels = np.zeros((len(names), len(classes)), dtype=np.int8)
        rows = {one: row for row, one in enumerate(names)}
        columns = {kind: column for column, kind in enumerate(classes)}
        disputed = 0
        for (one, kind), values in judged.items():
            decided = [value for value in values if value]
            disputed += len(set(decided)) > 1
            labels[rows[one], columns[kind]] = np.sign(sum(decided)) if len(decided) >= least else 0
        unknown = int((labels == 0).sum())
        super().__init__(
            name or Path(path).stem,
            _numbered(names, images),
            classes,
            labels,
            remarks=(
                f"{len(answers):,} judgements of {len(judged):,} pairs; raters contradict each other on {disputed:,}; "
                f"{unknown:,} of {labels.size:,} labels are neither present nor absent.",
            ),
            on_bad_image=on_bad_image,
            index=index,
        )


def _numbered(names: Sequence[str], folder: str | Path) -> list[Image]:
    """Images with ids in the order of their names, wherever they stand in the table."""
    picture: Callable[[str], Any] = pictures(folder, published="the folder that the table speaks of")
    order = {name: number for number, name in enumerate(sorted(names))}
    return [Image(order[name], picture(name), name) for name in names]


def _one_of(known: Mapping[str, int], value: str, path: str | Path, column: str) -> int:
    if value not in known:
        raise UsageError(
            f"column {column} of {path} must hold {', '.join(known)}, got {value!r}; mend it, or leave the column out."
        )
    return known[value]


def _refuse_again(names: Iterable[str], path: Path) -> None:
    again = [name for name, count in Counter(names).items() if count > 1]
    if again:
        raise UsageError(
            f"a table of labels must have a row an image, got {name_some(again)} again in {path}; merge them."
        )


def _check_choice(name: str, value: str, choices: Sequence[str]) -> None:
    if value not in choices:
        raise UsageError(f"{name} must be one of {', '.join(choices)}, got {value!r}; choose one of them.")
