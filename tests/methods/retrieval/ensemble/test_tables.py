from collections.abc import Callable

import pytest

from misfire.cells import Flips
from misfire.core.errors import UsageError
from misfire.core.words import percentage_points
from misfire.failures.category_report import taxonomy_table
from misfire.methods.retrieval.ensemble.logged import LoggedEnsemble
from misfire.methods.retrieval.ensemble.tables import bootstrap_table, improvement_table
from misfire.reporting.table import Table
from tests.methods.retrieval.finished import changed, cut_off, ensemble
from tests.published import TABLE_2, table_1

MakeRow = Callable[..., LoggedEnsemble]


def printed(table: Table) -> list[dict[str, str]]:
    headers = [column.full_header for column in table.printed_columns]
    return [dict(zip(headers, [c.text for c in row], strict=True)) for block in table.blocks() for row in block]


def test_published_counts_give_the_published_table_1(paper_rows: list[LoggedEnsemble]) -> None:
    lines = printed(improvement_table(paper_rows[::-1]))
    expected = table_1()
    assert len(lines) == len(expected) == 12
    for line, paper in zip(lines, expected, strict=True):
        assert line["Subset"].lower() == paper["subset"]
        assert line["n"] == str(paper["n"])
        assert f"({paper['num_templates']})" in line["Templates"]
        assert line["Pooling"].startswith(paper["pooling"])
        for k in (5, 10):
            at_k = paper[f"recall_at_{k}"]
            assert line[f"hit@{k}: Base"] == f"{at_k['baseline']:.2f}"
            assert line[f"hit@{k}: Imp."] == f"{at_k['ensembled']:.2f}"
            assert line[f"hit@{k}: Δ"] == f"{at_k['delta_pp']:+.2f}"


def test_published_bootstraps_print_as_the_published_table_2(make_row: MakeRow) -> None:
    rows = []
    for pooling in ("max", "mean", "logmeanexp"):
        stored = []
        for k in (1, 5, 10):
            mean, low, high, p_positive = TABLE_2[pooling, k]
            stored.append(cut_off(k, mean=mean / 100, low=low / 100, high=high / 100, p_positive=p_positive))
        rows.append(ensemble(*stored, pooling=pooling, tau=1.0 if pooling == "logmeanexp" else None))
    lines = printed(bootstrap_table(rows))
    assert [line["hit@10: Interval"] for line in lines] == ["[0.00, 41.67]", "[8.23, 37.50]", "[8.23, 37.50]"]
    assert [line["hit@5: Mean Δ"] for line in lines] == ["4.28", "0.00", "0.00"]
    assert [line["hit@10: P(Δ>0)"] for line in lines] == ["0.968", "0.997", "0.997"]
    assert [line["hit@1: Interval"] for line in lines] == ["[0.00, 12.50]"] * 3


def test_a_gain_stands_beside_what_it_costs_elsewhere(make_row: MakeRow) -> None:
    """24 queries gain 5 hits; outside, 499 are fixed and 540 broken: 36 hits fewer among 25,014 queries."""
    table = improvement_table([make_row()])
    (line,) = printed(table)
    assert "sample" not in table.note
    assert line["hit@10: Δ"] == "+20.83"
    assert [line[f"outside, hit@10: {name}"] for name in ("n", "Fixed", "Broken", "Net")] == [
        "24,990",
        "499",
        "540",
        "-41",
    ]
    assert line["all, hit@10: Δ"] == "-0.14"


def test_without_an_outside_its_change_is_undefined_not_zero(make_row: MakeRow) -> None:
    table = improvement_table([make_row(subset="all", complement_num_queries=0)])
    (line,) = printed(table)
    assert [line[f"outside, hit@10: {name}"] for name in ("n", "Fixed", "Broken", "Net")] == ["0", "–", "–", "–"]  # noqa: RUF001


def test_a_sampled_outside_says_so_and_its_net_is_the_cells_own(make_row: MakeRow) -> None:
    row = changed(make_row(complement_num_queries=2000), num_others=24_990)
    table = improvement_table([row])
    (line,) = printed(table)
    assert (line["outside, hit@10: n"], line["all, hit@10: Δ"]) == (
        "2,000",
        percentage_points(row.at("all/net", 10).value),
    )
    assert "The queries outside are a random sample." in table.note


def test_a_net_of_others_that_were_not_asked_is_not_printed() -> None:
    table = improvement_table([ensemble(cut_off(10, others=Flips(0, 0, 0, 0)))])
    assert "all, hit@10: Δ" not in printed(table)[0]
    assert "last column" not in table.note


def test_side_effects_are_at_the_largest_k_where_ten_is_not_measured(make_row: MakeRow) -> None:
    table = improvement_table([make_row(before={1: 0, 5: 8}, after={1: 1, 5: 9})])
    assert "outside, hit@5: Net" in printed(table)[0]


def test_a_k_that_a_cell_did_not_measure_is_undefined(make_row: MakeRow) -> None:
    rows = [make_row(), make_row(pooling="mean", before={1: 0}, after={1: 2})]
    first, second = printed(improvement_table(rows))
    assert (first["hit@5: Imp."], second["hit@5: Imp."], second["hit@5: Δ"]) == ("37.50", "–", "–")  # noqa: RUF001
    assert printed(bootstrap_table(rows))[1]["hit@5: Interval"] == "–"  # noqa: RUF001


def test_gold_labels_wear_a_mark_that_is_explained(make_row: MakeRow) -> None:
    oracle, method = improvement_table([make_row()]), improvement_table([make_row(is_oracle=False)])
    assert printed(oracle)[0]["Templates"] == "action (10) †"
    assert "† marks an oracle" in oracle.note
    assert printed(method)[0]["Templates"] == "action (10)"
    assert "†" not in method.note


def test_a_table_names_the_cells_it_was_made_from(make_row: MakeRow) -> None:
    row = changed(make_row(), cell_id="0123456789abcdef" * 4, url="http://127.0.0.1:5000/#/run")
    for table in (improvement_table([row]), bootstrap_table([row])):
        assert table.origin == "Made from the records of 1 cell: 0123456789ab."
        assert table.sources[0].run_url == "http://127.0.0.1:5000/#/run"


def test_what_varies_between_the_cells_is_printed(make_row: MakeRow) -> None:
    same, varied = improvement_table([make_row()]), improvement_table([make_row(), make_row(backbone="ViT-L-14")])
    assert "Backbone" not in printed(same)[0]
    assert [line["Backbone"] for line in printed(varied)] == ["ViT-B-32", "ViT-L-14"]
    assert "Dataset" not in printed(varied)[0]


def test_taxonomy_shares_of_the_paper(taxonomy: dict[str, int]) -> None:
    lines = printed(taxonomy_table(taxonomy))
    assert [line["Category"] for line in lines][:2] == ["Ambiguous", "Object"]
    assert [line["Share (%)"] for line in lines] == ["31.90", "29.52", "11.90", "11.43", "7.62", "7.14", "0.48"]
    assert lines[0]["95 % interval"] == "[25.97, 38.49]"


def test_nothing_to_print_is_refused_with_its_remedy() -> None:
    for table in (improvement_table, bootstrap_table):
        with pytest.raises(UsageError, match=r"at least one finished cell, got none; run the sweep first"):
            table([])
    with pytest.raises(UsageError, match=r"must hold annotated failures, got {}; run misfire agree first"):
        taxonomy_table({})


def test_what_was_left_out_of_the_data_is_said_once(make_row: MakeRow) -> None:
    note = "2 of 283 images were skipped (a.jpg: missing, b.jpg: truncated)."
    rows = [changed(make_row(pooling=name), dataset_notes=[note]) for name in ("max", "mean")]
    assert improvement_table(rows).note.count(f"coco_val2017: {note}") == 1
    assert "skipped" not in improvement_table([make_row()]).note
