"""The category whose description stands nearest to the caption in the model's own text space."""

from dataclasses import dataclass
from typing import ClassVar, final

import torch
from typing_extensions import override

from misfire.failures import Category
from misfire.methods.retrieval.templates.routers.base import CategoryRouter
from misfire.methods.retrieval.templates.routing_problem import RoutingProblem


@final
@dataclass(frozen=True)
class ZeroShotRouter(CategoryRouter):
    """Cosine of the caption with each category, which is the mean of what the taxonomy shows of its captions.

    These are the captions of a category's examples; a category without any is described by its definition. Of equals,
    the category that stands first. No label is read at all.
    """

    label: ClassVar[str] = "zero-shot"

    @override
    def route(self, problem: RoutingProblem) -> tuple[str, ...]:
        names = list(problem.categories)
        described = [_description(problem.categories[name]) for name in names]
        rows = problem.embed([text for texts in described for text in texts])
        centres = torch.stack([part.mean(dim=0) for part in torch.split(rows, [len(texts) for texts in described])])
        scores = problem.embed(problem.captions.texts) @ torch.nn.functional.normalize(centres, dim=-1).T
        return tuple(names[place] for place in scores.argmax(dim=1).tolist())


def _description(category: Category) -> list[str]:
    return [example.caption for example in category.examples] or [category.definition]
