"""Sets of candidate sentences: from a file, from class names, the general-purpose one; and what is wrong with them."""

import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import final

import numpy as np
from jaxtyping import Bool, Float

from misfire.core.errors import UsageError, name_some
from misfire.core.hashing import sha256_json
from misfire.core.yaml_file import YamlFile, read_yaml
from misfire.methods.modes.scored_images import unit

GENERAL = Path(__file__).parent / "general_sentences.yaml"
"""The general-purpose set that comes with misfire."""

_EXAMPLE = "general_sentences.yaml of misfire.methods.modes"
_PAIRS_IN_A_BLOCK = 1024
_ENGLISH = frozenset(["a", "an", "the", "of", "with", "and", "is", "are", "by", "from", "without"])
_NOT_ENGLISH = frozenset(
    [
        *("ein", "eine", "einem", "einer", "der", "das", "und", "mit", "auf", "ist", "von", "ohne"),  # German
        *("un", "une", "le", "les", "des", "avec", "dans", "est"),  # French
        *("una", "el", "los", "las", "con", "del", "sin", "uno", "il", "gli", "nel", "della"),  # Spanish, Italian
        *("een", "het", "met", "op", "van"),  # Dutch
    ]
)


@final
@dataclass(frozen=True)
class SentenceSet:
    """Sentences that may say why a model fails, and where they come from.

    Args:
        name: What tables call the set.
        texts: The sentences, each once.
        families: What kind of sentence each is: ``place``, ``light``; one name for all where kinds aren't told apart.
        provenance: Who or what wrote them, in words.
        language: Language of the sentences, as a code such as ``en``; empty where nobody says.

    Raises:
        UsageError: If there is no sentence, one is empty or stands twice, or families don't fit them.

    Example:
        >>> chosen = SentenceSet("mine", ("An image of a cat", "An image at night"), ("object", "light"), "by hand")
        >>> len(chosen), chosen.families[1]
        (2, 'light')
    """

    name: str
    texts: tuple[str, ...]
    families: tuple[str, ...]
    provenance: str
    language: str = "en"

    def __post_init__(self) -> None:
        empty = [place + 1 for place, text in enumerate(self.texts) if not text.strip()]
        if not self.texts or empty:
            got = f"empty ones at {name_some(empty)}" if empty else "none"
            raise UsageError(f"sentence set {self.name} must hold sentences, got {got}; write or drop them.")
        again = sorted({text for text in self.texts if self.texts.count(text) > 1})
        if again:
            raise UsageError(f"sentence set {self.name} must hold each sentence once, got {name_some(again)} again.")
        if len(self.families) != len(self.texts):
            raise UsageError(
                f"sentence set {self.name} needs a family for each of its {len(self.texts)} sentences, got "
                f"{len(self.families)}; name one for each."
            )
        if not self.provenance.strip():
            raise UsageError(f"sentence set {self.name} must say where it comes from, got nothing; name the author.")

    def __len__(self) -> int:
        return len(self.texts)

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the sentences in their order; no name, and nothing of where they come from."""
        return sha256_json(list(self.texts))

    def plus(self, other: "SentenceSet") -> "SentenceSet":
        """Both sets, each sentence once."""
        new = [place for place, text in enumerate(other.texts) if text not in set(self.texts)]
        return SentenceSet(
            f"{self.name} and {other.name}",
            (*self.texts, *(other.texts[place] for place in new)),
            (*self.families, *(other.families[place] for place in new)),
            f"{self.provenance} {other.provenance}",
            self.language,
        )


def read_sentence_set(path: Path) -> SentenceSet:
    """A set from YAML, with its provenance, or from a text file with a sentence a line.

    The YAML states ``name``, ``provenance``, optionally ``language``, and ``groups``, each with a ``family``, a
    ``template`` with ``{}`` for a word, and ``words``. A text file is named by its path, which is its provenance; empty
    lines and lines that begin with ``#`` are passed over.

    Raises:
        UsageError: If the file can't be read, or isn't a set; file and line are named.
    """
    if path.suffix.lower() in (".yaml", ".yml"):
        return _from_yaml(read_yaml(path, "a sentence set"))
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it isn't UTF-8"
        raise UsageError(
            f"a sentence set must be a readable file in UTF-8, got {path} ({reason}); mend or name it."
        ) from error
    texts = [line.strip() for line in lines if line.strip() and not line.lstrip().startswith("#")]
    return SentenceSet(path.stem, tuple(texts), ("sentence",) * len(texts), f"Read from {path.name}.", "")


def general_sentences() -> SentenceSet:
    """The general-purpose set: objects, places, light, weather, viewpoint, quality and more, a few hundred sentences.

    Example:
        >>> "An image taken at night" in general_sentences().texts
        True
    """
    return read_sentence_set(GENERAL)


def sentences_of_classes(class_names: Sequence[str], *, template: str = "An image of {}") -> SentenceSet:
    """A sentence a class, from the classes' names: what ground truth gives.

    Raises:
        UsageError: If the template has no single place for a name, or a name stands twice.

    Example:
        >>> sentences_of_classes(["a cat"]).texts
        ('An image of a cat',)
    """
    texts = tuple(_filled(template, name, "the template of class sentences") for name in class_names)
    return SentenceSet("class names", texts, ("class",) * len(texts), "From the names of the classes.")


@final
@dataclass(frozen=True)
class SentenceFinding:
    """A fault of a sentence set.

    Attributes:
        fault: ``duplicate``, ``near duplicate``, ``too long``, ``cut off`` or ``other language``.
        sentences: The sentences that have it together: two for a duplicate.
        detail: The fault in words.
    """

    fault: str
    sentences: tuple[str, ...]
    detail: str

    def __str__(self) -> str:
        return f"{' and '.join(map(repr, self.sentences))}: {self.detail}"


def lint_sentences(
    sentences: SentenceSet,
    *,
    embeddings: Float[np.ndarray, "sentence dim"] | None = None,
    most_words: int = 20,
    near: float = 0.98,
    is_truncated: Callable[[Sequence[str]], Bool[np.ndarray, " sentence"]] | None = None,
) -> tuple[SentenceFinding, ...]:
    """Everything that is wrong with a set before it explains anything.

    Sentences that differ in case, marks and blanks alone are duplicates; sentences whose embeddings have a cosine of at
    least ``near`` are near-duplicates, which share a cluster's few places. Each is told once, with the earliest
    sentence that it repeats.

    Args:
        sentences: What to look at.
        embeddings: Embedding of each sentence; without them near-duplicates aren't looked for.
        most_words: Sentences with more words are too long to say one thing.
        near: Cosine from which on sentences are near-duplicates.
        is_truncated: Says which texts a tokenizer cuts off.

    Raises:
        UsageError: If there isn't an embedding a sentence, or a bound is out of its range.
    """
    if most_words < 1 or not -1 <= near <= 1:
        raise UsageError(
            f"most_words must be >= 1 and near a cosine, got {most_words} and {near}; 20 and 0.98 are usual."
        )
    found, first = [], dict[str, str]()
    repeats = set()
    for text in sentences.texts:
        plain = " ".join(re.findall(r"\w+", text.casefold()))
        if plain in first:
            found.append(SentenceFinding("duplicate", (first[plain], text), "the same words; keep one."))
            repeats.add(text)
        first.setdefault(plain, text)
    if embeddings is not None:
        found += _near_duplicates(sentences, embeddings, near, repeats)
    for text in sentences.texts:
        if (count := len(text.split())) > most_words:
            found.append(SentenceFinding("too long", (text,), f"{count} words, more than {most_words}; say one thing."))
    if is_truncated is not None:
        for text, is_cut in zip(sentences.texts, is_truncated(sentences.texts), strict=True):
            if is_cut:
                found.append(SentenceFinding("cut off", (text,), "longer than the text encoder reads; shorten it."))
    foreign = foreign_sentences(sentences.texts)
    if foreign:
        detail = (
            f"{len(foreign)} of {len(sentences)} sentences aren't in English, and most backbones read nothing else; "
            "translate them or take a multilingual backbone."
        )
        found.append(SentenceFinding("other language", tuple(foreign[:2]), detail))
    return tuple(found)


def _near_duplicates(
    sentences: SentenceSet, embeddings: Float[np.ndarray, "sentence dim"], near: float, repeats: set[str]
) -> list[SentenceFinding]:
    if len(embeddings) != len(sentences):
        raise UsageError(
            f"there must be an embedding a sentence, got {len(embeddings)} for {len(sentences)}; encode the set again."
        )
    points, found = unit(embeddings), []
    for start in range(0, len(points), _PAIRS_IN_A_BLOCK):
        cosines = points[start : start + _PAIRS_IN_A_BLOCK] @ points.T
        for row, values in enumerate(cosines):
            text, earlier = sentences.texts[start + row], values[: start + row]
            if len(earlier) and (best := int(earlier.argmax())) >= 0 and earlier[best] >= near and text not in repeats:
                detail = f"embeddings with a cosine of {earlier[best]:.3f}; a cluster would name both for one thing."
                found.append(SentenceFinding("near duplicate", (sentences.texts[best], text), detail))
    return found


def foreign_sentences(texts: Sequence[str]) -> list[str]:
    """Those that are seen not to be English: by their letters, or by small words that English doesn't have.

    Example:
        >>> foreign_sentences(["Ein Bild mit einer Katze", "An image of a cat", "red ball", "\u043d\u043e\u0447\u044c"])
        ['Ein Bild mit einer Katze', '\u043d\u043e\u0447\u044c']
    """
    words = [set(re.findall(r"\w+", text.casefold())) for text in texts]
    return [
        text
        for text, said in zip(texts, words, strict=True)
        if not _is_latin(text) or (said & _NOT_ENGLISH and not said & _ENGLISH)
    ]


def _is_latin(text: str) -> bool:
    """Whether at least half of the letters are Latin."""
    letters = [sign for sign in text if sign.isalpha()]
    return 2 * sum("LATIN" in unicodedata.name(sign, "") for sign in letters) >= len(letters)


def _from_yaml(file: YamlFile) -> SentenceSet:
    top = file.entries(required=("name", "provenance", "groups"), optional=("language",), example=_EXAMPLE)
    if not isinstance(top["groups"], list):
        raise UsageError(f"groups of a sentence set must be a list, got something else in {file.where('groups')}.")
    texts: list[str] = []
    families: list[str] = []
    for place in range(len(top["groups"])):
        group = file.entries("groups", place, required=("family", "template", "words"), example=_EXAMPLE)
        words = group["words"]
        if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
            raise UsageError(
                "words of a group must be a list of texts, got something else in "
                f"{file.where('groups', place, 'words')}; put words that YAML reads as something else in quotes."
            )
        where = f"the template in {file.where('groups', place, 'template')}"
        texts += [_filled(str(group["template"]), word, where) for word in words]
        families += [str(group["family"])] * len(words)
    return SentenceSet(
        str(top["name"]), tuple(texts), tuple(families), str(top["provenance"]), str(top.get("language", "en"))
    )


def _filled(template: str, word: str, what: str) -> str:
    if template.count("{}") != 1:
        raise UsageError(f"{what} must have one {{}} for a word, got {template!r}; write one.")
    return template.replace("{}", word)
