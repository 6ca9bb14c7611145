"""Cells: a subset, its prompts and a pooling in, per-query records, flips and intervals out."""

from misfire.evaluation.attribution import attribute_templates, attribution_id
from misfire.evaluation.attribution_outcome import AttributionCutoff, Share, TemplateAttribution, TemplateShare
from misfire.evaluation.attribution_words import attribution_name, attribution_sentence, orders_sentence
from misfire.evaluation.audit import AuditedCounts, Split, Support, audit
from misfire.evaluation.baseline import Baseline, baseline_id, evaluate_baseline, text_to_image
from misfire.evaluation.captionwise import AskedQueries, CaptionwiseTemplates
from misfire.evaluation.ceilings import ROUNDING, HitBounds, hit_bounds, hit_ceiling
from misfire.evaluation.cell import Cell, check_cut_offs, complement_sample, parse_num_queries
from misfire.evaluation.comparison import Claim, ComparedCell, compare_cells
from misfire.evaluation.confirmation import Confirmation, ConfirmedGain
from misfire.evaluation.decision import DecisionRule, answer, correction
from misfire.evaluation.ensembling import run_cell
from misfire.evaluation.failure_sets import mined_failure_set, named_failure_set
from misfire.evaluation.flips import Flips, flip_ledger
from misfire.evaluation.gap_outcome import GapSystem, OracleGap, gap_name
from misfire.evaluation.gap_systems import GapSystems
from misfire.evaluation.gap_words import gap_sentence
from misfire.evaluation.gated_templates import GatedTemplates
from misfire.evaluation.honesty import Verdict, selection_adjusted_p
from misfire.evaluation.ledger import NetChange, TemplateFlips, net_change
from misfire.evaluation.lenient import LenientHitRate, lenient_hit_rate
from misfire.evaluation.objective import Direction, Objective, objective_named
from misfire.evaluation.oracle_gap import GapPlan, GapResult, run_oracle_gap
from misfire.evaluation.outcome import CellOutcome, CellResult, CutoffOutcome, Gain, label_of_cell, run_name
from misfire.evaluation.pareto import beats, pareto_front, winner
from misfire.evaluation.placebo import NOISE, PARAPHRASE, PlaceboBand, noise_band, paraphrase_band
from misfire.evaluation.precision import precision_flips
from misfire.evaluation.profile import PUBLISHED_TAU, ProfilePlan, ProfileResult, run_profile
from misfire.evaluation.profile_outcome import ProfilePoint, ReferenceTau, TauProfile, Transition, profile_name
from misfire.evaluation.profile_words import profile_conclusion, reference_sentence, transition_sentence
from misfire.evaluation.pruning import Bounds, PrunedCell, Values, bound_sentence, bounds_of, prune
from misfire.evaluation.published import TOLERANCE_PP, Comparison, PublishedResult, compare_with, published_results
from misfire.evaluation.published_counts import PublishedCounts, read_published_counts
from misfire.evaluation.routing import PredictedTemplates
from misfire.evaluation.search_axis import Axis, Choice, Range, Setting
from misfire.evaluation.search_space import SearchSpace, setting_label, settings_with_every_value
from misfire.evaluation.split import DevQueries, Side, TestQueries, dev_queries, test_queries
from misfire.evaluation.tau_grid import TauGrid
from misfire.evaluation.template_subset import TemplateSubset, quoted
from misfire.evaluation.workbench import Workbench

__all__ = [
    "NOISE",
    "PARAPHRASE",
    "PUBLISHED_TAU",
    "ROUNDING",
    "TOLERANCE_PP",
    "AskedQueries",
    "AttributionCutoff",
    "AuditedCounts",
    "Axis",
    "Baseline",
    "Bounds",
    "CaptionwiseTemplates",
    "Cell",
    "CellOutcome",
    "CellResult",
    "Choice",
    "Claim",
    "ComparedCell",
    "Comparison",
    "Confirmation",
    "ConfirmedGain",
    "CutoffOutcome",
    "DecisionRule",
    "DevQueries",
    "Direction",
    "Flips",
    "Gain",
    "GapPlan",
    "GapResult",
    "GapSystem",
    "GapSystems",
    "GatedTemplates",
    "HitBounds",
    "LenientHitRate",
    "NetChange",
    "Objective",
    "OracleGap",
    "PlaceboBand",
    "PredictedTemplates",
    "ProfilePlan",
    "ProfilePoint",
    "ProfileResult",
    "PrunedCell",
    "PublishedCounts",
    "PublishedResult",
    "Range",
    "ReferenceTau",
    "SearchSpace",
    "Setting",
    "Share",
    "Side",
    "Split",
    "Support",
    "TauGrid",
    "TauProfile",
    "TemplateAttribution",
    "TemplateFlips",
    "TemplateShare",
    "TemplateSubset",
    "TestQueries",
    "Transition",
    "Values",
    "Verdict",
    "Workbench",
    "answer",
    "attribute_templates",
    "attribution_id",
    "attribution_name",
    "attribution_sentence",
    "audit",
    "baseline_id",
    "beats",
    "bound_sentence",
    "bounds_of",
    "check_cut_offs",
    "compare_cells",
    "compare_with",
    "complement_sample",
    "correction",
    "dev_queries",
    "evaluate_baseline",
    "flip_ledger",
    "gap_name",
    "gap_sentence",
    "hit_bounds",
    "hit_ceiling",
    "label_of_cell",
    "lenient_hit_rate",
    "mined_failure_set",
    "named_failure_set",
    "net_change",
    "noise_band",
    "objective_named",
    "orders_sentence",
    "paraphrase_band",
    "pareto_front",
    "parse_num_queries",
    "precision_flips",
    "profile_conclusion",
    "profile_name",
    "prune",
    "published_results",
    "quoted",
    "read_published_counts",
    "reference_sentence",
    "run_cell",
    "run_name",
    "run_oracle_gap",
    "run_profile",
    "selection_adjusted_p",
    "setting_label",
    "settings_with_every_value",
    "test_queries",
    "text_to_image",
    "transition_sentence",
    "winner",
]
