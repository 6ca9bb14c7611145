"""What a search keeps of a cell that it cut short."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, final

from typing_extensions import override

from misfire.cells.cell import Cell, Json, Outcome
from misfire.core.errors import UsageError
from misfire.core.hashing import sha256_json

if TYPE_CHECKING:
    from misfire.cells.lab import Lab
    from misfire.cells.settings import Settings


@final
@dataclass(frozen=True, eq=False)
class BeatenCell(Cell):
    """What is known of a cell that a search cut short: the outcome of the units that were asked.

    Args:
        cell: The cell.
        outcome: Of a part of its units.
    """

    cell: Cell
    outcome: Outcome

    kind: ClassVar[str] = "beaten"
    schema: ClassVar[type] = object

    @classmethod
    @override
    def configured(cls, settings: "Settings") -> "BeatenCell":
        raise UsageError("a beaten cell must come out of a search, got a configuration; run `misfire search`.")

    @override
    def identity(self) -> Mapping[str, Json]:
        return {"cell": self.cell.id}

    @override
    def label(self) -> Mapping[str, str]:
        return self.cell.label()

    @property
    @override
    def name(self) -> str:
        return f"cut short · {self.cell.name}"

    @property
    @override
    def marks(self) -> Mapping[str, str]:
        return self.cell.marks

    @property
    @override
    def data(self) -> tuple[str, str] | None:
        return self.cell.data

    @override
    def run(self, lab: "Lab") -> Outcome:
        return self.outcome


def beaten_id(cell_id: str) -> str:
    """Id of what is kept of a cell that was cut short."""
    return sha256_json([BeatenCell.kind, {"cell": cell_id}])
