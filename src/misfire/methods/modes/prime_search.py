"""How a PRIME search is made and judged."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

from misfire.core.errors import UsageError
from misfire.methods.modes.class_vocabulary import check_tag_counts
from misfire.methods.modes.mode_significance import check_repeats
from misfire.methods.modes.mode_words import generation_prompt
from misfire.methods.modes.tag_mode import Criteria, check_width


@final
@dataclass(frozen=True)
class PrimeSearch:
    """How a search is made and judged: the paper's values for Living17, and what it leaves open.

    Args:
        min_support: Images that must carry all tags of a mode.
        min_drop: Least drop of the accuracy, as a fraction.
        necessity: Least rise of the accuracy without a tag, for modes of 2, 3, ... tags.
        max_size: Most tags of a mode.
        min_count: Images of a class that a tag needs to be looked at in it.
        min_overlap: Share of each other's images from which on two tags are one.
        width: How many sets of each size a greedy search makes longer; the search is exhaustive where it isn't given.
        holds_out_half: Whether one half of each class is searched and the other one kept to measure the modes on. All
            images are searched otherwise, and nothing is known of how modes hold.
        unseen: A file with a column ``image`` of those to be held out instead.
        within: A slice of images, as this and other methods write them: the search sees no other images.
        embeds: Whether descriptions are held against images in the backbone's space (Figure 5), and distance there
            against shared tags (Tables 3 and 6); needs a dataset of the images and a backbone.
        q: Expected share of false modes among those that are said to survive.
        num_permutations: Of the family-wise p-values.
        num_shuffles: How often the search is repeated on shuffled outcomes.
        prompt: Template of prompts for image generation, with the places ``{class}`` and ``{tags}``.

    Raises:
        UsageError: If a number is out of its range.
    """

    min_support: int = 30
    min_drop: float = 0.30
    necessity: Sequence[float] = (0.10, 0.05, 0.025)
    max_size: int = 4
    min_count: int = 1
    min_overlap: float = 1.0
    width: int | None = None
    holds_out_half: bool = True
    unseen: str | None = None
    within: str | None = None
    embeds: bool = False
    q: float = 0.05
    num_permutations: int = 1000
    num_shuffles: int = 20
    prompt: str = "a photo of a {class}, {tags}"

    def __post_init__(self) -> None:
        object.__setattr__(self, "necessity", tuple(self.necessity))
        _ = self.criteria  # says what is wrong with a threshold
        check_tag_counts(self.min_count, self.min_overlap)
        check_repeats(num_permutations=self.num_permutations, num_shuffles=self.num_shuffles)
        if self.width is not None:
            check_width(self.width)
        generation_prompt(self.prompt, "", ())
        if not 0 < self.q < 1:
            raise UsageError(f"q must be in (0, 1), got {self.q}; write 5 % as 0.05.")

    @property
    def criteria(self) -> Criteria:
        """What makes a set of tags a mode."""
        return Criteria(self.min_support, self.min_drop, tuple(self.necessity), self.max_size)
