"""Queries as sheets name them."""

from dataclasses import dataclass

from misfire.core.hashing import sha256_json
from misfire.failures.consensus.mismatch import Mismatch, short
from misfire.failures.sheets import SheetRow, text_key


@dataclass(frozen=True, order=True)
class Item:
    """A query with the two images that were compared; ``query_id`` is -1 where no sheet knows it."""

    query_id: int
    caption: str
    target: str
    retrieved: str
    idx: str = ""

    @property
    def name(self) -> str:
        """What it's called in messages and files."""
        if self.query_id >= 0:
            return f"query {self.query_id}"
        return f"idx {self.idx}: {short(self.caption)}" if self.idx else short(self.caption)

    @property
    def key(self) -> str:
        """A name that depends on the query alone."""
        if self.query_id >= 0:
            return str(self.query_id)
        return sha256_json([text_key(self.caption), self.target, self.retrieved])[:16]


@dataclass(frozen=True)
class Identified:
    """Rows with their items; rows that belong to no item for certain stand among the mismatches alone."""

    rows: tuple[tuple[SheetRow, Item], ...]
    mismatches: tuple[Mismatch, ...]
