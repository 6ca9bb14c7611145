"""The report of an experiment: its finished cells by kind, each kind's part, one document, and the store's summary."""

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from misfire.core.errors import UsageError
from misfire.core.files import locked
from misfire.core.hashing import sha256_json
from misfire.core.progress import say
from misfire.core.pulse import doing

if TYPE_CHECKING:
    from misfire.cells import Ledger, Logged, Question, ReportPart
    from misfire.config.settings import Settings
    from misfire.reporting.document import Document

_AD_HOC_QUESTION = "What do these runs show, side by side?"
_HOST, _PORT = "127.0.0.1", 5000  # where `misfire ui` serves unless it is told otherwise
_NO_RULE = "None was set: what was measured here describes, it decides nothing."


def report_on(
    settings: "Settings",
    ledger: "Ledger",
    question: "Question | None" = None,
    *,
    ids: "Collection[str] | None" = None,
    is_made_anew: bool = True,
) -> Path:
    """Write the report of a ledger's experiment and put it into the store. Returns the report's folder.

    Args:
        settings: A configuration that names the experiment, the folders and the seed.
        ledger: Holds the experiment's cells.
        question: What the experiment asks; by default what cells show side by side.
        ids: The cells that it is about; by default all that are finished.
        is_made_anew: Whether to make it although there is one of the same cells, by the same code.

    Raises:
        UsageError: If there is no finished cell; nothing is written then.
    """
    asked = question or ad_hoc_question(settings)
    return write_report(
        settings, ledger, asked, lambda cells: parts_of(cells, asked), ids=ids, is_made_anew=is_made_anew
    )


def write_report(
    settings: "Settings",
    ledger: "Ledger",
    question: "Question",
    parts_of_cells: "Callable[[Sequence[Logged]], Mapping[str, ReportPart]]",
    *,
    ids: "Collection[str] | None" = None,
    is_made_anew: bool = True,
    besides: Sequence[str] = (),
) -> Path:
    """Write a report of an experiment's cells and put it into the store. Returns the report's folder.

    Args:
        settings: A configuration that names the experiment and the folders.
        ledger: Holds the experiment's cells.
        question: What the experiment asks.
        parts_of_cells: Gives what is said of its finished cells, under a name each, what decides first.
        ids: The cells that it is about; by default all that are finished.
        is_made_anew: Whether to make it although there is one of the same cells, by the same code.
        besides: What it depends on besides its cells.

    Raises:
        UsageError: If there is no finished cell; nothing is written then.
    """
    experiment = settings["tracking.experiment"]
    if not ledger.has_cells:
        raise UsageError(f"a report needs a finished cell, experiment {experiment} has none; run `misfire demo`.")
    doing(f"Writing the report of {experiment}")
    # Two processes that end the same sweep must not log each other's half-written files.
    with ExitStack() as held:
        # A store that can only be read is reported on elsewhere, and needs no lock.
        with suppress(OSError):
            held.enter_context(locked(settings.root / "locks" / f"report-{_as_file_name(experiment)}.lock"))
        cells = [_linked(cell, settings) for cell in ledger.load() if ids is None or cell.id in ids]
        folder: Path = Path(settings["paths.report"]) / experiment
        made_of = _made_of(question, cells, folder, besides)
        # Whoever ends a shared sweep second, or issues a finished one again, finds the report made.
        is_made = not is_made_anew and (folder / "report.html").is_file()
        answer = ledger.answered(made_of) if is_made else None
        if answer is None:
            parts = parts_of_cells(cells)
            answer = answer_of(parts)
            _document(question, answer, parts).write(folder)
            ledger.summarise(question, answer, parts, report=folder, made_of=made_of)
    print(f"\nAnswer: {answer}\nReport: {folder / 'report.html'}\n")
    return folder


def _made_of(question: "Question", cells: "Sequence[Logged]", folder: Path, besides: Sequence[str]) -> str:
    """A digest of what a report depends on: its question, its cells, where it lies, the code that makes it."""
    from misfire.config.rooms import source_files

    asked = [question.name, question.title, question.question, question.decision_rule, question.k, question.seed]
    shown = [[cell.id, cell.name, cell.url] for cell in cells]
    stats = [(str(path), path.stat()) for path in source_files()]
    code = [[path, stat.st_size, stat.st_mtime_ns] for path, stat in stats]
    return sha256_json([*asked, shown, str(folder.resolve()), code, list(besides)])


def _linked(cell: "Logged", settings: "Settings") -> "Logged":
    """The cell with the whole address at which `misfire ui` shows it."""
    if cell.url is None:
        return cell
    address = f"http://{settings.get('host', _HOST)}:{settings.get('port', _PORT)}"
    return replace(cell, url=f"{address}/{cell.url}")


def ad_hoc_question(settings: "Settings") -> "Question":
    """What is asked of an experiment that no file describes."""
    from misfire.cells import Question

    experiment = settings["tracking.experiment"]
    return Question(
        name=experiment,
        title=f"Cells of {experiment}",
        question=_AD_HOC_QUESTION,
        decision_rule="",
        k=None,
        seed=settings.get("seed", 0),
        settings=settings,
    )


def parts_of(cells: "Sequence[Logged]", question: "Question") -> "dict[str, ReportPart]":
    """What each kind has to say of its cells, those that decide first, then in the order of their first cell."""
    from misfire.cells.beaten_cell import BeatenCell
    from misfire.config.rooms import kinds

    by_kind: dict[str, list[Logged]] = {}
    for cell in cells:
        if cell.kind != BeatenCell.kind:  # a part of a cell's units is a search's to tell of
            by_kind.setdefault(cell.kind, []).append(cell)
    known = kinds(by_kind)
    strangers = [kind for kind in by_kind if kind not in known]
    for kind in strangers:
        say(f"{len(by_kind[kind])} cells of kind {kind} are left out: no installed room knows it.")
    parts = {kind: known[kind].report(found, question) for kind, found in by_kind.items() if kind in known}
    if not parts:
        raise UsageError(
            f"a report needs cells of a kind that is installed, got {', '.join(strangers)}; install the package."
        )
    return dict(sorted(parts.items(), key=lambda item: not item[1].decides))


def answer_of(parts: "Mapping[str, ReportPart]") -> str:
    """What came out: what the deciding kinds answer, or else what the others describe."""
    answers = [part.answer for part in parts.values() if part.decides and part.answer]
    described = [part.answer for part in parts.values() if part.answer]
    return " ".join(answers or described) or f"{sum(len(part.sources) for part in parts.values())} cells, no answer."


def _document(question: "Question", answer: str, parts: "Mapping[str, ReportPart]") -> "Document":
    from misfire.reporting.abstract import Abstract
    from misfire.reporting.document import Document

    said = list(parts.values())
    rule = question.decision_rule or next((part.decision_rule for part in said if part.decision_rule), _NO_RULE)
    return Document(
        abstract=Abstract(title=question.title, question=question.question, decision_rule=rule, answer=answer),
        sections=tuple(section for part in said for section in part.sections),
        about=_merged([part.about for part in said]),
        cells=tuple({source.cell_id: source for part in said for source in part.sources}.values()),
        conclusion=next((part.conclusion for part in said if part.conclusion is not None), None),
        method=tuple(dict.fromkeys(sentence for part in said for sentence in part.method)),
    )


def _merged(abouts: "Sequence[tuple[tuple[str, str], ...]]") -> tuple[tuple[str, str], ...]:
    """Each name once, with everything that a part says under it."""
    merged: dict[str, dict[str, None]] = {}
    for name, told in (pair for about in abouts for pair in about):
        merged.setdefault(name, {}).update(dict.fromkeys(told.split(", ")))
    return tuple((name, ", ".join(told)) for name, told in merged.items())


def _as_file_name(name: str) -> str:
    return "".join(letter if letter.isalnum() or letter in "-_." else "-" for letter in name)
