"""Failures: mine them, name why with a taxonomy, hand them to annotators, and select queries by what was found."""

from misfire.failures.annotators import SimulatedAnnotator, typical_confusion
from misfire.failures.assignment import Assignment, plan_assignment
from misfire.failures.contact_sheet import ContactSheetLayout, contact_sheets
from misfire.failures.failure_set import TIE_RULE, WORLD_TRUTH, Failure, FailureSet
from misfire.failures.failure_store import read_failure_set, write_failure_set
from misfire.failures.mining import OracleCategories, RetrievalOutcome, mine
from misfire.failures.mining_outputs import AnnotationPlan, MiningOutputs, write_mining_outputs
from misfire.failures.sheets import SHEET_COLUMNS, read_sheet, sheet_text
from misfire.failures.subset import AllFailures, AllQueries, CategorySubset, FileSubset, QuerySubset, Selection
from misfire.failures.taxonomy import AMBIGUOUS, Category, Example, Label, Subtype, Taxonomy, load_taxonomy

__all__ = [
    "AMBIGUOUS",
    "SHEET_COLUMNS",
    "TIE_RULE",
    "WORLD_TRUTH",
    "AllFailures",
    "AllQueries",
    "AnnotationPlan",
    "Assignment",
    "Category",
    "CategorySubset",
    "ContactSheetLayout",
    "Example",
    "Failure",
    "FailureSet",
    "FileSubset",
    "Label",
    "MiningOutputs",
    "OracleCategories",
    "QuerySubset",
    "RetrievalOutcome",
    "Selection",
    "SimulatedAnnotator",
    "Subtype",
    "Taxonomy",
    "contact_sheets",
    "load_taxonomy",
    "mine",
    "plan_assignment",
    "read_failure_set",
    "read_sheet",
    "sheet_text",
    "typical_confusion",
    "write_failure_set",
    "write_mining_outputs",
]
