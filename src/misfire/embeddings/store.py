"""Embeddings on disk, addressed by content: what was computed once is never computed again.

A store is a folder with one folder a key (`EmbeddingKey`). In it, every shard (safetensors) and every index (parquet,
whose n-th row is about the shard's n-th) is named by the SHA-256 of its own bytes, so that damage can be told.
"""

import json
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from jaxtyping import Bool, Float
from safetensors.torch import load_file, save

from misfire.core.errors import IntegrityError, UsageError, name_some
from misfire.core.files import locked, write_bytes, write_text
from misfire.core.hashing import sha256_bytes, sha256_file, sha256_json

ROWS_PER_SHARD = 4096
SECONDS_PER_SHARD = 10.0
# bf16 and fp32 networks both end in an fp32 normalisation, whose error is far below this.
_UNIT_TOLERANCE = 1e-3
_LOCK_NAME = "lock"


@dataclass(frozen=True)
class EmbeddingKey:
    """Everything an embedding depends on beside its input.

    Attributes:
        modality: ``image`` or ``text``: an equal content in the other tower is another embedding.
        encoder: The encoder's ``describe()``.
    """

    modality: str
    encoder: dict[str, str]

    @cached_property
    def digest(self) -> str:
        """Name of the key's folder."""
        return sha256_json(self.in_clear)

    @property
    def in_clear(self) -> dict[str, str]:
        """The key as a person reads it."""
        return {"modality": self.modality, **self.encoder}


@dataclass
class _Shard:
    path: Path
    start: int
    rows: Float[torch.Tensor, "item dim"] | None = None  # memory-mapped once its bytes have been checked


@dataclass
class EmbeddingTable:
    """The stored embeddings of one key.

    What was read is kept for the life of the process: the index in memory, checked shards as memory maps, whose pages
    the operating system drops when it needs them.
    """

    folder: Path
    key: EmbeddingKey
    _position: dict[str, int] = field(default_factory=dict, init=False, repr=False)
    _truncated: list[bool] = field(default_factory=list, init=False, repr=False)
    _shards: list[_Shard] = field(default_factory=list, init=False, repr=False)
    _seen: set[str] = field(default_factory=set, init=False, repr=False)

    @property
    def num_rows(self) -> int:
        """How many rows have been read from the indexes so far."""
        return len(self._truncated)

    def missing(self, contents: Sequence[str]) -> list[str]:
        """The different contents (SHA-256) that have no embedding yet, in the order of their first appearance."""
        if any(content not in self._position for content in contents):
            self._refresh()
        return list(dict.fromkeys(content for content in contents if content not in self._position))

    def gather(self, contents: Sequence[str]) -> Float[torch.Tensor, "item dim"]:
        """The embeddings of some contents, in their order; a content may stand more than once.

        Raises:
            UsageError: If a content has no embedding, or if no content is asked for.
            IntegrityError: If a shard's bytes aren't those that were written.
        """
        self._require(contents)
        positions = np.fromiter((self._position[content] for content in contents), dtype=np.int64, count=len(contents))
        starts = np.array([shard.start for shard in self._shards])
        owner = np.searchsorted(starts, positions, side="right") - 1
        order = np.argsort(owner, kind="stable")
        owners, first = np.unique(owner[order], return_index=True)
        parts = [
            _rows(self._shards[shard])[torch.from_numpy(positions[members] - starts[shard])]
            for shard, members in zip(owners, np.split(order, first[1:]), strict=True)
        ]
        gathered = torch.empty(len(contents), parts[0].shape[1])
        gathered[torch.from_numpy(order)] = torch.cat(parts)
        return gathered

    def is_truncated(self, contents: Sequence[str]) -> Bool[np.ndarray, " item"]:
        """Whether the end of each content was cut off before it was encoded.

        Raises:
            UsageError: If a content has no embedding.
        """
        self._require(contents)
        return np.array([self._truncated[self._position[content]] for content in contents], dtype=bool)

    @contextmanager
    def filling(self) -> Iterator["ShardWriter"]:
        """Hold the key's lock, sweep up what a killed process left, and yield a writer.

        A second process waits here; it should ask for ``missing`` again once it is in.

        Raises:
            UsageError: If the folder can't be written to or its disk is full.
        """
        with ExitStack() as stack:
            with _clear_write_errors(self.folder):
                stack.enter_context(locked(self.folder / _LOCK_NAME))
                self._refresh()
                self._sweep()
                if not (self.folder / "key.json").exists():
                    write_text(self.folder / "key.json", json.dumps(self.key.in_clear, indent=2) + "\n")
            yield ShardWriter(self.folder)

    def _require(self, contents: Sequence[str]) -> None:
        absent = self.missing(contents)
        if absent or not contents:
            raise UsageError(
                f"contents must be in {self.folder}, got {len(contents)} of which {name_some(absent)} are not; "
                "encode them first."
            )

    def _refresh(self) -> None:
        """Read the indexes that other writers have added since the last look."""
        for path in sorted(self.folder.glob("*.parquet")):
            if path.name not in self._seen and (shard := _read_index(path)) is not None:
                self._seen.add(path.name)
                self._add(*shard)

    def _add(self, path: Path, contents: list[str], truncated: list[bool]) -> None:
        start = len(self._truncated)
        self._shards.append(_Shard(path, start))
        self._position.update(zip(contents, range(start, start + len(contents)), strict=True))
        self._truncated.extend(truncated)

    def _sweep(self) -> None:
        """Remove temporary files, shards without an index and indexes without a shard; the lock must be held."""
        live = self._seen | {shard.path.name for shard in self._shards}
        for pattern in ("*.safetensors", "*.parquet", ".*.tmp"):
            for path in self.folder.glob(pattern):
                if path.name not in live:
                    path.unlink()


@dataclass(frozen=True)
class EmbeddingStore:
    """A folder of embedding tables; moving it changes no key.

    Args:
        root: The folder; made when something is first written.
    """

    root: Path
    _tables: dict[str, EmbeddingTable] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "root", Path(self.root))  # a configuration names it as a string

    def table(self, key: EmbeddingKey) -> EmbeddingTable:
        """The table of one key, the same object each time, so that a shard is read once a process."""
        if key.digest not in self._tables:
            self._tables[key.digest] = EmbeddingTable(self.root / key.digest, key)
        return self._tables[key.digest]


@dataclass
class ShardWriter:
    """Collects embeddings and commits them shard by shard: at most ``seconds_per_shard`` of work is lost to a kill.

    Args:
        folder: The key's folder, whose lock the caller holds.
        rows_per_shard: Commit when so many rows have come together.
        seconds_per_shard: Commit when the last commit is so long ago.
    """

    folder: Path
    rows_per_shard: int = ROWS_PER_SHARD
    seconds_per_shard: float = SECONDS_PER_SHARD
    _contents: list[str] = field(default_factory=list, init=False, repr=False)
    _truncated: list[bool] = field(default_factory=list, init=False, repr=False)
    _rows: list[torch.Tensor] = field(default_factory=list, init=False, repr=False)
    _last_commit: float = field(default_factory=time.monotonic, init=False, repr=False)

    def append(
        self,
        contents: Sequence[str],
        rows: Float[torch.Tensor, "item dim"],
        truncated: Bool[np.ndarray, " item"],
        names: Sequence[str],
    ) -> None:
        """Take one batch of embeddings.

        Args:
            contents: SHA-256 of each input.
            rows: Its embedding.
            truncated: Whether its end was cut off.
            names: What a person calls it.

        Raises:
            UsageError: If a row isn't finite or not of length 1; nothing of the batch is written then.
        """
        lengths = torch.linalg.vector_norm(rows, dim=1)
        refused = ~((lengths - 1).abs() <= _UNIT_TOLERANCE)  # a NaN fails every comparison
        if refused.any():
            offenders = [name for name, bad in zip(names, refused.tolist(), strict=True) if bad]
            raise UsageError(
                f"embeddings must be finite and of length 1, got {name_some(offenders)} that are not; "
                "check the weights, or use precision fp32."
            )
        self._contents.extend(contents)
        self._truncated.extend(truncated.tolist())
        self._rows.append(rows.to("cpu", torch.float32))
        is_due = time.monotonic() - self._last_commit >= self.seconds_per_shard
        if is_due or len(self._contents) >= self.rows_per_shard:
            self.commit()

    def commit(self) -> None:
        """Write what has come together: the shard first, then its index, which makes it count."""
        if self._contents:
            with _clear_write_errors(self.folder):
                _write_shard(self.folder, self._contents, self._truncated, torch.cat(self._rows))
        self._contents, self._truncated, self._rows = [], [], []
        self._last_commit = time.monotonic()


def _write_shard(folder: Path, contents: list[str], truncated: list[bool], rows: torch.Tensor) -> None:
    shard = save({"rows": rows.contiguous()})
    shard_sha256 = sha256_bytes(shard)
    index = pa.table({"content_sha256": contents, "truncated": truncated})
    buffer = pa.BufferOutputStream()
    pq.write_table(index.replace_schema_metadata({"shard_sha256": shard_sha256}), buffer)
    index_bytes = buffer.getvalue().to_pybytes()
    write_bytes(folder / f"{shard_sha256}.safetensors", shard)
    write_bytes(folder / f"{sha256_bytes(index_bytes)}.parquet", index_bytes)


def _read_index(path: Path) -> tuple[Path, list[str], list[bool]] | None:
    """Shard, contents and truncation of one index; None if its shard is gone."""
    _check_name(path)
    index = pq.read_table(path)
    shard = path.with_name(f"{index.schema.metadata[b'shard_sha256'].decode()}.safetensors")
    if not shard.exists():
        return None
    return shard, index["content_sha256"].to_pylist(), index["truncated"].to_pylist()


def _rows(shard: _Shard) -> torch.Tensor:
    if shard.rows is None:
        _check_name(shard.path)
        shard.rows = load_file(shard.path)["rows"]
    return shard.rows


def _check_name(path: Path) -> None:
    found = sha256_file(path)
    if found != path.stem:
        raise IntegrityError(
            f"a stored file must have the SHA-256 that is its name, got {found[:12]}... for {path}; "
            "delete this file and run the command again, which encodes its rows anew."
        )


@contextmanager
def _clear_write_errors(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise UsageError(
            f"the embedding store must be a folder with free space that can be written to, got {error.strerror} for "
            f"{folder}; free some space or choose another folder."
        ) from error
