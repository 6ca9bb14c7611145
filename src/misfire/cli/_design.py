"""The cell that a configuration asks for: its failures, its queries and their templates."""

from pathlib import Path
from typing import TYPE_CHECKING

from misfire.core.errors import UsageError

if TYPE_CHECKING:
    import numpy as np
    from jaxtyping import Int

    from misfire.config import Settings
    from misfire.failures import FailureSet, Selection
    from misfire.methods.retrieval.ensemble.cell import Cell
    from misfire.methods.retrieval.search.split import Side
    from misfire.prompts import RoutedTemplates, TemplateSet
    from misfire.scoring import PromptPooling


def design_cell(
    settings: "Settings", *, pooling: "PromptPooling | None" = None, side: "Side | None" = None
) -> "tuple[FailureSet | None, Cell]":
    """The configured cell, with the failure set that its subset comes from.

    Args:
        settings: What is configured.
        pooling: Stands in for the configured one.
        side: Of a split: the only queries that are asked, be it to mine failures or in the cell; and what learns from
            labels learns from those of ``side.fitted_on``. The whole dataset where it's ``None``.

    Raises:
        UsageError: If its parts don't fit each other, or the subset has no query on the side.
    """
    import numpy as np

    from misfire.methods.retrieval.ensemble.cell import Cell, check_cut_offs, complement_sample, parse_num_queries
    from misfire.methods.retrieval.templates.captionwise import CaptionwiseTemplates

    # What is wrong in itself is refused before anything is embedded or mined.
    check_cut_offs(settings.ks)
    pooling = settings.pooling if pooling is None else pooling
    templates, statistics, _ = settings.templates, settings.statistics, settings.tracking
    num_others = parse_num_queries(settings.config.complement.num_queries)
    is_named = settings.config.failure_set is not None
    needs_labels = isinstance(templates, CaptionwiseTemplates) and templates.needs_labels
    is_needed = settings.subset.needs_failure_set or is_named or needs_labels
    failure_set = failure_set_of(settings, side) if is_needed else None
    selection: Selection = settings.subset.select(settings.dataset, failure_set)
    confirm = _confirm(settings, failure_set, selection)
    if side is None:
        others = complement_sample(
            len(settings.dataset.captions), selection.positions, num_queries=num_others, seed=settings.seed
        )
    else:
        selection, confirm = side.part_of(selection), np.intersect1d(confirm, side.positions)
        others = side.others(selection, num_queries=num_others, seed=settings.seed)
    cell = Cell(
        dataset=settings.dataset,
        backbone_fingerprint=settings.backbone.fingerprint,
        subset=selection,
        complement=others,
        template_set=_template_set(settings, failure_set, selection, others, side, pooling),
        pooling=pooling,
        ks=settings.ks,
        statistics=statistics,
        num_others=None if side is None else len(side) - len(selection),
        confirm=confirm,
    )
    if side is not None:
        side.check_holds(cell)
    return failure_set, cell


def _template_set(
    settings: "Settings",
    failure_set: "FailureSet | None",
    selection: "Selection",
    others: "Int[np.ndarray, ' complement']",
    side: "Side | None",
    pooling: "PromptPooling",
) -> "TemplateSet | RoutedTemplates":
    import numpy as np

    from misfire.methods.retrieval.templates.captionwise import AskedQueries, CaptionwiseTemplates

    templates, categories = settings.templates, [name.lower() for name in selection.categories]
    if not isinstance(templates, CaptionwiseTemplates):
        return templates.for_categories(categories)
    # Queries that may be of the subset's category by their labels are asked too.
    doubtful = np.setdiff1d([] if selection.in_doubt is None else selection.in_doubt.positions, selection.positions)
    doubtful = np.setdiff1d(doubtful, others).astype(np.int64)
    num_others = len(settings.dataset.captions if side is None else side) - len(selection)
    asked = AskedQueries.of_sample(selection.positions, others, doubtful, num_others=num_others, categories=categories)
    if side is None:
        return templates.for_queries(settings.workbench, failure_set, asked, pooling)
    if templates.learns_from_hits:
        raise UsageError(
            f"a search must ask templates that learn from no hits, got templates={templates.name}, which the winner's "
            "test queries would teach; search what stands behind the gate, and gate the winner."
        )
    fitted_on = side.fitted_on
    known = failure_set if failure_set is None or fitted_on is side else failure_set_of(settings, fitted_on)
    return templates.for_queries(settings.workbench, known, asked, pooling, learnt_from=fitted_on.positions)


def _confirm(
    settings: "Settings", failure_set: "FailureSet | None", selection: "Selection"
) -> "Int[np.ndarray, ' confirm']":
    """Positions of the queries of images that weren't mined; none where the subset wasn't chosen by failing."""
    import numpy as np

    if failure_set is None or not selection.is_failure_mined:
        return np.array([], dtype=np.int64)
    return failure_set.confirm_positions(settings.dataset)


def failure_set_of(settings: "Settings", side: "Side | None" = None) -> "FailureSet":
    """The named failure set, or the default one of the dataset or of a side of it, which is mined if it's missing."""
    from misfire.methods.retrieval.failure_sets import mined_failure_set, named_failure_set

    if settings.config.failure_set is not None:
        return named_failure_set(settings.workbench, Path(settings.config.failure_set))
    found, _ = mined_failure_set(
        settings.workbench,
        settings.root / "failures",
        num_failures=settings.config.num_failures,
        seed=settings.seed,
        mined_share=settings.config.mined_share,
        side=side,
    )
    return found
