"""The report of classification cells: what the mends did, which classes are the worst, what they are confused with."""

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

from misfire.cells import Estimate, Logged, Question, ReportPart
from misfire.core.words import (
    UNDEFINED,
    counted,
    p_value,
    percentage_points,
    plain_count,
    signed_count,
    unsigned_points,
)
from misfire.methods.classification.evaluation import AFTER, ALSO, DELTA, Judged, differences
from misfire.methods.classification.figures import (
    confusion_of_worst,
    margin_against_accuracy,
    rivals_graph,
    sorted_accuracies,
)
from misfire.methods.classification.words import (
    classes_of,
    headline,
    margin_sentences,
    measured_classes,
    mend_sentence,
    pair_sentence,
    remarks,
    table_of,
)
from misfire.reporting.section import Section
from misfire.reporting.table import Column, Entry, Source, Table
from misfire.stats import StatisticsSettings

MARGIN = "matching_margin"
_WORST_SHOWN, _PAIRS_SHOWN, _FLIPS_SHOWN = 20, 15, 20


def classification_part(cells: Sequence[Logged], question: Question) -> ReportPart:
    """Every cell in one table; of the one whose worst classes fare best, the classes themselves.

    Args:
        cells: Finished cells of the kind.
        question: What the experiment asks.
    """
    k = _cutoff(cells, question)
    best = max(cells, key=lambda cell: _value(cell, "worst", k, AFTER))
    mended = [cell for cell in cells if cell.facts["is_mended"]]
    gains = {cell.id: corrected_gains(cell, k, num_looks=len(mended)) for cell in mended}
    sources = tuple(Source(cell.id, cell.url, cell.label) for cell in cells)
    overview = _overview(cells, k, gains, sources)
    sections = [
        Section("classification", "What the mends did", sentences=_lead(best, k, gains), tables=(overview,)),
        *_class_sections(best, AFTER),
    ]
    signals = _signal_table(best)
    if signals is not None:
        sections.append(
            Section(
                "signals",
                "What tells the worst classes without labels",
                sentences=(
                    "Each signal is turned so that higher should mean more accurate. The oracle's margin reads the "
                    "labels: it is what the label-free one could be, not a method.",
                ),
                tables=(signals,),
                illustrations=(margin_against_accuracy(classes_of(best)),),
            )
        )
    return ReportPart(
        sections=tuple(sections),
        answer=_answer(best, cells, k, gains),
        decides=bool(question.decision_rule),
        about=tuple(
            (name, ", ".join(dict.fromkeys(cell.label[name] for cell in cells))) for name in ("backbone", "dataset")
        )
        + ((("mends found on", _found_on(mended)),) if mended else ()),
        sources=sources,
        method=(
            "Before is the uniform ensemble of the same templates. Mends are found without labels, and both are "
            "measured by the labels on the same images.",
            "Intervals are basic bootstrap intervals, images resampled within their classes, the same for before and "
            "after. In the decision they are widened for the number of mends (Bonferroni).",
            f"Worst@{k} chooses and measures its classes by the same images and is too low; the held-out number "
            "chooses by one half of each class's images and measures by the other.",
        ),
        deciding=Estimate("worst", 0.0, k=k, group=AFTER),
        columns=(
            Estimate("accuracy", 0.0, group=AFTER),
            *((Estimate("worst", 0.0, k=k, group=DELTA), Estimate("accuracy", 0.0, group=DELTA)) if mended else ()),
        ),
    )


def outcomes_part(cells: Sequence[Logged], question: Question) -> ReportPart:
    """The classes of other models: one table of the models, and each one's worst classes."""
    k = _cutoff(cells, question)
    sources = tuple(Source(cell.id, cell.url, cell.label) for cell in cells)
    sections = [Section("models", "The models by their classes", tables=_model_tables(cells, k, sources))]
    for cell in cells:
        sections += _class_sections(cell, "", of=cell.label["model"])
    return ReportPart(
        sections=tuple(sections),
        answer=" ".join(f"{cell.label['model']}: {headline(cell)}" for cell in cells),
        sources=sources,
        method=(
            "Intervals are basic bootstrap intervals, images resampled within their classes. Worst@k and the harmonic "
            "and geometric means are too low where accuracies are noisy; the interval is about the true number and may "
            "lie above the one that was measured.",
            f"The held-out worst@{k} chooses its classes by one half of each class's images and measures by the other.",
        ),
        deciding=Estimate("worst", 0.0, k=k),
        columns=(Estimate("accuracy", 0.0),),
    )


def _model_tables(cells: Sequence[Logged], k: int, sources: tuple[Source, ...]) -> tuple[Table, Table]:
    """Every model by each of its label sets, a row each: first all its numbers at one cut-off, then all cut-offs."""
    rated = [
        (cell, group)
        for cell in cells
        for group in ("", ALSO)
        if cell.estimates.find("accuracy", group=group) is not None
    ]
    cutoffs = sorted({one.k for cell in cells for one in cell.estimates if one.metric == "worst" and one.k})
    metrics = [
        ("accuracy", None),
        ("worst", k),
        ("worst_held_out", k),
        ("harmonic_mean", None),
        ("geometric_mean", None),
    ]
    at_all = [("worst", cutoff) for cutoff in cutoffs]

    def of(found: Logged, group: str) -> tuple[Entry, Entry]:
        return _text(found.label["model"]), _text("second set" if group else "given")

    def columns(asked: Sequence[tuple[str, int | None]]) -> tuple[Column, ...]:
        told = [Estimate(metric, 0.0, k=cutoff) for metric, cutoff in asked]
        names = (Column(name, (name,), is_number=False) for name in ("model", "labels"))
        return (*names, *(_column(one) for one in told))

    def rows(asked: Sequence[tuple[str, int | None]]) -> Iterator[tuple[Entry, ...]]:
        for cell, group in rated:
            yield (*of(cell, group), *(_entry(cell.estimates.find(one, k=cut, group=group)) for one, cut in asked))

    same = [
        f"{cell.label['model']} {100 * one.value:.2f} %"
        for cell in cells
        if (one := cell.estimates.find("worst_also", k=k)) is not None
    ]
    return (
        Table(
            name="models",
            title=f"{counted(len(cells), 'model')} by their classes.",
            columns=columns(metrics),
            rows=tuple(rows(metrics)),
            note=(
                f"What the {k} worst classes by the given labels have by the second set: {', '.join(same)}. Far higher "
                "values say that the labels are to blame."
                if same
                else f"The held-out worst@{k} chooses by one half of each class's images and measures by the other."
            ),
            sources=sources,
        ),
        Table(
            name="worst_at_k",
            title="Mean accuracy of the k worst classes.",
            columns=columns(at_all),
            rows=tuple(rows(at_all)),
            note="Chosen and measured by the same images, so the lower k the more too low.",
            sources=sources,
        ),
    )


def corrected_gains(cell: Logged, k: int, *, num_looks: int) -> dict[str, Estimate]:
    """The changes of Worst@k and accuracy with intervals that hold for all of ``num_looks`` mends at once."""
    statistics = cell.identity["statistics"]
    settings = StatisticsSettings(
        num_replicates=int(statistics["num_replicates"]),
        confidence=1 - (1 - float(statistics["confidence"])) / max(1, num_looks),
        seed=int(statistics["seed"]),
    )
    records, names = cell.records, list(cell.identity["names"])
    labels = records.label.to_numpy()
    before, after = (Judged(names, labels, records[side].to_numpy()) for side in ("before", "after"))
    found = differences(before, after, cutoffs=(k,), settings=settings)
    return {one.metric: one for one in found}


def mends(gains: dict[str, Estimate]) -> bool:
    """Whether a mend raises Worst@k, and lowers accuracy by no more than its interval leaves open."""
    return gains["worst"].low > 0 and gains["accuracy"].high >= 0


def _found_on(mended: Sequence[Logged]) -> str:
    """Where mends were found, of all cells that have one."""
    where = {True: "the images that are measured", False: "other images"}
    return (
        " or ".join(dict.fromkeys(where[bool(cell.facts["is_transductive"])] for cell in mended)) + ", without labels"
    )


def _lead(best: Logged, k: int, gains: dict[str, dict[str, Estimate]]) -> tuple[str, ...]:
    said = [f"The worst classes fare best under {best.name}. {headline(best)}"]
    if best.facts["is_mended"]:
        verdict = "holds" if mends(gains[best.id]) else "doesn't hold"
        worst = gains[best.id]["worst"]
        said.append(
            f"Corrected for {counted(len(gains), 'mend')}, the interval of the "
            f"change of worst@{k} is [{percentage_points(worst.low)}, {percentage_points(worst.high)}] pp; that it "
            f"mends {verdict}."
        )
    return (*said, *margin_sentences(best), *remarks(best))


def _answer(best: Logged, cells: Sequence[Logged], k: int, gains: dict[str, dict[str, Estimate]]) -> str:
    if not gains:
        return f"{_margin_answer(cells)} {best.name}: {headline(best)}".strip()
    holding = [cell for cell in cells if cell.id in gains and mends(gains[cell.id])]
    if not holding:
        return (
            f"None of {plain_count(len(gains))} mends raises worst@{k} beyond its corrected interval without lowering "
            f"accuracy beyond it. The largest worst@{k} is that of {best.name}. {headline(best)}"
        )
    winner = max(holding, key=lambda cell: gains[cell.id]["worst"].value)
    verb = "raises" if len(holding) == 1 else "raise"
    return (
        f"{plain_count(len(holding))} of {counted(len(gains), 'mend')} {verb} worst@{k} beyond the corrected interval "
        f"without lowering accuracy beyond it. The largest change is that of {winner.name}. {mend_sentence(winner)}"
    )


def finds_worst(cell: Logged) -> bool | None:
    """Whether the label-free margin tells which classes are the worst; None where too few have one.

    It does where the interval of its Spearman correlation with class accuracy lies above 0, and it names more of the k
    worst classes than chance.
    """
    k = int(cell.facts["headline_k"])
    correlation = cell.estimates.find("spearman", group=MARGIN)
    overlap = cell.estimates.find("overlap", k=k, group=MARGIN)
    if correlation is None or overlap is None:
        return None
    return bool(correlation.low > 0 and overlap.value > k / int(cell.facts["num_classes"]))


def _margin_answer(cells: Sequence[Logged]) -> str:
    """How well the margin found the worst classes, over the cells that can tell."""
    verdicts = {cell.id: finds_worst(cell) for cell in cells}
    known = [cell for cell in cells if verdicts[cell.id] is not None]
    if not known:
        return ""
    k, num_found = int(known[0].facts["headline_k"]), sum(bool(verdicts[cell.id]) for cell in known)
    told = [cell.estimates.at("spearman", group=MARGIN) for cell in known]
    overlaps = [round(cell.estimates.at("overlap", k=k, group=MARGIN).value * k) for cell in known]
    worst = min(told, key=lambda one: one.value)
    return (
        f"By its matching margin, without labels, the worst classes are found in {plain_count(num_found)} of "
        f"{counted(len(known), 'cell')}: Spearman correlation with accuracy at "
        f"least {worst.value:.2f} [{worst.low:.2f}, {worst.high:.2f}], {min(overlaps)} to {max(overlaps)} of the {k} "
        "worst named."
    )


def _overview(
    cells: Sequence[Logged], k: int, gains: dict[str, dict[str, Estimate]], sources: tuple[Source, ...]
) -> Table:
    labels = [name for name in cells[0].label if len({cell.label.get(name) for cell in cells}) > 1] or ["weighting"]
    metrics = [
        Estimate("worst", 0.0, k=k, group=DELTA),
        Estimate("accuracy", 0.0, group=DELTA),
        Estimate("worst", 0.0, k=k, group=AFTER),
        Estimate("accuracy", 0.0, group=AFTER),
        Estimate("worst_held_out", 0.0, k=k, group=AFTER),
        Estimate("harmonic_mean", 0.0, group=AFTER),
        Estimate("never_predicted", 0.0, group=AFTER, unit="count"),
        Estimate("images_fixed", 0.0, unit="count"),
        Estimate("images_broken", 0.0, unit="count"),
    ]
    return Table(
        name="mends",
        title=f"Classifiers by their worst classes: {plain_count(len(cells))}.",
        columns=(
            *(Column(name, (name,), is_number=False) for name in labels),
            Column("mends", ("mends",), is_number=False),
            *(_column(one) for one in metrics),
        ),
        rows=tuple(
            (
                *(Entry(cell.label.get(name, ""), (cell.label.get(name),)) for name in labels),
                _verdict(gains.get(cell.id)),
                *(_entry(cell.estimates.find(one.metric, k=one.k, group=one.group)) for one in metrics),
            )
            for cell in cells
        ),
        note=(
            "Changes (Δ) are against the uniform ensemble of the same templates on the same images. A mend counts "
            f"where the interval of the change of worst@{k}, corrected for all mends, lies above 0 and that of "
            "accuracy doesn't lie below 0."
        ),
        sources=sources,
    )


def _verdict(gains: dict[str, Estimate] | None) -> Entry:
    if gains is None:
        return Entry("-", (None,))
    return Entry("yes" if mends(gains) else "no", (mends(gains),))


def _class_sections(cell: Logged, group: str, *, of: str = "") -> list[Section]:
    table = measured_classes(cell)
    suffix = f" · {of}" if of else ""
    anchor = f"_{cell.id[:8]}" if of else ""
    predicted = "after" if group else "prediction"
    pairs = table_of(cell, "pairs.csv")
    names = table.set_index("class").name
    figures = [
        sorted_accuracies(table),
        rivals_graph(table),
        confusion_of_worst(table, cell.records, predicted=predicted),
    ]
    source = (Source(cell.id, cell.url, cell.label),)
    sections = [
        Section(
            f"worst_classes{anchor}",
            f"The worst classes{suffix}",
            sentences=tuple(remarks(cell)),
            tables=(_worst_table(table, source, anchor),),
            illustrations=tuple(figures),
        ),
        Section(
            f"rivals{anchor}",
            f"What is confused with what{suffix}",
            sentences=(pair_sentence(pairs, names),),
            tables=(_pair_table(pairs, names, source, anchor),),
        ),
    ]
    if cell.facts.get("is_mended"):
        flips = table_of(cell, "class_flips.csv")
        sections.append(
            Section(
                f"flips{anchor}",
                f"What mending gave and took{suffix}",
                sentences=(mend_sentence(cell),),
                tables=(_flip_table(flips, names, source, anchor),),
            )
        )
    if anchor:
        for section in sections:
            for figure in section.illustrations:
                object.__setattr__(figure, "name", f"{figure.name}{anchor}")
    return sections


def _worst_table(table: pd.DataFrame, source: tuple[Source, ...], anchor: str) -> Table:
    worst = table[table.num_images > 0].sort_values(["accuracy", "class"], kind="stable").head(_WORST_SHOWN)
    optional = {
        "before %": "accuracy_before",
        "by the other labels %": "accuracy_also",
        "worst elsewhere": "worst_in_others",
        "margin": "margin",
    }
    shown = {header: column for header, column in optional.items() if column in table}
    rows = []
    for row in worst.to_dict("records"):
        interval = f"[{unsigned_points(row['low'])}, {unsigned_points(row['high'])}]"
        rows.append(
            (
                _text(row["name"]),
                Entry(f"{unsigned_points(row['accuracy'])} {interval}", (row["accuracy"], row["low"], row["high"])),
                *(_number(row[column], column) for column in shown.values()),
                Entry(str(row["num_images"]), (row["num_images"],)),
                _text(row["rival_name"]),
                Entry(str(row["called_rival"]), (row["called_rival"],)),
                Entry(str(row["rival_called_it"]), (row["rival_called_it"],)),
            )
        )
    return Table(
        name=f"worst_classes{anchor}",
        title=f"The {len(rows)} classes of the lowest accuracy.",
        columns=(
            Column("class", ("class",), is_number=False),
            Column("accuracy %", ("accuracy", "low", "high")),
            *(Column(header, (column,)) for header, column in shown.items()),
            Column("images", ("num_images",)),
            Column("rival", ("rival",), is_number=False),
            Column("called it", ("called_rival",)),
            Column("the other way", ("rival_called_it",)),
        ),
        rows=tuple(rows),
        note="Intervals are Wilson's, of each class by itself: the lowest of many are partly low by chance.",
        sources=source,
    )


def _pair_table(pairs: pd.DataFrame, names: "pd.Series[str]", source: tuple[Source, ...], anchor: str) -> Table:
    rows = tuple(
        (
            _text(names[row["first"]]),
            _text(names[row["second"]]),
            Entry(str(row["first_as_second"]), (row["first_as_second"],)),
            Entry(str(row["second_as_first"]), (row["second_as_first"],)),
            Entry(p_value(row["p_exact"]), (row["p_exact"],)),
            Entry(p_value(row["p_holm"]), (row["p_holm"],)),
        )
        for row in pairs.head(_PAIRS_SHOWN).to_dict("records")
    )
    return Table(
        name=f"confused_pairs{anchor}",
        title=f"The {len(rows)} most confused pairs of classes.",
        columns=(
            Column("A", ("first",), is_number=False),
            Column("B", ("second",), is_number=False),
            Column("A called B", ("first_as_second",)),
            Column("B called A", ("second_as_first",)),
            Column("p", ("p_exact",)),
            Column("p (Holm)", ("p_holm",)),
        ),
        rows=rows,
        note="p is of the exact McNemar test that both ways are equally likely; Holm's counts every confused pair.",
        sources=source,
    )


def _flip_table(flips: pd.DataFrame, names: "pd.Series[str]", source: tuple[Source, ...], anchor: str) -> Table:
    flips = flips.assign(net=flips.fixed - flips.broken)
    flips["class"] = np.arange(len(flips))
    moved = flips[(flips.fixed + flips.broken) > 0]
    order = moved.reindex(moved.net.abs().sort_values(ascending=False, kind="stable").index).head(_FLIPS_SHOWN)
    rows = []
    for row in order.sort_values("net", ascending=False, kind="stable").to_dict("records"):
        by = f"{names[row['taken_by']]} ({row['num_taken_by']})" if row["taken_by"] >= 0 else "-"
        of = f"{names[row['taken_from']]} ({row['num_taken_from']})" if row["taken_from"] >= 0 else "-"
        rows.append(
            (
                _text(names[row["class"]]),
                Entry(str(row["fixed"]), (row["fixed"],)),
                Entry(str(row["broken"]), (row["broken"],)),
                Entry(signed_count(int(row["net"])), (row["net"],)),
                _number(row["p_holm"], "p"),
                Entry(of, (row["taken_from"], row["num_taken_from"])),
                Entry(by, (row["taken_by"], row["num_taken_by"])),
            )
        )
    return Table(
        name=f"class_flips{anchor}",
        title=f"The {len(rows)} classes that mending changed most.",
        columns=(
            Column("class", ("class",), is_number=False),
            Column("fixed", ("fixed",)),
            Column("broken", ("broken",)),
            Column("net", ("net",)),
            Column("p (Holm)", ("p_holm",)),
            Column("took right images of", ("taken_from", "num_taken_from"), is_number=False),
            Column("lost most to", ("taken_by", "num_taken_by"), is_number=False),
        ),
        rows=tuple(rows),
        note="A mended class is never shown without what it took: images of other classes that had been called right.",
        sources=source,
    )


def _signal_table(cell: Logged) -> Table | None:
    signals = [row.group for row in cell.estimates if row.metric == "spearman"]
    if not signals:
        return None
    k = int(cell.facts["headline_k"])
    rows = []
    for signal in signals:
        overlap = cell.estimates.at("overlap", k=k, group=signal)
        both = [cell.estimates.at(metric, group=signal) for metric in ("spearman", "kendall")]
        rows.append(
            (
                _text(signal.replace("_", " ")),
                *(_correlation(one) for one in both),
                Entry(f"{round(overlap.value * k)} of {k}", (overlap.value,)),
                Entry(str(both[0].n), (both[0].n,)),
            )
        )
    return Table(
        name="signals",
        title="Rank correlation of each signal with class accuracy before mending.",
        columns=(
            Column("signal", ("signal",), is_number=False),
            Column("Spearman", ("spearman", "spearman_low", "spearman_high")),
            Column("Kendall", ("kendall", "kendall_low", "kendall_high")),
            Column(f"of the {k} worst", ("overlap",)),
            Column("classes", ("num_classes",)),
        ),
        rows=tuple(rows),
        note="A class is the unit of the intervals; classes of which a signal knows nothing are left out.",
        sources=(Source(cell.id, cell.url, cell.label),),
    )


def _cutoff(cells: Sequence[Logged], question: Question) -> int:
    """The question's cut-off where every cell has it, else the cells' own."""
    own = min(int(cell.facts["headline_k"]) for cell in cells)
    group = AFTER if "is_mended" in cells[0].facts else ""
    has = question.k is not None and all(cell.estimates.find("worst", k=question.k, group=group) for cell in cells)
    return int(question.k) if has and question.k is not None else own


def _value(cell: Logged, metric: str, k: int, group: str) -> float:
    return cell.estimates.at(metric, k=k, group=group).value


def _column(one: Estimate) -> Column:
    name = {"worst_held_out": "held-out worst", "images_fixed": "fixed", "images_broken": "broken"}.get(one.metric)
    at_k = (name or one.metric.replace("_", " ")) + (f"@{one.k}" if one.k is not None else "")
    header = f"Δ {at_k} pp" if one.group == DELTA else at_k if one.unit == "count" else f"{at_k} %"
    return Column(header, (one.tracked_name, f"{one.tracked_name}_low", f"{one.tracked_name}_high"))


def _entry(found: Estimate | None) -> Entry:
    """An estimate in the unit that its column's header names, fractions in percent to four digits."""
    if found is None or found.value != found.value:
        return Entry(UNDEFINED, (None, None, None))
    if found.unit == "count":
        text = plain_count(round(found.value))
    else:
        shown = percentage_points if found.unit == "difference" else "{:.2f}".format
        scale = 1 if found.unit == "difference" else 100
        has_interval = found.low == found.low and found.high == found.high
        text = shown(scale * found.value)
        text += f" [{shown(scale * found.low)}, {shown(scale * found.high)}]" if has_interval else ""
    return Entry(text, (_raw(found.value), _raw(found.low), _raw(found.high)))


def _correlation(found: Estimate) -> Entry:
    value = (_raw(found.value), _raw(found.low), _raw(found.high))
    if found.value != found.value:
        return Entry(UNDEFINED, value)
    return Entry(f"{found.value:.2f} [{found.low:.2f}, {found.high:.2f}]", value)


def _raw(value: float) -> float | None:
    return None if value != value else value


def _text(value: object) -> Entry:
    return Entry(str(value), (str(value),))


def _number(value: float, column: str) -> Entry:
    if value != value:
        return Entry(UNDEFINED, (None,))
    if column == "p":
        return Entry(p_value(value), (value,))
    if column == "worst_in_others":
        return Entry(str(int(value)), (int(value),))
    return Entry(f"{value:.3f}" if column == "margin" else unsigned_points(value), (value,))
