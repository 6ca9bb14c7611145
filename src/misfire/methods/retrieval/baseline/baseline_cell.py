"""The kind of cell that measures plain retrieval on all queries, in both directions."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, final

from typing_extensions import override

from misfire.cells import Cell, Estimate, Estimates, Lab, Logged, Outcome, Question, ReportPart, Settings
from misfire.data import Dataset
from misfire.embeddings import Encoder
from misfire.failures import FailureSet, read_failure_set
from misfire.methods.retrieval.design import HouseSchema
from misfire.methods.retrieval.prompted import check_cut_offs
from misfire.stats import StatisticsSettings

if TYPE_CHECKING:
    from misfire.cells.cell import Json

T2I, I2T = "t2i", "i2t"


@dataclass
class BaselineSchema(HouseSchema):
    """What a baseline can be configured with."""

    dataset: Any = "???"
    backbone: Any = "???"
    statistics: Any = "???"
    ks: list[int] = field(default_factory=lambda: [1, 5, 10])
    failure_set: str | None = None


@final
@dataclass(frozen=True, eq=False)
class BaselineCell(Cell):
    """Plain captions against all images, and images against all captions.

    Args:
        dataset: Images and captions.
        encoder: What embeds them.
        ks: Cut-offs of hit_at_k.
        statistics: Replicates, confidence and seed of the intervals.
        labelled: Failures of the same retrieval with labels, by which hit rates without Ambiguous captions are
            estimated; may be None.

    Raises:
        UsageError: If the cut-offs can't be, or the failure set is of other data or has no label.
    """

    dataset: Dataset
    encoder: Encoder
    ks: tuple[int, ...]
    statistics: StatisticsSettings
    labelled: FailureSet | None = None

    kind: ClassVar[str] = "baseline"
    schema: ClassVar[type] = BaselineSchema

    def __post_init__(self) -> None:
        from misfire.methods.retrieval.baseline.lenient import check_labelled

        _ = self.dataset.targets  # a dataset without captions is refused
        check_cut_offs(self.ks)
        if self.labelled is not None:
            self.labelled.check_fits(self.dataset, backbone_fingerprint=self.encoder.fingerprint)
            check_labelled(self.labelled)

    @classmethod
    @override
    def configured(cls, settings: Settings) -> "BaselineCell":
        named = settings["failure_set"]
        return cls(
            dataset=settings["dataset"],
            encoder=settings["backbone"],
            ks=tuple(settings["ks"]),
            statistics=settings["statistics"],
            labelled=None if named is None else read_failure_set(Path(named)),
        )

    @override
    def identity(self) -> "Mapping[str, Json]":
        return {
            "dataset": self.dataset.fingerprint,
            "backbone": self.encoder.fingerprint,
            "ks": list(self.ks),
            "statistics": asdict(self.statistics),
            "labelled": None if self.labelled is None else self.labelled.digest,
        }

    @override
    def label(self) -> Mapping[str, str]:
        return {
            "backbone": self.encoder.name,
            "dataset": self.dataset.name,
            "num_images": str(len(self.dataset.images)),
            "num_captions": str(len(self.dataset.captions)),
        }

    @property
    @override
    def name(self) -> str:
        return f"{self.encoder.name} · {self.dataset.name}"

    @property
    @override
    def marks(self) -> Mapping[str, str]:
        return {"backbone_fingerprint": self.encoder.fingerprint}

    @property
    @override
    def data(self) -> tuple[str, str]:
        return self.dataset.name, self.dataset.fingerprint

    @override
    def run(self, lab: Lab) -> Outcome:
        from misfire.methods.retrieval.baseline.baseline import measured_baseline
        from misfire.methods.retrieval.baseline.lenient import lenient_hit_rate
        from misfire.methods.retrieval.data_note import data_notes

        bench = lab.bench(self.dataset, self.encoder)
        records, estimates = measured_baseline(bench, ks=self.ks, statistics=self.statistics)
        if self.labelled is not None:
            strict = {k: estimates.at(f"{T2I}/hit", k=k).value for k in self.ks}
            lenient = (lenient_hit_rate(rate, self.labelled, k=k) for k, rate in strict.items())
            estimates = Estimates.of(
                [
                    *estimates,
                    *(
                        Estimate(f"{T2I}/hit", one.without_ambiguous, k=one.k, group="without_ambiguous")
                        for one in lenient
                    ),
                ]
            )
        labelled = (
            () if self.labelled is None else tuple(one.category for one in self.labelled.failures if one.category)
        )
        return Outcome(
            records=records,
            estimates=estimates,
            facts={
                "backbone": self.encoder.name,
                "dataset": self.dataset.name,
                "dataset_notes": data_notes(bench, self.ks, directions=(T2I, I2T)),
                "num_images": len(self.dataset.images),
                "num_captions": len(self.dataset.captions),
                "confidence": float(self.statistics.confidence),
                "ks": list(self.ks),
                "num_labelled": len(labelled),
                "num_ambiguous": sum(name == "Ambiguous" for name in labelled),
            },
        )

    @classmethod
    @override
    def headline(cls, estimates: Estimates, facts: Mapping[str, Any]) -> str:
        return f"t2i reciprocal rank {estimates.at(f'{T2I}/reciprocal_rank').value:.3f}"

    @classmethod
    @override
    def tell(cls, logged: Logged) -> str:
        facts = logged.facts
        return "\n".join(
            [
                f"{facts['backbone']} on {facts['dataset']}: {facts['num_images']:,} images, "
                f"{facts['num_captions']:,} captions; {facts['confidence']:.0%} intervals by image",
                *(f"  {line}" for line in (*facts["dataset_notes"], *_measures(logged), *_bounds(logged))),
            ]
        )

    @classmethod
    @override
    def report(cls, cells: Sequence[Logged], question: Question) -> ReportPart:
        from misfire.methods.retrieval.baseline.report_part import baseline_part

        return baseline_part(cells)


def _measures(logged: Logged) -> Iterator[str]:
    for direction in (T2I, I2T):
        keys = [(f"{direction}/hit", k) for k in logged.facts["ks"]]
        for metric, k in [*keys, (f"{direction}/reciprocal_rank", None), (f"{direction}/median_rank", None)]:
            row = logged.estimates.at(metric, k=k)
            yield f"{row.tracked_name:<22} {row.value:8.4f}  [{row.low:.4f}, {row.high:.4f}]"


def _bounds(logged: Logged) -> Iterator[str]:
    from misfire.methods.retrieval.baseline.ceilings import ROUNDING

    facts = logged.facts
    for k in facts["ks"]:
        ceiling, lose, win, fp32, bf16 = (
            logged.estimates.at(f"{T2I}/hit", k=k, group=group).value
            for group in ("ceiling", "if_ties_lose", "if_ties_win", "within_fp32", "within_bf16")
        )
        yield (
            f"t2i/hit_at_{k}: at most {ceiling:.4f} by the texts alone; {lose:.4f} to {win:.4f} by how ties fall; "
            f"{fp32:,.0f} hits hang on rounding in fp32, {bf16:,.0f} in bf16"
        )
    for k in facts["ks"]:
        found = logged.estimates.find(f"{I2T}/hit", k=k, group="ceiling")
        if found is not None:
            yield f"i2t/hit_at_{k}: at most {found.value:.4f} by texts that stand on other images too"
    yield (
        f"rounding: the target leads the first image beyond the cut-off by less than {ROUNDING['fp32']:.1e} (fp32) "
        f"or {ROUNDING['bf16']:.1e} (bf16)"
    )
    for k in facts["ks"]:
        lenient = logged.estimates.find(f"{T2I}/hit", k=k, group="without_ambiguous")
        if lenient is not None and not math.isnan(lenient.value):
            strict = logged.estimates.at(f"{T2I}/hit", k=k).value
            yield (
                f"without Ambiguous captions t2i/hit_at_{k} is about {lenient.value:.4f}, with them {strict:.4f} "
                f"(Ambiguous: {facts['num_ambiguous']} of {facts['num_labelled']} labelled failures)"
            )
