"""Descriptions that say nothing: the placebo of every other source."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, final

from typing_extensions import override

from misfire.core.counts import check_most
from misfire.core.errors import UsageError
from misfire.core.seeding import generator
from misfire.prompts.descriptions.source import DescriptionSource

_LETTERS = "abcdefghijklmnopqrstuvwxyz"


@final
@dataclass(frozen=True)
class RandomWords(DescriptionSource):
    """The same random words and random letters for every class, in pairs.

    WaffleCLIP showed that much of what described classes gain, random words gain too: whatever a description is to be
    credited with, it must have beyond these.

    Args:
        num_pairs: How many descriptions of random words, and as many of random letters.
        words: Words to draw from; none gives random letters alone.
        words_each: Words a description.
        seed: Of the draws.

    Raises:
        UsageError: If a number is below 1 or the seed is negative.

    Reference:
        Roth et al., "Waffling around for performance: visual classification with random words and broad concepts", ICCV
        2023.

    Example:
        >>> source = RandomWords(num_pairs=1, words=("stone", "river"), words_each=2)
        >>> source(["hen", "cat"]).of_class["hen"] == source(["cat", "hen"]).of_class["cat"]
        True
    """

    num_pairs: int = 15
    words: tuple[str, ...] = ()
    words_each: int = 2
    seed: int = 0
    are_sentences: ClassVar[bool] = False  # type: ignore[misc]
    name: ClassVar[str] = "random_words"

    def __post_init__(self) -> None:
        object.__setattr__(self, "words", tuple(self.words))
        if self.num_pairs < 1 or self.words_each < 1 or self.seed < 0:
            raise UsageError(
                "random words need num_pairs >= 1, words_each >= 1 and a seed >= 0, got "
                f"{self.num_pairs}, {self.words_each} and {self.seed}; leave them out for the defaults."
            )
        check_most(10_000, num_pairs=self.num_pairs, words_each=self.words_each)

    @override
    def answers(self, classes: Sequence[str]) -> Mapping[str, Sequence[str]]:
        rng = generator(self.seed, "random words")
        drawn = []
        for _ in range(self.num_pairs):
            if self.words:
                drawn.append(" ".join(str(word) for word in rng.choice(self.words, size=self.words_each)))
            lengths = rng.integers(3, 9, size=self.words_each)
            drawn.append(" ".join("".join(rng.choice(list(_LETTERS), size=length)) for length in lengths))
        return dict.fromkeys(classes, drawn)

    @override
    def describe(self) -> dict[str, str | int | float | bool]:
        return {
            "descriptions": self.name,
            "num_pairs": self.num_pairs,
            "words": " ".join(self.words),
            "words_each": self.words_each,
            "seed": self.seed,
        }


@final
@dataclass(frozen=True)
class NoDescriptions(DescriptionSource):
    """Says nothing of any class: their names alone."""

    are_sentences: ClassVar[bool] = False  # type: ignore[misc]
    name: ClassVar[str] = "none"

    @override
    def answers(self, classes: Sequence[str]) -> Mapping[str, Sequence[str]]:
        return {}

    @override
    def describe(self) -> dict[str, str | int | float | bool]:
        return {"descriptions": self.name}
