"""Which proposed readings of a sheet's words are accepted, and which words a team reads in its own way."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from misfire.core.errors import UsageError
from misfire.core.yaml_file import read_yaml
from misfire.failures.taxonomy import plain

_ALL = "all"


@dataclass(frozen=True)
class Acceptance:
    """Confirmations of proposals: every one, or those of some words; and words with a label of the team's choosing.

    ``words`` and the mapping's keys are compared without case, spaces and punctuation. A mapping's value is a category,
    ``category/subtype``, or empty for no label.
    """

    everything: bool = False
    words: frozenset[str] = frozenset()
    mapping: Mapping[str, str] = field(default_factory=dict)

    def confirms(self, word: str) -> bool:
        """Whether a proposal for that word is confirmed."""
        return self.everything or plain(word) in self.words


def acceptance(accept: "Acceptance | Mapping[str, str | None] | Sequence[str] | str | Path") -> Acceptance:
    """Confirmations as people give them: ``all``, words, a mapping, a YAML file of a mapping, or several of these.

    Args:
        accept: ``all``; words (``Objt`` or ``Objt -> Object``); a mapping from word to label; a path that ends in
            ``.yaml`` or ``.yml``.

    Raises:
        UsageError: If a file isn't a mapping from words to labels.

    Example:
        >>> sorted(acceptance(["Atribut -> Attribute", "obj"]).words)
        ['atribut', 'obj']
    """
    if isinstance(accept, Acceptance):
        return accept
    if isinstance(accept, Mapping):
        return Acceptance(mapping={plain(str(word)): str(label or "") for word, label in accept.items()})
    parts = [accept] if isinstance(accept, str | Path) else list(accept)
    everything = False
    words: set[str] = set()
    mapping: dict[str, str] = {}
    for part in parts:
        if str(part).endswith((".yaml", ".yml")):
            mapping.update(acceptance(_mapping_of(Path(part))).mapping)
        elif str(part).strip().lower() == _ALL:
            everything = True
        else:
            words.add(plain(str(part).partition("->")[0]))
    return Acceptance(everything, frozenset(words), mapping)


def _mapping_of(path: Path) -> dict[str, str]:
    content = read_yaml(path, "a mapping of words").content
    if not isinstance(content, dict) or not all(isinstance(label, str | None) for label in content.values()):
        raise UsageError(
            f"a mapping must give each word a label, got {str(content)[:60]!r} in {path}; write `word: label`."
        )
    return {str(word): label or "" for word, label in content.items()}
