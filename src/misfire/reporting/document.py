"""A report as what is printed, in order, and as the files of one folder."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import final

from misfire.core.files import write_files
from misfire.reporting.abstract import Abstract
from misfire.reporting.conclusion import Conclusion
from misfire.reporting.figure import Illustration, to_png, to_svg
from misfire.reporting.page import EmbeddedFigure, PrintedSection, render_page
from misfire.reporting.section import Section
from misfire.reporting.table import Source, Table, to_csv, to_latex, to_markdown


@final
@dataclass(frozen=True, eq=False)
class Document:
    """A report before it is written.

    Args:
        abstract: What it is about, and what came out.
        sections: Its parts, in the order of print; those with nothing in them are left out.
        about: What it was made on, each under a short name: model, data.
        cells: The cells that its numbers come from; they are listed at its end.
        conclusion: What may be concluded; None where nothing was tested.
        method: How its numbers were made, a sentence each.
    """

    abstract: Abstract
    sections: tuple[Section, ...]
    about: tuple[tuple[str, str], ...] = ()
    cells: tuple[Source, ...] = ()
    conclusion: Conclusion | None = None
    method: tuple[str, ...] = ()

    @property
    def printed(self) -> list[Section]:
        """The sections that hold something."""
        return [section for section in self.sections if not section.is_empty]

    @property
    def tables(self) -> list[Table]:
        """All tables, in the order of print."""
        return [table for section in self.printed for table in section.tables]

    @property
    def illustrations(self) -> list[Illustration]:
        """All figures, in the order of print."""
        return [one for section in self.printed for one in section.illustrations]

    def write(self, destination: Path) -> list[Path]:
        """Write ``report.md``, ``report.html``, ``tables/`` and ``figures/``; the same bytes for the same content.

        Each file is written whole or not at all. Everything is drawn before the first file is written.

        Args:
            destination: The folder, made if need be.

        Returns:
            The files written, the page and the text first.
        """
        figures = {
            one.name: EmbeddedFigure(one.name, one.title, one.caption, to_svg(one.figure)) for one in self.illustrations
        }
        sections = [
            PrintedSection(section, tuple(figures[one.name] for one in section.illustrations))
            for section in self.printed
        ]
        files: dict[str, bytes | str] = {
            "report.html": render_page(
                self.abstract,
                sections,
                about=self.about,
                cells=self.cells,
                conclusion=self.conclusion,
                method=self.method,
            ),
            "report.md": self._text(),
        }
        for table in self.tables:
            files[f"tables/{table.name}.md"] = to_markdown(table)
            files[f"tables/{table.name}.tex"] = to_latex(table)
            files[f"tables/{table.name}.csv"] = to_csv(table)
        for one in self.illustrations:
            files[f"figures/{one.name}.png"] = to_png(one.figure)
            files[f"figures/{one.name}.svg"] = figures[one.name].svg
        return write_files(destination, files)

    def _text(self) -> str:
        parts = [
            f"# {self.abstract.title}",
            f"**Question.** {self.abstract.question}",
            f"**Answer.** {self.abstract.answer}",
            f"**Decision rule.** {self.abstract.decision_rule}",
            *_in_words(self.conclusion),
        ]
        for section in self.printed:
            parts += [f"## {section.title}", *section.sentences]
            parts += [to_markdown(table).strip() for table in section.tables]
            parts += [
                f"![{one.title}](figures/{one.name}.png)\n\n**{one.title}** {one.caption}"
                for one in section.illustrations
            ]
        if self.method:
            parts += ["## How each number was made", "\n".join(f"- {sentence}" for sentence in self.method)]
        return "\n\n".join(parts) + "\n"


def made_on(asked: Sequence[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """Models and data, each once, under the names that a report prints before them.

    Args:
        asked: Model and data of each thing that the report tells of.

    Example:
        >>> made_on([("a", "coco"), ("b", "coco")])
        (('Model', 'a, b'), ('Data', 'coco'))
    """
    named = zip(("Model", "Data"), zip(*asked, strict=True), strict=False)
    return tuple((name, ", ".join(dict.fromkeys(found))) for name, found in named)


def _in_words(conclusion: Conclusion | None) -> Sequence[str]:
    if conclusion is None:
        return []
    return [
        "## In plain words",
        *([f"**{conclusion.verdict}**"] if conclusion.verdict else []),
        conclusion.paragraph,
        f"**May be concluded.** {conclusion.may}",
        f"**May not.** {conclusion.may_not}",
    ]
