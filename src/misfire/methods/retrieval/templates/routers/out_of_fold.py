"""A small classifier of captions, trained on annotated failures of other images than the caption's own."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, final

import numpy as np
from jaxtyping import Int
from typing_extensions import override

from misfire.core.counts import check_seed
from misfire.core.errors import UsageError
from misfire.core.seeding import generator
from misfire.methods.retrieval.templates.routers.base import CategoryRouter
from misfire.methods.retrieval.templates.routing_problem import Annotated, RoutingProblem


@final
@dataclass(frozen=True)
class OutOfFoldRouter(CategoryRouter):
    """TF-IDF of words and pairs of words, and a logistic regression with balanced classes.

    The images of the annotated failures are dealt into folds. A caption of one of these images is routed by the model
    that was trained without its fold, any other caption by the model trained on all annotated failures. So no label of
    a caption's image, its own or another caption's, reaches its route.

    Args:
        num_folds: Into how many folds the images are dealt, >= 2.
        seed: Of the dealing.
        inverse_penalty: scikit-learn's ``C``, > 0: larger fits the annotated failures closer.

    Raises:
        UsageError: If a setting is out of range; on routing, if there are fewer than two annotated images.
    """

    num_folds: int = 5
    seed: int = 42
    inverse_penalty: float = 1.0
    label: ClassVar[str] = "out-of-fold classifier"
    needs_labels: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if self.num_folds < 2:
            raise UsageError(f"num_folds must be an integer >= 2, got {self.num_folds}; 5 is usual.")
        check_seed(seed=self.seed)
        if not self.inverse_penalty > 0:
            raise UsageError(f"inverse_penalty must be > 0, got {self.inverse_penalty}; 1.0 is usual.")

    @override
    def route(self, problem: RoutingProblem) -> tuple[str, ...]:
        annotated = problem.annotated
        fold_of_image = image_folds(annotated.captions.images, num_folds=self.num_folds, seed=self.seed)
        if len(fold_of_image) < 2:
            raise UsageError(
                f"a router that learns must have annotated failures of two images, got {len(fold_of_image)} among "
                f"{len(annotated)} with a category; annotate more, or use the zero-shot router."
            )
        own = np.array([fold_of_image[image] for image in annotated.captions.images.tolist()])
        asked = np.array([fold_of_image.get(image, -1) for image in problem.captions.images.tolist()], dtype=np.int64)
        routes = np.empty(len(asked), dtype=object)
        for fold in np.unique(asked).tolist():
            here = asked == fold
            routes[here] = self._predict(annotated.where(own != fold), problem.captions.where(here).texts)
        return tuple(routes.tolist())

    def _predict(self, known: Annotated, texts: Sequence[str]) -> list[str]:
        if len(set(known.categories)) == 1:  # nothing to tell apart
            return [known.categories[0]] * len(texts)
        return [str(name) for name in self._classifier().fit(known.captions.texts, known.categories).predict(texts)]

    def _classifier(self) -> Any:
        from sklearn.feature_extraction.text import TfidfVectorizer
        from sklearn.linear_model import LogisticRegression
        from sklearn.pipeline import make_pipeline

        return make_pipeline(
            TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, token_pattern=r"(?u)\b\w+\b"),
            LogisticRegression(C=self.inverse_penalty, class_weight="balanced", max_iter=1000),
        )


def image_folds(images: Int[np.ndarray, " caption"], *, num_folds: int, seed: int) -> dict[int, int]:
    """The fold of each image, as even as can be; captions of an image share it.

    Args:
        images: Image of each caption.
        num_folds: How many folds, as far as there are images.
        seed: Of the dealing.

    Example:
        >>> sorted(image_folds(np.array([7, 7, 9]), num_folds=5, seed=0).values())
        [0, 1]
    """
    distinct = np.unique(images)
    order = generator(seed, "router folds").permutation(len(distinct))
    return {int(distinct[place]): fold % num_folds for fold, place in enumerate(order)}
