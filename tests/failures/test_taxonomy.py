import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from misfire.core.errors import UsageError
from misfire.failures import AMBIGUOUS, Label, load_taxonomy
from misfire.failures.taxonomy import taxonomy_from

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


def test_ours_says_what_to_do_within_ten_seconds_and_gives_every_name_a_key() -> None:
    taxonomy = load_taxonomy()
    assert "ten seconds" in taxonomy.ten_second_rule
    assert all(re.fullmatch("#[0-9A-F]{6}", category.colour) for category in taxonomy.categories)
    assert [subtype.key for subtype in taxonomy.category(AMBIGUOUS).subtypes] == ["q", "w"]
    assert "missing_info" in taxonomy.category(AMBIGUOUS).subtype("underspecified").synonyms


def team() -> dict[str, Any]:
    """The least that a team has to write."""
    return {"categories": [{"name": "Style", "definition": "It is drawn."}, {"name": "Rest", "definition": "Other."}]}


def written(folder: Path, content: Any) -> Path:
    path = folder / "team.yaml"
    path.write_text(content if isinstance(content, str) else yaml.safe_dump(content), encoding="utf-8")
    return path


def test_a_team_brings_its_own(tmp_path: Path) -> None:
    taxonomy = load_taxonomy(written(tmp_path, team()))
    assert taxonomy.names == ("Style", "Rest")
    assert [category.key for category in taxonomy.categories] == [1, 2]
    assert taxonomy.label("rest").category == "Rest"
    with pytest.raises(UsageError, match="no category of the taxonomy has subtypes, got 'drawn' beside Style"):
        taxonomy.label("style", "drawn")
    assert taxonomy_from(taxonomy.content()) == taxonomy


def test_the_file_in_the_package_is_an_example_of_the_shape() -> None:
    path = Path(__file__).parents[2] / "src/misfire/failures/taxonomy.yaml"
    assert load_taxonomy(path) == load_taxonomy()
    assert load_taxonomy(path).digest == load_taxonomy().digest


def changed(**entries: Any) -> dict[str, Any]:
    content = team()
    content["categories"][1] |= entries
    return content


BAD_FILES: list[tuple[Any, str]] = [
    ("categories: [", r"a taxonomy must be YAML, got .*team.yaml, line 1: "),
    ("[1, 2]", r"taxonomy .*team.yaml must be a mapping, got \[1, 2\]"),
    ("rule: x\nrule: y\n", r"a key of a taxonomy must stand once, got 'rule' on lines 1 and 2 of .*team.yaml"),
    ({"rule": "x"}, r"must have categories, got none named 1 \(categories\)"),
    ({"categories": team()["categories"][:1]}, "must have at least two categories, got 1"),
    (changed(name="STYLE "), "name of category 2 of taxonomy .* must be a text without spaces around it, got 'STYLE '"),
    (changed(name="style"), r"the names and synonyms of a taxonomy must differ .*, got 1 \(style\) more than once"),
    (changed(synonyms=["S-tyle"]), r"team.yaml: the names and synonyms .* got 1 \(style\) more than once"),
    (changed(name="--"), "must have a letter or a digit"),
    (changed(key=1), r"the keys of a taxonomy must differ from each other, got 1 \(1\)"),
    (changed(key=10), "key of category 2 of .* must be a digit from 1 to 9 or a small letter, got 10"),
    (changed(name=False), "must be a text without spaces around it, got False"),
    (changed(definition=None), "definition of category 2 of .* must be a text, got None"),
    (changed(is_actionable="no"), "must be true or false, got 'no'"),
    (changed(color="red"), r"category 2 of .* may have name, .*, got 1 \(color\) besides \(did you mean colour\?\)"),
    (changed(colour="red"), "must be a colour such as '#0072B2', got 'red'"),
    (changed(subtypes=[{"name": "a"}]), r"subtype 1 of category 2 of .* got none named 1 \(definition\)"),
    (changed(examples=[{"caption": "a"}]), "example 1 of category 2 of .* must have caption and target and"),
]


@pytest.mark.parametrize(("content", "message"), BAD_FILES)
def test_a_file_that_is_no_taxonomy_is_refused(tmp_path: Path, content: Any, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        load_taxonomy(written(tmp_path, content))


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"must be a readable YAML file, got .*absent.yaml"):
        load_taxonomy(tmp_path / "absent.yaml")
