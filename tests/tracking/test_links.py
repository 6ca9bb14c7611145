import json
from urllib.parse import parse_qs, unquote, urlparse

from misfire.tracking import compare_link, sorted_link


def test_a_link_says_what_the_page_reads() -> None:
    fragment = urlparse(sorted_link("7", "t2i/hit_at_10/delta_pp")).fragment
    query = parse_qs(fragment.partition("?")[2])
    assert query == {"orderByKey": ["metrics.`t2i/hit_at_10/delta_pp`"], "orderByAsc": ["false"]}


def test_a_comparison_names_its_runs() -> None:
    query = parse_qs(unquote(compare_link("7", ["x", "y"])).partition("?")[2])
    assert json.loads(query["runs"][0]) == ["x", "y"]
    assert json.loads(query["experiments"][0]) == ["7"]
