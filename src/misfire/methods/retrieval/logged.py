"""A finished cell, read: its facts by name."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from misfire.cells import Logged

METHOD = (
    "Every number is read from the stored records of the cells named below it; nothing was run again for this report.",
    "A hit at k is a query whose own image is among the first k of the gallery; of equal scores the one earlier in the "
    "gallery ranks first. Differences are taken between counts and rounded once.",
    "Bootstrap numbers were stored with each cell: queries are resampled with replacement, both systems together, and "
    "the interval is NumPy's linear percentiles of the resampled differences.",
    "A subset of mined failures was chosen because the baseline fails on it, so even an equally good system seems to "
    "gain there. That is why the changes outside the subset stand in the same row.",
)
"""How the numbers of retrieval's reports were made, a sentence each."""


@dataclass(frozen=True, eq=False)
class LoggedCell:
    """What a report reads of a finished cell; nothing in it is kept twice. Facts are read as attributes.

    Args:
        logged: The cell as the ledger holds it.
    """

    logged: Logged

    def __getattr__(self, name: str) -> Any:
        # Facts by their names: subset, templates, pooling, backbone, dataset, num_queries, ...
        if name.startswith("_"):
            raise AttributeError(name)
        try:
            return self.logged.facts[name]
        except KeyError as error:
            raise AttributeError(f"a cell of kind {self.logged.kind} has no fact {name!r}") from error

    @property
    def cell_id(self) -> str:
        """Content address of the cell."""
        return self.logged.id

    @property
    def run_url(self) -> str | None:
        """Where its run can be looked at, if anywhere."""
        return self.logged.url

    @property
    def ks(self) -> tuple[int, ...]:
        """Cut-offs, ascending."""
        return tuple(sorted(self.logged.facts["ks"]))


def notes_of(cells: Sequence[Logged]) -> tuple[str, ...]:
    """What must be known of the data beside the numbers of some finished cells, each sentence once, its data named."""
    return tuple(
        dict.fromkeys(f"{cell.facts['dataset']}: {note}" for cell in cells for note in cell.facts["dataset_notes"])
    )
