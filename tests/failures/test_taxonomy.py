import re

import pytest

from misfire.core.errors import UsageError
from misfire.failures import AMBIGUOUS, Label, load_taxonomy

# Section 5.2 of the paper, in its order.
PUBLISHED = ("Ambiguous", "Object", "Attribute", "Action", "Count", "Context", "Spatial")


def test_categories_are_the_published_ones_with_keys_from_one() -> None:
    taxonomy = load_taxonomy()
    assert taxonomy.names == PUBLISHED
    assert [category.key for category in taxonomy.categories] == [1, 2, 3, 4, 5, 6, 7]
    assert [category.name for category in taxonomy.categories if not category.is_actionable] == [AMBIGUOUS]


def test_every_category_tells_an_annotator_what_to_do() -> None:
    for category in load_taxonomy().categories:
        assert category.definition
        assert category.use_when
        assert category.avoid_when
        assert len(category.examples) >= 2
        assert all(example.caption and example.target and example.why for example in category.examples)


def test_only_ambiguous_has_subtypes() -> None:
    subtypes = {c.name: [s.name for s in c.subtypes] for c in load_taxonomy().categories if c.subtypes}
    assert subtypes == {"Ambiguous": ["underspecified", "near_duplicate"]}


@pytest.mark.parametrize("name", ["object", "Object", "OBJECT"])
def test_a_category_is_found_in_any_case(name: str) -> None:
    assert load_taxonomy().category(name).name == "Object"
    assert Label(name).category == "Object"


def test_an_unknown_category_is_refused_with_what_was_meant() -> None:
    message = "'Atribute' is not a category: did you mean Attribute? Known are " + ", ".join(PUBLISHED) + "."
    with pytest.raises(UsageError, match=re.escape(message)):
        Label("Atribute")
    with pytest.raises(UsageError, match=re.escape("'zzz' is not a category: known are Ambiguous, Object")):
        load_taxonomy().category("zzz")


def test_an_unknown_subtype_is_refused() -> None:
    with pytest.raises(UsageError, match="'near-duplicate' is not a subtype of Ambiguous: did you mean near_duplicate"):
        Label("Ambiguous", "near-duplicate")


def test_a_subtype_beside_an_actionable_category_is_refused() -> None:
    with pytest.raises(UsageError, match="only an Ambiguous failure has a subtype, got 'underspecified' beside Count"):
        Label("Count", "underspecified")
