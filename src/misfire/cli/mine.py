"""Freeze a sample of top-1 failures, with annotation sheets and paired pictures."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any


def run(words: Sequence[str]) -> int:
    """Mine, and write what annotators need."""
    from misfire.config import Settings

    settings = Settings.of_words("mine", words)

    from misfire.failures import AnnotationPlan, load_taxonomy, sheet_format, write_mining_outputs
    from misfire.methods.retrieval.failure_sets import mined_failure_set

    folder, annotators = settings.root / "failures", settings["annotators"]
    taxonomy = load_taxonomy(None if settings["taxonomy"] is None else Path(settings["taxonomy"]))
    formats = tuple(sheet_format(name) for name in annotators["formats"])
    # Refused here, what can't be planned leaves nothing behind.
    AnnotationPlan(annotators=_names(annotators), sheet_formats=formats, taxonomy=taxonomy)
    bench = settings.bench
    failure_set, _ = mined_failure_set(
        bench,
        folder,
        num_failures=settings["num_failures"],
        seed=settings["seed"],
        mined_share=settings["mined_share"],
    )
    plan = AnnotationPlan(
        annotators=_names(annotators),
        overlap=min(annotators["overlap"], len(failure_set)),
        seed=settings["seed"],
        num_backups=annotators["backups"],
        sheet_formats=formats,
        taxonomy=taxonomy,
    )
    written = write_mining_outputs(failure_set, bench.dataset, plan, folder)
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
    return 0


def _names(annotators: Mapping[str, Any]) -> tuple[str, ...]:
    if annotators["names"] is not None:
        return tuple(annotators["names"])
    return tuple(f"annotator_{number}" for number in range(1, annotators["num_annotators"] + 1))
