"""One piece of an embedding table on disk: a shard of rows and the index that makes it count."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from jaxtyping import Bool, Float
from safetensors.torch import load_file, save

from misfire.core.errors import IntegrityError, UsageError, name_some
from misfire.core.files import write_bytes
from misfire.core.hashing import sha256_bytes, sha256_file

# bf16 and fp32 networks both end in an fp32 normalisation, whose error is far below this.
_UNIT_TOLERANCE = 1e-3


@dataclass
class Shard:
    """Rows that were committed together; ``start`` is the first one's position in the table."""

    path: Path
    start: int
    _rows: Float[torch.Tensor, "item dim"] | None = field(default=None, init=False, repr=False)

    @property
    def rows(self) -> Float[torch.Tensor, "item dim"]:
        """The embeddings, memory-mapped once their bytes have been checked.

        Raises:
            IntegrityError: If the bytes aren't those that were written.
        """
        if self._rows is None:
            _check_name(self.path)
            self._rows = load_file(self.path)["rows"]
        return self._rows


@dataclass
class ShardWriter:
    """Collects embeddings until they're committed as one shard; what isn't committed is as if it had never been.

    Args:
        folder: The key's folder, whose lock the caller holds.
    """

    folder: Path
    _contents: list[str] = field(default_factory=list, init=False, repr=False)
    _truncated: list[bool] = field(default_factory=list, init=False, repr=False)
    _rows: list[torch.Tensor] = field(default_factory=list, init=False, repr=False)

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
            UsageError: If a row isn't finite or not of length 1; nothing of the shard is written then.
        """
        rows = rows.to("cpu", torch.float32)
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
        self._rows.append(rows)

    def commit(self) -> None:
        """Write what has come together: the shard first, then its index, which makes it count.

        Raises:
            UsageError: If the folder can't be written to or its disk is full.
        """
        if self._contents:
            with clear_write_errors(self.folder):
                _write_shard(self.folder, self._contents, self._truncated, torch.cat(self._rows))
        self._contents, self._truncated, self._rows = [], [], []


def _write_shard(folder: Path, contents: list[str], truncated: list[bool], rows: torch.Tensor) -> None:
    shard = save({"rows": rows.contiguous()})
    shard_sha256 = sha256_bytes(shard)
    index = pa.table({"content_sha256": contents, "truncated": truncated})
    buffer = pa.BufferOutputStream()
    pq.write_table(index.replace_schema_metadata({"shard_sha256": shard_sha256}), buffer)
    index_bytes = buffer.getvalue().to_pybytes()
    write_bytes(folder / f"{shard_sha256}.safetensors", shard)
    write_bytes(folder / f"{sha256_bytes(index_bytes)}.parquet", index_bytes)


def read_index(path: Path) -> tuple[Path, list[str], list[bool]] | None:
    """Shard, contents and truncation of one index; None if its shard is gone."""
    _check_name(path)
    index = pq.read_table(path)
    shard = path.with_name(f"{index.schema.metadata[b'shard_sha256'].decode()}.safetensors")
    if not shard.exists():
        return None
    return shard, index["content_sha256"].to_pylist(), index["truncated"].to_pylist()


def _check_name(path: Path) -> None:
    found = sha256_file(path)
    if found != path.stem:
        raise IntegrityError(
            f"a stored file must have the SHA-256 that is its name, got {found[:12]}... for {path}; "
            "delete this file and run the command again, which encodes its rows anew."
        )


@contextmanager
def clear_write_errors(folder: Path) -> Iterator[None]:
    """Turn what the operating system says of a full or read-only disk into one sentence."""
    try:
        yield
    except OSError as error:
        raise UsageError(
            f"the embedding store must be a folder with free space that can be written to, got {error.strerror} for "
            f"{folder}; free some space or choose another folder."
        ) from error
