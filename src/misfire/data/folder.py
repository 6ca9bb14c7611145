"""One's own data: a folder of images and a CSV file that says what each shows."""

import csv
from pathlib import Path

from misfire.core.errors import UsageError, name_some
from misfire.data.dataset import Caption, Dataset, Image
from misfire.data.image_file import ImageFile

_COLUMNS = ("image", "caption")


def captioned_folder(root: str, captions: str = "captions.csv", name: str | None = None) -> Dataset:
    """A dataset out of ``root``: a CSV with the columns ``image`` (a path within ``root``) and ``caption``.

    Images are numbered in the order of their paths, captions in the order of their rows.

    Args:
        root: Folder of the images and of the CSV.
        captions: Name of the CSV within ``root``, in UTF-8.
        name: What tables call the dataset; the folder's name if it isn't given.

    Raises:
        UsageError: If the folder or the CSV is missing, a column is, or images are missing or outside the folder.
    """
    folder, table = Path(root), Path(root) / captions
    if not table.is_file():
        raise UsageError(
            f"a captioned folder must hold {captions}, found none in {root}; write one with image,caption."
        )
    with table.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file)
        missing = [column for column in _COLUMNS if column not in (reader.fieldnames or ())]
        if missing:
            raise UsageError(
                f"{table} must have the columns image and caption, it lacks {', '.join(missing)}; add them."
            )
        rows = [(row["image"], row["caption"] or "") for row in reader]
    paths = sorted({path for path, _ in rows})
    _check_paths(folder, paths)
    position = {path: index for index, path in enumerate(paths)}
    return Dataset(
        name=name or folder.resolve().name,
        images=tuple(Image(id=index, source=ImageFile(folder / path)) for path, index in position.items()),
        captions=tuple(Caption(id=row, image_id=position[path], text=text) for row, (path, text) in enumerate(rows)),
    )


def _check_paths(folder: Path, paths: list[str]) -> None:
    root = folder.resolve()
    outside = [path for path in paths if not (root / path).resolve().is_relative_to(root)]
    if outside:
        raise UsageError(f"images must lie within {folder}, got {name_some(outside)} outside; move or drop them.")
    missing = [path for path in paths if not (root / path).is_file()]
    if missing:
        raise UsageError(
            f"every image named must exist in {folder}, missing are {name_some(missing)}; restore or drop them."
        )
