"""Runs a cell: the plain caption against the pooled prompts, query by query."""

from collections import Counter

import numpy as np
import pandas as pd
import torch

from misfire.core.hashing import sha256_text
from misfire.evaluation.baseline import ids_of, outcome_columns
from misfire.evaluation.cell import Cell, unique_texts
from misfire.evaluation.flips import flip_ledger
from misfire.evaluation.outcome import CellOutcome, CellResult, CutoffOutcome, Gain
from misfire.evaluation.workbench import Workbench
from misfire.failures import FailureSet
from misfire.metrics import hit_at_k
from misfire.scoring import Outcomes, ensemble_outcomes, target_outcomes
from misfire.stats import PairedBootstrap, paired_bootstrap


def run_cell(cell: Cell, bench: Workbench, *, failure_set: FailureSet | None) -> CellResult:
    """Rank every query of the cell with its plain caption and with its pooled prompts, and compare.

    Args:
        cell: What to run.
        bench: Where its embeddings come from; the backbone is touched for what the store lacks, and for nothing else.
        failure_set: Names the queries' categories in the records; it changes no number.
    """
    targets = bench.targets[torch.from_numpy(cell.queries)]
    gallery = bench.gallery
    before = target_outcomes(_plain(cell, bench), gallery, targets)
    after = ensemble_outcomes(_prompts(cell, bench), gallery, targets, cell.pooling)
    bootstraps = {k: _bootstrap(cell, before, after, k) for k in cell.ks}
    return CellResult(
        outcome=_outcome(cell, bench, before, after, bootstraps, failure_set),
        records=_records(cell, before, after, failure_set),
        replicates={k: bootstrap.replicates for k, bootstrap in bootstraps.items()},
    )


def _plain(cell: Cell, bench: Workbench) -> torch.Tensor:
    return bench.texts([cell.dataset.captions[position].text for position in cell.queries])


def _prompts(cell: Cell, bench: Workbench) -> torch.Tensor:
    texts = unique_texts(cell.prompts)
    position = {text: index for index, text in enumerate(texts)}
    rows = torch.tensor([[position[text] for text in prompts] for prompts in cell.prompts])
    return bench.texts(texts)[rows]


def _bootstrap(cell: Cell, before: Outcomes, after: Outcomes, k: int) -> PairedBootstrap:
    num_queries = len(cell.subset)
    return paired_bootstrap(
        hit_at_k(before.ranks.rank, k=k)[:num_queries],
        hit_at_k(after.ranks.rank, k=k)[:num_queries],
        num_replicates=cell.statistics.num_replicates,
        confidence=cell.statistics.confidence,
        rng=np.random.default_rng(cell.statistics.seed),
    )


def _outcome(
    cell: Cell,
    bench: Workbench,
    before: Outcomes,
    after: Outcomes,
    bootstraps: dict[int, PairedBootstrap],
    failure_set: FailureSet | None,
) -> CellOutcome:
    description = cell.pooling.describe()
    return CellOutcome(
        cell_id=cell.id,
        subset=cell.subset.name,
        how_chosen=cell.subset.how_chosen,
        is_failure_mined=cell.subset.is_failure_mined,
        templates=cell.template_set.name,
        num_templates=len(cell.template_set),
        is_oracle=cell.template_set.is_oracle,
        pooling=str(description["pooling"]),
        tau=float(description["tau"]) if "tau" in description else None,
        backbone=bench.encoder.name,
        backbone_fingerprint=cell.backbone_fingerprint,
        dataset=cell.dataset.name,
        dataset_fingerprint=cell.dataset.fingerprint,
        num_others=len(cell.dataset.captions) - len(cell.subset),
        confidence=cell.statistics.confidence,
        failure_counts=_counts(failure_set),
        cutoffs=tuple(_cutoff(cell, before, after, k, bootstraps[k]) for k in cell.ks),
        dataset_notes=cell.dataset.notes,
    )


def _counts(failure_set: FailureSet | None) -> dict[str, int]:
    known = failure_set.failures if failure_set is not None else ()
    return dict(Counter(failure.category for failure in known if failure.category is not None).most_common())


def _cutoff(cell: Cell, before: Outcomes, after: Outcomes, k: int, bootstrap: PairedBootstrap) -> CutoffOutcome:
    num_queries = len(cell.subset)
    baseline, ensembled = before.ranks.rank.numpy(), after.ranks.rank.numpy()
    return CutoffOutcome(
        k=k,
        subset=flip_ledger(baseline[:num_queries], ensembled[:num_queries], k=k),
        gain=Gain(bootstrap.mean, bootstrap.low, bootstrap.high, bootstrap.p_positive),
        complement=flip_ledger(baseline[num_queries:], ensembled[num_queries:], k=k),
    )


def _records(cell: Cell, before: Outcomes, after: Outcomes, failure_set: FailureSet | None) -> pd.DataFrame:
    captions = [cell.dataset.captions[position] for position in cell.queries]
    known = failure_set.failures if failure_set is not None else ()
    category = {failure.query_id: failure.category for failure in known}
    return pd.DataFrame(
        {
            "query_id": ids_of(captions),
            "text_sha256": [sha256_text(caption.text) for caption in captions],
            "image_id": [caption.image_id for caption in captions],
            "part": ["subset"] * len(cell.subset) + ["complement"] * len(cell.complement),
            "category": [category.get(caption.id) for caption in captions],
            **{f"baseline_{name}": values for name, values in outcome_columns(before, cell.dataset.images).items()},
            **{f"ensembled_{name}": values for name, values in outcome_columns(after, cell.dataset.images).items()},
        }
    )
