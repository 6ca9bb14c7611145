"""What an annotator probably meant by what stands in the category's and the subtype's cells.

A reading is *unambiguous*, and applied unasked, where the word is a name of the taxonomy or one of its synonyms apart
from case, spaces and punctuation; where it is a category and a subtype of it in one; where it has at least five letters
and exactly one name or synonym is one typing slip away (a letter too many, too few, wrong, or two swapped); and where
it says that there is no label. What lies farther off, a beginning of one name alone, or a key of the keyboard is a
proposal to be confirmed. Anything else is unknown.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property
from itertools import product

from misfire.core.errors import UsageError
from misfire.failures.sheets.acceptance import Acceptance
from misfire.failures.taxonomy import Label, Taxonomy, plain

_NO_LABEL = ("na", "nan", "none", "null")
_CATEGORY, _SUBTYPE, _SYNONYM, _JOINT = "category", "subtype", "synonym", "joint"
_ELSEWHERE = {
    _CATEGORY: "a category's name in the subtype's cell",
    _SUBTYPE: "a subtype's name in the category's cell",
    _SYNONYM: "the taxonomy lists it as a synonym",
    _JOINT: "a category and its subtype in one cell",
}
_SHORTEST_SLIP = 5
_SHORTEST_BEGINNING = 2


@dataclass(frozen=True)
class Reading:
    """A label for what was written, why, and whether that needs no confirmation; ``rule`` is empty for exact names.

    ``label`` is None where nothing was labelled; ``is_known`` is false where no reading was found.
    """

    label: Label | None
    rule: str = ""
    is_unambiguous: bool = True
    is_known: bool = True


UNKNOWN = Reading(None, rule="it is no word of the taxonomy", is_unambiguous=False, is_known=False)


@dataclass(frozen=True)
class Speller:
    """Reads the two cells of a label under a taxonomy and what a team has confirmed."""

    taxonomy: Taxonomy
    accepted: Acceptance

    def read(self, category: str, subtype: str) -> Reading:
        """The label that both cells give together."""
        reading = self._both(self._word(category, _CATEGORY), self._word(subtype, _SUBTYPE))
        is_confirmed = self.accepted.confirms(category) or (bool(subtype.strip()) and self.accepted.confirms(subtype))
        if reading.is_known and not reading.is_unambiguous and is_confirmed:
            return Reading(reading.label, f"{reading.rule}, as confirmed")
        return reading

    def _both(self, first: Reading, second: Reading) -> Reading:
        if not first.is_known or not second.is_known:
            return UNKNOWN
        rules = [rule for rule in (first.rule, second.rule) if rule]
        is_unambiguous = first.is_unambiguous and second.is_unambiguous
        if second.label is None:
            return Reading(first.label, "; ".join(rules), is_unambiguous)
        if first.label is None:
            is_subtype = second.label.ambiguous_subtype is not None
            rules.append("a subtype alone names its category" if is_subtype else "the category's own cell is empty")
            return Reading(second.label, "; ".join(rules), is_unambiguous and is_subtype)
        return self._together(first.label, second.label, rules, is_unambiguous=is_unambiguous)

    def _together(self, first: Label, second: Label, rules: list[str], *, is_unambiguous: bool) -> Reading:
        named = {one.ambiguous_subtype for one in (first, second)} - {None}
        if first.category != second.category:
            rules.append(f"what stands beside {first.category} belongs to {second.category} and is set aside")
            return Reading(first, "; ".join(rules), is_unambiguous)
        if len(named) > 1:
            rules.append("the two cells name different subtypes, which are set aside")
            return Reading(self.taxonomy.label(first.category), "; ".join(rules), is_unambiguous=False)
        return Reading(self.taxonomy.label(first.category, next(iter(named), None)), "; ".join(rules), is_unambiguous)

    def _word(self, written: str, cell: str) -> Reading:
        word = plain(written)
        if word in self.accepted.mapping:
            return Reading(self._mapped(written, self.accepted.mapping[word]), "your mapping says so")
        if word in self._vocabulary:
            label, name, kind = self._vocabulary[word]
            if kind == cell:
                return Reading(label, "" if written == name else "only case, spaces or punctuation differ")
            return Reading(label, _ELSEWHERE[kind])
        if word in ("", *_NO_LABEL):
            return Reading(None, "" if not written.strip() else "it says that there is no label")
        return self._guess(word)

    def _mapped(self, written: str, value: str) -> Label | None:
        category, _, subtype = (part.strip() for part in value.partition("/"))
        if not category:
            return None
        try:
            return self.taxonomy.label(category, subtype or None)
        except UsageError as error:
            raise UsageError(
                f"a mapping must lead to labels of the taxonomy, got {value!r} for {written!r}: {error}"
            ) from error

    def _guess(self, word: str) -> Reading:
        near = self._labels_of([known for known in self._vocabulary if is_one_slip(word, known)])
        if len(near) == 1 and len(word) >= _SHORTEST_SLIP:
            return Reading(near[0], "one typing slip away")
        keyed = {str(one.key): Label(one.name, None, self.taxonomy) for one in self.taxonomy.categories}
        if word in keyed:
            return Reading(keyed[word], "it is that category's key", is_unambiguous=False)
        begun = self._labels_of([known for known in self._vocabulary if known.startswith(word)])
        if len(begun) == 1 and len(word) >= _SHORTEST_BEGINNING:
            return Reading(begun[0], "only that name begins so", is_unambiguous=False)
        close = self._labels_of(get_close_matches(word, list(self._vocabulary), n=3, cutoff=0.7))
        if len(close) == 1:
            return Reading(close[0], "no other name is near", is_unambiguous=False)
        return UNKNOWN

    def _labels_of(self, words: list[str]) -> list[Label]:
        return list(dict.fromkeys(self._vocabulary[word][0] for word in words))

    @cached_property
    def _vocabulary(self) -> Mapping[str, tuple[Label, str, str]]:
        """Label, spelling and kind of every word; a word that could mean two things means neither."""
        found: dict[str, tuple[Label, str, str]] = {}
        doubtful = set()
        for word, meaning in _words(self.taxonomy):
            if found.setdefault(plain(word), meaning)[0] != meaning[0]:
                doubtful.add(plain(word))
        return {word: meaning for word, meaning in found.items() if word not in doubtful or meaning[2] != _JOINT}


def _words(taxonomy: Taxonomy) -> Iterator[tuple[str, tuple[Label, str, str]]]:
    """Names and synonyms, which a taxonomy keeps apart, before their combinations."""
    for category in taxonomy.categories:
        label = Label(category.name, None, taxonomy)
        yield category.name, (label, category.name, _CATEGORY)
        yield from ((word, (label, category.name, _SYNONYM)) for word in category.synonyms)
        for subtype in category.subtypes:
            finer = Label(category.name, subtype.name, taxonomy)
            yield subtype.name, (finer, subtype.name, _SUBTYPE)
            yield from ((word, (finer, subtype.name, _SYNONYM)) for word in subtype.synonyms)
    for category in taxonomy.categories:
        for subtype in category.subtypes:
            joint = (Label(category.name, subtype.name, taxonomy), subtype.name, _JOINT)
            for name, word in product((category.name, *category.synonyms), (subtype.name, *subtype.synonyms)):
                yield f"{name}{word}", joint
                yield f"{word}{name}", joint


def is_one_slip(first: str, second: str) -> bool:
    """Whether one letter more, less or other, or two neighbours swapped, make one word of the other.

    Example:
        >>> is_one_slip("sptial", "spatial"), is_one_slip("obejct", "object"), is_one_slip("count", "context")
        (True, True, False)
    """
    if first == second or abs(len(first) - len(second)) > 1:
        return False
    start = next(
        (i for i, (a, b) in enumerate(zip(first, second, strict=False)) if a != b), min(len(first), len(second))
    )
    rest, other = first[start:], second[start:]
    is_swap = len(rest) > 1 and len(other) > 1 and rest[:2] == other[1::-1] and rest[2:] == other[2:]
    return rest[1:] == other[1:] or rest[1:] == other or rest == other[1:] or is_swap
