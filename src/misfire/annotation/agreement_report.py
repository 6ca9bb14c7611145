"""An agreement in one folder: its record, a text, tables and figures; and what a terminal shows of it."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from textwrap import fill
from typing import Any

import numpy as np

from misfire.annotation.agreement_tables import category_table, coefficient, distribution_table, interval, pairs_table
from misfire.annotation.confusion_figure import confusion_matrix
from misfire.core.files import write_files
from misfire.failures import Taxonomy
from misfire.failures.category_report import category_distribution
from misfire.reporting.figure import Illustration, to_png, to_svg
from misfire.reporting.table import Table, to_csv, to_markdown

Record = Mapping[str, Any]
_MOST_NAMED = 8
_WIDTH = 110


def write_agreement(record: Record, taxonomy: Taxonomy, destination: Path) -> list[Path]:
    """Write ``agreement.json``, ``agreement.md``, ``tables/`` and ``figures/``; the same bytes for the same record.

    Everything is drawn before the first file is written, and each file is written whole or not at all.

    Args:
        record: What :meth:`misfire.failures.Agreement.to_json` gave.
        taxonomy: What was labelled with.
        destination: The folder, made if need be.

    Returns:
        The files, the record first.
    """
    tables = [category_table(record), distribution_table(record)]
    if record["pairs"]:
        tables.insert(0, pairs_table(record))
    else:
        del tables[0]  # nobody to agree with
    drawn = _illustrations(record, taxonomy)
    files: dict[str, str | bytes] = {
        "agreement.json": json.dumps(record, indent=2, ensure_ascii=False, allow_nan=False) + "\n",
        "agreement.md": _markdown(record, tables, drawn),
    }
    for table in tables:
        files |= {f"tables/{table.name}.md": to_markdown(table), f"tables/{table.name}.csv": to_csv(table)}
    for one in drawn:
        files |= {f"figures/{one.name}.png": to_png(one.figure), f"figures/{one.name}.svg": to_svg(one.figure)}
    return write_files(destination, files)


def agreement_summary(record: Record) -> str:
    """What a terminal shows: counts, what was left out and by name, coefficients, categories, and all in words."""
    annotators = record["annotators_in_order"]
    held = ", ".join(f"{record['num_only_in'][name]} of {name} not in all" for name in annotators)
    lines = [
        f"agreement of {', '.join(annotators)}",
        f"  rows             {record['num_rows']} ({sum(record['num_unlabelled'].values())} queries unlabelled)",
        f"  queries          {record['num_unique']} different, {record['num_common']} in all sheets; {held}",
        *_named("not as planned", _unplanned(record.get("plan"))),
        *_named("mismatched", [_mismatch(one) for one in record["mismatched"]]),
        *_named("labelled twice", [_duplicate(one) for one in record["duplicated"]]),
        *_named("read as", [one["proposal"] for one in record["import"]["normalisations"]]),
        *_named("remarks", [f"{s['name']}: {remark}" for s in record["import"]["sheets"] for remark in s["remarks"]]),
    ]
    if record["pairs"]:
        lines += [
            f"  same label       {coefficient(record['raw_agreement'])}",
            f"  kappa            {coefficient(record['kappa'])} {interval(record['kappa_low'], record['kappa_high'])} "
            f"({record['kappa_is']}, {record['kappa_num_queries']} queries)",
        ]
    lines += ["", _aligned(record), "", fill(record["in_words"], width=_WIDTH)]
    return "\n".join(lines)


def _aligned(record: Record) -> str:
    categories = record["categories"]
    width = max(map(len, categories["before"]))
    lines = [f"  {'category':<{width}}   rows  queries  kappa"]
    for name, before in categories["before"].items():
        found = record["per_category"].get(name, {"kappa": None, "low": None, "high": None})
        kappa = f"{coefficient(found['kappa']):>5} {interval(found['low'], found['high'])}" if record["pairs"] else ""
        lines.append(f"  {name:<{width}}  {before:5d}  {categories['after'][name]:7d}  {kappa}".rstrip())
    return "\n".join([*lines, f"  {'left open':<{width}}         {categories['num_undecided']:7d}"])


def _named(what: str, entries: Sequence[str]) -> list[str]:
    if not entries:
        return []
    shown = [f"  {what:<15}  {len(entries)}", *(f"    {entry}" for entry in entries[:_MOST_NAMED])]
    return [*shown, f"    and {len(entries) - _MOST_NAMED} more"] if len(entries) > _MOST_NAMED else shown


def _unplanned(plan: Record | None) -> list[str]:
    """What differs between the manifest and the sheets, a line each; nothing where all came back."""
    if plan is None:
        return []
    lines = [f"{name} was planned for, and no sheet is theirs" for name in plan["absent"]]
    lines += [f"{name} isn't among the planned annotators" for name in plan["not_planned"]]
    for name, one in plan["annotators"].items():
        if one["missing"]:
            lines.append(f"{name}: {one['num_missing']} of {one['num_planned']} missing: {_some(one['missing'])}")
        if one["extra"]:
            lines.append(f"{name}: {one['num_extra']} that were not theirs: {_some(one['extra'])}")
        if one["num_backups_used"]:
            lines.append(f"{name}: {one['num_backups_used']} backup items used")
    if plan["shared_missing"]:
        lines.append(
            f"{plan['num_shared_returned']} of the {plan['num_shared_planned']} items planned for everybody came back "
            "from everybody"
        )
    return lines


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:_MOST_NAMED]) + (f" and {len(names) - _MOST_NAMED} more" if names[_MOST_NAMED:] else "")


def _mismatch(one: Record) -> str:
    joined = "counted all the same" if one["is_joined"] else "not counted as one query"
    return f"{one['line']}; {joined}"


def _duplicate(one: Record) -> str:
    counted = "a conflict, counts as no label" if one["is_conflict"] else "counts once"
    labels = " and ".join(dict.fromkeys(one["labels"]))
    return f"{one['item']} by {one['annotator']}: {labels} ({_rows(one['rows'])}); {counted}"


def _rows(rows: Sequence[str]) -> str:
    return ", ".join(rows[:4]) + (f" and {len(rows) - 4} more" if len(rows) > 4 else "")


def _illustrations(record: Record, taxonomy: Taxonomy) -> list[Illustration]:
    drawn = []
    confusion, categories = record["confusion"], record["categories"]
    counts = np.array(confusion["counts"], dtype=np.int64)
    if counts.sum():
        drawn.append(
            confusion_matrix(counts, confusion["categories"], rows=confusion["rows"], columns=confusion["columns"])
        )
    if categories["num_after"]:
        drawn.append(
            category_distribution(
                categories["after"],
                intervals={name: (share["low"], share["high"]) for name, share in categories["shares"].items()},
                not_actionable=[one.name for one in taxonomy.categories if not one.is_actionable],
            )
        )
    return drawn


def _markdown(record: Record, tables: Sequence[Table], drawn: Sequence[Illustration]) -> str:
    normalised = [one["proposal"] for one in record["import"]["normalisations"]]
    disputed = [one for one in record["adjudication"]["decisions"] if one["is_disputed"] or one["label"] is None]
    parts = [
        "# How far the labels can be trusted",
        record["in_words"],
        f"{record['num_rows']} rows, {record['num_unique']} queries, {record['num_common']} in all sheets.",
        *(to_markdown(table).strip() for table in tables),
        *(f"![{one.title}](figures/{one.name}.png)\n\n**{one.title}** {one.caption}" for one in drawn),
        *_section("What was dealt out and what came back", _unplanned(record.get("plan"))),
        *_section("Rows that don't say what others say", [_mismatch(one) for one in record["mismatched"]]),
        *_section("Queries labelled twice by one annotator", [_duplicate(one) for one in record["duplicated"]]),
        *_section("How words were read", normalised),
        *_section("What was decided, and why", [_decision(one) for one in disputed]),
    ]
    return "\n\n".join(parts) + "\n"


def _section(title: str, entries: Sequence[str]) -> list[str]:
    return [f"## {title}", "\n".join(f"- {entry}" for entry in entries)] if entries else []


def _decision(one: Record) -> str:
    given = ", ".join(f"{name}: {label}" for name, label in one["given"].items()) or "no label"
    return f"{one['item']}: {one['label'] or 'left open'}; {one['why']} ({given})"
