"""What methods that name sentences have to say: one scorecard, the sentences of each method, whom to trust for what."""

from collections.abc import Hashable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd

from misfire.cells import Estimate, ReportPart, in_words
from misfire.core.words import UNDEFINED, p_value, percentage_points, plain_count
from misfire.reporting.section import Section
from misfire.reporting.table import Column, Entry, Source, Table

if TYPE_CHECKING:
    from misfire.cells import Logged, Question

_COLUMNS: tuple[tuple[str, int | None, str, str], ...] = (
    ("num_modes", None, "", "modes"),
    ("confirmed", None, "", "confirmed"),
    ("coverage", None, "", "coverage"),
    ("share", None, "", "share"),
    ("drop", None, "", "drop"),
    ("false_discovery", None, "", "false"),
    ("stability_seeds", None, "", "seeds"),
    ("stability_halves", None, "", "halves"),
    ("p", 10, "", "P@10"),
    ("p", 10, "chance", "P@10 by chance"),
    ("ahr", None, "", "AHR"),
    ("acr", None, "", "ACR"),
    ("tpr", None, "", "TPR"),
    ("ji", None, "", "JI"),
    ("description_auroc", None, "", "AUROC"),
    ("compactness", None, "", "compact"),
    ("seconds", None, "", "seconds"),
)
# What a column answers, in the order of a reader's questions; the best method of each is named.
_QUESTIONS: tuple[tuple[str, int | None, str, bool], ...] = (
    ("drop", None, "its modes fail most on images that it hasn't seen", True),
    ("false_discovery", None, "it confirms least where outcomes are shuffled", False),
    ("coverage", None, "its modes hold most of the failures", True),
    ("stability_halves", None, "it finds the same modes on other images", True),
    ("p", 10, "its parts are purest in a true context", True),
    ("ahr", None, "its sentences point to failures", True),
    ("ji", None, "its sentences are most nearly all that describe failures", True),
    ("description_auroc", None, "its sentences tell its images from others", True),
)
_NOTE = (
    "Modes are found on one half of each class and measured on the other, by looks and labels alone. confirmed: share "
    "of modes whose drop there is beyond chance; coverage: share of the failures in some mode, to be read beside "
    "share, that of all images; drop: against images of the same classes; false: modes confirmed with outcomes "
    "shuffled within classes, to one confirmed; seeds, halves: mean Jaccard index of modes found again. Columns that "
    "need what isn't known are absent."
)


def told(logged: "Logged") -> str:
    """What the command line prints of one method: its modes with their sentences, then its row of the scorecard."""
    lines = [*logged.facts["remarks"], ""]
    for row in logged.records.head(20).to_dict("records"):
        sentences = "; ".join(row["sentences"]) or "no sentence was a candidate"
        lines.append(f"  {row['mode']}: {sentences}")
        lines.append(f"    {_effect(row)}")
    if len(logged.records) > 20:
        lines.append(f"  ... and {len(logged.records) - 20} more in the records")
    found = [(header, logged.estimates.find(metric, k=k, group=group)) for metric, k, group, header in _COLUMNS]
    lines += ["", "  " + "  ".join(f"{header} {in_words(one)}" for header, one in found if one is not None)]
    return "\n".join(lines)


def _effect(row: Mapping[Hashable, Any]) -> str:
    drop = row["drop"]
    if drop != drop:
        return "no image of the other half"
    verdict = "" if row["is_confirmed"] else " (could be chance)"
    return f"n={row['num_members']}, drop {percentage_points(drop)} pp, q {_p(row['q_value'])}{verdict}"


def sentence_part(cells: "Sequence[Logged]", question: "Question") -> ReportPart:
    """The kind's part of a report.

    Args:
        cells: Finished cells, at least one.
        question: What the experiment asks.
    """
    sources = tuple(Source(cell.id, cell.url, dict(cell.label)) for cell in cells)
    trust = _whom_to_trust(cells)
    card = Section(
        "modes_scorecard",
        "Which method to trust for what",
        sentences=tuple(trust),
        tables=(scorecard_table(cells, sources),),
    )
    each = Section(
        "modes_sentences",
        "What each method says",
        tables=(sentences_table(cells, sources),),
    )
    best = max(cells, key=lambda cell: _or_least(cell.estimates.find("drop")))
    return ReportPart(
        sections=(card, each),
        answer=" ".join(trust[:2]),
        sources=sources,
        method=(
            "Each method finds its modes on one half of every class and is measured on the other half, whose members "
            "are chosen by looks and labels alone.",
            "Drops are held against images of the same classes; p-values are those of drawing as many images of each "
            "class, corrected by Benjamini and Hochberg over a method's modes.",
        ),
        deciding=best.estimates.find("drop"),
    )


def scorecard_table(cells: "Sequence[Logged]", sources: tuple[Source, ...]) -> Table:
    """A row a method; a column stands where some method has it."""
    shown = [one for one in _COLUMNS if any(cell.estimates.find(one[0], k=one[1], group=one[2]) for cell in cells)]
    rows = []
    for cell in cells:
        found = [cell.estimates.find(metric, k=k, group=group) for metric, k, group, _ in shown]
        rows.append((Entry(_name(cell, cells), (_name(cell, cells),)), *map(_entry, found)))
    return Table(
        name="modes_scorecard",
        title=f"Scorecard of {plain_count(len(cells))} method{'s' if len(cells) > 1 else ''} on the same images.",
        columns=(
            Column("method", ("method",), is_number=False),
            *(
                Column(header, (Estimate(metric, 0.0, k=k, group=group).tracked_name,))
                for metric, k, group, header in shown
            ),
        ),
        rows=tuple(rows),
        note=_NOTE,
        sources=sources,
    )


def sentences_table(cells: "Sequence[Logged]", sources: tuple[Source, ...]) -> Table:
    """A row a mode, method after method: its sentences and how it does on the other half."""
    rows = []
    for cell in cells:
        for row in _worst_first(cell.records).head(8).to_dict("records"):
            said = "; ".join(row["sentences"]) or "no sentence was a candidate"
            examples = ", ".join(row["examples"][:4])
            rows.append(
                (
                    Entry(_name(cell, cells), (_name(cell, cells),)),
                    Entry(row["mode"], (row["mode"],)),
                    Entry(said, (said,)),
                    Entry(str(row["num_members"]), (int(row["num_members"]),)),
                    Entry(_points(row["drop"]), (_or_none(row["drop"]),)),
                    Entry(_p(row["q_value"]), (_or_none(row["q_value"]),)),
                    Entry(examples, (examples,)),
                )
            )
    return Table(
        name="modes_sentences",
        title="Modes with the largest drops on other images, and the sentences that describe them.",
        columns=(
            Column("method", ("method",), is_number=False),
            Column("mode", ("mode",), is_number=False),
            Column("sentences", ("sentences",), is_number=False),
            Column("images", ("num_members",)),
            Column("drop, pp", ("drop",)),
            Column("q", ("q_value",)),
            Column("for example", ("examples",), is_number=False),
        ),
        rows=tuple(rows),
        note="Up to eight modes a method; all are in the records. The examples are the most typical images.",
        sources=sources,
    )


def _whom_to_trust(cells: "Sequence[Logged]") -> list[str]:
    if len(cells) == 1:
        (cell,) = cells
        number = int(cell.records["is_confirmed"].sum())
        return [
            f"{cell.label['method']} finds {plain_count(len(cell.records))} modes, {number} of which the model fails "
            "on in other images beyond chance.",
            *cell.facts["remarks"],
        ]
    found = []
    for metric, k, why, is_maximised in _QUESTIONS:
        known = [(cell, cell.estimates.find(metric, k=k)) for cell in cells]
        defined = [(cell, one) for cell, one in known if one is not None and one.value == one.value]
        if len(defined) > 1:
            best = (max if is_maximised else min)(defined, key=lambda pair: pair[1].value)
            names = list(dict.fromkeys(_name(cell, cells) for cell, one in defined if one.value == best[1].value))
            shown = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
            found.append(f"{shown}: {why} ({in_words(best[1])}).")
    return found


def _name(cell: "Logged", cells: "Sequence[Logged]") -> str:
    """The method, with what else tells it from another cell of the same method."""
    same = [one for one in cells if one.label["method"] == cell.label["method"]]
    differing = [key for key in cell.label if key != "method" and len({one.label.get(key) for one in same}) > 1]
    return " ".join([cell.label["method"], *(f"{key}={cell.label[key]}" for key in differing)])


def _worst_first(records: pd.DataFrame) -> pd.DataFrame:
    return records.sort_values("drop", ascending=False, kind="stable", na_position="last")


def _entry(estimate: Estimate | None) -> Entry:
    if estimate is None or estimate.value != estimate.value:
        return Entry(UNDEFINED, (None,))
    return Entry(in_words(estimate), (estimate.value,))


def _or_none(value: float) -> float | None:
    return None if value != value else float(value)


def _or_least(estimate: Estimate | None) -> float:
    return float("-inf") if estimate is None or estimate.value != estimate.value else estimate.value


def _points(drop: float) -> str:
    return UNDEFINED if drop != drop else percentage_points(drop)


def _p(value: float) -> str:
    return UNDEFINED if value != value else p_value(value)
