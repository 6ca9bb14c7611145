"""Files that were made to run something, or to fill the memory: refused in one sentence, quickly, whatever they say."""

import gzip
import io
import json
import pickle
import struct
import subprocess
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from openpyxl import Workbook
from pyarrow import parquet

from misfire.cells.slice import read_slice
from misfire.core.errors import UsageError
from misfire.data.class_names import read_class_names
from misfire.data.column_file import ColumnFile
from misfire.data.decoding import check_decodes, decode
from misfire.embeddings.text_tokenizer import check_merges
from misfire.embeddings.weights_file import read_weights
from misfire.failures.sheets import raw_table
from misfire.methods.multilabel.mask import read_mask
from misfire.methods.retrieval.audit.published_counts import PublishedCounts, read_published_counts
from misfire.methods.retrieval.audit.support import Support, audit
from misfire.prompts.descriptions import JsonDescriptions

NESTED = "[" * 100_000
POSTSCRIPT = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\n%%EndComments\n(touch x) run\n%%EOF\n"


class Evil:
    """Leaves a file where it is unpickled."""

    def __reduce__(self) -> tuple[Any, ...]:
        return (open, ("unpickled", "w"))


def objects(path: Path) -> None:
    np.savez(path, image=np.array([Evil()], dtype=object), allow_pickle=True)


def too_long(path: Path) -> None:
    """A header that promises more than there is, and more than there is memory for."""
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "<f8", "fortran_order": False, "shape": (2**50,)})
    if path.suffix == ".npy":
        path.write_bytes(header.getvalue())
    else:
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("x.npy", header.getvalue())


def repeated(path: Path) -> None:
    """Seventy million equal values in a few kilobytes."""
    schema = pa.schema([("x", pa.int64())])
    batch = pa.record_batch([pa.array(np.zeros(10**6, dtype=np.int64))], schema=schema)
    with parquet.ParquetWriter(path, schema, compression="zstd") as writer:
        for _ in range(70):
            writer.write_batch(batch, row_group_size=10**6)


def with_pickled_metadata(path: Path) -> None:
    table = pa.table({"image": ["a"], "label": ["x"]})
    said = {b"pandas": pickle.dumps(Evil()), b"ARROW:extension:serialized": pickle.dumps(Evil())}
    field = pa.field("image", pa.string(), metadata={b"ARROW:extension:name": b"arrow.py_extension_type", **said})
    parquet.write_table(table.cast(pa.schema([field, pa.field("label", pa.string())], metadata=said)), path)


@pytest.mark.parametrize(
    ("name", "made"),
    [
        ("objects.npz", objects),
        ("too_long.npz", too_long),
        ("repeated.parquet", repeated),
        ("nested.jsonl", lambda path: path.write_text(NESTED)),
    ],
)
def test_a_table_is_refused(
    name: str, made: Callable[[Path], Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    made(tmp_path / name)
    start = time.process_time()
    with pytest.raises(UsageError) as caught:
        ColumnFile(tmp_path / name)
    assert time.process_time() - start < 1
    assert "\n" not in str(caught.value)
    assert name in str(caught.value)
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_pickled_metadata_of_a_table_stays_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with_pickled_metadata(tmp_path / "a.parquet")
    assert ColumnFile(tmp_path / "a.parquet").texts("label") == ["x"]
    assert not (tmp_path / "unpickled").exists()


def test_a_real_table_that_packs_well_is_read(tmp_path: Path) -> None:
    np.savez_compressed(tmp_path / "a.npz", correct=np.zeros(2_000_000, dtype=np.int64))
    assert len(ColumnFile(tmp_path / "a.npz")) == 2_000_000


@pytest.mark.parametrize("length", [2**63 - 1, 2**64 - 1, 10**9])
def test_weights_whose_header_is_absurdly_long_are_refused(length: int, tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    path.write_bytes(struct.pack("<Q", length) + b"{}")
    with pytest.raises(UsageError, match="a weights file must be whole"):
        read_weights(path)


def test_weights_that_are_a_pickle_by_another_name_run_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("a.pt", "a.bin", "a.safetensors"):
        (tmp_path / name).write_bytes(pickle.dumps({"state_dict": Evil()}))
        with pytest.raises(UsageError):
            read_weights(tmp_path / name)
    assert not (tmp_path / "unpickled").exists()


def test_postscript_that_is_called_a_picture_is_not_run(monkeypatch: pytest.MonkeyPatch) -> None:
    def started(*words: Any, **_: Any) -> None:
        raise AssertionError(words)

    monkeypatch.setattr(subprocess, "Popen", started)
    monkeypatch.setattr(subprocess, "check_call", started)
    assert check_decodes(POSTSCRIPT) == "PostScript, a program rather than pixels; convert it"
    with pytest.raises(UsageError, match=r"got cat\.jpg \(PostScript"):
        decode(POSTSCRIPT, "cat.jpg")


def test_a_mask_that_promises_too_much_is_refused(tmp_path: Path) -> None:
    too_long(tmp_path / "a.npy")
    with pytest.raises(UsageError, match="a mask must be a plain NumPy array"):
        read_mask(tmp_path / "a.npy")


def test_a_workbook_with_one_cell_far_away_is_refused(tmp_path: Path) -> None:
    book = Workbook()
    page = book.worksheets[0]
    page["A1"], page["XFD1048576"] = "category", "x"
    book.save(tmp_path / "a.xlsx")
    with pytest.raises(UsageError, match=r"at most 5,000,000 cells, got 1,048,576 rows x 16,384 columns in a\.xlsx"):
        raw_table.raw_tables(tmp_path / "a.xlsx")


def saying_it_is_huge(path: Path) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x.npy", bytes(100))
    data = bytearray(path.read_bytes())
    place = data.rindex(b"PK\x01\x02") + 24  # of the unpacked size in the archive's directory
    data[place : place + 4] = struct.pack("<I", 2**32 - 2)
    path.write_bytes(data)


@pytest.mark.parametrize(("name", "read"), [("a.npz", ColumnFile), ("a.xlsx", raw_table.raw_tables)])
def test_a_packed_file_that_says_it_is_huge_is_refused(name: str, read: Callable[[Path], Any], tmp_path: Path) -> None:
    saying_it_is_huge(tmp_path / name)
    with pytest.raises(UsageError, match="must not unpack to more than 200 times its size, got 4,294,967,294 bytes"):
        read(tmp_path / name)


def test_merges_that_unpack_to_gigabytes_are_refused(tmp_path: Path) -> None:
    (tmp_path / "merges.txt").write_text("a b\n")
    (tmp_path / "bpe.txt.gz").write_bytes(gzip.compress(bytes(2**26 + 1), compresslevel=1))
    with pytest.raises(UsageError, match="it unpacks to more than 67,108,864 bytes"):
        check_merges(tmp_path, tmp_path / "bpe.txt.gz")


@pytest.mark.parametrize(
    ("ending", "read"),
    [
        (".json", lambda path: read_class_names(path, ["a"])),
        (".json", lambda path: JsonDescriptions(str(path)).describe()),
        (".json", read_slice),
        (".json", read_published_counts),
    ],
)
@pytest.mark.parametrize("text", [NESTED, "9" * 5000, '{"a": ' * 50_000])
def test_json_that_no_reader_survives_is_one_sentence(
    ending: str, read: Callable[[Path], Any], text: str, tmp_path: Path
) -> None:
    path = tmp_path / f"a{ending}"
    path.write_text(text)
    with pytest.raises(UsageError) as caught:
        read(path)
    assert len(str(caught.value)) < 500
    assert path.name in str(caught.value)


@pytest.mark.parametrize(
    "row",
    [
        {"n": 10**12, "baseline_hits": 1, "ensembled_hits": 2},
        {"n": "9" * 5000, "baseline_hits": 1, "ensembled_hits": 2},
        {"n": 24, "baseline_percent": "0." + "0" * 100_000, "ensembled_percent": "1"},
        {"n": 24, "baseline_percent": "1e-999999", "ensembled_percent": "1"},
        {"n": 24, "baseline_percent": "sNaN", "ensembled_percent": "1"},
        {"n": 24, "baseline_percent": "-0", "ensembled_percent": "1e2000000000"},
        {"n": 24, "baseline_hits": True, "ensembled_hits": 2},
    ],
)
def test_a_count_beyond_all_counts_is_refused_in_a_second(row: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "counts.json"
    path.write_text(json.dumps([row]))
    start = time.process_time()
    with pytest.raises(UsageError) as caught:
        audit(read_published_counts(path))
    assert time.process_time() - start < 1
    assert len(str(caught.value)) < 400


def test_twenty_million_queries_are_audited_in_a_second(tmp_path: Path) -> None:
    rows = [[1, 2], [10**7, 10**7 + 5000], [8 * 10**6, 9 * 10**6]]
    published = [PublishedCounts(str(row), 20_000_000, *row) for row in rows]
    audit(published)  # once for the imports
    start = time.process_time()
    first, _, last = audit(published)
    assert time.process_time() - start < 1
    assert (first.support, last.support) == (Support.NOT_SHOWN, Support.SHOWN)
