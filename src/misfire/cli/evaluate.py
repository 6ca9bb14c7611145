"""Measure plain retrieval on all queries, both directions."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from misfire.cli._application import run_task

if TYPE_CHECKING:
    from omegaconf import DictConfig

    from misfire.failures import FailureSet


def run(words: Sequence[str]) -> int:
    """Evaluate, log and print."""
    run_task("evaluate", _evaluate, words)
    return 0


def _evaluate(config: "DictConfig") -> None:
    from misfire.cli._baseline import measured_baseline, measured_bounds
    from misfire.cli._design import failure_set_of
    from misfire.config import Settings

    settings = Settings(config)
    # A failure set that doesn't fit is refused before anything is measured.
    failure_set = None if config.failure_set is None else failure_set_of(settings)
    table = measured_baseline(settings)
    bench = settings.workbench
    print(f"{bench.encoder.name} on {bench.dataset.name}: {len(bench.dataset.images):,} images, ", end="")
    print(f"{len(bench.dataset.captions):,} captions; {settings.statistics.confidence:.0%} intervals by image")
    for note in bench.dataset.notes:
        print(f"  {note}")
    for name, (estimate, low, high) in table.items():
        print(f"  {name:<22} {estimate:8.4f}  [{low:.4f}, {high:.4f}]")
    for line in _bounds(measured_bounds(settings)):
        print(f"  {line}")
    if failure_set is not None:
        for line in _without_ambiguous({k: table[f"t2i/hit_at_{k}"][0] for k in settings.ks}, failure_set):
            print(f"  {line}")


def _bounds(bounds: Mapping[int, Mapping[str, float]]) -> Iterator[str]:
    from misfire.methods.retrieval.baseline.ceilings import ROUNDING

    for k, found in bounds.items():
        yield (
            f"t2i/hit_at_{k}: at most {found['ceiling']:.4f} by the texts alone; {found['if_ties_lose']:.4f} to "
            f"{found['if_ties_win']:.4f} by how ties fall; {found['within_fp32']:,.0f} hits hang on rounding in fp32, "
            f"{found['within_bf16']:,.0f} in bf16"
        )
    if bounds:
        yield (
            f"rounding: the target leads the first image beyond the cut-off by less than {ROUNDING['fp32']:.1e} (fp32) "
            f"or {ROUNDING['bf16']:.1e} (bf16)"
        )


def _without_ambiguous(strict: Mapping[int, float], failure_set: "FailureSet") -> Iterator[str]:
    from misfire.methods.retrieval.baseline.lenient import lenient_hit_rate

    for k, rate in strict.items():
        found = lenient_hit_rate(rate, failure_set, k=k)
        yield (
            f"without Ambiguous captions t2i/hit_at_{k} is about {found.without_ambiguous:.4f}, with them "
            f"{found.strict:.4f} (Ambiguous: {found.num_ambiguous} of {found.num_labelled} labelled failures)"
        )
