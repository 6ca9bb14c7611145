"""Ranks of queries under any of some template sets, computed as far as they're asked for."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import final

import numpy as np
import torch
from jaxtyping import Bool, Int

from misfire.cells.lab import Workbench
from misfire.core.errors import UsageError, name_some
from misfire.prompts import TemplateSet
from misfire.scoring import PromptPooling, ensemble_ranks

PLAIN_CAPTION = ""
"""Names the caption as it is, where a template set would be named."""


@final
@dataclass(frozen=True, eq=False)
class RankedSets:
    """Rank of each query's target with the templates of a set that is named for it.

    A query is ranked once with a set, and only if somebody asks.

    Args:
        bench: Dataset, backbone and store.
        positions: Places of the queries among the dataset's captions.
        sets: Template sets by name.
        pooling: What makes one score out of the prompts' scores.
        plain_ranks: Rank of each query's target with its plain caption.
    """

    bench: Workbench
    positions: Int[np.ndarray, " query"]
    sets: Mapping[str, TemplateSet]
    pooling: PromptPooling
    plain_ranks: Int[np.ndarray, " query"]
    _known: dict[str, Int[np.ndarray, " query"]] = field(default_factory=dict, init=False, repr=False)

    def of(self, chosen: Sequence[str], among: Bool[np.ndarray, " query"] | None = None) -> Int[np.ndarray, " asked"]:
        """Rank of each query with the set chosen for it.

        Args:
            chosen: A set's name, or ``PLAIN_CAPTION``, for each query of the mask.
            among: Which queries are asked; all where it's None.

        Raises:
            UsageError: If a name is none of the sets'.
        """
        places = np.arange(len(self.positions)) if among is None else np.flatnonzero(among)
        names = self._checked(chosen, len(places))
        self._rank({name: places[names == name] for name in self.sets})
        ranks = self.plain_ranks[places]
        for name in set(chosen) - {PLAIN_CAPTION}:
            ranks[names == name] = self._known[name][places[names == name]]
        return ranks

    def prepare(self, choices: Iterable[Sequence[str]]) -> None:
        """Rank all queries under several choices at once, since embeddings are cheaper to fetch together.

        Args:
            choices: Each has a set's name, or ``PLAIN_CAPTION``, for every query.

        Raises:
            UsageError: If a name is none of the sets'.
        """
        chosen = [self._checked(choice, len(self.positions)) for choice in choices]
        self._rank({name: np.flatnonzero(np.any([one == name for one in chosen], axis=0)) for name in self.sets})

    @property
    def prompts(self) -> list[str]:
        """The different prompts with which queries were ranked so far, in order."""
        rows = (row for name, ranks in self._known.items() for row in self._prompts(name, np.flatnonzero(ranks)))
        return sorted({prompt for row in rows for prompt in row})

    def _checked(self, chosen: Sequence[str], num_queries: int) -> np.ndarray:
        strange = sorted(set(chosen) - self.sets.keys() - {PLAIN_CAPTION})
        if strange or len(chosen) != num_queries:
            raise UsageError(
                f"each of {num_queries} queries must be asked with one of {', '.join(self.sets)}, got {len(chosen)} "
                f"choices, {name_some(strange) if strange else 'none'} of them unknown; choose a set for each."
            )
        return np.array(chosen, dtype=object)

    def _rank(self, wanted: Mapping[str, Int[np.ndarray, " some"]]) -> None:
        """Rank the queries at some places with each set, as far as it isn't known."""
        for name in wanted:
            self._known.setdefault(name, np.zeros(len(self.positions), dtype=np.int64))  # a rank is 1 at least
        unknown = {name: places[self._known[name][places] == 0] for name, places in wanted.items()}
        rows = {name: self._prompts(name, places) for name, places in unknown.items() if len(places)}
        if not rows:
            return
        texts = list(dict.fromkeys(prompt for some in rows.values() for row in some for prompt in row))
        place_of, embeddings = {text: place for place, text in enumerate(texts)}, self.bench.texts(texts)
        for name, some in rows.items():
            prompts = embeddings[torch.tensor([[place_of[prompt] for prompt in row] for row in some])]
            targets = self.bench.targets[torch.from_numpy(self.positions[unknown[name]])]
            found = ensemble_ranks(prompts, self.bench.gallery, targets, self.pooling)
            self._known[name][unknown[name]] = found.rank.numpy()

    def _prompts(self, name: str, places: Int[np.ndarray, " some"]) -> list[tuple[str, ...]]:
        captions = self.bench.dataset.captions
        return [self.sets[name].render(captions[position].text) for position in self.positions[places].tolist()]
