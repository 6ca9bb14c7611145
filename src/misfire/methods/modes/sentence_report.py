"""What methods that name sentences have to say: one scorecard, the sentences of each method, whom to trust for what."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, final

import numpy as np
import pandas as pd

from misfire.cells import Estimate, ReportPart, in_words
from misfire.core.words import UNDEFINED, p_value, percentage_points, plain_count
from misfire.methods.modes.mode_gallery import modes_in_pictures
from misfire.methods.modes.sensitivity import sensitivity
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


@final
@dataclass(frozen=True)
class _Wish:
    """Something that a reader may want of a method, and the number that says who gives it."""

    wanted: str
    metric: str
    means: str
    k: int | None = None
    is_maximised: bool = True


_WISHES = (
    _Wish("modes that also fail on images they weren't found on", "drop", "mean drop"),
    _Wish("modes to act on without a check of one's own", "confirmed", "modes beyond chance on other images"),
    _Wish(
        "silence where there is nothing to find",
        "false_discovery",
        "modes confirmed with shuffled outcomes, to one with the true ones",
        is_maximised=False,
    ),
    _Wish("failures gathered in few images", "excess", "share of the failures in modes less share of the images"),
    _Wish("the same modes from other images", "stability_halves", "Jaccard index of modes over half-samples"),
    _Wish("images of one true context together", "p", "P@10 of contexts", k=10),
    _Wish("sentences that are true of failures", "ahr", "sentences that describe a failure (AHR)"),
    _Wish("a list of all that goes wrong", "ji", "Jaccard index with the failure-describing sentences"),
    _Wish("sentences that fit their images and no others", "description_auroc", "area under the ROC curve"),
    _Wish("an answer at once", "seconds", "seconds for the search", is_maximised=False),
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
    trusted = whom_to_trust(cells)
    told_first = [one.sentence for one in trusted] if len(cells) > 1 else _alone(cells[0])
    card = Section(
        "modes_scorecard",
        "Which method to trust for what",
        sentences=() if trusted else tuple(told_first),
        tables=(
            *((trust_table(trusted, sources),) if trusted else ()),
            *([] if (means := seeds_table(cells, sources)) is None else [means]),
            scorecard_table(cells, sources),
        ),
    )
    each = Section(
        "modes_sentences",
        "What each method says",
        tables=(sentences_table(cells, sources),),
    )
    drawn = sensitivity(cells)
    settings = [] if drawn is None else [Section("modes_sensitivity", "What it hangs on", illustrations=(drawn,))]
    best = max(cells, key=lambda cell: _or_least(cell.estimates.find("drop")))
    return ReportPart(
        sections=(
            card,
            *settings,
            each,
            *modes_in_pictures(cells, question, {cell.id: _name(cell, cells) for cell in cells}),
        ),
        answer=" ".join(told_first[:3]),
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
        title=f"Scorecard of {_counted(cells)}.",
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


def seeds_table(cells: "Sequence[Logged]", sources: tuple[Source, ...]) -> Table | None:
    """A row a method that was run with several seeds: means and standard deviations; None where there is none."""
    repeated = {name: own for name, own in _over_seeds(cells).items() if len(own) > 1}
    if not repeated:
        return None
    shown = [one for one in _COLUMNS if all(_known(own, *one[:3]) for own in repeated.values())]
    return Table(
        name="modes_over_seeds",
        title="Scorecard over seeds: mean \u00b1 standard deviation.",
        columns=(
            Column("method", ("method",), is_number=False),
            Column("seeds", ("num_seeds",)),
            *(
                Column(header, (tracked, f"{tracked}/deviation"))
                for metric, k, group, header in shown
                for tracked in (Estimate(metric, 0.0, k=k, group=group).tracked_name,)
            ),
        ),
        rows=tuple(
            (
                Entry(name, (name,)),
                Entry(plain_count(len(own)), (len(own),)),
                *(_spread(_known(own, metric, k, group)) for metric, k, group, _ in shown),
            )
            for name, own in repeated.items()
        ),
        note="The standard deviation is a sample's: of one run, not of the mean.",
        sources=sources,
    )


def _spread(found: "Sequence[Estimate]") -> Entry:
    mean, values = _mean(found), [one.value for one in found if one.value == one.value]
    if len(values) < len(found) or len(values) < 2:
        return Entry(in_words(mean), (_or_none(mean.value), None))
    deviation = float(np.std(values, ddof=1))
    said = {"difference": f"{100 * deviation:.2f}", "count": f"{deviation:.1f}"}.get(mean.unit, f"{deviation:.4f}")
    return Entry(f"{in_words(mean)} \u00b1 {said}", (mean.value, deviation))


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


@final
@dataclass(frozen=True)
class _Trusted:
    """Who gives what is wished, with the number, and the next best method with its own; all equal ones together."""

    wish: _Wish
    best: tuple[str, ...]
    value: Estimate
    next_best: tuple[str, ...]
    next_value: Estimate | None

    @property
    def sentence(self) -> str:
        """In plain words, with the numbers behind them."""
        other = f"; next {_listed(self.next_best)} with {in_words(self.next_value)}" if self.next_value else ""
        return f"For {self.wish.wanted} trust {_listed(self.best)}: {self.wish.means} {in_words(self.value)}{other}."


def whom_to_trust(cells: "Sequence[Logged]") -> list[_Trusted]:
    """For each wish that two methods can be compared by, who is best at it, by the mean over seeds.

    A method of whose modes none is beyond chance on other images isn't trusted for its drop, however large.
    """
    found = []
    methods = _over_seeds(cells)
    for wish in _WISHES:
        known: dict[str, Estimate] = {}
        for name, own in methods.items():
            values = [one for one in (_wished(cell, wish) for cell in own) if one is not None]
            if len(values) == len(own) and (mean := _mean(values)).value == mean.value:
                known[name] = mean
        if len(known) < 2:
            continue
        ordered = sorted(known, key=lambda name: -known[name].value if wish.is_maximised else known[name].value)
        best = tuple(name for name in ordered if known[name].value == known[ordered[0]].value)
        others = [name for name in ordered if name not in best]
        next_best = tuple(name for name in others if known[name].value == known[others[0]].value)
        found.append(
            _Trusted(wish, best, known[ordered[0]], next_best, known[others[0]] if others else None),
        )
    return found


def _wished(cell: "Logged", wish: _Wish) -> Estimate | None:
    estimates = cell.estimates
    if wish.metric == "excess":
        coverage, share, number = (estimates.find(one) for one in ("coverage", "share", "num_modes"))
        if coverage is None or share is None or number is None or not number.value:
            return None
        return Estimate("excess", coverage.value - share.value, unit="difference")
    if wish.metric == "drop":
        confirmed = estimates.find("confirmed")
        if confirmed is None or not confirmed.value > 0:
            return None
    return estimates.find(wish.metric, k=wish.k)


def trust_table(trusted: Sequence[_Trusted], sources: tuple[Source, ...]) -> Table:
    """A row a wish: which method to trust, by which number, and the next best."""
    rows = []
    for one in trusted:
        best, other = _listed(one.best), _listed(one.next_best)
        rows.append(
            (
                Entry(one.wish.wanted, (one.wish.wanted,)),
                Entry(best, (best,)),
                Entry(in_words(one.value), (one.value.value,)),
                Entry(other or UNDEFINED, (other or None,)),
                _entry(one.next_value),
            )
        )
    return Table(
        name="modes_trust",
        title="Which method to trust for what.",
        columns=(
            Column("for", ("wanted",), is_number=False),
            Column("trust", ("trusted",), is_number=False),
            Column("its number", ("value",)),
            Column("next best", ("next_best",), is_number=False),
            Column("its number", ("next_value",)),
        ),
        rows=tuple(rows),
        note=(
            f"The numbers, row by row: {'; '.join(one.wish.means for one in trusted)}. By the scorecard below, on "
            "these images and this model; methods of equal numbers stand together. For its drop a method is trusted "
            "only if one of its modes at least is beyond chance on other images."
        ),
        sources=sources,
    )


def _alone(cell: "Logged") -> list[str]:
    number = int(cell.records["is_confirmed"].sum())
    return [
        f"{cell.label['method']} finds {plain_count(len(cell.records))} modes, {number} of which the model fails on in "
        "other images beyond chance.",
        *cell.facts["remarks"],
    ]


def _listed(names: Sequence[str]) -> str:
    if len(names) < 2:
        return "".join(names)
    return f"{', '.join(names[:-1])} and {names[-1]}"


def _name(cell: "Logged", cells: "Sequence[Logged]", *, but: str = "method") -> str:
    """The method, with what else tells it from another cell of the same method."""
    same = [one for one in cells if one.label["method"] == cell.label["method"]]
    keys = [key for key in cell.label if key not in ("method", but)]
    differing = [key for key in keys if len({one.label.get(key) for one in same}) > 1]
    return " ".join([cell.label["method"], *(f"{key}={cell.label[key]}" for key in differing)])


def _over_seeds(cells: "Sequence[Logged]") -> "dict[str, list[Logged]]":
    """The cells of each method and its settings, whatever their seed."""
    found: dict[str, list[Logged]] = {}
    for cell in cells:
        found.setdefault(_name(cell, cells, but="seed"), []).append(cell)
    return found


def _counted(cells: "Sequence[Logged]") -> str:
    """How many methods there are, and whether they saw the same images."""
    number = len({cell.label["method"] for cell in cells})
    methods = f"{plain_count(number)} method{'s' if number > 1 else ''}"
    if len({cell.identity["images"] for cell in cells}) > 1:
        return f"{methods}, {plain_count(len(cells))} runs on several sets of images"
    runs = "" if number == len(cells) else f", {plain_count(len(cells))} runs"
    return f"{methods}{runs} on the same images"


def _known(cells: "Sequence[Logged]", metric: str, k: int | None, group: str) -> list[Estimate]:
    """What the cells that have it say of one number."""
    found = [cell.estimates.find(metric, k=k, group=group) for cell in cells]
    return [one for one in found if one is not None]


def _mean(found: Sequence[Estimate]) -> Estimate:
    """The mean over seeds of what is defined; one alone as it is."""
    values = [one.value for one in found if one.value == one.value]
    return found[0] if len(found) == 1 or not values else replace(found[0], value=float(np.mean(values)))


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
