"""An audit of published counts: a table, a paragraph and a page."""

import math
from collections.abc import Sequence
from pathlib import Path

from misfire.core.files import write_text
from misfire.core.words import (
    UNDEFINED,
    counted,
    interval_percent,
    p_value,
    percentage_points,
    plain_count,
    probability,
    signed,
    unsigned_points,
)
from misfire.methods.retrieval.audit.support import AuditedCounts, Split, Support
from misfire.methods.retrieval.percentiles import PERCENTILES_ARE_SHORT, leaves_out_zero_alone
from misfire.reporting.abstract import Abstract
from misfire.reporting.conclusion import Conclusion, Statement
from misfire.reporting.page import PrintedSection, render_page
from misfire.reporting.section import Section
from misfire.reporting.table import Column, Entry, Table, to_csv, to_markdown

_METHOD = (
    "Hits before and after fix the difference of fixed and broken queries, not how many there were of each.",
    "The best case has as few flips as make the difference; the worst case has as many as the hits allow. McNemar's "
    "exact p-value of any split lies between the two.",
    "P(Δ>0) and the percentile interval are those of the exact bootstrap distribution, without simulation.",
    "Holm's correction counts every comparison of the file. Where comparisons share queries it is cautious; the less "
    "cautious max-T needs to know which queries flipped.",
)


def audit_table(audited: Sequence[AuditedCounts]) -> Table:
    """Each comparison at both ends of what its counts allow.

    Args:
        audited: At least one.
    """
    return Table(
        name="audit",
        title=f"What {counted(len(audited), 'comparison')} of published counts support.",
        columns=(
            Column("Comparison", ("label",), is_number=False),
            Column("n", ("num_queries",)),
            Column("Before", ("baseline_hits",), group="Hits"),
            Column("After", ("ensembled_hits",), group="Hits"),
            Column("Δ (pp)", ("gain",)),
            Column("is", ("support",), is_number=False),
            *(column for name in ("best", "worst") for column in _split_columns(name)),
            Column("Shows from (pp)", ("detectable_gain", "least_gain"), group="Power"),
        ),
        rows=tuple(_row(one) for one in audited),
        note=(
            "Shown or not is said after correction. In the best case the smaller number of flips is 0; in the worst "
            "as many queries flipped as the hits allow. p is McNemar's exact one, p all is Holm's for all comparisons "
            "of the file, the interval is the 95 % score interval of the gain. The gain from which on so many queries "
            "show one in 4 of 5 tries assumes that nothing breaks."
        ),
    )


def audit_conclusion(audited: Sequence[AuditedCounts], *, is_failure_mined: bool) -> Conclusion:
    """What the counts support, in plain words.

    Args:
        audited: At least one.
        is_failure_mined: Whether the queries were chosen because the baseline fails on them.
    """
    total = len(audited)
    by = {support: [one for one in audited if one.support is support] for support in Support}
    strongest = min(audited, key=lambda one: (one.best.p_exact, one.worst.p_exact))
    sizes = sorted({one.counts.num_queries for one in audited})
    size = plain_count(sizes[0]) if len(sizes) == 1 else f"{plain_count(sizes[0])} to {plain_count(sizes[-1])}"
    sentences = [
        f"The file holds {counted(total, 'comparison')} on {size} queries. Hits before and after don't tell how "
        "many queries "
        f"were "
        "fixed and how many broken, only the difference; so each is judged twice, as if nothing beyond it had flipped, "
        "and as if as many had flipped as the hits allow.",
        _strongest(strongest, total),
        *_percentiles(strongest),
        _reach(min(audited, key=lambda one: one.counts.num_queries)),
    ]
    if is_failure_mined:
        sentences.append(
            "The queries were picked because the baseline fails on them. There, any other system seems to gain, equal "
            "ones too, and no number of queries mends that: it takes the loss on the other queries."
        )
    shown, open_ = len(by[Support.SHOWN]), len(by[Support.OPEN])
    return Conclusion(
        (Statement("", " ".join(sentences)),),
        _may(shown, open_, audited),
        _may_not(shown, open_, total, is_failure_mined),
    )


def write_audit(
    audited: Sequence[AuditedCounts], destination: Path, *, source: str, is_failure_mined: bool
) -> list[Path]:
    """Write ``audit.md``, ``audit.csv`` and ``audit.html``; the same bytes for the same input.

    Args:
        audited: At least one.
        destination: The folder, made if need be.
        source: Name of the file that was audited.
        is_failure_mined: Whether the queries were chosen because the baseline fails on them.

    Returns:
        The files written, the page first.
    """
    table, conclusion = audit_table(audited), audit_conclusion(audited, is_failure_mined=is_failure_mined)
    abstract = Abstract(
        title=f"Audit of {source}",
        question="What do these published counts support, if nobody says which queries flipped?",
        decision_rule=(
            "A difference is shown if McNemar's exact test, corrected by Holm for all comparisons of the file, is "
            f"significant at {audited[0].alpha:g} for every split of the flips that the hits allow."
        ),
        answer=conclusion.may,
    )
    text = "\n\n".join(
        [
            f"# {abstract.title}",
            conclusion.paragraph,
            f"**May be concluded.** {conclusion.may}",
            f"**May not.** {conclusion.may_not}",
            to_markdown(table).strip(),
            "\n".join(f"- {sentence}" for sentence in _METHOD),
        ]
    )
    files = {
        "audit.html": render_page(
            abstract,
            [PrintedSection(Section("audit", "The comparisons", tables=(table,)))],
            conclusion=conclusion,
            method=_METHOD,
        ),
        "audit.md": text + "\n",
        "audit.csv": to_csv(table),
    }
    for name, content in files.items():
        write_text(destination / name, content)
    return [destination / name for name in files]


def _strongest(one: AuditedCounts, total: int) -> str:
    counts, best, worst = one.counts, one.best, one.worst
    corrected = (
        f". Corrected for all {total} comparisons, {p_value(best.p_adjusted)} to {p_value(worst.p_adjusted)}"
        if total > 1
        else ""
    )
    return (
        f"The strongest ({counts.label}) goes from {counts.baseline_hits} to {counts.ensembled_hits} hits of "
        f"{plain_count(counts.num_queries)}. With as few flips as possible ({best.fixed} fixed, {best.broken} broken) "
        f"the chance that luck alone makes equal systems differ this much is {p_value(best.p_exact)}; with as many as "
        f"possible ({worst.fixed} fixed, {worst.broken} broken) it is {p_value(worst.p_exact)}{corrected}."
    )


def _reach(one: AuditedCounts) -> str:
    number = plain_count(one.counts.num_queries)
    if math.isnan(one.least_gain):
        return f"The smallest set, {number} queries, can show no gain at all, however large."
    usually = (
        ""
        if math.isnan(one.detectable_gain)
        else f", and a true gain of {unsigned_points(one.detectable_gain)} to do so in 4 of 5 tries"
    )
    return (
        f"The smallest set, {number} queries, takes an observed gain of {unsigned_points(one.least_gain)} points to "
        f"show one by itself, without any correction{usually}."
    )


def _percentiles(one: AuditedCounts) -> list[str]:
    """What a reader of the published bootstrap must be told: percentiles and the exact test may disagree."""
    split = next((s for s in (one.best, one.worst) if leaves_out_zero_alone(s.p_exact, *s.percentile)), None)
    if split is None:
        return []
    return [f"With {split.fixed} fixed and {split.broken} broken, {PERCENTILES_ARE_SHORT.format(*_ends(split))}"]


def _ends(split: Split) -> tuple[str, str, str]:
    return signed(split.percentile[0]), signed(split.percentile[1]), p_value(split.p_exact)


def _may(shown: int, open_: int, audited: Sequence[AuditedCounts]) -> str:
    total = len(audited)
    if shown == total:
        return "Every difference is shown, however the flips split." if total > 1 else "The difference is shown."
    said = (
        f"{shown} of {counted(total, 'comparison')} {'shows' if shown == 1 else 'show'} a difference however the flips "
        "split"
    )
    if not shown:
        who = f"None of {counted(total, 'comparison')} shows a" if total > 1 else "The comparison shows no"
        said = f"{who} difference that luck couldn't make"
        said += ", whatever the split of the flips" if not open_ else " for every split of the flips"
    said += f"; {open_} may, depending on which queries flipped" if open_ else ""
    return f"{said}. {_still_possible(audited)}".strip()


def _still_possible(audited: Sequence[AuditedCounts]) -> str:
    """How large the differences that aren't shown may be: that none was shown is no proof that there is none."""
    open_ = [one for one in audited if one.support is not Support.SHOWN]
    ends = [end for one in open_ for split in (one.best, one.worst) for end in split.score]
    who = (
        "the true one may"
        if len(audited) == 1
        else "each of the others may"
        if len(open_) < len(audited)
        else "each may"
    )
    if len(open_) == 1 < len(audited):
        who = "the true one of the other may"
    return f"That isn't equality: {who} be anything from {signed(min(ends))} to {signed(max(ends))} points."


def _may_not(shown: int, open_: int, total: int, is_failure_mined: bool) -> str:
    said = []
    if shown + open_ < total:
        what = "the other differences are" if shown + open_ else "the differences are" if total > 1 else "it is"
        said.append(f"that {what} more than luck, or that the systems are equal")
    if open_:
        said.append("anything of those that depend on the split, before their per-query results are published")
    if shown and is_failure_mined:
        said.append("that a shown gain is an improvement, as its queries were picked by the baseline's failing")
    joined = "; ".join(said) or "that the difference carries over to other data"
    return joined[0].upper() + joined[1:] + "."


def _split_columns(name: str) -> tuple[Column, ...]:
    group = f"{name.capitalize()} case"
    return (
        Column("+ / -", (f"{name}_fixed", f"{name}_broken"), group=group, is_number=False),
        Column("p", (f"{name}_p_exact",), group=group),
        Column("p all", (f"{name}_p_adjusted",), group=group),
        Column("Interval", tuple(f"{name}_{end}" for end in _ENDS), group=group),
        Column("P(Δ>0)", (f"{name}_p_positive",), group=group),
    )


_ENDS = ("score_low", "score_high", "percentile_low", "percentile_high")


def _row(one: AuditedCounts) -> tuple[Entry, ...]:
    counts, detectable, least = one.counts, one.detectable_gain, one.least_gain
    return (
        Entry(counts.label, (counts.label,)),
        Entry(plain_count(counts.num_queries), (counts.num_queries,)),
        Entry(plain_count(counts.baseline_hits), (counts.baseline_hits,)),
        Entry(plain_count(counts.ensembled_hits), (counts.ensembled_hits,)),
        Entry(percentage_points(counts.gain), (counts.gain,)),
        Entry(one.support.value, (one.support.value,)),
        *_split(one.best),
        *_split(one.worst),
        Entry(
            UNDEFINED if math.isnan(detectable) else unsigned_points(detectable),
            (None if math.isnan(detectable) else detectable, None if math.isnan(least) else least),
        ),
    )


def _split(split: Split) -> tuple[Entry, ...]:
    return (
        Entry(f"{split.fixed} / {split.broken}", (split.fixed, split.broken)),
        Entry(p_value(split.p_exact), (split.p_exact,)),
        Entry(p_value(split.p_adjusted), (split.p_adjusted,)),
        Entry(
            interval_percent(*split.score),
            (*split.score, *split.percentile),
            f"bootstrap percentiles {interval_percent(*split.percentile)}",
        ),
        Entry(probability(split.p_positive), (split.p_positive,)),
    )
