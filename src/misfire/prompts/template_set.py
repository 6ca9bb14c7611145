"""Ordered sets of templates, and the choice of a set for a slice of queries."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import final

from typing_extensions import override

from misfire.core.errors import UsageError, name_some
from misfire.core.factory import factory
from misfire.core.yaml_file import read_yaml
from misfire.prompts.template import Template


class TemplateChoice(ABC):
    """Decides which templates a slice of queries is asked with."""

    @abstractmethod
    def for_categories(self, categories: Sequence[str]) -> "TemplateSet":
        """The templates for queries of these failure categories (none known: an empty sequence)."""


@final
@dataclass(frozen=True)
class TemplateSet(TemplateChoice):
    """Templates in order; the same for every query.

    Args:
        name: What tables call it.
        templates: Texts with the placeholder once in each.
        is_oracle: Whether gold labels chose it, so that no deployed system could.
        placeholder: What the texts hold in braces: ``caption``, or ``class`` for a classifier's.

    Raises:
        UsageError: If it is empty, repeats a template, or a template lacks the placeholder.

    Example:
        >>> TemplateSet("two", ("{caption}", "a photo of {caption}")).render("a red star")
        ('a red star', 'a photo of a red star')
    """

    name: str
    templates: Sequence[str]
    is_oracle: bool = False
    placeholder: str = "caption"

    def __post_init__(self) -> None:
        object.__setattr__(self, "templates", tuple(template.text for template in self._checked))
        if not self.templates:
            raise UsageError(
                f"template set {self.name} must hold a template, got none; add one with {{{self.placeholder}}} in it."
            )
        repeated = [text for index, text in enumerate(self.templates) if text in self.templates[:index]]
        if repeated:
            raise UsageError(
                f"template set {self.name} must not repeat a template, got {name_some(repeated)}; drop it."
            )

    def __len__(self) -> int:
        return len(self.templates)

    @cached_property
    def _checked(self) -> tuple[Template, ...]:
        return tuple(Template(text, self.placeholder) for text in self.templates)

    @property
    def is_plain(self) -> bool:
        """Whether it asks with the caption as it is, and with nothing else."""
        return tuple(self.templates) == (f"{{{self.placeholder}}}",)

    def check_asks_about(self, placeholder: str) -> None:
        """Refuse templates of another placeholder: a caption in the place of a class reads well and means nothing.

        Raises:
            UsageError: If these templates have a place for something else.
        """
        if self.placeholder != placeholder:
            raise UsageError(
                f"templates must have a place for a {placeholder} here, {self.name} has one for a {self.placeholder}; "
                f"choose a set with {{{placeholder}}}."
            )

    def render(self, words: str) -> tuple[str, ...]:
        """One prompt a template, in order."""
        return tuple(template.render(words) for template in self._checked)

    def for_query(self, query_id: int) -> "TemplateSet":
        """The templates of one query: the same for every one."""
        return self

    @override
    def for_categories(self, categories: Sequence[str]) -> "TemplateSet":
        return self


@final
@dataclass(frozen=True)
class MatchedTemplates(TemplateChoice):
    """The sets of the categories that the slice was labelled with: an *oracle*, since gold labels choose the text.

    Reference:
        "Failure Taxonomy and Category-Aware Prompt Ensembling for CLIP Retrieval", section 6.2: K = 10 templates for
        one category, 15 for Object and Attribute together.
    """

    sets: Mapping[str, TemplateSet]

    @override
    def for_categories(self, categories: Sequence[str]) -> TemplateSet:
        known = [category for category in categories if category in self.sets]
        if not known:
            raise UsageError(
                f"templates=matched needs a subset with a category out of {', '.join(self.sets)}, got "
                f"{', '.join(categories) or 'none'}; choose such a subset, or templates=generic."
            )
        union = dict.fromkeys(text for category in known for text in self.sets[category].templates)
        return TemplateSet(name="matched", templates=tuple(union), is_oracle=True)


@factory
def template_set_from_file(path: str) -> TemplateSet:
    """Read a template set of one's own: YAML with ``templates``, and ``name`` and ``placeholder`` if they are given.

    Raises:
        UsageError: If the file is missing or is not such YAML; an unknown key is answered with the nearest known one.
    """
    file = Path(path)
    if not file.is_file():
        raise UsageError(f"templates.path must name a YAML file, got {path}; give the path of one that exists.")
    found = read_yaml(file, "a template set")
    if not isinstance(found.content, dict):
        raise UsageError(f"{path} must hold a list of templates, got none; see conf/templates/generic.yaml.")
    # A copy of a shipped set has a target: what it names is not built, the file is read as a template set anyway.
    known = ("name", "placeholder", "_target_")
    content = found.entries(required=("templates",), optional=known, example="conf/templates/generic.yaml")
    if not isinstance(content["templates"], list):
        raise UsageError(f"{path} must hold a list of templates, got none; see conf/templates/generic.yaml.")
    strange = [str(text) for text in content["templates"] if not isinstance(text, str)]
    if strange:
        raise UsageError(
            f"templates in {path} must be texts, got {name_some(strange)}; put quotation marks around each, since YAML "
            "reads braces as a mapping."
        )
    return TemplateSet(
        name=str(content.get("name", file.stem)),
        templates=tuple(content["templates"]),
        placeholder=str(content.get("placeholder", "caption")),
    )
