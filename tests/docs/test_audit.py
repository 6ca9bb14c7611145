"""The guide to audits: its files are read, its commands run, and its numbers are those of the published table."""

import re
from pathlib import Path

import pytest

from misfire.methods.retrieval.audit.published_counts import read_published_counts
from misfire.methods.retrieval.audit.support import Support, audit
from misfire.stats import exact_paired_distribution, mcnemar
from tests.docs.guides import Guide, run
from tests.published import write_table_1

GUIDE = Guide("audit")


def test_commands_run_on_the_files_that_are_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for kind in ("csv", "json"):
        (tmp_path / f"counts.{kind}").write_text(GUIDE.blocks(kind)[-1], encoding="utf-8")
    for command in GUIDE.commands:
        run(command)
    # Each file has a folder of its own, though both are called counts.
    written = sorted(path.parent.name for path in (tmp_path / "report").glob("*/audit.html"))
    assert written == ["audit_counts.csv", "audit_counts.json"]
    assert "`report/audit_counts.csv/`" in GUIDE.text


def test_what_it_says_of_the_published_table_is_so(tmp_path: Path) -> None:
    audited = audit(read_published_counts(write_table_1(tmp_path / "table.json")))
    assert [one.support for one in audited] == [Support.NOT_SHOWN] * 24
    rows = {
        (one.counts.num_queries, f"{one.counts.baseline_hits} to {one.counts.ensembled_hits}"): one for one in audited
    }
    told = re.findall(
        r"^\| .*? \| (\d+) \| (\d+ to \d+) \| \+([\d.]+) \| ([\d.]+) \| ([\d.]+) \| ([\d.]+) \|$", GUIDE.text, re.M
    )
    assert len(told) == 3
    for number, hits, *values in told:
        one = rows[int(number), hits]
        found = (100 * one.counts.gain, one.best.p_exact, one.worst.p_exact, one.best.p_adjusted)
        assert [float(value) for value in values] == pytest.approx(found, abs=0.005)
    named = {(int(number), hits) for number, hits, *_ in told}
    others = [
        one
        for one in audited
        if (one.counts.num_queries, f"{one.counts.baseline_hits} to {one.counts.ensembled_hits}") not in named
    ]
    assert len(others) == 18
    assert max(one.counts.gain for one in others) == pytest.approx(0.0417, abs=1e-4)
    assert min(one.best.p_exact for one in others) == 0.25
    assert min(one.worst.p_exact for one in others) == pytest.approx(0.807, abs=5e-4)
    limits = {one.counts.num_queries: (one.least_gain, one.detectable_gain) for one in audited}
    for number, least, detectable in ((24, 25, 30.9), (87, 6.9, 8.9), (62, 9.7, 12.5)):
        assert [100 * value for value in limits[number]] == pytest.approx([least, detectable], abs=0.05)


def test_the_splits_that_it_reads_off_the_published_bootstrap() -> None:
    assert exact_paired_distribution(5, 0, 24).p_positive == pytest.approx(0.99633, abs=5e-6)
    assert exact_paired_distribution(6, 1, 24).p_positive == pytest.approx(0.97070, abs=5e-6)
    assert mcnemar(6, 1).p_exact == 0.125
