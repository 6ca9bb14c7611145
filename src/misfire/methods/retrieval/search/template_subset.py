"""Which templates of a set are asked, as axes of a search."""

import re
from dataclasses import dataclass
from typing import final

from misfire.core.errors import UsageError
from misfire.methods.retrieval.search.search_axis import Choice, Setting


@final
@dataclass(frozen=True)
class TemplateSubset:
    """Which templates of a set are asked: the first, the plain caption as a rule, always; each other or not.

    Args:
        name: The set's name: a choice of the group ``templates``.
        templates: Its templates, in order.

    Raises:
        UsageError: If the set has no second template.
    """

    name: str
    templates: tuple[str, ...]

    def __post_init__(self) -> None:
        if len(self.templates) < 2:
            raise UsageError(
                f"a subset of templates needs a set of two or more, got {len(self.templates)} in {self.name}; name "
                "another set."
            )

    @property
    def axes(self) -> tuple[Choice, ...]:
        """One axis a template that may be left out."""
        return tuple(Choice(self._key(number), (True, False)) for number in range(2, len(self.templates) + 1))

    def words(self, setting: Setting) -> list[str]:
        """The group, and the templates that the setting keeps under a name that says which."""
        kept = [1, *(number for number in range(2, len(self.templates) + 1) if setting[self._key(number)])]
        texts = ",".join(quoted(self.templates[number - 1]) for number in kept)
        name = f"{self.name}[{'+'.join(map(str, kept))}]"
        return [f"templates={self.name}", f"templates.templates=[{texts}]", f"templates.name={quoted(name)}"]

    @staticmethod
    def _key(number: int) -> str:
        return f"template {number}"


def quoted(text: str) -> str:
    """A text in single quotes, as Hydra's grammar reads it.

    Example:
        >>> print(quoted("the dog's {caption}"))
        'the dog\\'s {caption}'
    """
    # Backslashes stand for themselves except before a quote, and the closing one is a quote too.
    escaped = re.sub(r"(\\+)(?='|\Z)", r"\1\1", text).replace("'", "\\'")
    return f"'{escaped}'"
