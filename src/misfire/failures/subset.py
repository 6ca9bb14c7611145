"""Which queries a cell is about, and how they were chosen."""

import json
import re
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar, Final, final

import numpy as np
from jaxtyping import Bool, Float, Int
from typing_extensions import override

from misfire.core.errors import UsageError, name_some
from misfire.core.hashing import sha256_file, sha256_json, sha256_text
from misfire.core.text_file import likely_separator, read_text_file, separated
from misfire.data import Dataset
from misfire.data.listing import refuse_repeated_columns
from misfire.failures.failure_set import FailureSet, query_positions
from misfire.failures.taxonomy import load_taxonomy

_WHAT: Final = "a subset's file"
_COLUMNS: Final = ("query_id", "image_id", "text_sha256", "dataset_fingerprint")
_SLICE: Final[Mapping[str, type]] = MappingProxyType(
    {
        "of": str,
        "members": list,
        "how_chosen": str,
        "is_chosen_by_failing": bool,
        "uses_oracle_labels": bool,
        "dataset_fingerprint": str,
    }
)
_ID: Final = re.compile("[0-9]{1,18}")
_FINGERPRINT: Final = re.compile("[0-9a-f]{12,64}")
_NAMED_DATASET: Final = re.compile(r"#\s*dataset_fingerprint:\s*(?P<fingerprint>\S+)")


@dataclass(frozen=True, eq=False)
class DoubtfulQueries:
    """Queries that may belong to a selection by category, and how probably, given all annotators' labels of them.

    ``positions`` are places in the dataset's captions, ascending; ``is_labelled`` says which were selected.
    """

    positions: Int[np.ndarray, " query"]
    is_labelled: Bool[np.ndarray, " query"]
    probability: Float[np.ndarray, " query"]

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the queries and their probabilities."""
        return sha256_json([self.positions.tolist(), self.is_labelled.tolist(), self.probability.tolist()])

    def among(self, positions: Int[np.ndarray, " other"]) -> "DoubtfulQueries":
        """Those at some positions."""
        here = np.isin(self.positions, positions)
        return DoubtfulQueries(self.positions[here], self.is_labelled[here], self.probability[here])


@dataclass(frozen=True, eq=False)
class Selection:
    """Some queries of a dataset.

    ``positions`` are places in the dataset's captions, ascending. ``is_failure_mined`` says that the queries were
    chosen because the baseline failed on them, so that a gain on them alone proves nothing. ``uses_oracle_labels`` says
    that gold labels took part in the choice; ``categories`` are those labels. ``in_doubt`` are the labelled queries
    that the choice was made among, where it is known how far their labels are in doubt.
    """

    name: str
    positions: Int[np.ndarray, " query"]
    how_chosen: str
    is_failure_mined: bool
    uses_oracle_labels: bool = False
    categories: tuple[str, ...] = ()
    in_doubt: DoubtfulQueries | None = None

    def __len__(self) -> int:
        return len(self.positions)

    def query_ids(self, dataset: Dataset) -> tuple[int, ...]:
        """The selected captions' ids, ascending."""
        return tuple(dataset.captions[position].id for position in self.positions)


class QuerySubset(ABC):
    """A rule that selects queries of a dataset."""

    needs_failure_set: ClassVar[bool]
    """Whether there is nothing to select without a failure set."""

    @property
    @abstractmethod
    def name(self) -> str:
        """What the subset is called in tables."""

    @abstractmethod
    def identity(self, dataset: Dataset) -> Mapping[str, Any]:
        """All that a selection depends on besides the failure set, as JSON values; nothing is mined or ranked for it.

        Raises:
            UsageError: If a file that it reads isn't there or doesn't fit the dataset.
        """

    @property
    def categories_asked(self) -> tuple[str, ...]:
        """The gold categories that choose the queries; none where labels have no part in it."""
        return ()

    @property
    def is_chosen_by_failing(self) -> bool:
        """Whether the queries are chosen because the baseline fails on them, as far as is known before selecting."""
        return self.needs_failure_set

    @abstractmethod
    def _select(self, dataset: Dataset, failure_set: FailureSet | None) -> Selection:
        """The selection, from a failure set that fits the dataset."""

    def select(self, dataset: Dataset, failure_set: FailureSet | None = None) -> Selection:
        """The queries of this subset.

        Raises:
            UsageError: If the subset needs a failure set and has none, the failure set is of another dataset, or no
                query is left.
        """
        if failure_set is not None:
            failure_set.check_fits(dataset)
        selection = self._select(dataset, failure_set)
        if not len(selection):
            raise UsageError(
                f"subset {self.name} must have queries, got 0 of the {len(dataset.captions)} of {dataset.name}"
                f"{_what_there_is(failure_set)}; choose another subset or mine more failures."
            )
        return selection


@final
@dataclass(frozen=True)
class AllQueries(QuerySubset):
    """Every caption of the dataset."""

    needs_failure_set: ClassVar[bool] = False

    @property
    @override
    def name(self) -> str:
        return "all"

    @override
    def identity(self, dataset: Dataset) -> Mapping[str, Any]:
        return {"queries": "all"}

    @override
    def _select(self, dataset: Dataset, failure_set: FailureSet | None) -> Selection:
        positions = np.arange(len(dataset.captions), dtype=np.int64)
        return Selection(self.name, positions, f"all {len(positions)} queries of the dataset", is_failure_mined=False)


@final
@dataclass(frozen=True)
class AllFailures(QuerySubset):
    """Every query of the failure set."""

    needs_failure_set: ClassVar[bool] = True

    @property
    @override
    def name(self) -> str:
        return "failures"

    @override
    def identity(self, dataset: Dataset) -> Mapping[str, Any]:
        return {"queries": "failures"}

    @override
    def _select(self, dataset: Dataset, failure_set: FailureSet | None) -> Selection:
        mined = _required(failure_set, self)
        return Selection(self.name, mined.positions(dataset), mined.how_chosen, is_failure_mined=True)


@final
@dataclass(frozen=True)
class CategorySubset(QuerySubset):
    """The failures of some categories, by the gold labels of the failure set.

    Categories are taken in any case and order, and kept in the taxonomy's: that of the file named, or else ours. The
    failure set's labels may come from another taxonomy, as long as it has categories of these names.

    Raises:
        UsageError: If no category is named, or one isn't in the taxonomy.

    Example:
        >>> CategorySubset(["attribute", "object"]).name
        'object_attribute'
    """

    categories: Sequence[str]
    taxonomy: str | None = None
    needs_failure_set: ClassVar[bool] = True

    def __post_init__(self) -> None:
        taxonomy = load_taxonomy(None if self.taxonomy is None else Path(self.taxonomy))
        chosen = {taxonomy.category(name).name for name in self.categories}
        if not chosen:
            raise UsageError(f"categories must name at least one of {', '.join(taxonomy.names)}, got none; name one.")
        object.__setattr__(self, "categories", tuple(name for name in taxonomy.names if name in chosen))

    @property
    @override
    def name(self) -> str:
        return "_".join(category.lower() for category in self.categories)

    @property
    @override
    def categories_asked(self) -> tuple[str, ...]:
        return tuple(self.categories)

    @override
    def identity(self, dataset: Dataset) -> Mapping[str, Any]:
        return {"queries": "failures", "categories": list(self.categories)}

    @override
    def _select(self, dataset: Dataset, failure_set: FailureSet | None) -> Selection:
        mined = _required(failure_set, self)
        wanted = {mined.label_taxonomy.category(name).name for name in self.categories}
        of_category = np.array([failure.category in wanted for failure in mined.failures])
        positions = mined.positions(dataset)[of_category]
        return Selection(
            self.name,
            positions,
            f"the {len(positions)} that are {' or '.join(self.categories)} by {mined.label_source} "
            f"in a {mined.how_chosen}",
            is_failure_mined=True,
            uses_oracle_labels=True,
            categories=tuple(self.categories),
            in_doubt=_in_doubt(mined, dataset, wanted),
        )


@final
@dataclass(frozen=True)
class FileSubset(QuerySubset):
    """The queries that a file names: a table with a column ``query_id``, text with one id a line, or a slice.

    A table is CSV, TSV or Parquet.

    A slice is the JSON that every method writes of what it found (:class:`misfire.cells.Slice`): of captions or images
    of one dataset, with how they were chosen, whether failing chose them and whether gold labels took part.

    A column ``image_id`` instead names images, and all captions of theirs are selected. A table is read as annotation
    sheets are, whatever encoding and separator it was saved with.

    Where the file has a column ``text_sha256``, as annotation sheets do, each is held against its caption. Where it has
    a column ``dataset_fingerprint``, or text a first line ``# dataset_fingerprint: ...``, the ids are those of that
    dataset and of no other in which they happen to exist; the first 12 letters are enough, and a file of images may
    have the image set's. ``is_failure_mined`` is for the user to say; a file of queries that all stand in the failure
    set is so anyway.
    """

    path: str
    is_failure_mined: bool = False
    needs_failure_set: ClassVar[bool] = False

    @property
    @override
    def name(self) -> str:
        return Path(self.path).stem

    @property
    @override
    def is_chosen_by_failing(self) -> bool:
        is_slice = Path(self.path).suffix == ".json"
        return self.is_failure_mined or (is_slice and bool(_of_slice(Path(self.path))["is_chosen_by_failing"]))

    @override
    def identity(self, dataset: Dataset) -> Mapping[str, Any]:
        chosen = self._select(dataset, None)
        return {"queries": list(chosen.query_ids(dataset)), "is_failure_mined": chosen.is_failure_mined}

    @override
    def _select(self, dataset: Dataset, failure_set: FailureSet | None) -> Selection:
        path = Path(self.path)
        columns = _read_columns(path)
        told = _of_slice(path) if path.suffix == ".json" else {}
        _check_dataset(path, dataset, columns.get("dataset_fingerprint", []), of_images="query_id" not in columns)
        if "query_id" in columns:
            ids = _whole_numbers(path, "query", columns["query_id"])
            positions = query_positions(dataset, ids, of=path.name)
            _check_texts(path, dataset, positions, columns.get("text_sha256"))
            what = f"the {len(ids)} queries"
        else:
            images = _whole_numbers(path, "image", columns["image_id"])
            positions = _of_images(path, dataset, images)
            ids = tuple(dataset.captions[position].id for position in positions)
            what = f"the {len(ids)} queries of the {len(images)} images"
        among_failures = failure_set is not None and bool(ids) and set(ids) <= set(failure_set.query_ids)
        how = f"{what} in {path.name} (SHA-256 {sha256_file(path)[:12]})"
        return Selection(
            self.name,
            np.sort(positions),
            f"{how}: {told['how_chosen']}" if told else how,
            is_failure_mined=self.is_failure_mined or among_failures or bool(told.get("is_chosen_by_failing")),
            uses_oracle_labels=bool(told.get("uses_oracle_labels")),
        )


def _in_doubt(failure_set: FailureSet, dataset: Dataset, wanted: Collection[str]) -> DoubtfulQueries | None:
    doubt = failure_set.label_doubt
    if doubt is None:
        return None
    failures = [failure for failure in failure_set.failures if failure.query_id in doubt.probability]
    positions = query_positions(dataset, tuple(one.query_id for one in failures), of="the labelled failures")
    order = np.argsort(positions)
    chance = np.array([doubt.of(failure.query_id, sorted(wanted)) for failure in failures])
    is_labelled = np.array([failure.category in wanted for failure in failures])
    return DoubtfulQueries(positions[order], is_labelled[order], chance[order])


def _required(failure_set: FailureSet | None, subset: QuerySubset) -> FailureSet:
    if failure_set is None:
        raise UsageError(f"subset {subset.name} must have a failure set, got none; run misfire mine first.")
    return failure_set


def _what_there_is(failure_set: FailureSet | None) -> str:
    if failure_set is None:
        return ""
    counts = Counter(failure.category or "unlabelled" for failure in failure_set.failures)
    listed = ", ".join(f"{count} {category}" for category, count in counts.most_common())
    return f" (failure set {failure_set.digest[:12]} has {listed})"


def _read_columns(path: Path) -> dict[str, list[str]]:
    if not path.is_file():
        raise UsageError(f"a subset's file must exist, got {path}; check subset.path.")
    if path.suffix == ".parquet":
        return _read_parquet_columns(path)
    if path.suffix == ".json":
        told = _of_slice(path)
        column = "image_id" if told["of"] == "images" else "query_id"
        return {
            column: [str(member) for member in told["members"]],
            "dataset_fingerprint": [told["dataset_fingerprint"]],
        }
    if path.suffix not in (".csv", ".tsv", ".txt"):
        raise UsageError(
            f"a subset's file must end in .csv, .tsv, .txt, .parquet or .json, got {path.name}; convert it."
        )
    text = read_text_file(path, _WHAT).text
    if path.suffix == ".txt":
        lines = text.split("\n")
        named = _NAMED_DATASET.fullmatch(lines[0].strip())
        ids = " ".join(lines[1:] if named else lines).split()
        return {"query_id": ids} | ({"dataset_fingerprint": [named["fingerprint"]]} if named else {})
    header = text.partition("\n")[0].rstrip("\r")
    rows = [cells for _, cells in separated(text, likely_separator(header, _COLUMNS), path, _WHAT) if any(cells)]
    names = [name.strip() for name in rows[0]] if rows else []
    places = {name: names.index(name) for name in _columns_among(path, names)}
    return {name: [cells[place] if place < len(cells) else "" for cells in rows[1:]] for name, place in places.items()}


def _of_slice(path: Path) -> dict[str, Any]:
    """What a slice's JSON says, each entry of its kind."""
    try:
        content = json.loads(read_text_file(path, _WHAT).text)
    except (ValueError, RecursionError) as error:
        if isinstance(error, UsageError):
            raise
        raise UsageError(f"a slice must be JSON, got {path.name} ({error}); write it again.") from error
    known = content if isinstance(content, dict) else {}
    wrong = [name for name, kind in _SLICE.items() if not isinstance(known.get(name), kind)]
    if wrong or known["of"] not in ("captions", "images"):
        raise UsageError(
            f"a slice must state {', '.join(_SLICE)}, of captions or of images, {path.name} lacks or mistakes "
            f"{', '.join(wrong) or 'of'}; write it again."
        )
    return known


def _read_parquet_columns(path: Path) -> dict[str, list[str]]:
    # pyarrow is imported when a Parquet file is read: it takes a fifth of a second.
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        names = _columns_among(path, pq.read_schema(path).names)
        table = pq.read_table(path, columns=names)
    except (OSError, pa.ArrowException) as error:
        reason = " ".join(str(error).split())
        raise UsageError(
            f"a subset's .parquet file must be Parquet, got {path.name}: {reason}; write it again."
        ) from error
    return {name: [str(value) for value in table.column(name).to_pylist()] for name in names}


def _columns_among(path: Path, names: Sequence[str]) -> list[str]:
    refuse_repeated_columns(path, names)
    found = [name for name in _COLUMNS if name in names and (name != "image_id" or "query_id" not in names)]
    if not {"query_id", "image_id"} & set(found):
        raise UsageError(
            f"a subset's file must have a query_id column, or one image_id, got {name_some(names)} in {path.name}; "
            "rename the column."
        )
    return found


def _whole_numbers(path: Path, what: str, values: list[str]) -> tuple[int, ...]:
    strange = [value[:40] for value in values if not _ID.fullmatch(value.strip())]
    if strange:
        raise UsageError(
            f"{what} ids must be whole numbers, got {name_some(map(repr, strange))} in {path.name}; mend them."
        )
    ids = tuple(int(value) for value in values)
    repeated = [identifier for identifier, count in Counter(ids).items() if count > 1]
    if repeated:
        raise UsageError(
            f"{'a query' if what == 'query' else 'an image'} must stand once in {path.name}, got {name_some(repeated)} "
            "repeated; drop the others."
        )
    return ids


def _of_images(path: Path, dataset: Dataset, images: Sequence[int]) -> Int[np.ndarray, " query"]:
    """Places of the captions of some images."""
    unknown = sorted(set(images) - set(dataset.image_set.ids.tolist()))
    if unknown:
        raise UsageError(
            f"images in {path.name} must be of {dataset.name}, got {name_some(unknown)} by id that aren't; use the "
            "dataset that the file was made from."
        )
    wanted = set(images)
    return np.array(
        [place for place, caption in enumerate(dataset.captions) if caption.image_id in wanted], dtype=np.int64
    )


def _check_dataset(path: Path, dataset: Dataset, named: Sequence[str], *, of_images: bool) -> None:
    known = [dataset.fingerprint, *([dataset.image_set.fingerprint] if of_images else [])]
    strange = sorted(
        {
            one[:40]
            for one in named
            if not _FINGERPRINT.fullmatch(one.strip()) or not any(own.startswith(one.strip()) for own in known)
        }
    )
    if strange:
        raise UsageError(
            f"a subset's ids must be of the dataset in use, {dataset.name} with fingerprint {known[0][:12]}, got ids "
            f"of {name_some(strange)} in {path.name}; choose the dataset that the file was made from."
        )


def _check_texts(path: Path, dataset: Dataset, positions: Int[np.ndarray, " query"], hashes: list[str] | None) -> None:
    if hashes is None:
        return
    captions = [dataset.captions[position] for position in positions]
    changed = [
        caption.id for caption, known in zip(captions, hashes, strict=True) if sha256_text(caption.text) != known
    ]
    if changed:
        raise UsageError(
            f"a caption's text_sha256 must match its query, got {name_some(changed)} by id in {path.name} that don't; "
            "use the dataset that the file was made from."
        )
