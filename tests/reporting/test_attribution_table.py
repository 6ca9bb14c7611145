from misfire.reporting.attribution_table import attribution_table
from misfire.reporting.table import to_markdown
from tests.reporting.invented_gap import ATTRIBUTION


def test_each_template_has_its_parts_overall_and_by_category() -> None:
    text = to_markdown(attribution_table(ATTRIBUTION))
    assert "| a photo of {caption} | +5.00 [4.00, 6.00] | 0.010 | +0.00 [0.00, 0.00] | +5.00 [4.00, 6.00] |" in text
    assert "Object (n=30) pp" in text
    assert "chosen by gold labels" in text
    assert "helps: 'a photo of {caption}' (sign-flip tests by image, corrected for 2 templates)" in text
