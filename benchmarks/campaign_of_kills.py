"""Kill a small grid again and again, issue it once more, and see whether it ends as if nobody had disturbed it.

Each try starts in an empty folder; a share of the kills (SIGKILL) is aimed at the first second of the store's life, the
others fall anywhere in the command's. Afterwards the same command is issued once more, which must end with 0; then
artifacts of cells, embeddings, failure sets and the report's tables must be equal to the byte to those of a run that
was let alone, every cell must have one finished run and no other, and the store must find itself whole.

Processes are forked from one that has imported everything, so that a try takes seconds. It ends with exit code 1 if a
try doesn't end as it must.

Usage: python -m benchmarks.campaign_of_kills [--kills 60] [--early 20] [--seed 0] [--one-cell] [--seconds 500]
"""

import argparse
import contextlib
import importlib
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

from misfire.cli import main as misfire
from misfire.core.hashing import sha256_bytes, sha256_file

GRID = ("-m", "pooling=max,mean")
ONE_CELL = ("pooling=max",)
WORDS = (
    "subset=failures",
    "templates=generic",
    "dataset.num_images=60",
    "num_failures=20",
    "complement.num_queries=50",
    "statistics.num_replicates=200",
    "trainer=cpu",
    "trainer.num_workers=0",
)
EARLY, ANYWHERE = "in the store's first second", "anywhere"


def main() -> None:
    parser = argparse.ArgumentParser(formatter_class=argparse.RawDescriptionHelpFormatter, description=__doc__)
    parser.add_argument("--kills", type=int, default=60)
    parser.add_argument("--early", type=int, default=20, help="how many of them in the store's first second")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--one-cell", action="store_true", help="one cell and no report instead of a grid of two")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="begin no further try after so long")
    asked = parser.parse_args()
    words = ("ensemble", *(ONE_CELL if asked.one_cell else GRID), *WORDS)
    import_everything()
    rng, begin = random.Random(asked.seed), time.monotonic()
    kinds = [EARLY] * asked.early + [ANYWHERE] * (asked.kills - asked.early)
    rng.shuffle(kinds)
    counts: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as name:
        start = time.monotonic()
        code = ended(begun(words, Path(name) / "alone"))
        duration, alone = time.monotonic() - start, state(Path(name) / "alone")
        print(f"undisturbed: {duration:.1f} s, exit code {code}, {len(alone)} files to be equal", flush=True)
        for number, kind in enumerate(kinds, start=1):
            if time.monotonic() - begin > asked.seconds:
                break
            folder = Path(name) / f"try_{number}"
            told = one_try(words, folder, kind, alone, wait=rng.random() * (1 if kind == EARLY else duration))
            counts[f"{kind}: {told.partition(':')[0]}"] += 1
            if told != "equal":
                print(f"{number} {kind}: {told}", flush=True)
            shutil.rmtree(folder)
    for told, count in sorted(counts.items()):
        print(f"| kills {told} | {count} |")
    sys.exit(0 if counts and all(told.endswith(": equal") for told in counts) else 1)


def import_everything() -> None:
    """What a command imports on its way, so that forked processes needn't."""
    for name in (
        "lightning_fabric",
        "matplotlib.pyplot",
        "mlflow",
        "open_clip",
        "misfire.embeddings.loop",
        "misfire.methods.retrieval.ensemble.report_part",
        "misfire.tracking",
    ):
        importlib.import_module(name)


def begun(words: Sequence[str], folder: Path) -> int:
    """Start the command in a folder; its process id."""
    folder.mkdir(exist_ok=True)
    process = os.fork()
    if process:
        return process
    code = 99
    try:
        os.setpgid(0, 0)
        os.chdir(folder)
        log = os.open("log.txt", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(log, 1)
        os.dup2(log, 2)
        sys.stdout, sys.stderr = os.fdopen(1, "w", buffering=1), os.fdopen(2, "w", buffering=1)
        import torch

        torch.set_num_threads(1)
        code = misfire(words)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def ended(process: int) -> int:
    """The exit code of a process, minus the signal that ended it."""
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])


def one_try(words: Sequence[str], folder: Path, kind: str, alone: dict[str, str], *, wait: float) -> str:
    """``equal``, or what is wrong and a word on it."""
    process = begun(words, folder)
    if kind == EARLY:
        until(lambda: any("db" in path.name for path in folder.glob("mlruns/*")) or is_over(process))
    deadline = time.monotonic() + wait
    until(lambda: time.monotonic() > deadline or is_over(process))
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process, signal.SIGKILL)
    ended(process)
    code = ended(begun(words, folder))
    if code != 0:
        return f"exit code {code}: {(folder / 'log.txt').read_text()[-600:]}"
    found = state(folder)
    if found != alone:
        apart = sorted(name for name in found.keys() | alone.keys() if found.get(name) != alone.get(name))
        return f"not equal: {', '.join(apart[:5])}"
    return "equal"


def until(is_so: Callable[[], bool]) -> None:
    while not is_so():
        time.sleep(0.002)


def is_over(process: int) -> bool:
    """Whether a process has ended; it is left to be waited for."""
    return os.waitid(os.P_PID, process, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def state(folder: Path) -> dict[str, str]:
    """Checksums of all that must not depend on a kill, by a name that doesn't depend on chance."""
    from mlflow import MlflowClient

    from misfire.tracking import MlflowLedger
    from misfire.tracking.ledger import CELL_ID

    root = folder / "mlruns"
    ledger = MlflowLedger(f"sqlite:///{root}/mlflow.db", str(root / "artifacts"), str(root / "locks"), "ensemble")
    found = {"check": "ok" if "finished cell" in ledger.check() else ledger.check()}
    client: MlflowClient = ledger.client
    runs = client.search_runs([ledger.experiment_id])
    found["runs"] = str(sorted((run.data.tags.get(CELL_ID, "summary"), run.info.status) for run in runs))
    for run in runs:
        if CELL_ID not in run.data.tags:
            continue
        told = sorted([*run.data.params.items(), *((name, str(value)) for name, value in run.data.metrics.items())])
        found[f"{run.data.tags[CELL_ID]} as told"] = sha256_bytes(str(told).encode())
        artifacts = root / "artifacts" / "ensemble" / run.info.run_id / "artifacts"
        for path in sorted(artifacts.rglob("*")):
            if path.is_file():
                found[f"{run.data.tags[CELL_ID]}/{path.relative_to(artifacts)}"] = sha256_file(path)
    for part, pattern in ((root / "embeddings", "*"), (root / "failures", "*"), (folder / "report", "*.csv")):
        for path in sorted(part.rglob(pattern)):
            if path.is_file() and path.suffix not in (".lock",) and path.name != "lock":
                found[f"{path.relative_to(folder)}"] = sha256_file(path)
    return found


if __name__ == "__main__":
    main()
