"""The oracle gap and the gate as a user issues them, against cells that are run one by one."""

import re
from pathlib import Path

import pandas as pd
import pytest

from misfire.cli import main
from misfire.methods.retrieval.ensemble.logged import LoggedEnsemble
from misfire.methods.retrieval.gap.logged import LoggedGap, LoggedSystem
from tests.end_to_end.conftest import Place

pytestmark = [pytest.mark.end_to_end, pytest.mark.usefixtures("undrawn")]

GAP = ("gap", "pooling=mean")
ROUTERS = ("zero-shot", "word cues", "out-of-fold classifier")


@pytest.fixture(scope="module")
def measured(filled: Place) -> Place:
    """A place whose experiment holds a gap."""
    place = Place(filled.folder, filled.backbone, filled.failure_set_name)
    assert place.misfire(*GAP) == 0
    return place


@pytest.fixture(scope="module")
def gap(measured: Place) -> LoggedGap:
    return LoggedGap(*measured.store().load("gap"))


@pytest.fixture(scope="module")
def records(measured: Place) -> pd.DataFrame:
    (logged,) = measured.store().load("gap")
    return logged.records


def number(gap: LoggedGap, name: str) -> int:
    return int(gap.logged.facts[name])


def ranks_of(records: pd.DataFrame, system: LoggedSystem) -> pd.Series:
    return records[f"rank {system.kind} {system.router}".strip()]


def test_it_is_measured_once_and_told_twice(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    assert place.misfire(*GAP) == 0
    first = capsys.readouterr().out
    (logged,) = place.store().load("gap")
    assert place.misfire(*GAP) == 0
    assert capsys.readouterr().out == first
    assert [one.key for one in place.cells()] == [logged.key]
    assert place.misfire(*GAP[:1], "pooling=max") == 0
    assert len(place.cells()) == 2


def test_every_system_stands_in_the_table_with_its_counts(
    measured: Place, gap: LoggedGap, capsys: pytest.CaptureFixture[str]
) -> None:
    assert measured.misfire(*GAP) == 0
    printed = capsys.readouterr().out
    expected = [
        "none",
        "same for all",
        "oracle",
        *(f"{kind} ({one})" for kind in ("predicted", "gated") for one in ROUTERS),
    ]
    assert [system.label for system in gap.systems] == expected
    for system in gap.systems:
        told = [line for line in printed.splitlines() if system.label in line and "pp" not in line.split()[:1]]
        assert len(told) >= 1, system.label
    assert "where gold labels choose the templates and say which queries fail" in printed


def test_its_counts_are_those_of_its_records(gap: LoggedGap, records: pd.DataFrame) -> None:
    parts = {name: (records["part"] == name).to_numpy() for name in ("failures", "others")}
    assert {name: int(chosen.sum()) for name, chosen in parts.items()} == {"failures": 40, "others": 50}
    assert (records["rank none"] > 1).tolist() == parts["failures"].tolist()
    for system in gap.systems:
        after = ranks_of(records, system)
        for k in gap.ks:
            before_hit, after_hit = records["rank none"] <= k, after <= k
            means = {}
            for name, chosen in parts.items():
                flips = system.flips(name, k)
                fixed, broken = (
                    int((a & ~b & chosen).sum()) for a, b in ((after_hit, before_hit), (before_hit, after_hit))
                )
                assert (flips.fixed, flips.broken, flips.num_units) == (fixed, broken, chosen.sum())
                means[name] = after_hit[chosen].mean() - before_hit[chosen].mean()
                assert flips.fixed - flips.broken == pytest.approx(means[name] * chosen.sum())
            net = (
                number(gap, "num_failures") * means["failures"] + number(gap, "num_hits") * means["others"]
            ) / gap.num_queries
            assert system.at("net", k).value == pytest.approx(net)


def test_what_is_gated_is_what_was_predicted_or_nothing(gap: LoggedGap, records: pd.DataFrame) -> None:
    weights = (records["part"] == "failures").map(
        {True: number(gap, "num_failures") / 40, False: number(gap, "num_hits") / 50}
    )
    for router in ROUTERS:
        free, gated = (records[f"templates {kind} {router}"] for kind in ("predicted", "gated"))
        assert ((gated == free) | (gated == "")).all()
        closed = gated == ""
        assert (records[f"rank gated {router}"] == records["rank none"])[closed].all()
        assert (records[f"rank gated {router}"] == records[f"rank predicted {router}"])[~closed].all()
        (system,) = [one for one in gap.systems if (one.kind, one.router) == ("gated", router)]
        assert system.share_applied == pytest.approx(weights[~closed].sum() / weights.sum())


@pytest.mark.parametrize(
    ("templates", "column"),
    [
        ("caption_only", "none"),
        ("generic", "same for all"),
        ("predicted", "predicted zero-shot"),
        ("predicted_words", "predicted word cues"),
        ("predicted_trained", "predicted out-of-fold classifier"),
    ],
)
def test_a_cell_on_its_queries_finds_what_the_gap_found(
    templates: str, column: str, records: pd.DataFrame, place: Place, tmp_path: Path
) -> None:
    (tmp_path / "asked.txt").write_text("\n".join(map(str, records["query_id"])))
    words = ("ensemble", "subset=file", f"subset.path={tmp_path / 'asked.txt'}", f"templates={templates}")
    assert place.misfire(*words, "pooling=mean", f"failure_set={place.failure_set}") == 0
    cell = LoggedEnsemble(*place.store().load("ensemble"))
    found = cell.logged.records.set_index("query_id").loc[records["query_id"]]
    assert found["ensembled_rank"].tolist() == records[f"rank {column}"].tolist()
    assert found["baseline_rank"].tolist() == records["rank none"].tolist()
    assert not cell.is_oracle


def test_cells_of_each_category_find_what_the_oracle_found(gap: LoggedGap, records: pd.DataFrame, place: Place) -> None:
    gold = gap.logged.facts["gold"]
    routed = [name for name in gold if name in ("object", "attribute", "action", "count", "context", "spatial")]
    assert routed
    for name in routed:
        assert place.misfire("ensemble", f"subset={name}", "templates=matched", "pooling=mean") == 0
    cells = [LoggedEnsemble(one) for one in place.store().load("ensemble")]
    oracle = records.set_index("query_id")["rank oracle"]
    assert {cell.subset for cell in cells} == set(routed)
    for k in gap.ks:
        failures, others = (gap.oracle.flips(part, k) for part in ("failures", "others"))
        fixed, broken = (sum(getattr(cell.flips(k), name) for cell in cells) for name in ("fixed", "broken"))
        assert (failures.fixed, failures.broken) == (fixed, broken)
        assert (others.fixed, others.broken) == (0, 0)
    for cell in cells:
        assert cell.is_oracle
        subset = cell.logged.records.query("part == 'subset'")
        assert subset["ensembled_rank"].tolist() == oracle[subset["query_id"]].tolist()


def test_the_run_is_marked_and_its_note_begins_with_what_came_out(measured: Place, gap: LoggedGap) -> None:
    run = measured.store().client.get_run(gap.logged.key)
    assert run.data.tags["misfire.oracle"] == "true"
    assert "oracle gap" in run.info.run_name
    value = 100 * gap.oracle.at("net", 10).value
    assert any(one == pytest.approx(value, abs=1e-4) for one in run.data.metrics.values())


def test_cells_behind_a_gate_are_run_and_reported_like_any_other(place: Place) -> None:
    choices = ("caption_only", "generic", "predicted", "gated")
    assert place.misfire("ensemble", "-m", "subset=failures", f"templates={','.join(choices)}", "pooling=mean") == 0
    for name in ("generic", "gated_generic"):
        assert place.misfire("ensemble", "subset=all", f"templates={name}", "pooling=mean", "ks=[1]") == 0
    found = [LoggedEnsemble(one) for one in place.store().load("ensemble")]
    cells = {(cell.subset, cell.templates): cell for cell in found}
    assert set(cells) == {*(("failures", name) for name in choices), ("all", "generic"), ("all", "gated_generic")}
    for (subset, name), free in ((("failures", "gated"), "predicted"), (("all", "gated_generic"), "generic")):
        cell = cells[subset, name]
        records, ungated = (one.logged.records for one in (cell, cells[subset, free]))
        assert (records["query_id"] == ungated["query_id"]).all()
        closed = records["templates"] == "caption_only"
        assert 0 < closed.sum() < len(records)
        assert (records["ensembled_rank"] == records["baseline_rank"])[closed].all()
        assert (records["ensembled_rank"] == ungated["ensembled_rank"])[~closed].all()
        for part in ("subset", "complement"):
            here = records[records["part"] == part]
            if not len(here):
                continue
            flips = cell.flips(1, "" if part == "subset" else part)
            broken = (here["baseline_rank"] <= 1) & (here["ensembled_rank"] > 1)
            fixed = (here["baseline_rank"] > 1) & (here["ensembled_rank"] <= 1)
            assert (flips.fixed, flips.broken) == (fixed.sum(), broken.sum())
        assert not cell.is_oracle
    nothing = cells["failures", "caption_only"]
    own, elsewhere = nothing.flips(10), nothing.flips(10, "complement")
    assert (own.fixed, own.broken, elsewhere.net) == (0, 0, 0)


def test_a_gate_chooses_by_the_pooling_and_is_found_again(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    words = ("ensemble", "subset=failures", "templates=gated_generic", "pooling=max")
    assert place.misfire(*words) == 0
    first = capsys.readouterr()
    assert re.search(r"^gated_generic: the gate is open for \d+ of 90 queries\.$", first.err, re.MULTILINE)
    assert place.misfire(*words) == 0
    again = capsys.readouterr()
    assert again.out == first.out
    assert "the gate is open" not in again.err  # a finished cell chooses nothing again
    assert len(place.cells()) == 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("gap", "templates=generic"), "misfire gap must be given what it compares, got templates=generic; leave"),
        (("gap", "complement.num_queries=0"), "an oracle gap needs other queries, got complement.num_queries=0; 2000"),
        (("ensemble", "templates=gap"), "templates=gap must be compared as a whole"),
        (("ensemble", "templates=gated", "complement.num_queries=0"), "templates=gated must be tried on other queries"),
        (
            ("ensemble", "templates=gated", "pooling=profile"),
            "same at every tau, got templates=gated, which learn from",
        ),
    ],
)
def test_what_cannot_be_compared_is_refused_and_nothing_logged(
    words: tuple[str, ...], said: str, place: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    own = [] if words[0] == "gap" else ["subset=failures"]
    asked = [word for word in place.words_of(*words) if not word.startswith("complement")]
    complement = [] if any(word.startswith("complement") for word in words) else ["complement.num_queries=50"]
    assert main([words[0], *own, *asked, *complement, *words[1:]]) == 2
    assert said in capsys.readouterr().err
    assert place.cells() == []


def test_a_search_refuses_what_its_test_queries_would_teach(
    place: Place, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "gates.yaml").write_text(
        "title: t\nquestion: q\ndecision_rule: d\nk: 10\nobjectives: [gain]\nwalk: grid\nnum_trials: 2\n"
        "fixed: {subset: failures, pooling: mean}\nspace: {templates: [generic, gated]}\n"
    )
    assert place.misfire("search", str(tmp_path / "gates.yaml")) == 2
    assert "a search must ask templates that learn from no hits, got templates=gated, which" in capsys.readouterr().err
