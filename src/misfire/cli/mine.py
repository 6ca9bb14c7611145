"""Freeze a sample of top-1 failures, with annotation sheets and paired pictures."""

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from misfire.cli._application import run_task

if TYPE_CHECKING:
    from omegaconf import DictConfig


def run(words: Sequence[str]) -> int:
    """Mine, and write what annotators need."""
    run_task("mine", _mine, words)
    return 0


def _mine(config: "DictConfig") -> None:
    from misfire.config import Settings
    from misfire.evaluation import mined_failure_set
    from misfire.failures import AnnotationPlan, write_mining_outputs

    settings = Settings(config)
    folder = settings.root / "failures"
    failure_set, _ = mined_failure_set(settings.workbench, folder, num_failures=config.num_failures, seed=settings.seed)
    plan = AnnotationPlan(
        annotators=tuple(f"annotator_{number}" for number in range(1, config.annotators.num_annotators + 1)),
        overlap=min(config.annotators.overlap, len(failure_set)),
        seed=settings.seed,
    )
    written = write_mining_outputs(failure_set, settings.dataset, plan, folder)
    print(f"failure set {failure_set.digest[:12]}: {failure_set.how_chosen}")
    if failure_set.label_source is not None:
        counts = Counter(failure.category for failure in failure_set.failures)
        for category, count in counts.most_common():
            print(f"  {category:<10} {count:4d}  (by {failure_set.label_source})")
    print(f"  sheets to fill in    {written.folder / 'sheets'}")
    if written.simulated_sheets:
        print(f"  simulated sheets     {written.folder / 'simulated_sheets'}")
    print(f"  paired pictures      {written.contact_sheets[0].parent} ({len(written.contact_sheets)} pages)")
