"""A cell's numbers under the names that the tracker keeps them by."""

import re

from misfire.methods.retrieval.ensemble.outcome import CellOutcome, CutoffOutcome

Values = dict[str, float | int | None]


def metrics(outcome: CellOutcome) -> dict[str, float]:
    """The cell's numbers under their tracked names; a quantity that is undefined (no complement) is left out.

    What each single template does is in ``cell.json`` and ``ledger.csv`` alone: it would be most of the columns.
    """
    # The UI's comparison starts from the metric that was logged first: the gain at the largest cut-off.
    cutoffs = reversed(outcome.cutoffs)
    return {key: value for cutoff in cutoffs for key, value in _metrics_at(cutoff, outcome).items()}


def _metrics_at(cutoff: CutoffOutcome, outcome: CellOutcome) -> dict[str, float]:
    name = f"t2i/hit_at_{cutoff.k}"
    values = {
        **_gain(cutoff),
        **_label_noise(cutoff),
        **_others(cutoff, outcome),
        **_placebos(cutoff),
        **_bounds(cutoff),
        **_categories(cutoff),
        **_without_ambiguous(cutoff),
        **_confirmation(cutoff),
    }
    # The UI prints every digit; four of a percentage point are plenty there, and cell.json keeps them all.
    return {
        f"{name}/{key}": round(float(value), 4) if key.endswith("_pp") else float(value)
        for key, value in values.items()
        if value is not None
    }


def _gain(cutoff: CutoffOutcome) -> Values:
    return {
        "delta_pp": 100 * cutoff.delta,
        "baseline": cutoff.baseline_hits / cutoff.subset.num_queries,
        "ensembled": cutoff.ensembled_hits / cutoff.subset.num_queries,
        "delta_mean_pp": 100 * cutoff.gain.mean,
        "delta_low_pp": 100 * cutoff.gain.low,
        "delta_high_pp": 100 * cutoff.gain.high,
        "p_positive": cutoff.gain.p_positive,
        "fixed": cutoff.subset.fixed,
        "broken": cutoff.subset.broken,
    }


def _label_noise(cutoff: CutoffOutcome) -> dict[str, float]:
    noisy = cutoff.label_noise
    if noisy is None:
        return {}
    return {"delta_noisy_low_pp": 100 * noisy.low, "delta_noisy_high_pp": 100 * noisy.high}


def _others(cutoff: CutoffOutcome, outcome: CellOutcome) -> Values:
    if not cutoff.complement.num_queries:
        return {}
    net = cutoff.net
    interval: Values = {} if net is None else {"all_net_low_pp": 100 * net.low, "all_net_high_pp": 100 * net.high}
    return {
        "complement_fixed": cutoff.complement.fixed,
        "complement_broken": cutoff.complement.broken,
        "complement_net_pp": 100 * cutoff.complement.net_fraction,
        "all_net_pp": 100 * cutoff.net_of_all(outcome.num_others),
        **interval,
    }


def _placebos(cutoff: CutoffOutcome) -> Values:
    return {
        f"placebo_{band.kind}/{key}": value
        for band in cutoff.placebos
        for key, value in {
            "mean_pp": 100 * band.mean,
            "low_pp": 100 * band.low,
            "high_pp": 100 * band.high,
            "p_at_least": band.p_at_least,
            "is_outside": float(band.is_outside),
        }.items()
    }


def _bounds(cutoff: CutoffOutcome) -> Values:
    values: Values = {"ceiling": cutoff.ceiling}
    for side, bounds in (("baseline", cutoff.baseline_bounds), ("ensembled", cutoff.ensembled_bounds)):
        if bounds is not None:
            values |= {
                f"{side}_if_ties_lose": bounds.if_ties_lose / cutoff.subset.num_queries,
                f"{side}_if_ties_win": bounds.if_ties_win / cutoff.subset.num_queries,
                f"{side}_hits_within_fp32": bounds.within_fp32,
                f"{side}_hits_within_bf16": bounds.within_bf16,
            }
    return values


def _categories(cutoff: CutoffOutcome) -> Values:
    if len(cutoff.by_category) < 2:  # one category is the subset itself
        return {}
    return {
        f"category_{_tracked(name)}/{key}": value
        for name, flips in cutoff.by_category.items()
        for key, value in {"fixed": flips.fixed, "broken": flips.broken}.items()
    }


def _without_ambiguous(cutoff: CutoffOutcome) -> Values:
    """The lenient score; its strict twin, ``ensembled`` and ``delta_pp``, is always logged."""
    lenient = cutoff.without_ambiguous
    if lenient is None or not lenient.num_queries:
        return {}
    return {
        "without_ambiguous/num_queries": lenient.num_queries,
        "without_ambiguous/ensembled": (lenient.still_right + lenient.fixed) / lenient.num_queries,
        "without_ambiguous/delta_pp": 100 * lenient.net_fraction,
    }


def _confirmation(cutoff: CutoffOutcome) -> Values:
    found = cutoff.confirmation
    if found is None:
        return {}
    values: Values = {}
    for name, gain in (("queries", found.queries), ("failures", found.failures)):
        if not gain.flips.num_queries:
            continue
        values |= {
            f"confirm_{name}/num_queries": gain.flips.num_queries,
            f"confirm_{name}/delta_pp": 100 * gain.flips.net_fraction,
            f"confirm_{name}/delta_low_pp": None if gain.low is None else 100 * gain.low,
            f"confirm_{name}/delta_high_pp": None if gain.high is None else 100 * gain.high,
        }
    return values


def _tracked(name: str) -> str:
    """A category's name in the letters that the tracker takes."""
    return re.sub(r"[^a-z0-9_.-]", "_", name.lower())
