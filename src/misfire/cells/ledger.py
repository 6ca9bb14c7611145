"""The ledger of cells: which are finished, who works on one, and what a finished one holds."""

import json
from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, final

from misfire.cells.logged import CONFIG_FILE, ESTIMATES_FILE, HEADER_FILE, RECORDS_FILE, Logged

if TYPE_CHECKING:
    from misfire.cells.cell import Cell, Outcome
    from misfire.cells.part import Question, ReportPart


def artifacts(cell: "Cell", outcome: "Outcome", *, config: str) -> dict[str, bytes]:
    """The files that hold a finished cell, by name; the same bytes for the same cell and outcome.

    Args:
        cell: What was run.
        outcome: What came out.
        config: The composed configuration, as YAML.
    """
    header = {
        "id": cell.id,
        "kind": cell.kind,
        "label": dict(cell.label()),
        "identity": cell.identity(),
        "facts": outcome.facts,
    }
    return {
        HEADER_FILE: json.dumps(header, indent=1, ensure_ascii=False, allow_nan=False).encode("utf-8"),
        ESTIMATES_FILE: outcome.estimates.to_csv().encode("utf-8"),
        RECORDS_FILE: outcome.records.to_parquet(None, index=False),
        CONFIG_FILE: config.encode("utf-8"),
        **outcome.files,
    }


@final
@dataclass(frozen=True)
class Claim:
    """An attempt to hold a cell against other processes.

    Args:
        is_held: Whether it is ours now; false only where somebody else holds it and we didn't wait.
        finished: The finished cell, if there is one; then there is nothing to run.
    """

    is_held: bool
    finished: Logged | None = None


class Ledger(Protocol):
    """Where cells are kept. The tracker implements it; a dictionary does in tests."""

    def finished(self, ids: Collection[str]) -> Mapping[str, Logged]:
        """Those of some cells that are finished and whole, in one read."""

    def claim(self, cell_id: str, *, wait: bool = True) -> AbstractContextManager[Claim]:
        """Hold a cell against other processes and machines; the claim of a process that dies falls away.

        Args:
            cell_id: Which cell.
            wait: Whether to wait for another holder; after a second it is said whom we wait for.
        """

    def watch(self, cell: "Cell", curves: Mapping[str, Sequence[float]]) -> None:
        """Show what a claimed cell that is still running has come to; a cell that isn't saved leaves nothing of it.

        Args:
            cell: What is running.
            curves: As far as they go: by name, a value a step from 1 on.
        """

    def save(self, cell: "Cell", outcome: "Outcome", *, config: str, words: Sequence[str] = ()) -> Logged:
        """Keep a cell that is claimed: whole, or not at all.

        Args:
            cell: What was run.
            outcome: What came out.
            config: The composed configuration, as YAML.
            words: Words of the command line that ask for the cell alone, its verb first; whoever finds the cell
                damaged later is told them.
        """

    def load(self, kind: str | None = None) -> Sequence[Logged]:
        """All finished cells, of one kind or of any, oldest first."""

    @property
    def has_cells(self) -> bool:
        """Whether there is a finished cell; makes nothing."""

    def experiments(self) -> Sequence[str]:
        """Names of the store's experiments that hold finished cells, in order of their names; makes nothing."""

    def summarise(
        self, question: "Question", answer: str, parts: "Mapping[str, ReportPart]", *, report: Path, made_of: str
    ) -> None:
        """Put a report where whoever looks at the experiment sees it first, in place of an earlier one.

        Args:
            question: What the experiment asks.
            answer: What came out.
            parts: What each kind has to say, by kind, those that decide first.
            report: Folder of the report's files.
            made_of: A digest of everything that the report depends on.
        """

    def answered(self, made_of: str) -> str | None:
        """The answer of the experiment's report if it was made of just this; None where it has to be made."""
