"""An oracle gap and an attribution with round numbers."""

from misfire.methods.retrieval.attribution.outcome import AttributionCutoff, Share, TemplateAttribution, TemplateShare
from misfire.methods.retrieval.ensemble.ledger import NetChange
from misfire.methods.retrieval.flips import Flips
from misfire.methods.retrieval.gap.outcome import GapCutoff, GapSystem, OracleGap


def _system(kind: str, router: str, fixed: int, broken: int, estimate: float) -> GapSystem:
    return GapSystem(
        kind=kind,
        router=router,
        is_oracle=kind == "oracle",
        share_applied=0.25,
        num_right=7 if kind == "predicted" else None,
        cutoffs=(
            GapCutoff(
                k=5,
                failures=Flips(fixed, 1, 4, 15 - fixed),
                others=Flips(0, broken, 100 - broken, 0),
                net=NetChange(estimate, estimate - 0.01, estimate + 0.01, "by hand"),
                behind_oracle=NetChange(0.03 - estimate, 0.02 - estimate, 0.04 - estimate, "by hand"),
            ),
        ),
    )


GAP = OracleGap(
    gap_id="a" * 64,
    backbone="clip",
    backbone_fingerprint="b",
    dataset="world",
    dataset_fingerprint="c",
    pooling="mean",
    how_chosen="uniform sample",
    label_source="annotators",
    gold={"object": 12, "ambiguous": 8},
    num_routable=12,
    num_failures=400,
    num_hits=600,
    num_others=100,
    gate="is open now and then",
    confidence=0.95,
    ks=(5,),
    systems=(
        _system("none", "", 0, 0, 0.0),
        _system("same for all", "", 2, 5, -0.02),
        _system("oracle", "", 3, 0, 0.03),
        _system("predicted", "zero-shot", 3, 2, 0.015),
        _system("gated", "zero-shot", 2, 1, 0.005),
    ),
)


def _share(template: str, value: float, p_adjusted: float) -> TemplateShare:
    share = Share(value, value - 0.01, value + 0.01)
    return TemplateShare(template, share, Share(0.0, 0.0, 0.0), {"Object": share, "Count": share}, p_adjusted)


ATTRIBUTION = TemplateAttribution(
    attribution_id="d" * 64,
    subset="object_count",
    how_chosen="by hand",
    is_failure_mined=True,
    templates="matched",
    is_oracle=True,
    pooling="logmeanexp tau=1",
    backbone="clip",
    dataset="world",
    dataset_fingerprint="c",
    num_queries=50,
    num_coalitions=4,
    num_orders=0,
    confidence=0.95,
    category_sizes={"Object": 30, "Count": 20},
    cutoffs=(
        AttributionCutoff(
            k=5,
            num_fixed_less_broken=0,
            order_error=0.0,
            shares=(_share("{caption}", -0.02, 0.7), _share("see {caption}", 0.02, 0.7)),
        ),
        AttributionCutoff(
            k=10,
            num_fixed_less_broken=2,
            order_error=0.0,
            shares=(_share("{caption}", -0.01, 0.8), _share("see {caption}", 0.05, 0.01)),
        ),
    ),
)
