from dataclasses import replace

from misfire.methods.retrieval.attribution.logged import LoggedAttribution
from misfire.methods.retrieval.attribution.table import attribution_table
from misfire.reporting.table import to_csv, to_markdown
from tests.methods.retrieval.finished import logged
from tests.methods.retrieval.gap.invented_gap import ATTRIBUTION, attribution


def test_each_template_has_its_parts_at_each_cut_off_overall_and_by_category() -> None:
    text = to_markdown(attribution_table(ATTRIBUTION))
    assert "| 10 | see {caption} | +5.00 [4.00, 6.00] | 0.010 | +0.00 [0.00, 0.00] | +5.00 [4.00, 6.00] |" in text
    assert "| 5 | see {caption} | +2.00 [1.00, 3.00] | 0.700 |" in text
    assert "Object (n=30) pp" in text
    assert "Where the gain on object_count comes from: +0.00 pp in hit@5, +4.00 pp in hit@10." in text
    assert "chosen by gold labels" in text


def test_the_csv_keeps_every_digit() -> None:
    header, first, *_ = to_csv(attribution_table(ATTRIBUTION)).splitlines()
    assert header.startswith("k,template,shapley,shapley_low,shapley_high,p_adjusted,leave_one_out,")
    assert first.startswith("5,{caption},-0.02,-0.03,-0.01,0.7,0.0,")


def test_it_says_whether_all_orders_were_counted() -> None:
    assert "Shapley values are exact: all 4 sets of these templates were ranked." in attribution_table(ATTRIBUTION).note
    rows = [replace(row, value=0.00123) if row.group == "order_error" else row for row in ATTRIBUTION.logged.estimates]
    facts = {**ATTRIBUTION.logged.facts, "num_orders": 200, "num_coalitions": 900}
    drawn = LoggedAttribution(logged("attribution", facts, rows))
    assert (
        "estimates from 200 random orders of joining (900 sets of these templates were ranked): standard error at most "
        "0.12 pp at 5 and 0.12 pp at 10, which the intervals over queries don't hold."
    ) in attribution_table(drawn).note


def test_the_plain_caption_is_explained_where_it_is_a_template() -> None:
    note = "{caption} is the plain caption as a template like the others"
    assert note in attribution_table(ATTRIBUTION).note
    without = attribution(templates_asked=["an image of {caption}", "see {caption}"])
    assert note not in attribution_table(without).note
