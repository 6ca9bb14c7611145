"""The guide to the oracle gap: its commands run, on a small world, and it names what there is."""

import re

import pytest

from misfire.methods.retrieval.templates.routers import LexicalRouter, OutOfFoldRouter, ZeroShotRouter
from misfire.tracking import MlflowLedger
from tests.docs.guides import ROOT, Guide, run, small

GUIDE = Guide("oracle_gap")


@pytest.mark.usefixtures("own_folder")
def test_the_guides_commands_run(capsys: pytest.CaptureFixture[str]) -> None:
    for command in GUIDE.commands:
        run(command, *small(command))
    printed = capsys.readouterr().out
    (table,) = re.findall(r"^\| row \| how templates are chosen \|.*?\n\n", GUIDE.text, re.M | re.S)
    named = [row.split("|")[1].strip() for row in table.splitlines()[2:] if row]
    assert named == ["none", "same for all", "oracle", "predicted", "gated"]
    for name in named:
        assert re.search(rf"^ *1  +{name}\b", printed, re.M), name
    ledger = MlflowLedger(
        uri="sqlite:///mlruns/mlflow.db",
        artifact_root="mlruns/artifacts",
        lock_folder="mlruns/locks",
        experiment="any",
    )
    (name,) = [name for name in ledger.experiments() if name.startswith("ensemble-")]
    ledger = ledger.for_experiment(name)
    asked = {(cell.facts["subset"], cell.facts["templates"]) for cell in ledger.load("ensemble")}
    assert asked == {
        ("object", "predicted"),
        *(("failures", name) for name in ("caption_only", "generic", "predicted", "gated", "gated_words")),
        ("all", "gated_generic"),
    }


def test_the_guide_names_every_router_and_choice() -> None:
    for router in (ZeroShotRouter, LexicalRouter, OutOfFoldRouter):
        assert f"predicted ({router.label})" in GUIDE.text
    for path in (ROOT / "conf" / "templates").glob("*.yaml"):
        if path.stem.startswith(("predicted", "gated")):
            assert f"`{path.stem}`" in GUIDE.text or f"templates={path.stem}`" in GUIDE.text, path.stem


def test_the_guides_numbers_add_up() -> None:
    rows = re.findall(
        r"^\| ([^|]*?) \| \d+ % \| (\d+) \| (\d+) \| ([+-][\d.]+)(?: \[.*?\])? \| ([+-][\d.]+)", GUIDE.text, re.M
    )
    assert len(rows) == 9
    (oracle,) = [float(net) for name, _, _, net, _ in rows if name == "oracle †"]
    for name, fixed, broken, net, behind in rows:
        # 13,750 queries fail and 200 of them were asked, 2,000 of the other 11,250.
        expected = (13750 * int(fixed) / 200 - 11250 * int(broken) / 2000) / 25000
        assert float(net) == pytest.approx(100 * expected, abs=0.006), name
        assert float(behind) == pytest.approx(oracle - float(net), abs=0.011), name
