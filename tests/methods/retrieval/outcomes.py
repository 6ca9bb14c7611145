"""Invented outcomes, spelled out."""

from dataclasses import replace

from misfire.methods.retrieval.baseline.ceilings import HitBounds
from misfire.methods.retrieval.ensemble.confirmation import Confirmation, ConfirmedGain
from misfire.methods.retrieval.ensemble.ledger import NetChange, TemplateFlips
from misfire.methods.retrieval.ensemble.outcome import CellOutcome, CutoffOutcome, Gain
from misfire.methods.retrieval.ensemble.placebo import PlaceboBand
from misfire.methods.retrieval.flips import Flips

_SUBSET = Flips(fixed=3, broken=1, still_right=2, still_wrong=4)
_OTHERS = Flips(fixed=2, broken=2, still_right=10, still_wrong=6)


def cutoff(
    k: int = 5,
    *,
    subset: Flips = _SUBSET,
    others: Flips = _OTHERS,
    low: float = 0.05,
) -> CutoffOutcome:
    return CutoffOutcome(k=k, subset=subset, gain=Gain(0.2, low, 0.4, 0.9), complement=others)


def outcome(*cutoffs: CutoffOutcome, **changed: object) -> CellOutcome:
    content: dict[str, object] = {
        "cell_id": "a" * 64,
        "subset": "object",
        "how_chosen": "by hand",
        "is_failure_mined": True,
        "templates": "matched",
        "num_templates": 10,
        "is_oracle": True,
        "pooling": "logmeanexp",
        "tau": 1.0,
        "backbone": "tiny",
        "backbone_fingerprint": "b" * 64,
        "dataset": "invented",
        "dataset_fingerprint": "c" * 64,
        "num_others": 90,
        "confidence": 0.95,
        "failure_counts": {"Object": 10, "Action": 5},
        "cutoffs": cutoffs or tuple(cutoff(k) for k in (1, 5, 10)),
    }
    return CellOutcome(**{**content, **changed})  # type: ignore[arg-type]


def with_evidence(k: int) -> CutoffOutcome:
    """A cut-off with everything that speaks for and against its gain."""
    flips = Flips(3, 1, 2, 4)
    return replace(
        cutoff(k),
        net=NetChange(0.01, -0.02, 0.04, "two strata"),
        by_category={"Object": Flips(1, 0, 1, 2), "Ambiguous": Flips(2, 1, 1, 2)},
        by_template=(TemplateFlips("a photo of {caption}", flips, Flips(1, 2, 10, 7)),),
        placebos=(
            PlaceboBand("noise", 0.2, 0.1, 0.0, 0.19, 0.02, "flips"),
            PlaceboBand("paraphrase", 0.2, 0.1, 0.0, 0.3, 0.02, "wrappers"),
        ),
        baseline_bounds=HitBounds(3, 2, 4, 0, 1),
        ensembled_bounds=HitBounds(5, 5, 5, 0, 0),
        ceiling=0.98,
        without_ambiguous=Flips(1, 0, 1, 2),
        confirmation=Confirmation(ConfirmedGain(flips, 0.0, 0.3), ConfirmedGain(flips, None, None), "halves"),
    )
