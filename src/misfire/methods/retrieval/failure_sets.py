"""The default failure set of a workbench: found where it was mined before, mined where it wasn't."""

from pathlib import Path
from typing import cast

import numpy as np

from misfire.cells.lab import Workbench
from misfire.core.errors import UsageError
from misfire.core.files import locked, write_text
from misfire.core.hashing import sha256_json
from misfire.core.progress import say
from misfire.failures import (
    FailureSet,
    OracleCategories,
    QueryPart,
    RetrievalOutcome,
    mine,
    mined_images,
    read_failure_set,
    write_failure_set,
)
from misfire.methods.retrieval.baseline.baseline import text_to_image
from misfire.methods.retrieval.split import Side


def mined_failure_set(
    bench: Workbench, folder: Path, *, num_failures: int, seed: int, mined_share: float = 1.0, side: Side | None = None
) -> tuple[FailureSet, Path]:
    """A frozen sample of the plain captions' top-1 failures, and the folder that holds it.

    A pointer file names the set by what was asked for, so that the same question finds the same set.

    Args:
        bench: Dataset, backbone and store.
        folder: Where failure sets lie.
        num_failures: Size of the sample; all failures are taken where there are fewer. A side of a split has its share.
        seed: Seed of the sample, and of a split of the images.
        mined_share: Share of the images whose captions are mined, in (0, 1]; the others stay to confirm on.
        side: Whose captions are asked, against all images; no other caption is embedded or ranked. All of the
            dataset's are where it's None.

    Raises:
        UsageError: If there is no failure, or a number or the share is out of range.
        IntegrityError: If the stored set fails its check.
    """
    # What can't be is refused before anything is done.
    _ = bench.dataset.targets
    if num_failures < 1:
        raise UsageError(f"num_failures must be a whole number from 1, got {num_failures}; 200 is a good sample.")
    mined_images(bench.dataset, share=mined_share, seed=seed)
    of_share = [] if mined_share == 1 else [mined_share]
    of_side = [] if side is None else [side.positions.tolist()]
    num_asked = num_failures if side is None else side.share_of(num_failures)
    asked = sha256_json([bench.dataset.fingerprint, bench.encoder.fingerprint, num_asked, seed, *of_share, *of_side])
    pointer = folder / f"{asked[:12]}.digest"
    with locked(folder / f"{asked[:12]}.lock"):
        if not pointer.is_file():
            of_images = "" if mined_share == 1 else f", from {mined_share:g} of the images"
            among = "" if side is None else f", among {side.how_split}"
            asked_for = f"{num_asked} top-1 failures of {bench.encoder.name} on {bench.dataset.name}"
            say(f"Mining {asked_for} (seed {seed}{of_images}{among}).")
            mined = _mine(bench, num_failures=num_asked, seed=seed, mined_share=mined_share, side=side)
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


def _mine(bench: Workbench, *, num_failures: int, seed: int, mined_share: float, side: Side | None) -> FailureSet:
    found = text_to_image(bench, None if side is None else side.positions)
    outcome = RetrievalOutcome(
        rank=found.ranks.rank.numpy(),
        best_rank=found.ranks.best.numpy(),
        worst_rank=found.ranks.worst.numpy(),
        top1=found.top_item.numpy(),
        target_score=found.target_score.numpy(),
        top1_score=found.top_score.numpy(),
    )
    asked = np.arange(len(bench.dataset.captions)) if side is None else side.positions
    is_mined = mined_images(bench.dataset, share=mined_share, seed=seed)[bench.dataset.targets[asked]]
    num_there = int(np.count_nonzero(is_mined & (outcome.rank > 1)))
    # How many there are isn't known before everything is embedded; refusing a few less would throw that away.
    if 0 < num_there < num_failures:
        say(f"There are {num_there} top-1 failures, fewer than the {num_failures} asked for: all of them are taken.")
        num_failures = num_there
    knows_truth = hasattr(bench.dataset, "oracle_category")
    return mine(
        bench.dataset,
        outcome,
        backbone_fingerprint=bench.encoder.fingerprint,
        precision=bench.encoder.describe()["precision"],
        num_failures=num_failures,
        seed=seed,
        mined_share=mined_share,
        part=None if side is None else QueryPart(side.positions, side.how_split),
        oracle=cast(OracleCategories, bench.dataset) if knows_truth else None,
    )
