"""What was found, as files: a table with the sentence that says it, and its figure."""

from misfire.reporting.figure import Illustration, to_png, to_svg
from misfire.reporting.table import Table, to_csv, to_markdown


def exhibit_files(table: Table, drawn: Illustration, *, sentence: str) -> dict[str, bytes]:
    """The content of each file by its name: the table in Markdown, above the sentence, and CSV; the figure twice.

    Args:
        table: The numbers.
        drawn: The same as a picture.
        sentence: What they say.
    """
    return {
        f"{table.name}.md": f"{to_markdown(table)}\n{sentence}\n".encode(),
        f"{table.name}.csv": to_csv(table).encode(),
        f"{drawn.name}.png": to_png(drawn.figure),
        f"{drawn.name}.svg": to_svg(drawn.figure),
    }
