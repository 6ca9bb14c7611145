"""One sweep shared by several processes: the same command in N terminals, against one of them alone.

Every side starts in a store of its own, each process with one thread. With --filled, stores already hold the embeddings
and the mined failures, so that nothing but cells is left to share; they come from FOLDER, which is filled if it isn't
there. With --kill, one of the N is killed (SIGKILL) after its first cell. It stops with exit code 1 unless each cell
was run once and every artifact but the configuration, which names the folder, is equal to the byte.

Usage: python benchmarks/benchmark_sharing.py [--processes 4] [--images 1000] [--filled [FOLDER]] [--kill] [KEY=VALUE]
"""

import argparse
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from misfire.cells.logged import ESTIMATES_FILE, HEADER_FILE, RECORDS_FILE
from misfire.config.settings import Settings
from misfire.tracking.ledger import CELL_ID

ONE_THREAD = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "MKL", "OPENBLAS", "NUMEXPR")}
COMPARED = (HEADER_FILE, ESTIMATES_FILE, RECORDS_FILE)


@dataclass
class Terminal:
    """One process of a shared sweep, and what it has said so far."""

    process: subprocess.Popen[str]
    lines: list[str] = field(default_factory=list)
    has_run_one: threading.Event = field(default_factory=threading.Event)

    def listen(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line.rstrip())
            if line.strip().startswith("done "):
                self.has_run_one.set()

    @property
    def num_run(self) -> int:
        return sum(line.strip().startswith("done ") for line in self.lines)


def main() -> None:
    parser = argparse.ArgumentParser(formatter_class=argparse.RawDescriptionHelpFormatter, description=__doc__)
    parser.add_argument("--processes", type=int, default=4)
    parser.add_argument("--images", type=int, default=1000, help="size of the bundled world")
    parser.add_argument("--sweep", default="tau")
    parser.add_argument(
        "--filled", nargs="?", const="", metavar="FOLDER", help="start from stores that hold embeddings and failures"
    )
    parser.add_argument("--kill", action="store_true", help="kill one of the processes after its first cell")
    parser.add_argument("words", nargs="*", help="further words for both sides, such as complement.num_queries=all")
    asked = parser.parse_args()
    words = [f"dataset.num_images={asked.images}", *asked.words]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        filled = Path(asked.filled).resolve() if asked.filled else folder / "filling"
        if asked.filled is not None and not filled.exists():
            run(filled, asked.sweep, words, processes=1)
        roots = {count: folder / f"by_{count}" for count in (1, asked.processes)}
        for root in roots.values():
            for part in ("embeddings", "failures") if asked.filled is not None else ():
                shutil.copytree(filled / part, root / part)
        alone, _ = run(roots[1], asked.sweep, words, processes=1)
        shared, told = run(roots[asked.processes], asked.sweep, words, processes=asked.processes, kill=asked.kill)
        found = {count: finished(root, asked.sweep, words) for count, root in roots.items()}
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; sweep {asked.sweep}, {' '.join(words)}")
    print(f"| one process | {alone:.1f} s |")
    killed = ", one of them killed" if asked.kill else ""
    print(f"| {asked.processes} processes{killed} | {shared:.1f} s |")
    print(f"| ratio | {shared / alone:.2f} |")
    print(f"| cells run by each process | {', '.join(map(str, told))} |")
    sys.exit(verdict(*found.values(), num_run=sum(told), may_differ=asked.kill))


def run(root: Path, sweep: str, words: list[str], *, processes: int, kill: bool = False) -> tuple[float, list[int]]:
    """Seconds until the last of the processes has ended, and how many cells each of them says that it ran."""
    command = [sys.executable, "-u", "-m", "misfire", "sweep", sweep, f"paths.root={root}"]
    start = time.perf_counter()
    terminals = [
        Terminal(
            subprocess.Popen(
                [*command, f"paths.report={root}_report", *words],
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                env=os.environ | ONE_THREAD,
                cwd=root.parent,
            )
        )
        for number in range(processes)
    ]
    listeners = [threading.Thread(target=terminal.listen) for terminal in terminals]
    for listener in listeners:
        listener.start()
    if kill:
        victim = terminals[0]
        victim.has_run_one.wait()
        victim.process.send_signal(signal.SIGKILL)
    for terminal, listener in zip(terminals, listeners, strict=True):
        code = terminal.process.wait()
        listener.join()
        if code != 0 and not (kill and terminal is terminals[0]):
            sys.exit(f"a process ended with {code}:\n" + "\n".join(terminal.lines[-20:]))
    return time.perf_counter() - start, [terminal.num_run for terminal in terminals]


def finished(root: Path, sweep: str, words: list[str]) -> list[tuple[str, tuple[bytes, ...]]]:
    """Id and artifacts of each finished cell; one that has two finished runs stands twice."""
    ledger = Settings.of_words("ensemble", [f"paths.root={root}", f"tracking.experiment={sweep}", *words])["tracking"]
    tags = [run.data.tags for run in ledger.runs("attributes.status = 'FINISHED'")]
    times = Counter(found[CELL_ID] for found in tags if CELL_ID in found)
    return [
        (cell.id, tuple(cell.read(name) for name in COMPARED)) for cell in ledger.load() for _ in range(times[cell.id])
    ]


def verdict(
    alone: list[tuple[str, tuple[bytes, ...]]],
    shared: list[tuple[str, tuple[bytes, ...]]],
    *,
    num_run: int,
    may_differ: bool,
) -> int:
    """Say what isn't as it must be; the exit code."""
    wrong = []
    if sorted(alone) != sorted(shared):
        wrong.append("the cells of both sides aren't equal to the byte, each once")
    # A process that is killed may have finished one more cell than it could say.
    if num_run != len(alone) and not (may_differ and num_run == len(alone) - 1):
        wrong.append(f"{len(alone)} cells were run {num_run} times")
    print(f"| {len(alone)} cells, each once and equal to the byte | {'no: ' + '; '.join(wrong) if wrong else 'yes'} |")
    return 1 if wrong else 0


if __name__ == "__main__":
    main()
