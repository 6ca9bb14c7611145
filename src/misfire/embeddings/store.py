"""Embeddings on disk, addressed by content: what was computed once is never computed again.

A store is a folder with one folder a key (`EmbeddingKey`). In it, every shard (safetensors) and every index (parquet,
whose n-th row is about the shard's n-th) is named by the SHA-256 of its own bytes, so that damage can be told.
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Bool, Float, Int

from misfire.core.errors import UsageError, name_some
from misfire.core.files import locked, write_text
from misfire.core.hashing import sha256_json
from misfire.core.progress import say
from misfire.embeddings.shard import Shard, ShardWriter, clear_write_errors, read_index

_LOCK_NAME = "lock"
_WAITING = "Waiting for another process that is encoding into the same store"


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
class EmbeddingTable:
    """The stored embeddings of one key.

    What was read is kept for the life of the process: the index in memory, checked shards as memory maps, whose pages
    the operating system drops when it needs them.
    """

    folder: Path
    key: EmbeddingKey
    _position: dict[str, int] = field(default_factory=dict, init=False, repr=False)
    _truncated: list[bool] = field(default_factory=list, init=False, repr=False)
    _shards: list[Shard] = field(default_factory=list, init=False, repr=False)
    _seen: set[str] = field(default_factory=set, init=False, repr=False)

    @property
    def num_rows(self) -> int:
        """How many rows have been read from the indexes so far."""
        return len(self._truncated)

    def __contains__(self, content: str) -> bool:
        """Whether a content (SHA-256) has an embedding among what has been read from the indexes so far."""
        return content in self._position

    def missing(self, contents: Sequence[str]) -> list[str]:
        """The different contents (SHA-256) that have no embedding yet, in the order of their first appearance."""
        if all(map(self._position.__contains__, contents)):
            return []
        self.refresh()
        return list(dict.fromkeys(content for content in contents if content not in self._position))

    def gather(self, contents: Sequence[str]) -> Float[torch.Tensor, "item dim"]:
        """The embeddings of some contents, in their order; a content may stand more than once.

        Raises:
            UsageError: If a content has no embedding, or if no content is asked for.
            IntegrityError: If a shard's bytes aren't those that were written.
        """
        self._require(contents)
        positions, owner = self._places(contents)
        starts = np.array([shard.start for shard in self._shards])
        order = np.argsort(owner, kind="stable")
        owners, first = np.unique(owner[order], return_index=True)
        parts = [
            self._shards[shard].rows[torch.from_numpy(positions[members] - starts[shard])]
            for shard, members in zip(owners, np.split(order, first[1:]), strict=True)
        ]
        gathered = torch.empty(len(contents), parts[0].shape[1])
        gathered[torch.from_numpy(order)] = torch.cat(parts)
        return gathered

    def verify(self, contents: Sequence[str]) -> None:
        """Check the bytes of every shard that holds one of some contents, once a process.

        Raises:
            UsageError: If a content has no embedding.
            IntegrityError: If a shard's bytes aren't those that were written.
        """
        self._require(contents)
        for shard in np.unique(self._places(contents)[1]):
            _ = self._shards[shard].rows

    def is_truncated(self, contents: Sequence[str]) -> Bool[np.ndarray, " item"]:
        """Whether the end of each content was cut off before it was encoded.

        Raises:
            UsageError: If a content has no embedding.
        """
        self._require(contents)
        return np.array([self._truncated[self._position[content]] for content in contents], dtype=bool)

    @contextmanager
    def filling(self) -> Iterator[ShardWriter]:
        """Hold the key's lock, sweep up what a killed process left, and yield a writer.

        A second process waits here; it should ask for ``missing`` again once it is in.

        Raises:
            UsageError: If the folder can't be written to or its disk is full.
        """
        with ExitStack() as stack:
            with clear_write_errors(self.folder):
                stack.enter_context(locked(self.folder / _LOCK_NAME, when_waiting=partial(say, _WAITING)))
                self.refresh()
                self._sweep()
                if not (self.folder / "key.json").exists():
                    write_text(self.folder / "key.json", json.dumps(self.key.in_clear, indent=2) + "\n")
            yield ShardWriter(self.folder)

    def _places(self, contents: Sequence[str]) -> tuple[Int[np.ndarray, " item"], Int[np.ndarray, " item"]]:
        """Position in the table, and number of the shard, of each content."""
        positions = np.fromiter(map(self._position.__getitem__, contents), dtype=np.int64, count=len(contents))
        starts = np.array([shard.start for shard in self._shards])
        return positions, np.searchsorted(starts, positions, side="right") - 1

    def _require(self, contents: Sequence[str]) -> None:
        absent = self.missing(contents)
        if absent or not contents:
            raise UsageError(
                f"contents must be in {self.folder}, got {len(contents)} of which {name_some(absent)} are not; "
                "encode them first."
            )

    def refresh(self) -> None:
        """Read the indexes that other writers have added since the last look."""
        for path in sorted(self.folder.glob("*.parquet")):
            if path.name not in self._seen and (shard := read_index(path)) is not None:
                self._seen.add(path.name)
                self._add(*shard)

    def _add(self, path: Path, contents: list[str], truncated: list[bool]) -> None:
        start = len(self._truncated)
        self._shards.append(Shard(path, start))
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
