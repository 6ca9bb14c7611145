"""The page of multi-label runs: do negative prompts hurt, and when does looking alone do as well?"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from misfire.cells import Logged, Question, ReportPart
from misfire.cells.part import plain_part
from misfire.core.words import interval_percent, listed, p_value, percentage_points, plain_count
from misfire.methods.multilabel.comparing import (
    NAMES,
    Comparison,
    Contender,
    Crossing,
    Point,
    comparisons,
    contenders,
    worth_their_parameters,
)
from misfire.methods.multilabel.evaluation import Bounded, Difference, bounded, difference, mean_of
from misfire.methods.multilabel.figures import class_gains, fraction_curves, parameter_plane, similarity_histogram
from misfire.methods.multilabel.replicates import AP, MAP
from misfire.reporting.conclusion import Conclusion, Statement
from misfire.reporting.figure import Illustration
from misfire.reporting.section import Section
from misfire.reporting.table import Column, Entry, Source, Table

WITH, WITHOUT, LOOKING = "dual_coop", "positive_coop", "vision_only"


def recognition_part(cells: Sequence[Logged], question: Question) -> ReportPart:
    """Sections of all groups of runs, and the answer of the largest.

    Args:
        cells: Finished runs, at least one.
        question: What the experiment asks.
    """
    found = comparisons(cells)
    if not found:
        return plain_part("multilabel", cells)
    sections = [
        section for number, one in enumerate(found) for section in _sections(one, number, is_alone=len(found) == 1)
    ]
    together = list(dict.fromkeys(one.measured_on for one in found))
    costs = [[one for one in found if one.measured_on == which] for which in together]
    cost = [_cost_section(group, number) for number, group in enumerate(costs)]
    main, first = found[0], next(cell for cell in cells if cell.estimates.find("parameters") is not None)
    effect = main.between(WITH, WITHOUT)
    parts = [Statement("Do negative prompts hurt?", answer_of(main))]
    if len(costs[0]) > 1:  # own and shared contexts, say: then what they cost was asked
        parts.insert(0, Statement("What is worth its parameters?", cost_in_words(costs[0])))
        sections = [*cost, *sections]
    else:
        sections += cost
    answer = " ".join(part.text for part in parts)
    return ReportPart(
        sections=tuple(sections),
        answer=answer,
        decides=effect is not None,
        conclusion=None if effect is None else _conclusion(main, effect, parts),
        about=(("model", main.backbone), ("data", f"{main.data}, {plain_count(main.num_images)} test images")),
        sources=tuple(Source(cell.id, cell.url, dict(cell.label)) for cell in cells),
        method=_method(main),
        deciding=first.estimates.at(MAP),
        columns=(first.estimates.at(MAP, group="gain_over_zero_shot"), first.estimates.at("parameters")),
    )


def answer_of(found: Comparison) -> str:
    """Do negative prompts hurt, with a number and an interval; and from where on the vision-only baseline is ahead."""
    sentences = []
    effect = found.between(WITH, WITHOUT)
    if effect is not None:
        sentences.append(negative_prompts(effect.mean, fractions=found.shared_fractions(WITH, WITHOUT)))
        level = 1 - found.confidence
        names = [name for name, p in zip(found.classes, effect.adjusted, strict=True) if p < level]
        sentences.append(
            f"In {len(names)} of {len(found.classes)} classes the difference is significant by Holm's rule."
        )
        changes = found.by_run(WITH, WITHOUT)
        if len(changes) > len(found.shared_fractions(WITH, WITHOUT)):  # several seeds
            below = sum(change < 0 for change in changes)
            sentences.append(
                f"By fraction and seed it lies between {percentage_points(min(changes))} and "
                f"{percentage_points(max(changes))} points, below 0 in {below} of {len(changes)} pairs of runs."
            )
    turn = found.crossing(LOOKING, WITH)
    if turn is not None:
        sentences.append(overtaking(turn))
    if not sentences:
        best = max(found.points, key=lambda point: float(point.bootstrap.value.mean()))
        ends = bounded(0.0, mean_of(best.bootstrap.replicates), confidence=found.confidence)
        sentences.append(
            f"{NAMES[best.method]} reaches {100 * float(best.bootstrap.value.mean()):.1f} % mAP "
            f"{interval_percent(ends.low, ends.high)}; whether negative prompts hurt needs runs of DualCoOp and "
            "PositiveCoOp at the same fractions."
        )
    return " ".join(sentences)


def negative_prompts(change: Bounded, *, fractions: Sequence[float]) -> str:
    """What a negative prompt does instead of an embedding learned in feature space, in one sentence.

    Args:
        change: DualCoOp less PositiveCoOp in mean average precision.
        fractions: At which fractions of known labels, averaged.

    Example:
        >>> negative_prompts(Bounded(-0.05, -0.07, -0.03), fractions=[0.1, 0.9])[:20]
        'Negative prompts hur'
    """
    verdict = "hurt" if change.high < 0 else "help" if change.low > 0 else "make no difference that can be told"
    ends = [f"{100 * one:.0f}" for one in (min(fractions), max(fractions))]
    where = f"averaged over {ends[0]} to {ends[1]} %" if len(fractions) > 1 else f"at {ends[0]} %"
    return (
        f"Negative prompts {verdict}: with them mAP changes by {percentage_points(change.value)} points "
        f"[{percentage_points(change.low)}, {percentage_points(change.high)}] against negative embeddings that no text "
        f"tower has seen, {where} of known labels."
    )


def overtaking(turn: Crossing) -> str:
    """From which share of known labels on the vision-only baseline beats DualCoOp, in one sentence."""
    if turn.is_above_everywhere:
        return "The vision-only baseline is ahead of DualCoOp at every fraction that was run."
    if turn.is_below_everywhere:
        return "The vision-only baseline stays behind DualCoOp at every fraction that was run."
    if not np.isfinite(turn.fraction):
        return "The vision-only baseline is ahead of DualCoOp at some fractions and not at the largest."
    return (
        f"The vision-only baseline overtakes DualCoOp at {100 * turn.fraction:.0f} % of known labels "
        f"{interval_percent(turn.low, turn.high)} (the interval holds for the {100 * turn.share_crossing:.0f} % of "
        "resamples in which it does)."
    )


def _sections(found: Comparison, number: int, *, is_alone: bool) -> list[Section]:
    suffix = "" if number == 0 else f"_{number + 1}"
    which = f" ({found.variant})" if found.variant and not is_alone else ""
    curves: list[Illustration] = []
    if len({point.fraction for point in found.points if np.isfinite(point.fraction)}) > 1:
        curves.append(fraction_curves(found))
    sections = [
        Section(
            f"multilabel{suffix}",
            f"Accuracy on {found.data}{which}",
            sentences=(answer_of(found),) if number else (),
            tables=(_accuracy_table(found, suffix),),
            illustrations=_numbered(curves, suffix),
        ),
    ]
    effect = found.between(WITH, WITHOUT)
    if effect is not None:
        sections.append(
            Section(
                f"multilabel_classes{suffix}",
                f"Class by class{which}",
                tables=(_class_table(found, effect, suffix),),
                illustrations=_numbered([class_gains(found, effect, WITH, WITHOUT)], suffix),
            )
        )
    histogram = similarity_histogram(found)
    if histogram is not None:
        sections.append(
            Section(
                f"multilabel_similarity{suffix}",
                f"Presence against absence{which}",
                illustrations=_numbered([histogram], suffix),
            )
        )
    return sections


def _numbered(drawn: Sequence[Illustration], suffix: str) -> tuple[Illustration, ...]:
    """Figures under names of their own: those of another group of runs would take their place."""
    return tuple(replace(one, name=f"{one.name}{suffix}") for one in drawn)


def _accuracy_table(found: Comparison, suffix: str) -> Table:
    return Table(
        name=f"multilabel_accuracy{suffix}",
        title="Mean average precision on the test images, in percent.",
        columns=(
            Column("method", ("method",), is_number=False),
            Column("known labels (%)", ("fraction",)),
            Column("mAP", ("map", "map_low", "map_high")),
            Column("over zero-shot (points)", ("gain", "gain_low", "gain_high")),
            Column("seeds", ("num_seeds", "seed_spread")),
            Column("chosen on test would add", ("oracle_choice",)),
        ),
        rows=tuple(_accuracy_row(point, found) for point in found.points),
        note=(
            f"In brackets {found.confidence:.0%} bootstrap intervals over images. Zero-shot: "
            f"{100 * found.floor.value:.1f} {interval_percent(found.floor.low, found.floor.high)}. The last column is "
            "what choosing the epoch by the test images would have added; nothing here was chosen so."
        ),
        sources=_sources(found),
    )


def _accuracy_row(point: Point, found: Comparison) -> tuple[Entry, ...]:
    value = float(point.bootstrap.value.mean())
    ends = bounded(value, mean_of(point.bootstrap.replicates), confidence=found.confidence)
    gains = [cell.estimates.at(MAP, group="gain_over_zero_shot") for cell in point.cells]
    gain, low, high = (float(np.mean([getattr(one, key) for one in gains])) for key in ("value", "low", "high"))
    added = float(
        np.mean(
            [cell.estimates.at(f"{MAP}_oracle_choice", group="added_by_choosing_on_test").value for cell in point.cells]
        )
    )
    spread = float(np.std(point.seeds, ddof=1)) if len(point.seeds) > 1 else None
    told = "1" if spread is None else f"{len(point.seeds)} (sd {100 * spread:.2f})"
    return (
        Entry(NAMES[point.method], (point.method,)),
        Entry("mask" if np.isnan(point.fraction) else f"{100 * point.fraction:.0f}", (_raw(point.fraction),)),
        Entry(f"{100 * value:.1f} {interval_percent(ends.low, ends.high)}", (value, ends.low, ends.high)),
        Entry(f"{percentage_points(gain)} [{percentage_points(low)}, {percentage_points(high)}]", (gain, low, high)),
        Entry(told, (len(point.seeds), spread)),
        Entry(percentage_points(added), (added,)),
    )


def _cost_section(found: Sequence[Comparison], number: int) -> Section:
    suffix = "" if number == 0 else f"_{number + 1}"
    entries = contenders(found)
    return Section(
        f"multilabel_cost{suffix}",
        "What it costs",
        sentences=(cost_in_words(found),) if len(found) == 1 or number else (),  # else it is in the answer
        tables=(_cost_table(found, entries, suffix),),
        illustrations=_numbered([parameter_plane(entries, confidence=found[0].confidence)], suffix),
    )


def cost_in_words(found: Sequence[Comparison]) -> str:
    """Which methods are worth their parameters, by how much the best is ahead, and what sharing contexts changes."""
    entries, confidence = contenders(found), found[0].confidence
    worth = [
        f"{one.name} ({plain_count(round(one.parameters))} parameters, {100 * one.value:.1f} % mAP)"
        for one in worth_their_parameters(entries)
    ]
    sentences = [f"Worth the parameters, since nothing that learns as few is more accurate: {listed(worth)}."]
    best, *others = sorted(entries, key=lambda one: -one.value)
    if others:
        lead = difference(best.bootstrap, others[0].bootstrap, confidence=confidence).mean
        sentences.append(
            f"The best, {best.name}, is ahead of the next, {others[0].name} with "
            f"{plain_count(round(others[0].parameters))} parameters, by {_in_points(lead)} points."
        )
    for method in dict.fromkeys(one.method for one in entries):
        large, *fewer = sorted((one for one in entries if one.method == method), key=lambda one: -one.parameters)
        for small in fewer:
            change = difference(small.bootstrap, large.bootstrap, confidence=confidence).mean
            sentences.append(
                f"With {small.variant} in place of {large.variant} {NAMES[method]} learns "
                f"{large.parameters / small.parameters:.1f} times fewer numbers, and its mAP changes by "
                f"{_in_points(change)} points."
            )
    return " ".join(sentences)


def _in_points(change: Bounded) -> str:
    return f"{percentage_points(change.value)} [{percentage_points(change.low)}, {percentage_points(change.high)}]"


def _cost_table(found: Sequence[Comparison], entries: Sequence[Contender], suffix: str) -> Table:
    rows = []
    for one in entries:
        ends = bounded(0.0, mean_of(one.bootstrap.replicates), confidence=found[0].confidence)
        rows.append(
            (
                Entry(one.name, (one.method, one.variant)),
                Entry(plain_count(round(one.parameters)), (one.parameters,)),
                Entry(f"{one.seconds:.1f}", (one.seconds,)),
                Entry(f"{one.epochs:.0f}", (one.epochs,)),
                Entry(
                    f"{100 * one.value:.1f} {interval_percent(ends.low, ends.high)}", (one.value, ends.low, ends.high)
                ),
            )
        )
    return Table(
        name=f"multilabel_cost{suffix}",
        title="What each method learns and takes, averaged over the fractions that all have.",
        columns=(
            Column("method", ("method", "variant"), is_number=False),
            Column("parameters", ("parameters",)),
            Column("training (s)", ("training_seconds",)),
            Column("epochs", ("epochs",)),
            Column("mean mAP", ("map", "map_low", "map_high")),
        ),
        rows=tuple(rows),
        note=(
            "Times are those of the machine that trained, on stored features, with what else ran there beside. In "
            f"brackets {found[0].confidence:.0%} bootstrap intervals over images."
        ),
        sources=tuple(source for one in found for source in _sources(one)),
    )


def _class_table(found: Comparison, effect: Difference, suffix: str) -> Table:
    rows = [
        (
            Entry(name, (name,)),
            Entry(
                f"{percentage_points(one.value)} [{percentage_points(one.low)}, {percentage_points(one.high)}]",
                (one.value, one.low, one.high),
            ),
            Entry(p_value(p), (float(p),)),
            Entry(p_value(adjusted), (float(adjusted),)),
        )
        for name, one, p, adjusted in zip(
            found.classes, effect.per_class, effect.p_values, effect.adjusted, strict=True
        )
    ]
    return Table(
        name=f"multilabel_classes{suffix}",
        title=f"{NAMES[WITH]} less {NAMES[WITHOUT]}: average precision of each class.",
        columns=(
            Column("class", ("class",), is_number=False),
            Column("difference (points)", (AP, f"{AP}_low", f"{AP}_high")),
            Column("p", ("p",)),
            Column("p by Holm", ("p_holm",)),
        ),
        rows=tuple(rows),
        note="From resamples of the same images for both; averaged over the fractions that both have.",
        sources=_sources(found),
    )


def _conclusion(found: Comparison, effect: Difference, parts: Sequence[Statement]) -> Conclusion:
    is_clear = effect.mean.high < 0 or effect.mean.low > 0
    return Conclusion(
        parts=tuple(parts),
        may=(
            "That this holds for images such as these, this frozen model and these training settings."
            if is_clear
            else "That the two differ by no more than the interval says, on images such as these."
        ),
        may_not=(
            "That it holds for another model or dataset: the interval is over test images, and only the runs' seeds "
            "stand for training anew. Nor why: whether captions with negations would change it needs a model that was "
            "trained on them, as the guide tells of one for the world."
        ),
        verdict=negative_prompts(effect.mean, fractions=found.shared_fractions(WITH, WITHOUT)),
    )


def _method(found: Comparison) -> tuple[str, ...]:
    return (
        "Average precision isn't interpolated; images that share a score are retrieved together.",
        "The epoch is chosen by the known labels of a part of the training images, never by test images.",
        f"Intervals are percentiles of resamples of the {plain_count(found.num_images)} test images, the same "
        "resamples for every run, so that differences are paired; runs of several seeds are averaged first. An image "
        "that a resample holds twice stands beside itself in the ranking, which raises average precision a little: "
        "intervals of one method lie somewhat high, those of differences don't.",
    )


def _sources(found: Comparison) -> tuple[Source, ...]:
    return tuple(Source(cell.id, cell.url, dict(cell.label)) for point in found.points for cell in point.cells)


def _raw(value: float) -> float | None:
    return None if np.isnan(value) else value
