"""An expert's sheet as a policy."""

from dataclasses import replace

from misfire.core.errors import UsageError, name_some
from misfire.failures.consensus.adjudication import Expert
from misfire.failures.consensus.linking import link
from misfire.failures.failure_set import FailureSet
from misfire.failures.sheets import Sheets


def expert_policy(sheets: Sheets, said: Sheets, failure_set: FailureSet | None = None) -> Expert:
    """The expert's labels, joined to the queries of the annotators' sheets as those are joined to each other.

    Args:
        sheets: The annotators'.
        said: The expert's.
        failure_set: What was annotated.

    Raises:
        UsageError: If the expert labelled nothing, contradicts themselves, or a row can't be tied to a query.
    """
    name = "the expert" if len(said.annotators) != 1 else said.annotators[0]
    apart = f"expert {name}"  # no annotator can be called so: a name has no space
    own = tuple(
        replace(sheet, rows=tuple(replace(row, annotator=apart) for row in sheet.rows)) for sheet in said.sheets
    )
    own = tuple(replace(sheet, annotators=(apart,)) for sheet in own)
    linked = link(replace(sheets, sheets=(*sheets.sheets, *own)), failure_set)
    places = {row.place for sheet in own for row in sheet.rows}
    strange = [one.line() for one in linked.mismatches if not one.is_joined and places & set(one.places)]
    strange += [one.line() for one in linked.duplicates if one.annotator == apart and one.is_conflict]
    if strange:
        raise UsageError(
            f"an expert's rows must each decide one query, got {name_some(strange, most=3)} that don't; mend the sheet."
        )
    labels = {item: label for item, label in linked.labels[apart].items() if label is not None}
    if not labels:
        raise UsageError("an expert must have decided something, got no label; fill in the sheet or choose a policy.")
    return Expert(labels, name)
