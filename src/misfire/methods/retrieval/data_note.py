"""What a reader must know of the data beside every number of retrieval: said alike by all kinds of cells."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Int

from misfire.cells import Workbench
from misfire.data import truncation_note
from misfire.embeddings import num_truncated
from misfire.methods.retrieval.prompted import PromptedQueries

TEXT_TO_IMAGE = "t2i"
IMAGE_TO_TEXT = "i2t"


def data_notes(
    bench: Workbench,
    ks: Sequence[int],
    *,
    captions: Sequence[str] | None = None,
    prompts: Sequence[str] = (),
    directions: Sequence[str] = (TEXT_TO_IMAGE,),
) -> list[str]:
    """The dataset's own notes, how many texts the model cuts off, and cut-offs that are always reached.

    Args:
        bench: Dataset, backbone and store, which holds every text that was asked.
        ks: Cut-offs.
        captions: Those that were asked; all of the dataset's where it's None.
        prompts: Further texts that were asked.
        directions: Which ways retrieval went.
    """
    asked = [caption.text for caption in bench.dataset.captions] if captions is None else captions
    sizes = {
        TEXT_TO_IMAGE: f"{len(bench.dataset.images):,} images",
        IMAGE_TO_TEXT: f"{len(bench.dataset.captions):,} captions",
    }
    galleries = {TEXT_TO_IMAGE: len(bench.dataset.images), IMAGE_TO_TEXT: len(bench.dataset.captions)}
    return [
        *bench.dataset.notes,
        *_cut(bench, asked, "captions"),
        *_cut(bench, prompts, "prompts"),
        *(
            f"{direction}/hit_at_{k} is 1 whatever the model: the gallery has {sizes[direction]}."
            for direction in directions
            for k in ks
            if k >= galleries[direction]
        ),
    ]


def asked_notes(
    cell: PromptedQueries, bench: Workbench, positions: Int[np.ndarray, " asked"] | None = None
) -> list[str]:
    """The notes of a cell, its different prompts counted beside its captions.

    Args:
        cell: What was asked.
        bench: Where it was embedded.
        positions: Places of the queries that were asked; all of the cell's where it's None.
    """
    asked = cell.queries if positions is None else positions

    def notes() -> list[str]:
        captions = [cell.dataset.captions[position].text for position in asked]
        prompts = {prompt for row in cell.prompts_of(asked) for prompt in row}
        return data_notes(bench, cell.ks, captions=captions, prompts=sorted(prompts - set(captions)))

    # Cells that differ in their pooling ask the same.
    return bench.once(f"notes {cell.prompts_digest} {len(asked)} {cell.ks}", notes)


def _cut(bench: Workbench, texts: Sequence[str], what: str) -> list[str]:
    if not texts:
        return []
    cut = num_truncated(texts, bench.encoder, bench.store)
    told = truncation_note(cut, len(texts), context_length=bench.encoder.context_length, what=what)
    return [told] if told else []
