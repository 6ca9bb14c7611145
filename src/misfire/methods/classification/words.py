"""What a finished evaluation of classes says, in words."""

import io
from collections.abc import Mapping
from typing import Any

import pandas as pd

from misfire.cells import Estimate, Logged
from misfire.core.words import counted, p_value, percentage_points, plain_count, unsigned_points

_MOST_SHOWN = 10


def told(logged: Logged) -> str:
    """One finished cell: the conclusion first, then its worst classes, then how far that can be trusted."""
    facts, group = logged.facts, group_of(logged)
    k = int(facts["headline_k"])
    lines = [logged.name, "", headline(logged)]
    rows = worst_rows(logged, most=_MOST_SHOWN)
    lines += ["", f"{counted(len(rows) - 1, 'class', 'classes')} of the lowest accuracy", *_aligned(rows)]
    lines += ["", *margin_sentences(logged), *remarks(logged)]
    held_out = logged.estimates.find("worst_held_out", k=k, group=group)
    if held_out is not None:
        were = "worst class was" if k == 1 else f"{k} worst classes were"
        lines.append(
            f"The {were} chosen by the images that measure them, which makes worst@{k} too low; chosen by one half and "
            f"measured by the other, it is {unsigned_points(held_out.value)} %."
        )
    return "\n".join(line for line in lines)


def headline(logged: Logged) -> str:
    """Accuracy and Worst@k, and what the mend did to both."""
    group, k = group_of(logged), int(logged.facts["headline_k"])
    accuracy, worst = (logged.estimates.at("accuracy", group=group), logged.estimates.at("worst", k=k, group=group))
    said = (
        f"Accuracy {unsigned_points(accuracy.value)} %, worst@{k} {unsigned_points(worst.value)} % "
        f"{_interval(worst)} over {plain_count(int(logged.facts['num_images']))} images."
    )
    also = logged.estimates.find("worst_also", k=k, group=group)
    if also is not None:
        said += f" By the second label set the same {k} classes have {unsigned_points(also.value)} %."
    if logged.facts.get("is_mended"):
        said += f" {mend_sentence(logged)}"
    return said


def mend_sentence(logged: Logged) -> str:
    """What mending gave the worst classes and what it cost the others."""
    k, found = int(logged.facts["headline_k"]), logged.estimates
    worst, accuracy = found.at("worst", k=k, group="delta"), found.at("accuracy", group="delta")
    fixed, broken = found.at("images_fixed").value, found.at("images_broken").value
    return (
        f"Mending changed worst@{k} by {percentage_points(worst.value)} pp {_points_interval(worst)} and accuracy by "
        f"{percentage_points(accuracy.value)} pp {_points_interval(accuracy)}: {plain_count(round(fixed))} images "
        f"fixed, {plain_count(round(broken))} broken."
    )


def margin_sentences(logged: Logged) -> list[str]:
    """The worst classes by their margin, which needs no label, and how many of them are the worst; none without one."""
    by_margin = list(logged.facts.get("worst_by_margin", []))
    if not by_margin:
        return []
    table = classes_of(logged)
    k, names = len(by_margin), table.set_index("class").name
    accuracy = "accuracy_before" if "accuracy_before" in table else "accuracy"
    lowest = table[table.margin.notna()].sort_values(["margin", "class"], kind="stable").head(k)
    worst = table[table.num_images > 0].sort_values([accuracy, "class"], kind="stable").head(k)
    num_shared = len(set(lowest["class"]) & set(worst["class"]))
    said = _some([f"{row['name']} (rival {names[row['margin_rival']]})" for row in lowest.to_dict("records")])
    if k == 1:
        also = "which is the worst" if num_shared else "which isn't the worst"
        return [f"Without labels, the lowest matching margin is that of {said}, {also} by accuracy."]
    return [
        f"Without labels, the {k} lowest matching margins are those of {said}; {num_shared} of these are among the {k} "
        "worst by accuracy."
    ]


def remarks(logged: Logged) -> list[str]:
    """What must be known beside the numbers, a sentence each."""
    facts: Mapping[str, Any] = logged.facts
    said = []
    if facts.get("is_mended") and facts.get("is_transductive"):
        said.append("The mend was found on the measured images themselves, without their labels.")
    table = classes_of(logged)
    without_images = table.name[table.num_images == 0].tolist()
    if without_images:
        said.append(f"There is no image of {_some(without_images)}, so no accuracy.")
    if facts.get("without_margin"):
        said.append(f"No image is assigned to {_some(facts['without_margin'])}, so no margin is known of them.")
    if facts.get("shared_names"):
        said.append(
            f"Classes share the names {_some(facts['shared_names'])}; behind these stands a class's number."
            + (" Of such classes all but the first are at 0 % by construction." if "is_mended" in facts else "")
        )
    if facts.get("unjudged_classes"):
        said.append(f"The weighting knows nothing of {_some(facts['unjudged_classes'])}.")
    if facts.get("enriched"):
        dropped = ", ".join(f"{count} {reason}" for reason, count in facts["descriptions_dropped"].items())
        said.append(
            f"Described were {_some(facts['enriched'])}"
            + (f"; descriptions dropped: {dropped}" if dropped else "")
            + (
                f"; nothing useful was said of {_some(facts['descriptions_missing'])}"
                if facts["descriptions_missing"]
                else ""
            )
            + "."
        )
    never = logged.estimates.at("never_predicted", group=group_of(logged)).value
    if never:
        said.append(f"{plain_count(round(never))} of the classes that have images are never predicted.")
    return said + list(facts.get("remarks", []))


def worst_rows(logged: Logged, *, most: int) -> list[tuple[str, ...]]:
    """The worst classes, a row each with a header: accuracy, images, and what they are called instead."""
    table = measured_classes(logged)
    worst = table[table.num_images > 0].sort_values(["accuracy", "class"], kind="stable").head(most)
    columns: list[tuple[str, ...]] = []
    for row in worst.to_dict("records"):
        rival = f"{row['rival_name']} ({row['called_rival']} : {row['rival_called_it']})" if row["rival"] >= 0 else "-"
        before = (unsigned_points(row["accuracy_before"]),) if "accuracy_before" in row else ()
        also = (_percent(row["accuracy_also"]),) if "accuracy_also" in row else ()
        columns.append(
            (str(row["name"]), *before, unsigned_points(row["accuracy"]), *also, str(row["num_images"]), rival)
        )
    header = (
        "class",
        *(("before %",) if "accuracy_before" in table else ()),
        "accuracy %",
        *(("by the other labels %",) if "accuracy_also" in table else ()),
        "images",
        "called instead (it : the other way)",
    )
    return [header, *columns]


def classes_of(logged: Logged) -> pd.DataFrame:
    """The cell's table of classes; those that share a name have their number behind it."""
    table = table_of(logged, "classes.csv")
    names = table.name.where(table.shares_name_with < 0, table.name + " (" + table["class"].astype(str) + ")")
    of_class = dict(zip(table["class"], names, strict=True))
    return table.assign(name=names, rival_name=[of_class.get(one, "") for one in table.rival])


def measured_classes(logged: Logged) -> pd.DataFrame:
    """The cell's table of classes, with their accuracies before mending where there was any."""
    table = classes_of(logged)
    return table if logged.facts.get("is_mended") else table.drop(columns="accuracy_before", errors="ignore")


def table_of(logged: Logged, file: str) -> pd.DataFrame:
    """A table that the cell keeps as CSV."""
    texts = {"name": str, "rival_name": str}  # a class may be called "null", or 7
    table = pd.read_csv(io.BytesIO(logged.read(file)), keep_default_na=False, na_values=[""], dtype=texts)
    return table.fillna({name: "" for name in texts if name in table})


def group_of(logged: Logged) -> str:
    """Group of the estimates that count: after mending where there is something to mend."""
    return "after" if "is_mended" in logged.facts else ""


def pair_sentence(pairs: pd.DataFrame, names: "pd.Series[str]") -> str:
    """Whether the most confused pair is confused one way."""
    if not len(pairs):
        return "No image is called by another class's name."
    row = pairs.iloc[0]
    verdict = "more than chance gives" if row.p_holm < 0.05 else "no more than chance may give among so many pairs"
    return (
        f"Most confused are {names[row['first']]} and {names[row['second']]}: {int(row.first_as_second)} of the former "
        f"are called the latter and {int(row.second_as_first)} the other way round. That difference is {verdict} "
        f"(exact McNemar, Holm-adjusted p {p_value(float(row.p_holm))})."
    )


def _some(names: list[str]) -> str:
    shown = ", ".join(names[:_MOST_SHOWN])
    return f"{shown} and {len(names) - _MOST_SHOWN} more" if len(names) > _MOST_SHOWN else shown


def _interval(estimate: Estimate) -> str:
    return f"[{unsigned_points(estimate.low)}, {unsigned_points(estimate.high)}]"


def _points_interval(estimate: Estimate) -> str:
    return f"[{percentage_points(estimate.low)}, {percentage_points(estimate.high)}]"


def _percent(share: float) -> str:
    return "-" if share != share else unsigned_points(share)


def _aligned(rows: list[tuple[str, ...]]) -> list[str]:
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    return [
        "  " + "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]
