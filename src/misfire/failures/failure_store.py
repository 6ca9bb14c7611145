"""Failure sets on disk: a folder named by content, whole or absent, verified when read."""

import io
import json
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from misfire.core.errors import IntegrityError, UsageError
from misfire.core.files import write_bytes, write_text
from misfire.core.hashing import sha256_bytes, sha256_json
from misfire.failures.failure_set import Failure, FailureSet
from misfire.failures.label_doubt import LabelDoubt
from misfire.failures.taxonomy import taxonomy_from
from misfire.failures.taxonomy_file import checked_content

_ROWS = "failure_set.parquet"
_HEADER = "failure_set.json"
_DOUBT = "label_doubt.json"


def write_failure_set(failure_set: FailureSet, parent: Path) -> Path:
    """Write the set into ``parent/<first 12 digits of its digest>`` and return that folder.

    The header is written last, so that a folder with a header is complete. A folder that already holds the set is
    verified and left alone.

    Raises:
        IntegrityError: If the folder exists and is damaged.
    """
    folder = parent / failure_set.digest[:12]
    if (folder / _HEADER).exists():
        read_failure_set(folder)
        return folder
    rows = _to_parquet(failure_set)
    apart = ("failures", "taxonomy", "label_doubt")
    header = {
        **{field.name: getattr(failure_set, field.name) for field in fields(failure_set) if field.name not in apart},
        **({} if failure_set.taxonomy is None else {"taxonomy": failure_set.taxonomy.content()}),
        "how_chosen": failure_set.how_chosen,
        "num_failures": len(failure_set),
        "digest": failure_set.digest,
        "rows_sha256": sha256_bytes(rows),
        **({} if failure_set.label_doubt is None else {"label_doubt_sha256": failure_set.label_doubt.digest}),
    }
    write_bytes(folder / _ROWS, rows)
    if failure_set.label_doubt is not None:
        write_bytes(folder / _DOUBT, failure_set.label_doubt.to_bytes())
    sealed = {**header, "header_sha256": sha256_json(header)}
    write_text(folder / _HEADER, json.dumps(sealed, indent=2, ensure_ascii=False) + "\n")
    return folder


def read_failure_set(folder: Path) -> FailureSet:
    """The set that a folder holds, after a check of every byte that carries content.

    Raises:
        UsageError: If the folder holds no failure set.
        IntegrityError: If either file isn't what was written.
    """
    if not (folder / _HEADER).is_file():
        raise UsageError(
            f"{folder} must hold a failure set, got no {_HEADER} there; run misfire mine or name its folder."
        )
    header = _read_header(folder)
    rows = _read_part(folder, _ROWS, header["rows_sha256"])
    known = {field.name for field in fields(FailureSet)}
    content = {name: value for name, value in header.items() if name in known}
    if "taxonomy" in content:
        content["taxonomy"] = taxonomy_from(checked_content(content["taxonomy"], f"of {folder}"))
    if "label_doubt_sha256" in header:
        doubt = _read_part(folder, _DOUBT, header["label_doubt_sha256"])
        content["label_doubt"] = LabelDoubt.from_bytes(doubt)
    failure_set = FailureSet(failures=_from_parquet(rows), **content)
    if failure_set.digest != header["digest"]:
        raise _damaged(folder, "its content doesn't have the digest that its header says")
    return failure_set


def _read_header(folder: Path) -> dict[str, Any]:
    try:
        header = json.loads((folder / _HEADER).read_bytes())
        seal = header.pop("header_sha256")
    except (ValueError, KeyError, AttributeError) as error:
        raise _damaged(folder, f"{_HEADER} can't be read") from error
    if sha256_json(header) != seal:
        raise _damaged(folder, f"{_HEADER} doesn't have its SHA-256")
    return dict(header)


def _read_part(folder: Path, name: str, expected_sha256: str) -> bytes:
    path = folder / name
    if not path.is_file():
        raise _damaged(folder, f"{name} is missing")
    data = path.read_bytes()
    if sha256_bytes(data) != expected_sha256:
        raise _damaged(folder, f"{name} doesn't have the SHA-256 that its header says")
    return data


def _damaged(folder: Path, what: str) -> IntegrityError:
    return IntegrityError(
        f"failure set {folder} must be what was written, but {what}; restore it from a copy or "
        "move it away and mine again."
    )


def _to_parquet(failure_set: FailureSet) -> bytes:
    # pyarrow is imported when a set is read or written: it takes a fifth of a second.
    import pyarrow as pa
    import pyarrow.parquet as pq

    integer, real, text = pa.int64(), pa.float64(), pa.string()
    schema = pa.schema(
        {
            "query_id": integer,
            "caption": text,
            "text_sha256": text,
            "target_image_id": integer,
            "retrieved_image_id": integer,
            "rank": integer,
            "best_rank": integer,
            "worst_rank": integer,
            "target_score": real,
            "retrieved_score": real,
            "category": text,
            "ambiguous_subtype": text,
        }
    )
    rows = [{**asdict(failure), "text_sha256": failure.text_sha256} for failure in failure_set.failures]
    buffer = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows, schema=schema), buffer)
    return buffer.getvalue()


def _from_parquet(data: bytes) -> tuple[Failure, ...]:
    import pyarrow.parquet as pq

    names = [field.name for field in fields(Failure)]
    table = pq.read_table(io.BytesIO(data), columns=names)
    return tuple(Failure(**row) for row in table.to_pylist())
