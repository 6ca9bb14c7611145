"""A report of ensembles alone, written without the data that they were run on."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from misfire.cells import Logged, Question
from misfire.core.errors import UsageError
from misfire.methods.retrieval.ensemble.logged import LoggedEnsemble
from misfire.methods.retrieval.ensemble.report_part import ensemble_part
from misfire.reporting.abstract import Abstract
from misfire.reporting.document import Document
from tests.methods.retrieval.finished import changed


class NoData:
    """Settings without the cells' data: pictures can't be had."""

    lab: Any = None

    def __getitem__(self, key: str) -> Any:
        raise UsageError(f"there is no {key} here.")

    def of(self, logged: Logged) -> "NoData":
        return self


def write_report(
    rows: Sequence[LoggedEnsemble], counts: Mapping[str, int], folder: Path, **abstract: str
) -> list[Path]:
    """The files of a report of these cells alone."""
    cells = [changed(row, failure_counts=dict(counts)).logged for row in rows]
    question = Question("x", abstract["title"], abstract["question"], abstract["decision_rule"], None, 42, NoData())
    part = ensemble_part(cells, question)
    said = Abstract(abstract["title"], abstract["question"], abstract["decision_rule"], abstract["answer"])
    document = Document(said, part.sections, part.about, part.sources, part.conclusion, part.method)
    return document.write(folder)
