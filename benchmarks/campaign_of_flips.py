"""Flip single bits in the artifacts of finished cells, and count how many are read as if nothing had happened.

A small cell of retrieval is made in a folder of its own. Each flip changes one bit of one of its artifacts, opens the
store anew, reads all that a report or a command reads of the cell, and puts the bit back. Every flip must be found: by
the read, which must raise IntegrityError, and by the question whether the cell is finished, which must be answered no.
It ends with exit code 1 if a flip was read without a word.

Usage: python -m benchmarks.campaign_of_flips [--flips 1500] [--seed 0]
"""

import argparse
import os
import random
import sys
import tempfile
from collections import Counter
from pathlib import Path

from misfire.cli import main as misfire
from misfire.core.errors import IntegrityError
from misfire.tracking import MlflowLedger

COMMAND = (
    "ensemble",
    "pooling=max",
    "subset=failures",
    "templates=generic",
    "dataset.num_images=60",
    "num_failures=20",
    "complement.num_queries=50",
    "statistics.num_replicates=200",
    "trainer=cpu",
    "tracking.experiment=ensemble",
)


def main() -> None:
    parser = argparse.ArgumentParser(formatter_class=argparse.RawDescriptionHelpFormatter, description=__doc__)
    parser.add_argument("--flips", type=int, default=1500)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    rng, counts, by_file = random.Random(asked.seed), Counter[str](), Counter[str]()
    with tempfile.TemporaryDirectory() as name:
        os.chdir(name)
        if misfire(COMMAND) != 0:
            sys.exit("the cell itself failed")
        paths = sorted(path for path in Path("mlruns/artifacts").rglob("*") if path.is_file())
        sizes = [path.stat().st_size for path in paths]
        for number in range(asked.flips):
            # Half of them by file, so that small ones have their share, and half by byte.
            path = rng.choice(paths) if number % 2 else rng.choices(paths, sizes)[0]
            content = path.read_bytes()
            place, bit = rng.randrange(len(content)), 1 << rng.randrange(8)
            path.write_bytes(content[:place] + bytes([content[place] ^ bit]) + content[place + 1 :])
            told = what_is_read()
            path.write_bytes(content)
            counts[told] += 1
            by_file[path.name] += 1
            if told != "found":
                print(f"bit {bit:#04x} of byte {place} of {path.name}: {told}", flush=True)
        whole = what_is_read()
    print(f"| flips in {', '.join(f'{name} {count}' for name, count in sorted(by_file.items()))} | {asked.flips} |")
    for told, count in sorted(counts.items()):
        print(f"| {told} | {count} |")
    print(f"| all bits put back | {whole} |")
    sys.exit(0 if counts == {"found": asked.flips} and whole == "read, and finished" else 1)


def what_is_read() -> str:
    """``found`` if a damage is told both by a read and by the question whether the cell is finished."""
    root = Path("mlruns").resolve()
    ledger = MlflowLedger(f"sqlite:///{root}/mlflow.db", str(root / "artifacts"), str(root / "locks"), "ensemble")
    (cell,) = ledger.load("ensemble")
    is_finished = bool(ledger.finished({cell.id}))
    try:
        _ = cell.facts, cell.estimates, cell.records, cell.config, cell.read("replicates.npz")
    except IntegrityError:
        return "read with an error, but finished" if is_finished else "found"
    return "read, and finished" if is_finished else "read, though not finished"


if __name__ == "__main__":
    main()
