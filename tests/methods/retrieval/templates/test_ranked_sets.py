"""Ranks under chosen sets: each query and set once, as loops rank them."""

import numpy as np
import pytest

import misfire.methods.retrieval.templates.ranked_sets as module
from misfire.cells.lab import Workbench
from misfire.core.errors import UsageError
from misfire.methods.retrieval.templates.ranked_sets import PLAIN_CAPTION, RankedSets
from misfire.prompts import TemplateSet
from misfire.scoring import MeanPooling
from tests.methods.retrieval import invented
from tests.methods.retrieval.brute_force import pooled_scores, ranked

SETS = {
    "count": TemplateSet("count", ("{caption}", "how many: {caption}")),
    "action": TemplateSet("action", ("doing: {caption}", "{caption}, doing", "{caption} at it")),
}
POSITIONS = np.array([9, 2, 20, 4, 11])


def ranked_sets(bench: Workbench) -> RankedSets:
    return RankedSets(bench, POSITIONS, SETS, MeanPooling(), np.array([101, 102, 103, 104, 105]))


def in_loops(bench: Workbench, position: int, name: str) -> int:
    data = bench.dataset
    prompts = invented.plain_text_rows(list(SETS[name].render(data.captions[position].text)))
    return ranked(pooled_scores(prompts, invented.plain_image_rows(data), "mean"), int(data.targets[position])).rank


def test_each_query_has_the_rank_of_the_set_named_for_it(bench: Workbench) -> None:
    chosen = ["count", PLAIN_CAPTION, "action", "count", "action"]
    found = ranked_sets(bench).of(chosen)
    expected = [
        in_loops(bench, position, name) if name else 0 for position, name in zip(POSITIONS, chosen, strict=True)
    ]
    expected[1] = 102  # the plain caption's is what was given
    assert found.tolist() == expected


def test_some_queries_may_be_asked(bench: Workbench) -> None:
    among = np.array([False, True, True, False, True])
    found = ranked_sets(bench).of(["action", PLAIN_CAPTION, "count"], among)
    assert found.tolist() == [in_loops(bench, 2, "action"), 103, in_loops(bench, 11, "count")]


def test_nothing_is_ranked_twice_or_unasked(bench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    original = module.ensemble_ranks

    def counting(prompts, *others):  # type: ignore[no-untyped-def]
        asked.append(len(prompts))
        return original(prompts, *others)

    monkeypatch.setattr(module, "ensemble_ranks", counting)
    ranks = ranked_sets(bench)
    ranks.prepare([["count", "count", "", "", ""], ["count", "action", "", "", ""]])
    assert asked == [2, 1]
    ranks.of(["count", "action", "", "", ""])
    assert asked == [2, 1]
    ranks.of(["action", "", ""], np.array([True, False, False, True, True]))
    assert asked == [2, 1, 1]


def test_unknown_sets_and_too_few_choices_are_refused(bench: Workbench) -> None:
    with pytest.raises(
        UsageError, match=r"asked with one of count, action, got 5 choices, 1 \(shape\) of them unknown"
    ):
        ranked_sets(bench).of(["shape", "", "", "", ""])
    with pytest.raises(UsageError, match=r"each of 5 queries .*, got 1 choices, none of them unknown; choose a set"):
        ranked_sets(bench).prepare([["count"]])
