"""The default failure set of a workbench: found where it was mined before, mined where it wasn't."""

from pathlib import Path
from typing import cast

from misfire.core.files import locked, write_text
from misfire.core.hashing import sha256_json
from misfire.core.progress import say
from misfire.evaluation.baseline import text_to_image
from misfire.evaluation.workbench import Workbench
from misfire.failures import (
    FailureSet,
    OracleCategories,
    RetrievalOutcome,
    mine,
    mined_images,
    read_failure_set,
    write_failure_set,
)


def mined_failure_set(
    bench: Workbench, folder: Path, *, num_failures: int, seed: int, mined_share: float = 1.0
) -> tuple[FailureSet, Path]:
    """A frozen sample of the plain captions' top-1 failures, and the folder that holds it.

    A pointer file names the set by what was asked for, so that the same question finds the same set.

    Args:
        bench: Dataset, backbone and store.
        folder: Where failure sets lie.
        num_failures: Size of the sample.
        seed: Seed of the sample, and of a split of the images.
        mined_share: Share of the images whose captions are mined, in (0, 1]; the others stay to confirm on.

    Raises:
        UsageError: If there are fewer failures than asked for, or the share is out of range.
        IntegrityError: If the stored set fails its check.
    """
    mined_images(
        bench.dataset, share=mined_share, seed=seed
    )  # a share that can't be is refused before anything is done
    of_share = [] if mined_share == 1 else [mined_share]
    asked = sha256_json([bench.dataset.fingerprint, bench.encoder.fingerprint, num_failures, seed, *of_share])
    pointer = folder / f"{asked[:12]}.digest"
    with locked(folder / f"{asked[:12]}.lock"):
        if not pointer.is_file():
            of_images = "" if mined_share == 1 else f", from {mined_share:g} of the images"
            asked_for = f"{num_failures} top-1 failures of {bench.encoder.name} on {bench.dataset.name}"
            say(f"Mining {asked_for} (seed {seed}{of_images}).")
            mined = _mine(bench, num_failures=num_failures, seed=seed, mined_share=mined_share)
            written = write_failure_set(mined, folder)
            write_text(pointer, written.name)
    place = folder / pointer.read_text(encoding="utf-8")
    return named_failure_set(bench, place), place


def named_failure_set(bench: Workbench, folder: Path) -> FailureSet:
    """The failure set of a folder, held against the dataset and backbone in use.

    Raises:
        UsageError: If it is of another dataset or backbone.
        IntegrityError: If it fails its check.
    """
    failure_set = read_failure_set(folder)
    failure_set.check_fits(bench.dataset, backbone_fingerprint=bench.encoder.fingerprint)
    return failure_set


def _mine(bench: Workbench, *, num_failures: int, seed: int, mined_share: float) -> FailureSet:
    found = text_to_image(bench)
    outcome = RetrievalOutcome(
        rank=found.ranks.rank.numpy(),
        best_rank=found.ranks.best.numpy(),
        worst_rank=found.ranks.worst.numpy(),
        top1=found.top_item.numpy(),
        target_score=found.target_score.numpy(),
        top1_score=found.top_score.numpy(),
    )
    knows_truth = hasattr(bench.dataset, "oracle_category")
    return mine(
        bench.dataset,
        outcome,
        backbone_fingerprint=bench.encoder.fingerprint,
        precision=bench.encoder.describe()["precision"],
        num_failures=num_failures,
        seed=seed,
        mined_share=mined_share,
        oracle=cast(OracleCategories, bench.dataset) if knows_truth else None,
    )
