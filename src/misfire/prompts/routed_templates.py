"""Templates that differ from query to query: each is asked with the set that its route names."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import final

from misfire.core.errors import UsageError
from misfire.prompts.template_set import TemplateSet


@final
@dataclass(frozen=True)
class RoutedTemplates:
    """A template set a query, out of some sets of one size; the plain caption alone may stand beside them.

    Args:
        name: What tables call it.
        sets: Template sets by the name of their route.
        routes: Which set each query is asked with, by query id.
        is_oracle: Whether gold labels made the routes, so that no deployed system could.

    Raises:
        UsageError: If there is no set, those that aren't the plain caption alone differ in size, or a route names none.

    Example:
        >>> sets = {"count": TemplateSet("count", ("{caption}", "how many: {caption}")),
        ...         "action": TemplateSet("action", ("{caption}", "doing: {caption}"))}
        >>> routed = RoutedTemplates("predicted", sets, {7: "count"})
        >>> routed.for_query(7).render("two stars")
        ('two stars', 'how many: two stars')
    """

    name: str
    sets: Mapping[str, TemplateSet]
    routes: Mapping[int, str]
    is_oracle: bool = False

    def __post_init__(self) -> None:
        sizes = {name: len(chosen) for name, chosen in self._wrapping.items()}
        if len(set(sizes.values())) != 1:
            listed = ", ".join(f"{name} with {size}" for name, size in sizes.items()) or "none"
            raise UsageError(f"template sets that queries are routed to must be of one size, got {listed}; even them.")
        strange = sorted(set(self.routes.values()) - self.sets.keys())
        if strange:
            raise UsageError(
                f"a route must name one of {', '.join(self.sets)}, got {', '.join(strange)}; add its template set."
            )

    def __len__(self) -> int:
        return len(next(iter(self._wrapping.values())))

    @cached_property
    def _wrapping(self) -> Mapping[str, TemplateSet]:
        """The sets but for the plain caption alone; that one where there is no other."""
        others = {name: chosen for name, chosen in self.sets.items() if not chosen.is_plain}
        return others or self.sets

    @cached_property
    def templates(self) -> Sequence[str]:
        """What stands at each place: the template that all sets share, or a label for those that differ.

        Queries that are asked with the plain caption alone have it at each place.
        """
        columns = zip(*(chosen.templates for chosen in self._wrapping.values()), strict=True)
        return tuple(
            column[0] if len(set(column)) == 1 else f"{place}. template of the {self.name} category"
            for place, column in enumerate(columns, start=1)
        )

    def for_query(self, query_id: int) -> TemplateSet:
        """The templates of one query.

        Raises:
            UsageError: If it has no route.
        """
        if query_id not in self.routes:
            raise UsageError(f"a query must have a route to a template set, got query {query_id} without; route it.")
        return self.sets[self.routes[query_id]]
