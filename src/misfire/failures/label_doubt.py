"""What the labels of each failure say about its true category, as kept beside a labelled failure set."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from misfire.core.errors import UsageError, name_some
from misfire.core.hashing import sha256_bytes

_SLACK = 1e-9


@dataclass(frozen=True)
class LabelDoubt:
    """Probability of each category being a query's true one, given what annotators called it.

    Args:
        categories: What the probabilities are of, in order.
        probability: A distribution over the categories for each query that anybody labelled, by query id.

    Raises:
        UsageError: If there is no query, or something isn't a distribution over the categories.

    Example:
        >>> doubt = LabelDoubt(("Object", "Attribute"), {7: (0.9, 0.1), 3: (0.0, 1.0)})
        >>> list(doubt.probability), doubt.of(7, ["Attribute"]), doubt.of(7, ["Attribute", "Object"])
        ([3, 7], 0.1, 1.0)
    """

    categories: tuple[str, ...]
    probability: Mapping[int, tuple[float, ...]]

    def __post_init__(self) -> None:
        object.__setattr__(self, "categories", tuple(self.categories))
        ordered = {query_id: tuple(map(float, self.probability[query_id])) for query_id in sorted(self.probability)}
        object.__setattr__(self, "probability", ordered)
        strange = [query_id for query_id, row in ordered.items() if not _is_distribution(row, len(self.categories))]
        if strange or not ordered:
            raise UsageError(
                f"label doubt must hold a distribution over {len(self.categories)} categories a query, got "
                f"{name_some(strange) if ordered else 'no query'}"
                f"{' by query id that have none' if ordered else ''}; make it from the annotators' labels."
            )

    def of(self, query_id: int, categories: Sequence[str]) -> float:
        """Probability that the true category of a query is one of some; 0 for a query that nobody labelled.

        Raises:
            UsageError: If a category isn't among those that the probabilities are of.
        """
        unknown = sorted(set(categories) - set(self.categories))
        if unknown:
            raise UsageError(
                f"label doubt is about {', '.join(self.categories)}, got {', '.join(unknown)}; name one of these."
            )
        row = dict(zip(self.categories, self.probability.get(query_id, (0.0,) * len(self.categories)), strict=True))
        # Parts of 1 may add up to a little more than it.
        return min(1.0, sum(row[name] for name in dict.fromkeys(categories)))

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the content."""
        return sha256_bytes(self.to_bytes())

    def to_bytes(self) -> bytes:
        """The file's content: JSON with every digit."""
        rows = ",\n".join(f'  "{query_id}": {json.dumps(row)}' for query_id, row in self.probability.items())
        listed = json.dumps(self.categories, ensure_ascii=False)
        return f'{{"categories": {listed},\n "probability": {{\n{rows}\n}}}}\n'.encode()

    @classmethod
    def from_bytes(cls, data: bytes) -> "LabelDoubt":
        """Read what ``to_bytes`` wrote."""
        content: Mapping[str, Any] = json.loads(data)
        rows = {int(query_id): tuple(row) for query_id, row in content["probability"].items()}
        return cls(tuple(content["categories"]), rows)


def _is_distribution(row: tuple[float, ...], size: int) -> bool:
    return len(row) == size and all(0 <= value <= 1 + _SLACK for value in row) and abs(sum(row) - 1) <= _SLACK
