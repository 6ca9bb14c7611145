import pytest

from misfire.core.errors import UsageError
from misfire.prompts import RoutedTemplates, TemplateSet

SETS = {
    "count": TemplateSet("count", ("{caption}", "how many: {caption}")),
    "action": TemplateSet("action", ("{caption}", "doing: {caption}")),
}


def test_each_query_is_asked_with_the_set_of_its_route() -> None:
    routed = RoutedTemplates("predicted", SETS, {4: "count", 9: "action"})
    assert routed.for_query(9).render("x") == ("x", "doing: x")
    assert routed.for_query(4).render("x") == ("x", "how many: x")
    assert len(routed) == 2
    assert not routed.is_oracle


def test_a_place_where_the_sets_differ_is_named_by_its_number() -> None:
    assert RoutedTemplates("predicted", SETS, {}).templates == (
        "{caption}",
        "2. template of the predicted category",
    )


def test_sets_of_different_sizes_are_refused() -> None:
    short = TemplateSet("short", ("how many: {caption}",))
    with pytest.raises(UsageError, match=r"must be of one size, got count with 2, short with 1; even them\.$"):
        RoutedTemplates("p", {"count": SETS["count"], "short": short}, {})
    with pytest.raises(UsageError, match="got none"):
        RoutedTemplates("p", {}, {})


def test_a_route_to_no_set_and_a_query_without_a_route_are_refused() -> None:
    with pytest.raises(UsageError, match=r"must name one of count, action, got shape; add its template set\.$"):
        RoutedTemplates("p", SETS, {1: "shape"})
    with pytest.raises(UsageError, match=r"got query 3 without; route it\.$"):
        RoutedTemplates("p", SETS, {1: "count"}).for_query(3)


def test_the_plain_caption_alone_may_stand_beside_sets_of_any_size() -> None:
    plain = TemplateSet("plain", ("{caption}",))
    routed = RoutedTemplates("gated", {"": plain, **SETS}, {1: "", 2: "count"})
    assert (plain.is_plain, SETS["count"].is_plain) == (True, False)
    assert (routed.for_query(1).render("x"), len(routed)) == (("x",), 2)
    assert routed.templates == RoutedTemplates("gated", SETS, {}).templates
    alone = RoutedTemplates("gated", {"": plain}, {1: ""})
    assert (len(alone), alone.templates) == (1, ("{caption}",))
