"""Invented outcomes, spelled out."""

from misfire.evaluation import CellOutcome, CutoffOutcome, Flips, Gain

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
