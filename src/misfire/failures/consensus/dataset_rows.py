"""Rows held against the dataset that their captions come from."""

from collections import defaultdict
from collections.abc import Callable, Sequence

from misfire.data import Dataset
from misfire.failures.consensus.mismatch import Mismatch, same_text, short
from misfire.failures.sheets import SheetRow, text_key

ImageOf = Callable[[str], int | None]


def dataset_mismatches(rows: Sequence[SheetRow], dataset: Dataset) -> list[Mismatch]:
    """Rows whose text, images or id the dataset contradicts, each named once with everything that is wrong.

    Image columns hold ids or positions in the dataset's order of images, from 0; ``idx`` may hold a caption's id or
    position, or count the sheet's own rows. Which it is, is what fits more rows.

    Args:
        rows: Of all sheets.
        dataset: Where the captions come from.
    """
    images_of_text: dict[str, set[int]] = defaultdict(set)
    for caption in dataset.captions:
        images_of_text[text_key(caption.text)].add(caption.image_id)
    image = _image_scheme(rows, dataset, images_of_text)
    text_of_idx = _idx_scheme(rows, dataset)
    by_id = {caption.id: caption for caption in dataset.captions}
    found = []
    for row in rows:
        wrong: dict[str, str] = {}
        known = images_of_text.get(text_key(row.caption), set())
        target = image(row.target)
        if row.caption and not known:
            wrong["text isn't in the dataset"] = short(row.caption)
        if row.target and (target is None or (known and target not in known)):
            wrong["target isn't the caption's image"] = row.target
        if row.retrieved and image(row.retrieved) is None:
            wrong["retrieved image isn't in the dataset"] = row.retrieved
        if row.query_id is not None:
            named = by_id.get(row.query_id)
            if named is None or (row.caption and not same_text(row.caption, named.text)):
                wrong["query_id isn't the caption's"] = str(row.query_id)
        elif text_of_idx is not None and row.idx and text_of_idx(row.idx) != text_key(row.caption):
            wrong["idx isn't the caption's"] = row.idx
        if wrong:
            detail = "; ".join(f"{what}: {value}" for what, value in wrong.items())
            found.append(Mismatch(row.name, " and ".join(wrong), detail, (row.place,)))
    return found


def _image_scheme(rows: Sequence[SheetRow], dataset: Dataset, images_of_text: dict[str, set[int]]) -> ImageOf:
    ids = [image.id for image in dataset.images]
    known = set(ids)

    def by_id(written: str) -> int | None:
        return int(written) if written.isdecimal() and int(written) in known else None

    def by_position(written: str) -> int | None:
        return ids[int(written)] if written.isdecimal() and int(written) < len(ids) else None

    def fits(scheme: ImageOf) -> int:
        return sum(scheme(row.target) in images_of_text.get(text_key(row.caption), ()) for row in rows)

    return max((by_id, by_position), key=fits)


def _idx_scheme(rows: Sequence[SheetRow], dataset: Dataset) -> Callable[[str], str | None] | None:
    """From an idx to a caption's text; None where idx names no captions."""
    texts = [caption.text for caption in dataset.captions]
    text_of_id = {str(caption.id): caption.text for caption in dataset.captions}

    def by_id(idx: str) -> str | None:
        return text_key(text_of_id[idx]) if idx in text_of_id else None

    def by_position(idx: str) -> str | None:
        return text_key(texts[int(idx)]) if idx.isdecimal() and int(idx) < len(texts) else None

    def fits(scheme: Callable[[str], str | None]) -> int:
        return sum(scheme(row.idx) == text_key(row.caption) for row in rows if row.idx)

    best = max((by_id, by_position), key=fits)
    return best if 2 * fits(best) > sum(row.idx != "" for row in rows) else None
