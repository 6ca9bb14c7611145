"""What a report needs beyond the cells: their records compared, pictures of flips, and what else was measured."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from misfire.core.errors import IntegrityError, MisfireError
from misfire.core.progress import say
from misfire.core.seeding import generator

if TYPE_CHECKING:
    from pandas import DataFrame

    from misfire.config import Settings
    from misfire.data import Dataset
    from misfire.methods.retrieval.ensemble.report.findings import Findings
    from misfire.methods.retrieval.ensemble.report.rows import CellRow
    from misfire.reporting.gallery import Gallery
    from misfire.tracking import LoggedCell


def find(
    settings: "Settings", cells: "Sequence[LoggedCell]", rows: "Sequence[CellRow]", *, k: int, further: "Findings"
) -> "Findings":
    """Compare an experiment's cells at one cut-off from their records, and gather what goes with them.

    Args:
        settings: Where the experiment is.
        cells: Its finished cells, at least one.
        rows: The same as a report has them.
        k: Cut-off of the decision.
        further: What was measured beside cells.
    """
    from misfire.methods.retrieval.ensemble.comparison import compare_cells
    from misfire.methods.retrieval.ensemble.report.facts import decisive_row
    from misfire.tracking import read_records

    store = settings.tracking
    ordered = sorted(cells, key=lambda cell: cell.outcome.cell_id)  # the same swaps whatever cell was finished first
    records = [read_records(store, cell.run_id) for cell in ordered]
    rng = generator(settings.seed, "comparison", k)
    found = compare_cells([cell.outcome for cell in ordered], records, k=k, rng=rng)
    compared = {one.cell_id: one for one in found}
    best = decisive_row(rows, compared).cell_id
    chosen = next(place for place, cell in enumerate(ordered) if cell.outcome.cell_id == best)
    return replace(further, k=k, compared=compared, galleries=_galleries(settings, ordered[chosen], records[chosen], k))


def find_further(settings: "Settings") -> "Findings":
    """What an experiment holds beside cells: profiles of tau, oracle gaps, attributions."""
    from misfire.methods.retrieval.ensemble.report.findings import Findings
    from misfire.tracking import read_attributions, read_gaps, read_profiles

    store = settings.tracking
    profiles = tuple(logged.profile for logged in read_profiles(store))
    gaps = tuple(logged.gap for logged in read_gaps(store))
    attributions = tuple(read_attributions(store))
    ks = [profile.ks[-1] for profile in profiles] + [gap.ks[-1] for gap in gaps] + [one.k for one in attributions]
    return Findings(k=max(ks, default=settings.ks[-1]), profiles=profiles, gaps=gaps, attributions=attributions)


def _galleries(settings: "Settings", cell: "LoggedCell", records: "DataFrame", k: int) -> "tuple[Gallery, ...]":
    """Pictures of the cell's flips; none, with a word why, where its pictures can't be had."""
    from misfire.methods.retrieval.ensemble.flip_gallery import flip_gallery

    try:
        dataset = _dataset_of(settings, cell)
        if dataset.fingerprint != cell.outcome.dataset_fingerprint:
            say(f"No pictures of flips: {cell.outcome.dataset} isn't the data that the cells were run on.")
            return ()
        return (flip_gallery(records, dataset, k=k),)
    except (MisfireError, OSError) as error:
        say(f"No pictures of flips: {error}")
        return ()


def _dataset_of(settings: "Settings", cell: "LoggedCell") -> "Dataset":
    """The data that a cell was configured with, which a report's own words needn't name."""
    from omegaconf import DictConfig, OmegaConf

    from misfire.config import Settings

    with settings.tracking.artifact(cell.run_id, "config.yaml") as path:
        config = OmegaConf.load(path)
    if not isinstance(config, DictConfig):
        raise IntegrityError(f"the stored config.yaml of run {cell.run_id} must hold settings; run the cell again.")
    return Settings(config).dataset
