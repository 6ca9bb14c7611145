"""The tables of a study: what the winner is worth, the front, and every trial."""

from collections.abc import Sequence

from misfire.core.words import (
    UNDEFINED,
    interval_percent,
    percent,
    percentage_points,
    plain_count,
    probability,
    signed_count,
)
from misfire.methods.retrieval.search.honesty import Verdict
from misfire.methods.retrieval.search.objective import Objective
from misfire.methods.retrieval.search.trial_row import TrialRow
from misfire.reporting.table import Column, Entry, Table


def verdict_table(verdict: Verdict) -> Table:
    """The winner where it was chosen and where it was not."""
    k = verdict.k
    columns = (
        Column("Queries", ("side",), is_number=False),
        Column("n", ("num_queries",)),
        Column("Base", (f"baseline_hits_at_{k}",), group=f"R@{k}"),
        Column("Imp.", (f"ensembled_hits_at_{k}",), group=f"R@{k}"),
        Column("Δ", (f"delta_hit_at_{k}",), group=f"R@{k}"),
        Column("Interval", (f"low_at_{k}", f"high_at_{k}"), group=f"R@{k}"),
        Column("p", ("p",)),
        Column("n", ("complement_num_queries",), group="elsewhere"),
        Column("Fixed", ("complement_fixed",), group="elsewhere"),
        Column("Broken", ("complement_broken",), group="elsewhere"),
        Column("Net", ("complement_net",), group="elsewhere"),
    )
    sides = (
        ("dev, chosen here", verdict.dev.num_queries, verdict.on_dev, verdict.p_selected),
        ("test, held back", verdict.test.num_queries, verdict.on_test, verdict.p_test),
    )
    rows = []
    for name, total, cutoff, p_value in sides:
        others = cutoff.complement
        asked = others.num_queries > 0
        counts = (others.fixed, others.broken, others.net) if asked else (None, None, None)
        texts = (
            (plain_count(others.fixed), plain_count(others.broken), signed_count(others.net))
            if asked
            else (UNDEFINED,) * 3
        )
        rows.append(
            (
                Entry(name, (name,)),
                Entry(plain_count(total), (total,)),
                Entry(percent(cutoff.baseline_hits, total), (cutoff.baseline_hits,)),
                Entry(percent(cutoff.ensembled_hits, total), (cutoff.ensembled_hits,)),
                Entry(percentage_points(cutoff.delta), (cutoff.delta,)),
                Entry(interval_percent(cutoff.gain.low, cutoff.gain.high), (cutoff.gain.low, cutoff.gain.high)),
                Entry(probability(p_value), (p_value,)),
                Entry(plain_count(others.num_queries), (others.num_queries,)),
                *(Entry(text, (count,)) for text, count in zip(texts, counts, strict=True)),
            )
        )
    return Table(
        name="verdict",
        title="The winner on the queries that chose it, and on those that didn't.",
        columns=columns,
        rows=tuple(rows),
        note=(
            f"The p-value on dev is adjusted for {verdict.num_settings} settings by max-T, the captions of an image "
            f"swapped together (unadjusted: {probability(verdict.p_unadjusted)}); on test it is McNemar's exact one. "
            f"Optimism, the gain on dev less that on test: {percentage_points(verdict.optimism)} pp. The gallery is "
            "all images on either side."
        ),
    )


def trials_table(trials: Sequence[TrialRow], objectives: Sequence[Objective], *, front_only: bool = False) -> Table:
    """Every trial in order, or those that no other beats, best first.

    Args:
        trials: Trials; of one that was cut short the bound is shown, as such.
        objectives: What their values are.
        front_only: Whether to keep to the front, equal values once.
    """
    kept = list(trials)
    if front_only:
        first = {trial.values: trial for trial in reversed(kept) if trial.is_on_front}
        kept = sorted(first.values(), key=lambda trial: trial.values, reverse=True)
    columns = (
        Column("Trial", ("trial",)),
        Column("Setting", ("setting",), is_number=False),
        *(Column(objective.title, (objective.name,)) for objective in objectives),
        Column("", ("is_on_front", "is_winner", "is_pruned"), is_number=False),
        Column("Cell", ("cell_id",), is_number=False, is_printed=False),
    )
    rows = tuple(
        (
            Entry(str(trial.number), (trial.number,)),
            Entry(trial.label, (trial.label,)),
            *(
                Entry(_value(value, objective, trial), (value,))
                for value, objective in zip(trial.values, objectives, strict=True)
            ),
            Entry(_mark(trial), (trial.is_on_front, trial.is_winner, trial.is_pruned)),
            Entry(trial.cell_id, (trial.cell_id,)),
        )
        for trial in kept
    )
    num_pruned = sum(trial.is_pruned for trial in kept)
    note = "All numbers are of dev queries." + (_how_pruned(num_pruned, len(kept)) if num_pruned else "")
    return Table(
        name="front" if front_only else "trials",
        title="What is gained and what it costs: trials that no other beats." if front_only else "Every trial.",
        columns=columns,
        rows=rows,
        note=f"{note} Of trials with equal values the first is shown." if front_only else note,
    )


def _value(value: float, objective: Objective, trial: TrialRow) -> str:
    limit = ("≤ " if objective.is_maximised else "≥ ") if trial.is_pruned else ""
    return f"{limit}{value:z.2f}"


def _how_pruned(num_pruned: int, num_trials: int) -> str:
    return (
        f" {num_pruned} of {num_trials} trials were cut short: ≤ and ≥ are the best that they may be, which another "
        "trial beats whatever the queries that weren't asked would have said. Their subset was asked whole, and counts "
        "in the adjusted p-value."
    )


def _mark(trial: TrialRow) -> str:
    return "pruned" if trial.is_pruned else "winner" if trial.is_winner else "front" if trial.is_on_front else ""
