"""Tables, figures and a page out of stored cells; nothing that a cell computed is computed again."""

from misfire.reporting.agreement_report import agreement_summary, write_agreement
from misfire.reporting.audit_report import write_audit
from misfire.reporting.exhibit import exhibit_files
from misfire.reporting.facts import decisive_row
from misfire.reporting.figures import bootstrap_histogram
from misfire.reporting.findings import Findings
from misfire.reporting.flip_gallery import flip_gallery
from misfire.reporting.further_sections import answer_without_cells
from misfire.reporting.report import write_report
from misfire.reporting.rows import BootstrapRow, CellRow, bootstrap_row, cell_row
from misfire.reporting.study_report import write_study_report
from misfire.reporting.table import Table, to_csv, to_latex, to_markdown
from misfire.reporting.tables import bootstrap_table, improvement_table, taxonomy_table
from misfire.reporting.trial_row import TrialRow

__all__ = [
    "BootstrapRow",
    "CellRow",
    "Findings",
    "Table",
    "TrialRow",
    "agreement_summary",
    "answer_without_cells",
    "bootstrap_histogram",
    "bootstrap_row",
    "bootstrap_table",
    "cell_row",
    "decisive_row",
    "exhibit_files",
    "flip_gallery",
    "improvement_table",
    "taxonomy_table",
    "to_csv",
    "to_latex",
    "to_markdown",
    "write_agreement",
    "write_audit",
    "write_report",
    "write_study_report",
]
