"""PRIME's minimal tag combinations as a method on the scorecard, beside those that name sentences."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import final

import numpy as np
from jaxtyping import Float
from typing_extensions import override

from misfire.core.errors import UsageError
from misfire.methods.modes.mode_finder import EncodedSentences, FoundModes, ModeFinder, best_sentences
from misfire.methods.modes.scored_images import ScoredImages, unit
from misfire.methods.modes.tag_mode import Criteria, Mode, prime


@final
@dataclass(frozen=True)
class TaggedModes(FoundModes):
    """Combinations of tags; an image belongs to a mode where it is of its class and carries all of them."""

    names: tuple[str, ...]
    sentences: tuple[tuple[int, ...], ...]
    remarks: tuple[str, ...]
    modes: tuple[Mode, ...] = field(repr=False)

    @override
    def weights(self, images: ScoredImages) -> Float[np.ndarray, "image mode"]:
        images.need("tags", for_what="membership in PRIME's modes")
        assert images.tags is not None
        weights = np.zeros((len(images), len(self)))
        for place, mode in enumerate(self.modes):
            weights[:, place] = images.tags[:, list(mode.tags)].all(axis=1) & (images.strata == mode.label)
        return weights


@final
@dataclass(frozen=True)
class TagCombinations(ModeFinder):
    """Find PRIME's failure modes, the largest first.

    Their own words are their tags. So that they can be held against methods that name sentences, each also gets those
    with the largest dot product with its mean less its class's mean.

    Args:
        min_support: Images that must carry all tags of a mode.
        min_drop: Least drop of the accuracy, as a fraction.
        necessity: Least rise of the accuracy without a tag, for modes of 2, 3, ... tags.
        max_size: Most tags of a mode.
        most_modes: How many modes are kept at most, those with the most errors.
        num_sentences: How many sentences a mode gets.

    Raises:
        UsageError: If a count is below 1.

    Reference:
        Rezaei et al., "PRIME: Prioritizing Interpretability in Failure Mode Extraction", ICLR 2024.
    """

    min_support: int = 30
    min_drop: float = 0.30
    necessity: Sequence[float] = (0.10, 0.05, 0.025)
    max_size: int = 4
    most_modes: int = 50
    num_sentences: int = 3

    def __post_init__(self) -> None:
        object.__setattr__(self, "necessity", tuple(self.necessity))
        Criteria(self.min_support, self.min_drop, tuple(self.necessity), self.max_size)  # says what is wrong
        for name in ("most_modes", "num_sentences"):
            if getattr(self, name) < 1:
                raise UsageError(f"{name} must be >= 1, got {getattr(self, name)}; 50 and 3 are the defaults.")

    @property
    @override
    def label(self) -> str:
        return "PRIME"

    @override
    def find(self, images: ScoredImages, sentences: EncodedSentences, *, rng: np.random.Generator) -> TaggedModes:
        """Minimal combinations of tags under which a class is hard.

        Raises:
            UsageError: If labels or tags aren't known, or the performance isn't right and wrong.
        """
        images.need("labels", "tags", for_what="PRIME")
        assert images.tags is not None
        if not np.isin(images.performance, (0.0, 1.0)).all():
            raise UsageError(
                "PRIME needs a performance of 0 and 1, got graded values; say from which score on an image is right."
            )
        found = prime(
            images.performance == 1,
            images.strata,
            images.tags,
            min_support=self.min_support,
            min_drop=self.min_drop,
            necessity=self.necessity,
            max_size=self.max_size,
        )
        found = sorted(found, key=lambda mode: (mode.num_correct - mode.support, mode.label, mode.tags))
        kept = tuple(found[: self.most_modes])
        names = tuple(f"class {mode.label}, {' + '.join(images.tag_names[tag] for tag in mode.tags)}" for mode in kept)
        remarks = [f"{len(found)} combinations of tags are modes; those with the most errors are kept."]
        if len(found) <= self.most_modes:
            remarks = [f"{len(found)} combinations of tags are modes."]
        points = images.unit_embeddings.astype(np.float64)
        directions = unit(sentences.embeddings).astype(np.float64)
        chosen = []
        for mode in kept:
            of_class = images.strata == mode.label
            inside = of_class & images.tags[:, list(mode.tags)].all(axis=1)
            difference = points[inside].mean(axis=0) - points[of_class].mean(axis=0)
            chosen.append(best_sentences(directions @ difference, self.num_sentences))
        return TaggedModes(names, tuple(chosen), tuple(remarks), kept)
