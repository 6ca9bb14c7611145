"""Routes of captions where it is known which labels a router may see, and what these teach."""

import numpy as np
import pytest

from misfire.cells.lab import Workbench
from misfire.core.errors import UsageError
from misfire.data import Caption, Dataset, Image
from misfire.failures import Failure, FailureSet
from misfire.methods.retrieval.split import dev_queries
from misfire.methods.retrieval.split import test_queries as held_back
from misfire.methods.retrieval.templates.routers import OutOfFoldRouter
from misfire.methods.retrieval.templates.routing import PredictedTemplates
from misfire.prompts import TemplateSet
from tests.methods.retrieval import invented

SETS = {name: TemplateSet(name, ("{caption}", f"{name}: {{caption}}")) for name in ("action", "count")}
TEMPLATES = PredictedTemplates(SETS, OutOfFoldRouter(num_folds=3))
NUM_IMAGES = 24


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Workbench:
    """Every image has a caption that says what is done and one that counts."""
    images = tuple(Image(100 + i, invented.PlainImage((7 * i, 90, 30))) for i in range(NUM_IMAGES))
    captions = tuple(
        Caption(1000 + 10 * i + j, 100 + i, text)
        for i in range(NUM_IMAGES)
        for j, text in enumerate((f"thing {i} is running", f"three of thing {i}"))
    )
    return invented.workbench(tmp_path_factory.mktemp("store"), data=Dataset("told", images, captions))


def true_category(text: str) -> str:
    return "action" if "running" in text else "count"


def contradicting(bench: Workbench, right: np.ndarray) -> FailureSet:
    """All captions as failures; the labels of those at ``right`` are true, all others are the opposite.

    The captions of one image are unlabelled.
    """
    other = {"action": "count", "count": "action"}
    failures = []
    for position, caption in enumerate(bench.dataset.captions):
        known = true_category(caption.text)
        category = (known if position in right else other[known]).capitalize() if caption.image_id != 100 else None
        failures.append(Failure(caption.id, caption.text, caption.image_id, 100, 2, 2, 2, 0.1, 0.2, category))
    num = len(failures)
    fingerprints = (bench.dataset.fingerprint, bench.encoder.fingerprint)
    return FailureSet("told", *fingerprints, "fp32", 0, num, num, tuple(failures), label_source="us")


def test_what_is_fitted_on_dev_routes_test_by_what_dev_teaches(bench: Workbench) -> None:
    dev, test = (split(bench.dataset, dev_share=0.5, seed=1) for split in (dev_queries, held_back))
    failure_set = contradicting(bench, dev.positions)
    for side in (dev, test):
        routes = TEMPLATES.for_positions(
            bench, failure_set, side.positions, learnt_from=side.fitted_on.positions
        ).routes
        asked = [bench.dataset.captions[position] for position in side.positions]
        assert [routes[caption.id] for caption in asked] == [true_category(caption.text) for caption in asked]
    # The labels of test do teach something else where they may be seen, so that the above isn't true of itself.
    routes = TEMPLATES.for_positions(bench, failure_set, test.positions, learnt_from=test.positions).routes
    asked = [bench.dataset.captions[position] for position in test.positions]
    assert not any(routes[caption.id] == true_category(caption.text) for caption in asked if caption.image_id != 100)


def test_without_a_label_on_dev_nothing_is_learnt(bench: Workbench) -> None:
    dev, test = (split(bench.dataset, dev_share=0.5, seed=1) for split in (dev_queries, held_back))
    whole = contradicting(bench, dev.positions)
    on_dev = {bench.dataset.captions[position].id for position in dev.positions}
    labels = {
        failure.query_id: whole.label_taxonomy.label(failure.category)
        for failure in whole.failures
        if failure.category and failure.query_id not in on_dev
    }
    failure_set = whole.relabelled(labels, label_source="us")
    with pytest.raises(UsageError, match="must have annotated failures of two images, got 0 among 0 with a category"):
        TEMPLATES.for_positions(bench, failure_set, test.positions, learnt_from=dev.positions)


def test_all_labels_may_be_seen_where_nothing_is_said(bench: Workbench) -> None:
    everyone = np.arange(len(bench.dataset.captions))
    failure_set = contradicting(bench, everyone)
    routed = TEMPLATES.for_positions(bench, failure_set, everyone)
    assert routed == TEMPLATES.for_positions(bench, failure_set, everyone, learnt_from=everyone)
    assert len(routed.routes) == len(everyone)
