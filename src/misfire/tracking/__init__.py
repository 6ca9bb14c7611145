"""MLflow: a sweep is an experiment, a cell is one flat run in it. Nothing else imports the tracker."""

from misfire.tracking.attributions import log_attribution, read_attribution, read_attributions
from misfire.tracking.baseline import log_baseline, read_baseline, read_bounds
from misfire.tracking.cells import LoggedCell, log_cell, read_cell, read_cells, read_records
from misfire.tracking.gaps import LoggedGap, log_gap, read_gap, read_gaps
from misfire.tracking.ledger import MlflowLedger
from misfire.tracking.links import compare_link, experiment_link, experiment_links, run_link, view_link
from misfire.tracking.profiles import LoggedProfile, log_profile, read_profile, read_profiles
from misfire.tracking.pruned_cells import log_pruned_cell, pruned_id, read_pruned_records
from misfire.tracking.samplers import SAMPLERS, Sampler, StudyPlan
from misfire.tracking.server import serve_ui
from misfire.tracking.store import RunContent, TrackingStore
from misfire.tracking.study import Study, journal_file
from misfire.tracking.summary import SweepSummary, log_summary
from misfire.tracking.trial import Trial, TrialResult

__all__ = [
    "SAMPLERS",
    "LoggedCell",
    "LoggedGap",
    "LoggedProfile",
    "MlflowLedger",
    "RunContent",
    "Sampler",
    "Study",
    "StudyPlan",
    "SweepSummary",
    "TrackingStore",
    "Trial",
    "TrialResult",
    "compare_link",
    "experiment_link",
    "experiment_links",
    "journal_file",
    "log_attribution",
    "log_baseline",
    "log_cell",
    "log_gap",
    "log_profile",
    "log_pruned_cell",
    "log_summary",
    "pruned_id",
    "read_attribution",
    "read_attributions",
    "read_baseline",
    "read_bounds",
    "read_cell",
    "read_cells",
    "read_gap",
    "read_gaps",
    "read_profile",
    "read_profiles",
    "read_pruned_records",
    "read_records",
    "run_link",
    "serve_ui",
    "view_link",
]
