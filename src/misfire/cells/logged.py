"""A finished cell, as whoever reports on it reads it."""

import io
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, final

from misfire.cells.estimates import Estimates
from misfire.core.errors import IntegrityError

if TYPE_CHECKING:
    from pandas import DataFrame

HEADER_FILE, ESTIMATES_FILE, RECORDS_FILE, CONFIG_FILE = "cell.json", "estimates.csv", "records.parquet", "config.yaml"


@final
@dataclass(frozen=True, eq=False)
class Logged:
    """A finished cell as the ledger holds it. Its artifacts are read when they are asked for, and checked then.

    Args:
        id: The cell's id.
        kind: Its kind.
        name: Its run's name: what differs and what came out.
        read: The verified bytes of an artifact by its file name; raises ``IntegrityError`` where it is damaged.
        url: Where the run can be looked at, relative to the tracker's root; None where it can't.
        key: What the ledger itself calls the run.
    """

    id: str
    kind: str
    name: str
    read: Callable[[str], bytes]
    url: str | None = None
    key: str = ""

    @cached_property
    def _header(self) -> Mapping[str, Any]:
        content = json.loads(self.read(HEADER_FILE))
        if content["id"] != self.id:
            raise IntegrityError(
                f"a stored cell must be the one that its run names, got {content['id'][:12]} in the run of "
                f"{self.id[:12]}; issue the cell again."
            )
        found: Mapping[str, Any] = content
        return found

    @property
    def label(self) -> Mapping[str, str]:
        """What tells the cell from its neighbours."""
        found: Mapping[str, str] = self._header["label"]
        return found

    @property
    def identity(self) -> Mapping[str, Any]:
        """What the cell's id is a digest of."""
        found: Mapping[str, Any] = self._header["identity"]
        return found

    @property
    def facts(self) -> Mapping[str, Any]:
        """What didn't fit a table."""
        found: Mapping[str, Any] = self._header["facts"]
        return found

    @cached_property
    def estimates(self) -> Estimates:
        """The cell's numbers."""
        return Estimates.from_csv(self.read(ESTIMATES_FILE).decode("utf-8"))

    @cached_property
    def records(self) -> "DataFrame":
        """The evidence: a row a unit."""
        import pandas as pd

        return pd.read_parquet(io.BytesIO(self.read(RECORDS_FILE)))

    @property
    def config(self) -> str:
        """The composed configuration that made the cell, as YAML."""
        return self.read(CONFIG_FILE).decode("utf-8")
