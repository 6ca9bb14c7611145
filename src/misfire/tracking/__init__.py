"""MLflow: a sweep is an experiment, a cell is one flat run in it. Nothing else imports the tracker."""

from misfire.tracking.ledger import MlflowLedger
from misfire.tracking.links import compare_link, experiment_link, experiment_links, run_link, view_link
from misfire.tracking.samplers import SAMPLERS, Sampler, StudyPlan
from misfire.tracking.server import serve_ui
from misfire.tracking.study import Study, journal_file
from misfire.tracking.trial import Trial, TrialResult

__all__ = [
    "SAMPLERS",
    "MlflowLedger",
    "Sampler",
    "Study",
    "StudyPlan",
    "Trial",
    "TrialResult",
    "compare_link",
    "experiment_link",
    "experiment_links",
    "journal_file",
    "run_link",
    "serve_ui",
    "view_link",
]
