"""Freeze a sample of top-1 failures, with annotation sheets and paired pictures."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
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
    from misfire.failures import AnnotationPlan, load_taxonomy, sheet_format, write_mining_outputs
    from misfire.methods.retrieval.failure_sets import mined_failure_set

    settings = Settings(config)
    folder = settings.root / "failures"
    taxonomy = load_taxonomy(None if config.taxonomy is None else Path(config.taxonomy))
    formats = tuple(sheet_format(name) for name in config.annotators.formats)
    failure_set, _ = mined_failure_set(
        settings.workbench,
        folder,
        num_failures=config.num_failures,
        seed=settings.seed,
        mined_share=config.mined_share,
    )
    plan = AnnotationPlan(
        annotators=_annotators(config.annotators),
        overlap=min(config.annotators.overlap, len(failure_set)),
        seed=settings.seed,
        num_backups=config.annotators.backups,
        sheet_formats=formats,
        taxonomy=taxonomy,
    )
    written = write_mining_outputs(failure_set, settings.dataset, plan, folder)
    print(f"failure set {failure_set.digest[:12]}: {failure_set.how_chosen}")
    if failure_set.label_source is not None:
        counts = Counter(failure.category for failure in failure_set.failures)
        for category, count in counts.most_common():
            print(f"  {category:<10} {count:4d}  (by {failure_set.label_source})")
    print(f"  sheets to fill in    {written.folder / 'sheets'}")
    if written.backup_sheets:
        print(f"  backup items         {written.folder / 'backups'}")
    if written.simulated_sheets:
        print(f"  simulated sheets     {written.folder / 'simulated_sheets'}")
    print(f"  paired pictures      {written.contact_sheets[0].parent} ({len(written.contact_sheets)} pages)")


def _annotators(config: "DictConfig") -> tuple[str, ...]:
    if config.names is not None:
        return tuple(map(str, config.names))
    return tuple(f"annotator_{number}" for number in range(1, config.num_annotators + 1))
