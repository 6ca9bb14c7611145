"""What a reader of a cell's page should know: its numbers, and beside each what speaks against it."""

from collections.abc import Iterator

from misfire.methods.retrieval.baseline.ceilings import ROUNDING, HitBounds
from misfire.methods.retrieval.ensemble.confirmation import ConfirmedGain
from misfire.methods.retrieval.ensemble.outcome import CellOutcome, CutoffOutcome
from misfire.methods.retrieval.flips import Flips

_UNKNOWN = "-"


def note(outcome: CellOutcome) -> str:
    """The text of a cell's page, in Markdown: the gain, what equals would show, and where it comes from."""
    last = outcome.cutoffs[-1]
    lines = [
        f"**Subset** {outcome.subset}: {outcome.how_chosen}.",
        f"**Prompts** {outcome.num_templates} templates a caption ({outcome.templates}), pooled by {outcome.pooling}.",
        "",
        *_gains(outcome),
        "",
        *_warnings(outcome),
        *_evidence(outcome),
        *_ledgers(last),
    ]
    return "\n".join(lines)


def _gains(outcome: CellOutcome) -> Iterator[str]:
    complement = outcome.cutoffs[0].complement.num_queries
    yield (
        f"| k | hits before (of {outcome.num_queries}) | hits after | gain (pp) | {outcome.confidence:.0%} interval | "
        f"equals would show | paraphrases show | fixed elsewhere (of {complement}) | broken elsewhere | "
        "all queries (pp) |"
    )
    yield "| ---: | ---: | ---: | ---: | :---: | :---: | :---: | ---: | ---: | :---: |"
    for cutoff in outcome.cutoffs:
        yield (
            f"| {cutoff.k} | {cutoff.baseline_hits} | {cutoff.ensembled_hits} | {100 * cutoff.delta:+.2f} | "
            f"{_range(cutoff.gain.low, cutoff.gain.high)} | {_band(cutoff, 'noise')} | {_band(cutoff, 'paraphrase')} | "
            f"{cutoff.complement.fixed} | {cutoff.complement.broken} | {_net(cutoff, outcome)} |"
        )


def _range(low: float, high: float) -> str:
    return f"[{100 * low:.2f}, {100 * high:.2f}]"


def _band(cutoff: CutoffOutcome, kind: str) -> str:
    band = cutoff.placebo(kind)
    if band is None:
        return _UNKNOWN
    place = "above" if band.observed > band.high else "below" if band.observed < band.low else "within"
    return f"{_range(band.low, band.high)}, gain {place}"


def _net(cutoff: CutoffOutcome, outcome: CellOutcome) -> str:
    if outcome.num_others and not cutoff.complement.num_queries:
        return _UNKNOWN
    net = f"{100 * cutoff.net_of_all(outcome.num_others):+.2f}"
    return net if cutoff.net is None else f"{net} {_range(cutoff.net.low, cutoff.net.high)}"


def _warnings(outcome: CellOutcome) -> Iterator[str]:
    if outcome.is_failure_mined:
        yield "The queries were chosen because the baseline fails on them: a gain here alone proves nothing."
    yield from (f"{outcome.dataset}: {note}" for note in outcome.dataset_notes)
    if outcome.is_oracle:
        yield "Gold labels chose the templates: an oracle, which no deployed system is."


def _evidence(outcome: CellOutcome) -> Iterator[str]:
    last = outcome.cutoffs[-1]
    yield from _label_noise(outcome)
    if last.net is not None:
        yield f"\n**All queries**: {last.net.how}."
    for band in last.placebos:
        name = "Equals" if band.kind == "noise" else "Paraphrases"
        yield f"\n**{name}**: the central {outcome.confidence:.0%} of what is shown by {band.how}."
    for cutoff in outcome.cutoffs:
        if cutoff.confirmation is not None:
            found = cutoff.confirmation
            yield (
                f"\n**Confirmed at {cutoff.k}** on {found.how_split}: {_confirmed(found.queries)} on all of them; "
                f"{_confirmed(found.failures)} on the baseline's failures among them, of any category, which were "
                "chosen by failing too."
            )
    for cutoff in outcome.cutoffs:
        if cutoff.without_ambiguous is not None:
            yield f"\n**Without Ambiguous at {cutoff.k}**: {_lenient(cutoff)}."
    for cutoff in outcome.cutoffs:
        if cutoff.baseline_bounds is not None and cutoff.ensembled_bounds is not None:
            yield (
                f"\n**Bounds at {cutoff.k}**: before, {_bounded(cutoff.baseline_bounds)}; after, "
                f"{_bounded(cutoff.ensembled_bounds)}. {_ceiling(cutoff)}"
            )
    if last.baseline_bounds is not None:
        yield (
            f"\nA hit hangs on rounding where its target leads the first image beyond the cut-off by less than "
            f"{ROUNDING['fp32']:.1e} (fp32) or {ROUNDING['bf16']:.1e} (bf16)."
        )


def _label_noise(outcome: CellOutcome) -> Iterator[str]:
    for cutoff in outcome.cutoffs:
        noisy = cutoff.label_noise
        if noisy is not None:
            yield (
                f"\n**Label noise at {cutoff.k}**: the gain's interval becomes {_range(noisy.low, noisy.high)} pp "
                f"where the doubt about labels counts too, from what annotators called {noisy.num_in_doubt} labelled "
                "queries."
            )


def _confirmed(gain: ConfirmedGain) -> str:
    if not gain.flips.num_queries:
        return "no query"
    interval = "" if gain.low is None or gain.high is None else f" {_range(gain.low, gain.high)}"
    return f"{100 * gain.flips.net_fraction:+.2f} pp{interval} (n = {gain.flips.num_queries:,})"


def _lenient(cutoff: CutoffOutcome) -> str:
    lenient, strict = cutoff.without_ambiguous, cutoff.subset
    if lenient is None or not lenient.num_queries:
        return f"every query is Ambiguous; with them {_gain(strict)}"
    return f"{_gain(lenient)}; with them {_gain(strict)}"


def _gain(flips: Flips) -> str:
    return f"{flips.still_right + flips.fixed} of {flips.num_queries} hit, {100 * flips.net_fraction:+.2f} pp"


def _bounded(bounds: HitBounds) -> str:
    return (
        f"{bounds.hits} hits ({bounds.if_ties_lose} to {bounds.if_ties_win} by how ties fall; {bounds.within_fp32} "
        f"hang on rounding in fp32, {bounds.within_bf16} in bf16)"
    )


def _ceiling(cutoff: CutoffOutcome) -> str:
    if cutoff.ceiling is None:
        return ""
    return f"Texts alone allow at most {100 * cutoff.ceiling:.2f} % in expectation."


def _ledgers(cutoff: CutoffOutcome) -> Iterator[str]:
    if len(cutoff.by_category) > 1:
        yield f"\n| category | queries | fixed at {cutoff.k} | broken | gain (pp) |"
        yield "| :--- | ---: | ---: | ---: | ---: |"
        for name, flips in cutoff.by_category.items():
            gain = f"{100 * flips.net_fraction:+.2f}"
            yield f"| {_cell(name)} | {flips.num_queries} | {flips.fixed} | {flips.broken} | {gain} |"
    if cutoff.by_template:
        yield f"\n| one template alone | fixed at {cutoff.k} | broken | fixed elsewhere | broken elsewhere |"
        yield "| :--- | ---: | ---: | ---: | ---: |"
        for one in cutoff.by_template:
            yield (
                f"| {_cell(one.template)} | {one.subset.fixed} | {one.subset.broken} | {one.complement.fixed} | "
                f"{one.complement.broken} |"
            )


def _cell(text: str) -> str:
    """A text in a cell of a Markdown table."""
    return text.replace("|", "\\|")
