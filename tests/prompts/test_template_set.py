from pathlib import Path

import pytest

from misfire.core.errors import UsageError
from misfire.prompts import MatchedTemplates, TemplateSet, template_set_from_file

GENERIC = ("{caption}", "a photo of {caption}")
SETS = {
    "object": TemplateSet("object", (*GENERIC, "the thing {caption}")),
    "action": TemplateSet("action", (*GENERIC, "doing {caption}")),
}


def test_prompts_stand_in_the_order_of_the_templates() -> None:
    assert SETS["object"].render("x") == ("x", "a photo of x", "the thing x")


def test_matched_templates_are_the_union_without_repeats_and_an_oracle() -> None:
    chosen = MatchedTemplates(SETS).for_categories(["object", "action"])
    assert chosen.templates == (*GENERIC, "the thing {caption}", "doing {caption}")
    assert chosen.is_oracle


def test_a_plain_set_reads_no_labels() -> None:
    assert SETS["object"].for_categories(["action"]) is SETS["object"]
    assert not SETS["object"].is_oracle


def test_matched_templates_refuse_a_subset_without_a_category() -> None:
    with pytest.raises(
        UsageError, match="templates=matched needs a subset with a category out of object, action, got none"
    ):
        MatchedTemplates(SETS).for_categories([])


@pytest.mark.parametrize(
    ("templates", "sentence"),
    [((), "must hold a template, got none"), (("{caption}",) * 2, "must not repeat a template")],
)
def test_an_unusable_set_is_refused(templates: tuple[str, ...], sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        TemplateSet("mine", templates)


def test_a_set_of_ones_own_is_read_from_yaml(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text('name: mine\ntemplates: ["{caption}", "look: {caption}"]\n', encoding="utf-8")
    assert template_set_from_file(str(path)).render("x") == ("x", "look: x")


def test_a_missing_or_strange_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"templates\.path must name a YAML file, got nowhere.yaml"):
        template_set_from_file("nowhere.yaml")
    (tmp_path / "strange.yaml").write_text("[1, 2]", encoding="utf-8")
    with pytest.raises(UsageError, match="must hold a list of templates, got none"):
        template_set_from_file(str(tmp_path / "strange.yaml"))


def test_a_template_without_quotation_marks_in_its_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("templates:\n  - {caption}\n  - 'a photo of {caption}'\n  - 3\n")
    with pytest.raises(UsageError, match=r"mine.yaml must be texts, got 2 \(\{'caption': None\}, 3\); put quotation"):
        template_set_from_file(str(path))


CLASSES = TemplateSet("photos", ("a photo of a {class}.", "{class}"), placeholder="class")


def test_templates_of_classes_are_rendered_and_told_from_those_of_captions() -> None:
    assert CLASSES.render("star") == ("a photo of a star.", "star")
    CLASSES.check_asks_about("class")
    with pytest.raises(UsageError) as caught:
        CLASSES.check_asks_about("caption")
    assert str(caught.value) == (
        "templates must have a place for a caption here, photos has one for a class; choose a set with {caption}."
    )
    with pytest.raises(UsageError, match=r"a template must hold \{class\} exactly once, got 'a \{caption\}'"):
        TemplateSet("photos", ("a {caption}",), placeholder="class")
    assert TemplateSet("bare", ("{class}",), placeholder="class").is_plain
    assert not TemplateSet("bare", ("{caption}", "x {caption}")).is_plain


def test_a_file_of_templates_is_strict(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"

    def refusal(text: str) -> str:
        path.write_text(text, encoding="utf-8")
        with pytest.raises(UsageError) as caught:
            template_set_from_file(str(path))
        return str(caught.value).replace(str(tmp_path), "")

    assert refusal("templates: ['{caption}']\nplaceholdr: class\n") == (
        "a template set may have the keys templates, name, placeholder, _target_, got 'placeholdr' in /mine.yaml, "
        "line 2 (did you mean placeholder?); rename or drop it; see conf/templates/generic.yaml."
    )
    assert "'templates' on lines 1 and 2 of /mine.yaml" in refusal("templates: []\ntemplates: ['{caption}']\n")
    path.write_text("placeholder: class\ntemplates: ['a {class}']\n", encoding="utf-8")
    assert template_set_from_file(str(path)).render("cat") == ("a cat",)
