"""Cells: a subset, its prompts and a pooling in, per-query records, flips and intervals out."""

from misfire.evaluation.baseline import Baseline, baseline_id, evaluate_baseline, text_to_image
from misfire.evaluation.cell import Cell, check_cut_offs, complement_sample, parse_num_queries
from misfire.evaluation.decision import DecisionRule, answer
from misfire.evaluation.ensembling import run_cell
from misfire.evaluation.failure_sets import mined_failure_set, named_failure_set
from misfire.evaluation.flips import Flips, flip_ledger
from misfire.evaluation.outcome import CellOutcome, CellResult, CutoffOutcome, Gain, run_name
from misfire.evaluation.precision import precision_flips
from misfire.evaluation.published import TOLERANCE_PP, Comparison, PublishedResult, compare_with, published_results
from misfire.evaluation.workbench import Workbench

__all__ = [
    "TOLERANCE_PP",
    "Baseline",
    "Cell",
    "CellOutcome",
    "CellResult",
    "Comparison",
    "CutoffOutcome",
    "DecisionRule",
    "Flips",
    "Gain",
    "PublishedResult",
    "Workbench",
    "answer",
    "baseline_id",
    "check_cut_offs",
    "compare_with",
    "complement_sample",
    "evaluate_baseline",
    "flip_ledger",
    "mined_failure_set",
    "named_failure_set",
    "parse_num_queries",
    "precision_flips",
    "published_results",
    "run_cell",
    "run_name",
    "text_to_image",
]
