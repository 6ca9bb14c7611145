"""How many texts of a corpus say what isn't there."""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import final

from misfire.core.errors import UsageError
from misfire.stats import wilson_interval

NEGATIONS = (
    "no",
    "not",
    "without",
    "never",
    "none",
    "nothing",
    "nobody",
    "nowhere",
    "neither",
    "nor",
    "cannot",
    "lacks",
    "lacking",
    "absent",
)
"""Words that negate; besides them every contraction in n't, with either apostrophe, is one."""

_CONTRACTION = "n't"
_WORD = re.compile(r"[^\W\d_]+(?:['\N{RIGHT SINGLE QUOTATION MARK}][^\W\d_]+)?")


@final
@dataclass(frozen=True)
class NegationCount:
    """Negations in a corpus.

    Args:
        num_texts: How many texts there are, blank ones left out.
        num_negated: How many hold a negation.
        by_word: How many texts hold each word, the most frequent first; a text counts for each of its words.
    """

    num_texts: int
    num_negated: int
    by_word: tuple[tuple[str, int], ...]

    @property
    def share(self) -> float:
        """Share of the texts that hold a negation, in [0, 1]."""
        return self.num_negated / self.num_texts

    def interval(self, *, confidence: float = 0.95) -> tuple[float, float]:
        """Wilson's interval of the share, as if the texts were a sample of all such texts."""
        return wilson_interval(self.num_negated, self.num_texts, confidence=confidence)


def negations_in(text: str, *, words: frozenset[str] = frozenset(NEGATIONS)) -> list[str]:
    """The negations of a text in lower case, contractions as ``n't``, in their order.

    Whole words only: "nothing" is one, "another" and "knot" hold none.

    Example:
        >>> negations_in("A dog that isn't wet, with no knot")
        ["n't", 'no']
    """
    found = []
    for word in _WORD.findall(text.lower().replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")):
        if word in words:
            found.append(word)
        elif word.endswith(_CONTRACTION):
            found.append(_CONTRACTION)
    return found


def count_negations(texts: Iterable[str], *, words: Iterable[str] = NEGATIONS) -> NegationCount:
    """Count the texts that hold a negation, one pass over them.

    Args:
        texts: The corpus, a text at a time; blank texts aren't counted.
        words: What negates besides contractions in n't.

    Raises:
        UsageError: If there is no text.

    Reference:
        Rawlekar, Bhatnagar and Ahuja, "Rethinking prompting strategies for multi-label recognition with partial
        annotations", WACV 2025: 1,961,669 of 413,871,335 texts of LAION-400M, 0.47 %. Its list of words isn't printed.

    Example:
        >>> count_negations(["a cat", "no cat", "not a cat, no dog"]).by_word
        (('no', 2), ('not', 1))
    """
    chosen = frozenset(word.lower() for word in words)
    num_texts = num_negated = 0
    by_word: Counter[str] = Counter()
    for text in texts:
        if not text.strip():
            continue
        num_texts += 1
        found = set(negations_in(text, words=chosen))
        num_negated += bool(found)
        by_word.update(found)
    if not num_texts:
        raise UsageError("a corpus must hold at least one text, got none; check its path.")
    ordered = sorted(by_word.items(), key=lambda item: (-item[1], item[0]))
    return NegationCount(num_texts, num_negated, tuple(ordered))
