"""The contract of cells: what a method brings, what the house does with it; knows no method and no tracker."""

from typing import TYPE_CHECKING

from misfire.cells.cell import Cell, Outcome
from misfire.cells.estimates import Estimate, Estimates
from misfire.cells.ledger import Claim, Ledger, artifacts
from misfire.cells.logged import Logged
from misfire.cells.objective import Objective, Rival
from misfire.cells.paired import CHOSEN, OTHERS, Flips, Paired
from misfire.cells.part import Question, ReportPart, in_words
from misfire.cells.running import Ended, Job, Status, run_cell, run_jobs
from misfire.cells.settings import Settings
from misfire.cells.slice import Slice, read_slice
from misfire.core.exports import exported

if TYPE_CHECKING:
    from misfire.cells.lab import Lab as Lab
    from misfire.cells.lab import Workbench as Workbench

__all__ = [
    "CHOSEN",
    "OTHERS",
    "Cell",
    "Claim",
    "Ended",
    "Estimate",
    "Estimates",
    "Flips",
    "Job",
    "Lab",
    "Ledger",
    "Logged",
    "Objective",
    "Outcome",
    "Paired",
    "Question",
    "ReportPart",
    "Rival",
    "Settings",
    "Slice",
    "Status",
    "Workbench",
    "artifacts",
    "in_words",
    "read_slice",
    "run_cell",
    "run_jobs",
]


# Where cells compute, PyTorch is needed; words are refused, and help is given, without.
_, __getattr__ = exported(__name__, {"Lab": "lab", "Workbench": "lab"})
